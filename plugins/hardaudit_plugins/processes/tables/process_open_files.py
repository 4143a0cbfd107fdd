"""`process_open_files`: files that processes hold open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.processes.procfs import ProcessReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="process_open_files",
    description="A row for each file, directory or device that a process has open; sockets, pipes and anonymous inodes are left out.",
    source="/proc/PID/fd, proc(5)",
    columns=(
        Column("pid", BIGINT, "Process number", index=True),
        Column("fd", BIGINT, "File descriptor"),
        Column("path", TEXT, "What is open, as the kernel names it: with ` (deleted)` when the file is"),
    ),
    examples=("SELECT pid, fd, path FROM process_open_files WHERE path LIKE '% (deleted)'",),
    live_only=True,
    osquery=True,
    notes="A file is kept whose path merely contains `socket:`, `pipe:` or `anon_inode:`; osquery leaves it out.",
)

_NO_FILES = ("socket:[", "pipe:[", "anon_inode:")


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each descriptor that is a file."""
    reader = ProcessReader(context)
    for pid in reader.wanted():
        with reader.enter(pid) as process:
            if process is None:
                continue
            for descriptor, path in reader.descriptors(process):
                if not path.startswith(_NO_FILES):
                    yield {"pid": pid, "fd": descriptor, "path": path}
    reader.report()


TABLE = Table(SPEC, generate)
