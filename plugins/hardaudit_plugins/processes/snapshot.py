"""Processes as /proc shows them, each read once a run: every query of the run sees the same values, however often they are joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit_plugins.processes import process_files

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from hardaudit.model.table import Value
    from hardaudit.target.table import TableContext
    from hardaudit.target.target import Target
    from hardaudit_plugins.processes.process_files import Stat
    from hardaudit_plugins.processes.procfs import Process, ProcessReader

T = TypeVar("T")

COMMAND_LINE_LIMIT, SHORT_COMMAND_LINE = 128 * 1024, 4096
"""Bytes of a command line that are kept, as execve(2) allows megabytes: many, as long as the run has room for long ones, and then few."""

_LONG_COMMAND_LINES = 16 * 2**20  # bytes beyond the short limit, of all command lines of a run
_KEPT = 5_000  # snapshots kept for the run, some 4 KiB each; processes beyond are read again by each query
_RUN_STATE = "processes.snapshots"
_DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class Failure:
    """A file of /proc/PID that could not be read."""

    name: str
    error: OSError


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A row of the table `processes`, None for a process that ended or is denied, and what could not be read of it."""

    pid: int
    row: dict[str, Value] | None = None
    failures: tuple[Failure, ...] = ()
    command_line_cut: bool = False


@dataclass(slots=True)
class Snapshots:
    """The run's snapshots, when the machine was started (Unix seconds, None if that cannot be read), and the auditor's mount namespace."""

    target: Target
    boot_time: int | None
    mount_namespace: str
    long_left: int = field(default_factory=lambda: _LONG_COMMAND_LINES)
    _kept: dict[int, Snapshot] = field(default_factory=dict)

    @classmethod
    def of_run(cls, context: TableContext) -> Snapshots:
        """Those of the context's run, begun by the first table that asks."""
        found = context.run_state.get(_RUN_STATE)
        if not isinstance(found, Snapshots):
            target = context.target
            found = cls(target, process_files.boot_time(_read_or_nothing(target, "/proc/stat")), target.readlink("/proc/self/ns/mnt"))
            context.run_state[_RUN_STATE] = found
        return found

    def each(self, reader: ProcessReader) -> Iterator[Snapshot]:
        """A snapshot of each process that the query asks for."""
        for pid in reader.wanted():
            snapshot = self._kept.get(pid)
            if snapshot is None:
                with reader.enter(pid) as process:
                    snapshot = Snapshot(pid) if process is None else _Sitting(self, process).snapshot()
                if snapshot.row is not None and len(self._kept) < _KEPT:
                    self._kept[pid] = snapshot
            yield snapshot


def _read_or_nothing(target: Target, path: str) -> bytes:
    try:
        return target.read_bytes(path)
    except OSError:
        return b""  # the caller's None says so


class _Sitting:
    """One process while its snapshot is taken."""

    def __init__(self, run: Snapshots, process: Process) -> None:
        self._run = run
        self._process = process
        self._failures: list[Failure] = []

    def snapshot(self) -> Snapshot:
        pid = self._process.pid
        stat = process_files.parse_stat(self._read("stat"))
        status = self._read("status")
        if stat is None or not status:
            return Snapshot(pid, failures=tuple(self._failures))
        path, on_disk = self._binary(stat)
        command_line, complete = self._command_line()
        row: dict[str, Value] = {
            "pid": pid,
            "path": path,
            "on_disk": on_disk,
            "cmdline": process_files.command_line(host_text.decode(command_line)),
            "cwd": self._link("cwd"),
            "root": self._link("root"),
            "cgroup_path": process_files.cgroup_path(host_text.decode(self._read("cgroup"))),
            "start_time": -1 if self._run.boot_time is None else self._run.boot_time + process_files.seconds(stat.start_time),
            "wired_size": 0,
            **process_files.row_of_stat(stat),
            **process_files.row_of_status(status),
            **process_files.row_of_io(self._read("io")),
        }
        return Snapshot(pid, row, tuple(self._failures), not complete)

    def _read(self, name: str) -> bytes:
        return self._attempt(name, lambda: self._process.read(name), b"")

    def _link(self, name: str) -> str:
        return self._attempt(name, lambda: self._process.link(name), "")

    def _attempt(self, name: str, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except OSError as error:
            if gap_reason(error) is not GapReason.MISSING_SOURCE:  # which is a process that has ended
                self._failures.append(Failure(name, error))
            return otherwise

    def _command_line(self) -> tuple[bytes, bool]:
        """The start of /proc/PID/cmdline, and whether it is all of it."""
        limit = COMMAND_LINE_LIMIT if self._run.long_left > 0 else SHORT_COMMAND_LINE
        content, complete = self._attempt("cmdline", lambda: self._process.read_start("cmdline", limit), (b"", True))
        self._run.long_left -= max(0, len(content) - SHORT_COMMAND_LINE)
        return content, complete

    def _binary(self, stat: Stat) -> tuple[str, int]:
        """The binary's path without the kernel's mark of deletion, and whether it is on disk: 1, 0, or -1 when that cannot be told."""
        path = "" if stat.is_kernel_thread else self._link("exe")
        if not path:
            return "", -1
        found = self._attempt("exe", lambda: _status(self._run.target, path), None)
        same = found is not None and self._is_binary(found)
        if not path.endswith(_DELETED):
            return path, 1 if same else self._out_of_sight()
        if same:
            return path, 1  # a file whose name ends in " (deleted)"
        return path.removesuffix(_DELETED), 0

    def _out_of_sight(self) -> int:
        """For a binary that the kernel does not call deleted, but that is not the file at its path.

        Below a container's own mounts the path means another file system, which is not looked into: -1. Elsewhere something hides it, such
        as a file system that was detached while the binary ran (umount -l): 0.
        """
        return 0 if self._link("ns/mnt") == self._run.mount_namespace else -1

    def _is_binary(self, found: os.stat_result) -> bool:
        """Whether a file is the running binary: the very file is compared, not its name."""
        binary = self._attempt("exe", lambda: self._process.status("exe"), None)
        return binary is not None and (binary.st_dev, binary.st_ino) == (found.st_dev, found.st_ino)


def _status(target: Target, path: str) -> os.stat_result | None:
    """stat(2), None when nothing is there."""
    try:
        return target.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
