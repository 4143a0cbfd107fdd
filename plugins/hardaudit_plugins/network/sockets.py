"""The sockets of every network namespace and the processes that hold them, read once a run."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit_plugins.network import proc_net
from hardaudit_plugins.processes.process_files import namespace_inode
from hardaudit_plugins.processes.procfs import Missing, ProcessReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.network.proc_net import Socket, SocketFile
    from hardaudit_plugins.processes.procfs import Process

SOCKET_LIMIT = 100_000
"""Sockets with a peer that are kept, and as many without one; more are a gap."""

HOLDER_LIMIT = 300_000
"""Pairs of a socket and a process that are kept; a process that forks shares all of its sockets."""

_RUN_STATE = "network.sockets"
_LINES_BETWEEN_LOOKS = 4096
_PREFIX, _SUFFIX = "socket:[", "]"
NO_PROCESS = -1


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a socket open, and under which descriptor; the highest, where it has several."""

    pid: int
    descriptor: int


@dataclass(slots=True)
class Sockets:
    """What the host's socket lists and processes said.

    `missing` is missing from every table that is made of it, `missing_with_peer` only where sockets with a peer count.
    """

    without_peer: list[Socket] = field(default_factory=list)
    with_peer: list[Socket] = field(default_factory=list)
    holders: dict[int, list[Holder]] = field(default_factory=dict)
    _of_process: dict[int, list[tuple[Socket, Holder]]] = field(default_factory=dict)
    missing: dict[Missing, None] = field(default_factory=dict)
    missing_with_peer: dict[Missing, None] = field(default_factory=dict)

    def add(self, found: Socket, place: str) -> None:
        """Keep a socket, or say that there are too many."""
        kept, missing = (self.without_peer, self.missing) if found.listens else (self.with_peer, self.missing_with_peer)
        if len(kept) < SOCKET_LIMIT:
            kept.append(found)
        else:
            missing[Missing(GapReason.TRUNCATED, f"more than {SOCKET_LIMIT:,} sockets: some of {place} are left out")] = None

    def holders_of(self, found: Socket) -> list[Holder]:
        """The processes that hold a socket, ascending; one with the number -1 stands for none that is known."""
        return self.holders.get(found.inode) or [Holder(NO_PROCESS, NO_PROCESS)]

    def held(self) -> Iterator[tuple[Socket, Holder]]:
        """Each socket with each of its holders."""
        for kept in (self.without_peer, self.with_peer):
            for found in kept:
                for holder in self.holders_of(found):
                    yield found, holder

    def held_by(self, pid: int) -> list[tuple[Socket, Holder]]:
        """The sockets of one process, or those of none with -1."""
        if not self._of_process:
            for found, holder in self.held():
                self._of_process.setdefault(holder.pid, []).append((found, holder))
        return self._of_process.get(pid, [])


def sockets_of_run(context: TableContext) -> Sockets:
    """The sockets, read by the first table of the run that asks."""
    found = context.run_state.get(_RUN_STATE)
    if not isinstance(found, Sockets):
        found = _Survey(context).run()
        context.run_state[_RUN_STATE] = found
    return found


class _Survey:
    """The sockets, namespace by namespace, then who holds them: what a service opens in between is not taken for ownerless."""

    def __init__(self, context: TableContext) -> None:
        self._context = context
        self._reader = ProcessReader(context)
        self._sockets = Sockets()
        self._holders_left = HOLDER_LIMIT

    def run(self) -> Sockets:
        for namespace, pids in self._namespaces().items():
            self._read_namespace(namespace, pids)
        self._find_holders()
        self._sockets.missing.update(dict.fromkeys(self._reader.missing()))
        return self._sockets

    def _namespaces(self) -> dict[str, list[int]]:
        """The network namespaces, and processes in each."""
        found: dict[str, list[int]] = {}
        for pid in self._reader.listing.pids:
            with self._reader.enter(pid) as process:
                namespace = process and namespace_inode(self._reader.link(process, "ns/net"), "net")
            if namespace:
                found.setdefault(namespace, []).append(pid)
        return found

    def _read_namespace(self, namespace: str, pids: list[int]) -> None:
        """Its sockets, through the first of its processes that is still there; when all have ended, so has the namespace."""
        for pid in pids:
            with self._reader.enter(pid) as process, contextlib.ExitStack() as opened:
                files = self._open_files(process, namespace, opened) if process else []
                for socket_file, file in files:
                    self._read_file(socket_file, file, namespace)
            if files:
                return

    def _open_files(self, process: Process, namespace: str, opened: contextlib.ExitStack) -> list[tuple[SocketFile, BinaryIO]]:
        """The namespace's files, all opened before one is read, so that they are of one namespace; none when the process has left it."""
        files = []
        for socket_file in proc_net.FILES:
            file = self._open_file(process, socket_file, namespace)
            if file is not None:
                files.append((socket_file, opened.enter_context(file)))
        return files if self._is_in(process, namespace) else []

    def _open_file(self, process: Process, socket_file: SocketFile, namespace: str) -> BinaryIO | None:
        name = f"net/{socket_file.name}"
        try:
            return process.open(name)
        except OSError as error:
            if gap_reason(error) is not GapReason.MISSING_SOURCE:
                self._reader.refusals.add(error, process.pid, name)
            elif socket_file.essential and self._is_in(process, namespace):
                self._miss(GapReason.MISSING_SOURCE, f"/proc/{process.pid}/{name}: {error.strerror}")
            return None

    def _is_in(self, process: Process, namespace: str) -> bool:
        return namespace_inode(self._reader.link(process, "ns/net"), "net") == namespace

    def _read_file(self, socket_file: SocketFile, file: BinaryIO, namespace: str) -> None:
        place = f"/proc/net/{socket_file.name} of the network namespace {namespace}"
        try:
            for count, found in enumerate(proc_net.parse(file, socket_file, namespace)):
                if count % _LINES_BETWEEN_LOOKS == 0:
                    self._context.check_deadline()
                self._sockets.add(found, place)
        except proc_net.UnreadableLineError as error:
            self._miss(GapReason.UNDECIDABLE, f"{place}: {error}")
        except OSError as error:
            self._miss(gap_reason(error), f"{place}: {error.strerror or error}")

    def _miss(self, reason: GapReason, detail: str) -> None:
        self._sockets.missing[Missing(reason, detail)] = None

    def _find_holders(self) -> None:
        wanted = {found.inode for kept in (self._sockets.without_peer, self._sockets.with_peer) for found in kept}
        for pid in self._reader.listing.pids:
            with self._reader.enter(pid) as process:
                if process is not None:
                    self._note_holder(pid, self._held_by(process, wanted))

    def _held_by(self, process: Process, wanted: set[int]) -> dict[int, int]:
        """The wanted sockets that a process has open, and the highest descriptor of each."""
        held: dict[int, int] = {}
        for descriptor, link in self._reader.descriptors(process):
            if link.startswith(_PREFIX):
                inode = int(link[len(_PREFIX) : -len(_SUFFIX)])
                if inode in wanted:
                    held[inode] = max(descriptor, held.get(inode, 0))
        return held

    def _note_holder(self, pid: int, held: dict[int, int]) -> None:
        for inode, descriptor in held.items():
            if self._holders_left == 0:
                self._miss(GapReason.TRUNCATED, f"more than {HOLDER_LIMIT:,} sockets of processes: who else holds them is left out")
                return
            self._holders_left -= 1
            self._sockets.holders.setdefault(inode, []).append(Holder(pid, descriptor))
