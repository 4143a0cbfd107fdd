"""The sockets of every network namespace and the processes that hold them, read once a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit_plugins.network import proc_net
from hardaudit_plugins.processes.process_files import namespace_inode
from hardaudit_plugins.processes.procfs import ProcessReader, all_pids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.network.proc_net import Socket, SocketFile

SOCKET_LIMIT = 100_000
"""Sockets with a peer that are kept, and as many without one; more are a gap."""

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
    """What the host's socket lists and processes said. `gaps` hold for every table made of it, `peer_gaps` only where sockets with a peer count."""

    without_peer: list[Socket] = field(default_factory=list)
    with_peer: list[Socket] = field(default_factory=list)
    holders: dict[int, list[Holder]] = field(default_factory=dict)
    gaps: dict[tuple[GapReason, str], None] = field(default_factory=dict)
    peer_gaps: dict[tuple[GapReason, str], None] = field(default_factory=dict)

    def add(self, found: Socket, place: str) -> None:
        """Keep a socket, or say that there are too many."""
        kept, gaps = (self.without_peer, self.gaps) if found.listens else (self.with_peer, self.peer_gaps)
        if len(kept) < SOCKET_LIMIT:
            kept.append(found)
        else:
            gaps[GapReason.TRUNCATED, f"more than {SOCKET_LIMIT:,} sockets, the last of them in {place}: the others are left out"] = None

    def holders_of(self, found: Socket) -> list[Holder]:
        """The processes that hold a socket, ascending; one with the number -1 stands for none that is known."""
        return self.holders.get(found.inode) or [Holder(NO_PROCESS, NO_PROCESS)]


def sockets_of_run(context: TableContext) -> Sockets:
    """The sockets, read by the first table of the run that asks."""
    found = context.run_state.get(_RUN_STATE)
    if not isinstance(found, Sockets):
        found = _Survey(context).sockets
        context.run_state[_RUN_STATE] = found
    return found
