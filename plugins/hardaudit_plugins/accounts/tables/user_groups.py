"""`user_groups`: the groups of each user ID."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.entries import ENTRIES_LIMIT, GROUP, login_group_entries
from hardaudit_plugins.accounts.name_service import report_other_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="user_groups",
    description=(
        "The groups of each user ID: the primary group, then those of /etc/group that list the account's name. "
        "Of accounts that share a user ID only the first in /etc/passwd is asked; `group_members` goes by name."
    ),
    source="/etc/passwd and /etc/group by the rules of getgrouplist(3)",
    columns=(
        Column("uid", BIGINT, "User ID as a signed 32-bit number, so 4294967294 is -2", index=True),
        Column("gid", BIGINT, "Group ID, unsigned", index=True),
    ),
    examples=("SELECT u.username, g.groupname FROM users u JOIN user_groups USING (uid) JOIN groups g ON g.gid = user_groups.gid",),
    osquery=True,
    notes=(
        "A group ID that /etc/group has twice appears twice, as in osquery. A line that is commented out counts: the C library's "
        "getgrouplist(3), which every login asks, does not know comments. `groups` has no such group."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """The primary group first, then the others in the order of /etc/group, the primary one left out."""
    report_other_sources(context, "group")
    groups = _groups_by_member(context)
    seen: set[int] = set()
    for user in context.rows("users"):
        uid, primary, signed = user.get("uid"), user.get("gid"), user.get("uid_signed")
        if not isinstance(uid, int) or uid in seen:
            continue
        seen.add(uid)
        yield {"uid": signed, "gid": primary}
        for gid in groups.get(str(user.get("username")), ()):
            if gid != primary:
                yield {"uid": signed, "gid": gid}


def _groups_by_member(context: TableContext) -> dict[str, list[int]]:
    """Group IDs by the member's name, once a line of /etc/group."""
    groups: dict[str, list[int]] = {}
    count = 0
    for line, entry in login_group_entries(context):
        seen: set[str] = set()
        for member in entry.members():
            count += 1
            if count > ENTRIES_LIMIT:
                context.gap(GapReason.TRUNCATED, f"{GROUP}:{line}: only the first {ENTRIES_LIMIT:,} memberships are read")
                return groups
            if member not in seen:
                seen.add(member)
                groups.setdefault(member, []).append(entry.gid)
    return groups


TABLE = Table(SPEC, generate)
