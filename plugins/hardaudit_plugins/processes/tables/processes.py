"""`processes`: what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.processes.procfs import ProcessReader
from hardaudit_plugins.processes.snapshot import Snapshots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.processes.snapshot import Snapshot

SPEC = TableSpec(
    name="processes",
    description="Every process, with its binary, owner, memory and times, as it was when the run first looked at it.",
    source="/proc/PID: stat, status, cmdline, exe, cwd, root, io and cgroup, proc(5)",
    columns=(
        Column("pid", BIGINT, "Process number", index=True),
        Column("name", TEXT, "Name, which the process may change; the kernel keeps 15 bytes of it"),
        Column("path", TEXT, "Path of the binary, without the kernel's mark ` (deleted)`; empty for kernel threads"),
        Column("cmdline", TEXT, "Arguments joined by spaces, which the process may change"),
        Column("state", TEXT, "State: R running, S sleeping, D waiting for a disk, Z ended but not waited for, T stopped, I idle"),
        Column("cwd", TEXT, "Working directory, with ` (deleted)` when it is"),
        Column("root", TEXT, "Root directory"),
        Column("uid", BIGINT, "Real user ID"),
        Column("gid", BIGINT, "Real group ID"),
        Column("euid", BIGINT, "Effective user ID, which its rights follow"),
        Column("egid", BIGINT, "Effective group ID"),
        Column("suid", BIGINT, "Saved user ID"),
        Column("sgid", BIGINT, "Saved group ID"),
        Column("on_disk", INTEGER, "1 when the binary is the file at its path, 0 when deleted or hidden, -1 when that cannot be told"),
        Column("wired_size", BIGINT, "Bytes that cannot be paged out; always 0 on Linux"),
        Column("resident_size", BIGINT, "Memory in use, in kB of 1,000 bytes as osquery counts; NULL for kernel threads"),
        Column("total_size", BIGINT, "Virtual memory, in kB of 1,000 bytes as osquery counts; NULL for kernel threads"),
        Column("user_time", BIGINT, "Processor time in user mode, milliseconds"),
        Column("system_time", BIGINT, "Processor time in the kernel, milliseconds"),
        Column("disk_bytes_read", BIGINT, "Bytes read from storage"),
        Column("disk_bytes_written", BIGINT, "Bytes written to storage, less those that were cancelled"),
        Column("start_time", BIGINT, "Start, Unix seconds; -1 when unknown"),
        Column("parent", BIGINT, "Process number of the parent"),
        Column("pgroup", BIGINT, "Process group"),
        Column("threads", INTEGER, "Number of threads"),
        Column("nice", INTEGER, "Niceness, -20 (first) to 19"),
        Column("cgroup_path", TEXT, "Control group"),
    ),
    examples=("SELECT pid, path, cmdline FROM processes WHERE on_disk = 0", "SELECT name, path, euid FROM processes WHERE pid = 1"),
    live_only=True,
    osquery=True,
    notes=(
        "on_disk is 1 only for the very file at the path on this host, where osquery looks at the name alone. A binary that is not, but "
        "that the kernel does not call deleted, has 0, as one on a detached file system, or -1 in another mount namespace, as a "
        "container's. A thread's number is no process."
    ),
)

_COLUMNS_OF = {
    "io": ("disk_bytes_read", "disk_bytes_written"),
    "exe": ("path", "on_disk"),
    "ns/mnt": ("on_disk",),
    "cwd": ("cwd",),
    "root": ("root",),
    "cmdline": ("cmdline",),
    "cgroup": ("cgroup_path",),
}
"""The columns that come from each file of /proc/PID; stat and status are needed for every row."""


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each process. What could not be read is a gap if the query reads a column that comes from it."""
    reader = ProcessReader(context)
    snapshots = Snapshots.of_run(context)
    if snapshots.boot_time is None and "start_time" in context.columns_used:
        context.gap(GapReason.MISSING_SOURCE, "/proc/stat has no readable btime: start times are unknown")
    for snapshot in snapshots.each(reader):
        _note_failures(context, reader, snapshot)
        if snapshot.row is not None:
            yield snapshot.row
    reader.report()


def _note_failures(context: TableContext, reader: ProcessReader, snapshot: Snapshot) -> None:
    for failure in snapshot.failures:
        columns = _COLUMNS_OF.get(failure.name)
        if columns is None or not context.columns_used.isdisjoint(columns):
            reader.refusals.add(failure.error, snapshot.pid, failure.name)
    if snapshot.command_line_cut and "cmdline" in context.columns_used:
        reason = f"/proc/{snapshot.pid}/cmdline: longer than what is read of it, its end is left out"
        reader.refusals.count(GapReason.TRUNCATED, "cmdline", reason)


TABLE = Table(SPEC, generate)
