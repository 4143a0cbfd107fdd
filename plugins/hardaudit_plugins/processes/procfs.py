"""The files of /proc/PID, proc(5), read for a table: what vanishes is skipped, what is denied is counted and becomes one gap.

A process is entered once, by a descriptor of its directory: everything that is then read belongs to that process, also when it ends and
another one is given its number.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.errors import ReadLimitError, gap_reason
from hardaudit_plugins.processes.process_files import proc_mount_options, status_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from hardaudit.target.table import TableContext
    from hardaudit.target.target import Target

FILE_LIMIT = 1024 * 1024
"""Bytes of a file of /proc/PID that are read at most; those that are read here are a few kilobytes."""

_PROCESS_LIMIT = 4_194_304  # the kernel's PID_MAX_LIMIT, so never reached
_DESCRIPTORS_BETWEEN_LOOKS = 4096
_CAP_SYS_PTRACE = 19  # capabilities(7): may look into every process
_RUN_STATE = "processes.listing"


class Missing(NamedTuple):
    """Evidence that could not be read, to be recorded as a gap by each table that is made of it."""

    reason: GapReason
    detail: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The processes of /proc, ascending, and what is known to be missing from them."""

    pids: tuple[int, ...]
    missing: tuple[Missing, ...]

    @classmethod
    def of_run(cls, context: TableContext) -> Listing:
        """Taken once a run, so that the tables of a run speak of the same processes."""
        found = context.run_state.get(_RUN_STATE)
        if not isinstance(found, Listing):
            found = _list_processes(context.target)
            context.run_state[_RUN_STATE] = found
        return found


def _list_processes(target: Target) -> Listing:
    try:
        names = target.list_directory("/proc", limit=_PROCESS_LIMIT)
        hidden = _hidden_processes(target.read_text("/proc/self/mountinfo"), target.read_bytes("/proc/self/status"))
    except OSError as error:
        return Listing((), (Missing(gap_reason(error), f"{error.filename or '/proc'}: {error.strerror or error}"),))
    return Listing(tuple(sorted(int(name) for name in names if name.isascii() and name.isdigit())), hidden)


def _hidden_processes(mounts: str, own_status: bytes) -> tuple[Missing, ...]:
    """Whether /proc is mounted so that processes of other users are not shown to this one."""
    if int(status_field(own_status, b"CapEff") or b"0", 16) >> _CAP_SYS_PTRACE & 1:
        return ()
    options = proc_mount_options(mounts)
    level = options.get("hidepid", "0")
    own_groups = {str(group) for group in (os.getegid(), *os.getgroups())} - {"0"}
    if level in ("0", "off") or options.get("gid") in own_groups:
        return ()
    return (
        Missing(GapReason.PERMISSION_DENIED, f"/proc is mounted with hidepid={level}: processes of other users are hidden; {_advice()}"),
    )


def _advice() -> str:
    return "run as root" if os.geteuid() else "refused to root too (no CAP_SYS_PTRACE, or a security module)"


@dataclass(slots=True)
class Refusals:
    """What could not be read of /proc/PID, to be told in one gap for each kind of file."""

    _found: dict[tuple[GapReason, str], tuple[int, str]] = field(default_factory=dict)

    def add(self, error: OSError, pid: int, name: str) -> None:
        """Count an error; that a process or descriptor has vanished is none."""
        reason = gap_reason(error)
        if reason is not GapReason.MISSING_SOURCE:
            self.count(reason, name, f"/proc/{pid}/{name}: {error.strerror or error}")

    def count(self, reason: GapReason, name: str, example: str) -> None:
        """Count one refusal; the first of its kind is the example."""
        number, first = self._found.get((reason, name), (0, example))
        self._found[reason, name] = number + 1, first

    def missing(self) -> Iterator[Missing]:
        """What was counted."""
        for (reason, _), (number, example) in sorted(self._found.items()):
            others = f" (and of {number - 1:,} more processes)" if number > 1 else ""
            advice = f"; {_advice()}" if reason is GapReason.PERMISSION_DENIED else ""
            yield Missing(reason, f"{example}{others}{advice}")


class Process:
    """A process, entered. Every method raises OSError, with ProcessLookupError or FileNotFoundError when the process has ended."""

    def __init__(self, pid: int, directory: int) -> None:
        self.pid = pid
        self._directory = directory

    def open(self, name: str) -> BinaryIO:
        """A file such as `net/tcp`, to be closed by the caller."""
        return os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._directory), "rb")

    def read(self, name: str, limit: int = FILE_LIMIT) -> bytes:
        """A file's content. More than `limit` bytes raise ReadLimitError."""
        content, complete = self.read_start(name, limit)
        if not complete:
            raise ReadLimitError(f"/proc/{self.pid}/{name}", limit)
        return content

    def read_start(self, name: str, limit: int) -> tuple[bytes, bool]:
        """The first `limit` bytes of a file, and whether they are all of it."""
        with self.open(name) as file:
            content = file.read(limit + 1)
        return content[:limit], len(content) <= limit

    def link(self, name: str) -> str:
        """The text of a link such as `exe`; nothing is followed."""
        return host_text.decode(os.readlink(name.encode(), dir_fd=self._directory))

    def status(self, name: str) -> os.stat_result:
        """stat(2) of what a link such as `exe` leads to: of the very file, wherever its name has gone."""
        return os.stat(name, dir_fd=self._directory)

    def descriptors(self) -> Iterator[tuple[int, str]]:
        """Number and link text of each open file descriptor, in no order; those that are closed meanwhile are left out."""
        listing = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directory)
        try:
            with os.scandir(listing) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        yield int(entry.name), host_text.decode(os.readlink(entry.name.encode(), dir_fd=listing))
        finally:
            os.close(listing)


class ProcessReader:
    """Processes for one table, or for one survey that tables share. What is denied is found in `refusals` afterwards."""

    def __init__(self, context: TableContext) -> None:
        self._context = context
        self.listing = Listing.of_run(context)
        self.refusals = Refusals()

    def wanted(self) -> Iterable[int]:
        """The processes that the query asks for with `pid =` or IN, else all, ascending."""
        pids = self._context.constraints.integers("pid")
        return self.listing.pids if pids is None else [pid for pid in pids if self._is_process(pid)]

    def _is_process(self, pid: int) -> bool:
        """Whether a number names a process: /proc/TID of a thread can be opened too, though it is not listed."""
        if not 0 < pid <= _PROCESS_LIMIT:
            return False
        with self.enter(pid) as process:
            status = b"" if process is None else self.read(process, "status")
            return status_field(status, b"Tgid") == str(pid).encode()

    @contextlib.contextmanager
    def enter(self, pid: int) -> Iterator[Process | None]:
        """The process, or None when it has ended or may not be entered."""
        self._context.check_deadline()
        try:
            directory = self._context.target.open_directory(f"/proc/{pid}")
        except OSError as error:
            self.refusals.add(error, pid, "")
            yield None
            return
        try:
            yield Process(pid, directory)
        finally:
            os.close(directory)

    def read(self, process: Process, name: str) -> bytes:
        """A file's content; empty when it vanished or is denied."""
        try:
            return process.read(name)
        except OSError as error:
            self.refusals.add(error, process.pid, name)
            return b""

    def link(self, process: Process, name: str) -> str:
        """A link's text; empty when it vanished, is denied or, as `exe` of a kernel thread, does not exist."""
        try:
            return process.link(name)
        except OSError as error:
            self.refusals.add(error, process.pid, name)
            return ""

    def descriptors(self, process: Process) -> Iterator[tuple[int, str]]:
        """`Process.descriptors`; none when they are denied."""
        try:
            for count, descriptor in enumerate(process.descriptors()):
                if count % _DESCRIPTORS_BETWEEN_LOOKS == 0:
                    self._context.check_deadline()
                yield descriptor
        except OSError as error:
            self.refusals.add(error, process.pid, "fd")

    def missing(self) -> Iterator[Missing]:
        """What is missing of the processes and from their files."""
        yield from self.listing.missing
        yield from self.refusals.missing()

    def report(self) -> None:
        """Record what is missing as gaps of the table."""
        for reason, detail in self.missing():
            self._context.gap(reason, detail)
