"""`group_members`: every line of /etc/group, a row a member."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.entries import GROUP, login_group_entries
from hardaudit_plugins.accounts.lines import SPACE, LineGaps
from hardaudit_plugins.accounts.name_service import report_other_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="group_members",
    description=(
        "The lines of /etc/group as they are written: a row for each member, and one without a member for a group that lists none. "
        "Unlike `groups` and `user_groups`, groups that share an ID and accounts that share an ID are all there. "
        "Membership through the primary group is in `users`."
    ),
    source="/etc/group, group(5)",
    columns=(
        Column("gid", BIGINT, "Group ID, unsigned"),
        Column("groupname", TEXT, "Name of the group"),
        Column("username", TEXT, "Login name of a member, whether or not there is such an account; NULL for a group that lists none"),
        Column("line", INTEGER, "Line in /etc/group"),
    ),
    examples=(
        "SELECT username FROM group_members WHERE groupname = 'sudo'",
        "SELECT gid, group_concat(DISTINCT groupname) FROM group_members GROUP BY gid HAVING count(DISTINCT line) > 1",
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """The members of each entry in the file's order."""
    report_other_sources(context, "group")
    gaps = LineGaps(context, GROUP)
    for line, entry in login_group_entries(context):
        if entry.name.lstrip(SPACE).startswith("#"):
            if next(entry.members(), None) is not None:
                gaps.add(line, "commented out, but a login does not know comments and takes its members in", GapReason.UNDECIDABLE)
            continue
        names = entry.members()
        for member in itertools.chain((next(names, None),), names):
            yield {"gid": entry.gid, "groupname": entry.name.lstrip(SPACE), "username": member, "line": line}
    gaps.close()


TABLE = Table(SPEC, generate)
