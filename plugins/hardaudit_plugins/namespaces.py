"""osquery's hidden columns that redirect a table into another process' namespaces, which hardaudit does not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext

PID_WITH_NAMESPACE = Column(
    "pid_with_namespace", INTEGER, "Process whose mount namespace is read; always 0 here: the target's own", additional=True, hidden=True
)
MOUNT_NAMESPACE_ID = Column("mount_namespace_id", TEXT, "Mount namespace that was read; empty: the target's own", hidden=True)


def own_namespace_only(context: TableContext) -> bool:
    """Whether the query asks for the target's own namespace; anything else is recorded as a gap, and nothing is to be generated."""
    if context.constraints.permits("pid_with_namespace", 0):
        return True
    context.gap(GapReason.UNSUPPORTED, "pid_with_namespace: another process' namespace is not read; audit the container's root with --root")
    return False
