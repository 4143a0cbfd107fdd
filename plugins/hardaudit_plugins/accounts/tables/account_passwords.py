"""`account_passwords`: with what password each account can be logged in to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.account_files import UNSET, is_nis
from hardaudit_plugins.accounts.entries import PASSWD, SHADOW, passwd_entries, shadow_entries
from hardaudit_plugins.accounts.name_service import report_other_sources
from hardaudit_plugins.accounts.password_hash import scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.accounts.account_files import PasswdEntry, ShadowEntry

SPEC = TableSpec(
    name="account_passwords",
    description=(
        "The password of each account as pam_unix finds it: in /etc/shadow where /etc/passwd says x, otherwise in /etc/passwd itself. "
        "The hashes themselves are never shown."
    ),
    source="/etc/passwd and /etc/shadow, pam_unix(8), crypt(5)",
    columns=(
        Column("username", TEXT, "Login name"),
        Column("uid", BIGINT, "User ID, unsigned"),
        Column(
            "status",
            TEXT,
            "usable: some password matches; empty: no password is needed; locked: begins with ! or *; invalid: is no hash, none matches; "
            "missing: /etc/passwd points to /etc/shadow, which has no entry; NULL: /etc/shadow cannot be read",
        ),
        Column(
            "algorithm",
            TEXT,
            "des, bsdi-des, md5, sunmd5, nt, sha1, sha256, sha512, bcrypt, scrypt, yescrypt, gost-yescrypt or unknown; NULL unless usable",
        ),
        Column("last_change", BIGINT, "Day of the last change, in days since 1970-01-01; NULL when it is not recorded"),
        Column("source", TEXT, "File that decides"),
        Column("line", INTEGER, "Line in that file; NULL when the entry is missing"),
    ),
    examples=("SELECT username, algorithm FROM account_passwords WHERE status = 'usable'",),
)

_LOCKED = ("!", "*")


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each account of /etc/passwd, but not for the entries of NIS."""
    report_other_sources(context, "passwd")
    report_other_sources(context, "shadow")
    shadow = _shadow_by_name(context)
    for line, account in passwd_entries(context):
        if is_nis(account.name):
            continue
        row: dict[str, str | int | None] = {"username": account.name, "uid": account.uid, "source": PASSWD, "line": line}
        if _is_shadowed(account):
            yield row | _in_shadow(account.name, shadow)
        else:
            yield row | _state(account.password or "")


def _shadow_by_name(context: TableContext) -> dict[str, tuple[int, ShadowEntry]] | None:
    """The first entry of each name, which is the one that counts; None when /etc/shadow cannot be read."""
    entries = shadow_entries(context)
    if entries is None:
        return None
    found: dict[str, tuple[int, ShadowEntry]] = {}
    for number, entry in entries:
        found.setdefault(entry.name, (number, entry))
    return found


def _is_shadowed(account: PasswdEntry) -> bool:
    return account.password in ("x", f"##{account.name}")


def _in_shadow(name: str, shadow: dict[str, tuple[int, ShadowEntry]] | None) -> dict[str, str | int | None]:
    if shadow is None or name not in shadow:
        return {"status": None if shadow is None else "missing", "source": SHADOW, "line": None}
    number, entry = shadow[name]
    last_change = None if entry.last_change == UNSET else entry.last_change
    return {"source": SHADOW, "line": number, "last_change": last_change, **_state(entry.password or "")}


def _state(password: str) -> dict[str, str | int | None]:
    if not password:
        return {"status": "empty"}
    if password.startswith(_LOCKED):
        return {"status": "locked"}
    algorithm = scheme(password)
    return {"status": "usable" if algorithm else "invalid", "algorithm": algorithm}


TABLE = Table(SPEC, generate)
