"""`logged_in_users`: who is logged in now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.utmp import logins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="logged_in_users",
    description="Sessions of the running system as who(1) reads them, with the records of boot and of terminals that wait for a login.",
    source="/var/run/utmp, utmp(5)",
    columns=(
        Column("type", TEXT, "empty, boot_time, new_time, old_time, init, login, user, dead, runlevel, accounting or unknown"),
        Column("user", TEXT, "Login name"),
        Column("tty", TEXT, "Terminal"),
        Column("host", TEXT, "Where the user came from; empty for a local login"),
        Column("time", BIGINT, "Time of the login, in seconds since 1970"),
        Column("pid", INTEGER, "Process of the login"),
    ),
    examples=("SELECT user, tty, host FROM logged_in_users WHERE type = 'user'",),
    live_only=True,
    osquery=True,
)

_PATH = "/var/run/utmp"
_TYPES = ("empty", "runlevel", "boot_time", "new_time", "old_time", "init", "login", "user", "dead", "accounting")
_INIT = 1


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each record but those of process 1."""
    for login in logins(context, _PATH):
        if login.pid != _INIT:
            kind = _TYPES[login.type] if 0 <= login.type < len(_TYPES) else "unknown"
            yield {"type": kind, "user": login.user, "tty": login.line, "host": login.host, "time": login.time, "pid": login.pid}


TABLE = Table(SPEC, generate)
