"""The files of /proc/PID, proc(5), read for a table: what vanishes is skipped, what is denied is counted and becomes one gap.

A process is entered once, by a descriptor of its directory: everything that is then read belongs to that process, also when it ends and
another one is given its number.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.errors import ReadLimitError, gap_reason
from hardaudit_plugins.processes.process_files import proc_mount_options, status_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

FILE_LIMIT = 1024 * 1024
"""Bytes of a file of /proc/PID that are read at most; those that are read here are a few kilobytes."""

_PROCESS_LIMIT = 4_194_304  # the kernel's PID_MAX_LIMIT, so never reached
_DESCRIPTORS_BETWEEN_LOOKS = 4096
_CAP_SYS_PTRACE = 19  # capabilities(7): may look into every process
_LISTING = "processes.listing"


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

    def report(self, context: TableContext) -> None:
        """Record the gaps."""
        for (reason, _), (number, example) in sorted(self._found.items()):
            others = f" (and of {number - 1:,} more processes)" if number > 1 else ""
            advice = f"; {_advice()}" if reason is GapReason.PERMISSION_DENIED else ""
            context.gap(reason, f"{example}{others}{advice}")


def _advice() -> str:
    return "run as root" if os.geteuid() else "refused even to root: CAP_SYS_PTRACE is missing, or a security module forbids it"


class Process:
    """A process, entered. Every method raises OSError, with ProcessLookupError or FileNotFoundError when the process has ended."""

    def __init__(self, pid: int, directory: int) -> None:
        self.pid = pid
        self._directory = directory

    def read(self, name: str, limit: int = FILE_LIMIT) -> bytes:
        """A file's content. More than `limit` bytes raise ReadLimitError."""
        content, complete = self.read_start(name, limit)
        if not complete:
            raise ReadLimitError(f"/proc/{self.pid}/{name}", limit)
        return content

    def read_start(self, name: str, limit: int) -> tuple[bytes, bool]:
        """The first `limit` bytes of a file, and whether they are all of it."""
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._directory)
        try:
            parts, length = [], 0
            while length <= limit and (part := os.read(descriptor, min(limit + 1 - length, 65536))):
                parts.append(part)
                length += len(part)
        finally:
            os.close(descriptor)
        content = b"".join(parts)
        return content[:limit], length <= limit

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
    """Processes for one table; the denials that it meets are recorded as gaps by `report`."""

    def __init__(self, context: TableContext) -> None:
        self._context = context
        self.refusals = Refusals()

    def pids(self) -> list[int]:
        """The processes that the query asks for with `pid =` or IN, or all, ascending. Records a gap where /proc hides processes."""
        _gap_for_hidden(self._context)
        wanted = self._context.constraints.integers("pid")
        return all_pids(self._context) if wanted is None else [pid for pid in wanted if self._is_process(pid)]

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

    def report(self) -> None:
        """Record what was denied."""
        self.refusals.report(self._context)


def all_pids(context: TableContext) -> list[int]:
    """Every process that /proc lists, ascending; listed once a run, so that the tables of a run speak of the same processes."""
    listing = context.run_state.get(_LISTING)
    if not isinstance(listing, list):
        listing = sorted(int(name) for name in _names_of_proc(context) if name.isascii() and name.isdigit())
        context.run_state[_LISTING] = listing
    return listing


def _names_of_proc(context: TableContext) -> list[str]:
    try:
        return context.target.list_directory("/proc", limit=_PROCESS_LIMIT)
    except OSError as error:
        context.gap_for(error, "/proc")
        return []


def _gap_for_hidden(context: TableContext) -> None:
    """A gap where /proc is mounted with hidepid and processes of other users are not shown to this one."""
    try:
        mounts = context.target.read_text("/proc/self/mountinfo")
        status = context.target.read_bytes("/proc/self/status")
    except OSError as error:
        context.gap_for(error, "/proc/self")
        return
    capabilities = int(status_field(status, b"CapEff") or b"0", 16)
    if capabilities >> _CAP_SYS_PTRACE & 1:
        return
    options = proc_mount_options(mounts)
    level = options.get("hidepid", "0")
    exempt = options.get("gid", "")
    if level not in ("0", "off") and exempt not in {str(group) for group in (os.getegid(), *os.getgroups())} - {"0"}:
        context.gap(GapReason.PERMISSION_DENIED, f"/proc is mounted with hidepid={level}: processes of other users are hidden; {_advice()}")
