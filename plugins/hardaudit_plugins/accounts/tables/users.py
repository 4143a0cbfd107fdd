"""`users`: the accounts of /etc/passwd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.account_files import as_signed, is_nis
from hardaudit_plugins.accounts.entries import PASSWD, passwd_entries
from hardaudit_plugins.accounts.name_service import report_other_sources
from hardaudit_plugins.namespaces import PID_WITH_NAMESPACE, own_namespace_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="users",
    description="Local accounts, a row for each line of /etc/passwd that the C library accepts, in the file's order.",
    source="/etc/passwd, passwd(5), read by the rules of fgetpwent(3); /etc/nsswitch.conf for accounts that come from elsewhere",
    columns=(
        Column("uid", BIGINT, "User ID, unsigned", index=True),
        Column("gid", BIGINT, "ID of the primary group, unsigned"),
        Column("uid_signed", BIGINT, "User ID as a signed 32-bit number"),
        Column("gid_signed", BIGINT, "Primary group ID as a signed 32-bit number"),
        Column("username", TEXT, "Login name", additional=True),
        Column("description", TEXT, "GECOS field: full name, office, telephone"),
        Column("directory", TEXT, "Home directory"),
        Column("shell", TEXT, "Login shell; empty means /bin/sh"),
        Column("uuid", TEXT, "Always NULL: accounts on Linux have none", index=True, collate="nocase"),
        PID_WITH_NAMESPACE,
        Column("include_remote", INTEGER, "1 asks for accounts of network services too: never read, a gap", additional=True, hidden=True),
    ),
    examples=(
        "SELECT username, directory, shell FROM users WHERE uid = 0",
        "SELECT uid, count(*) FROM users GROUP BY uid HAVING count(*) > 1",
    ),
    osquery=True,
    notes=(
        "A line that the C library ignores is a gap, as is a further source of accounts in /etc/nsswitch.conf. "
        "A line longer than 1,024 bytes does not end the table as it does in osquery."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each entry, those of NIS among them: they show user ID 0, as in osquery, and their name begins with + or -."""
    if not own_namespace_only(context):
        return
    remote = _remote(context)
    if remote is None:
        return
    sources = report_other_sources(context, "passwd")
    asks_nis = False
    for line, entry in passwd_entries(context):
        if is_nis(entry.name) and "compat" in sources and not asks_nis:
            asks_nis = True
            context.gap(GapReason.UNSUPPORTED, f"{PASSWD}:{line}: takes accounts from NIS, which is not read")
        yield {
            "uid": entry.uid,
            "gid": entry.gid,
            "uid_signed": as_signed(entry.uid),
            "gid_signed": as_signed(entry.gid),
            "username": entry.name,
            "description": entry.gecos,
            "directory": entry.directory,
            "shell": entry.shell,
            "pid_with_namespace": 0,
            "include_remote": remote,
        }


def _remote(context: TableContext) -> int | None:
    """The value of `include_remote` that the query lets through: 0, or 1 with a gap; None when it wants neither."""
    if context.constraints.permits("include_remote", 0):
        return 0
    if not context.constraints.permits("include_remote", 1):
        return None
    context.gap(GapReason.UNSUPPORTED, "include_remote: accounts of network services are not read")
    return 1


TABLE = Table(SPEC, generate)
