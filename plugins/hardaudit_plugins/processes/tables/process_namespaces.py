"""`process_namespaces`: which processes share which view of the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.processes.process_files import namespace_inode
from hardaudit_plugins.processes.procfs import ProcessReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

_KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")

SPEC = TableSpec(
    name="process_namespaces",
    description="The namespaces of each process, namespaces(7); those of a container differ from those of process 1.",
    source="/proc/PID/ns, proc(5)",
    columns=(
        Column("pid", INTEGER, "Process number", index=True),
        Column("cgroup_namespace", TEXT, "Inode of the control group namespace"),
        Column("ipc_namespace", TEXT, "Inode of the inter-process communication namespace"),
        Column("mnt_namespace", TEXT, "Inode of the mount namespace"),
        Column("net_namespace", TEXT, "Inode of the network namespace"),
        Column("pid_namespace", TEXT, "Inode of the process number namespace"),
        Column("user_namespace", TEXT, "Inode of the user namespace"),
        Column("uts_namespace", TEXT, "Inode of the host name namespace"),
    ),
    examples=("SELECT net_namespace, count(*) AS processes FROM process_namespaces GROUP BY net_namespace",),
    live_only=True,
    osquery=True,
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each process; a namespace that it has no longer, because it ended, or that may not be seen is NULL."""
    reader = ProcessReader(context)
    for pid in reader.wanted():
        with reader.enter(pid) as process:
            if process is None:
                continue
            inodes = {f"{kind}_namespace": namespace_inode(reader.link(process, f"ns/{kind}"), kind) for kind in _KINDS}
        yield {"pid": pid, **inodes}
    reader.report()


TABLE = Table(SPEC, generate)
