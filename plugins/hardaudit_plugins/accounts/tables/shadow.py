"""`shadow`: the state of passwords in /etc/shadow, without the passwords."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.entries import shadow_entries
from hardaudit_plugins.accounts.name_service import report_other_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="shadow",
    description="Passwords and their ageing, a row for each line of /etc/shadow. The hashes themselves are never shown.",
    source="/etc/shadow, shadow(5), read by the rules of fgetspent(3)",
    columns=(
        Column(
            "password_status",
            TEXT,
            "empty: no password is needed; locked: begins with !, * or x; not_set: is !!; active: anything else, also what is no hash",
        ),
        Column("hash_alg", TEXT, "Hash scheme between the first two $, crypt(5): 1 MD5, 5 SHA-256, 6 SHA-512, y yescrypt; NULL without"),
        Column("last_change", BIGINT, "Last change, in days since 1970-01-01; 0: must be changed at the next login; -1: not set"),
        Column("min", BIGINT, "Days before the password may be changed again; -1: not set"),
        Column("max", BIGINT, "Days after which the password must be changed; -1: not set"),
        Column("warning", BIGINT, "Days of warning before it must be changed; -1: not set"),
        Column("inactive", BIGINT, "Days after it expired during which it can still be changed; -1: not set"),
        Column("expire", BIGINT, "Day on which the account expires, in days since 1970-01-01; -1: not set"),
        Column("flag", BIGINT, "Reserved field; NULL when empty"),
        Column("username", TEXT, "Login name", index=True),
    ),
    examples=("SELECT username, hash_alg, last_change FROM shadow WHERE password_status = 'active'",),
    osquery=True,
    notes="A line that the C library ignores is a gap. `account_passwords` joins this with what /etc/passwd says.",
)

_SCHEME = re.compile(r"\$([A-Za-z0-9_]+)\$")


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each entry."""
    report_other_sources(context, "shadow")
    for _, entry in shadow_entries(context) or ():
        scheme = _SCHEME.match(entry.password or "")
        yield {
            "password_status": _status(entry.password or ""),
            "hash_alg": scheme[1] if scheme else None,
            "last_change": entry.last_change,
            "min": entry.minimum,
            "max": entry.maximum,
            "warning": entry.warning,
            "inactive": entry.inactive,
            "expire": entry.expire,
            "flag": entry.flag,
            "username": entry.name,
        }


def _status(password: str) -> str:
    if not password:
        return "empty"
    if password == "!!":  # noqa: S105 - not a password: what Red Hat writes for an account that never had one
        return "not_set"
    return "locked" if password[0] in "!*x" else "active"


TABLE = Table(SPEC, generate)
