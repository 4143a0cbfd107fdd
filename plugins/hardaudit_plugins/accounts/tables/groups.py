"""`groups`: the groups of /etc/group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.account_files import as_signed
from hardaudit_plugins.accounts.entries import group_entries
from hardaudit_plugins.accounts.name_service import report_other_sources
from hardaudit_plugins.namespaces import PID_WITH_NAMESPACE, own_namespace_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="groups",
    description="Local groups, a row for each group ID: of several groups with one ID the first in the file. `group_members` has them all.",
    source="/etc/group, group(5), read by the rules of fgetgrent(3); /etc/nsswitch.conf for groups that come from elsewhere",
    columns=(
        Column("gid", BIGINT, "Group ID, unsigned", index=True),
        Column("gid_signed", BIGINT, "Group ID as a signed 32-bit number"),
        Column("groupname", TEXT, "Name of the group"),
        PID_WITH_NAMESPACE,
    ),
    examples=("SELECT groupname FROM groups WHERE gid = 0",),
    osquery=True,
    notes="A line that the C library ignores is a gap, as is a further source of groups in /etc/nsswitch.conf.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for the first entry of each group ID."""
    if not own_namespace_only(context):
        return
    report_other_sources(context, "group")
    seen: set[int] = set()
    for _, entry in group_entries(context):
        if entry.gid in seen:
            continue
        seen.add(entry.gid)
        yield {"gid": entry.gid, "gid_signed": as_signed(entry.gid), "groupname": entry.name, "pid_with_namespace": 0}


TABLE = Table(SPEC, generate)
