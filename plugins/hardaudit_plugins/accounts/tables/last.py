"""`last`: logins and logouts of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.utmp import logins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="last",
    description="Logins and logouts, oldest first, as last(1) reads them. Rotated files are not read.",
    source="/var/log/wtmp, wtmp(5); attackers edit it, so absence proves nothing",
    columns=(
        Column("username", TEXT, "Login name; empty at a logout"),
        Column("tty", TEXT, "Terminal, such as pts/0"),
        Column("pid", INTEGER, "Process of the login"),
        Column("type", INTEGER, "Type of the record: 7 a login, 8 a logout"),
        Column("type_name", TEXT, "Name of the type: user-process, dead-process"),
        Column("time", INTEGER, "Time of the record, in seconds since 1970"),
        Column("host", TEXT, "Where the user came from; empty for a local login"),
    ),
    examples=("SELECT username, host, time FROM last WHERE type_name = 'user-process' ORDER BY time DESC LIMIT 10",),
    osquery=True,
)

_PATH = "/var/log/wtmp"
_TYPE_NAMES = {7: "user-process", 8: "dead-process"}


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each login and logout; records of boots and run levels are left out."""
    for login in logins(context, _PATH):
        if login.type in _TYPE_NAMES:
            yield {
                "username": login.user,
                "tty": login.line,
                "pid": login.pid,
                "type": login.type,
                "type_name": _TYPE_NAMES[login.type],
                "time": login.time,
                "host": login.host,
            }


TABLE = Table(SPEC, generate)
