"""What a query may do: read the offered tables and call pure functions. Everything else SQLite can do is refused while it prepares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from collections.abc import Collection

_TABLE_FUNCTIONS = frozenset({"json_each", "json_tree"})
_SCHEMA_PREFIXES = ("sqlite_", "pragma_", "dbstat")
_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "sqlite_log"})
_REFUSED = {
    apsw.SQLITE_ATTACH: "ATTACH",
    apsw.SQLITE_PRAGMA: "PRAGMA",
    apsw.SQLITE_INSERT: "INSERT",
    apsw.SQLITE_UPDATE: "UPDATE",
    apsw.SQLITE_DELETE: "DELETE",
    apsw.SQLITE_TRANSACTION: "a transaction",
}


def is_reserved(name: str) -> bool:
    """Whether SQLite has a table of this name itself, so that no other may take it."""
    return name in _TABLE_FUNCTIONS or name.startswith(_SCHEMA_PREFIXES)


class Authorizer:
    """SQLite's authorizer callback (sqlite3_set_authorizer(3)); notes the tables that the statement reads and why it was refused."""

    def __init__(self, tables: Collection[str]) -> None:
        self._tables = {name.lower(): name for name in tables}
        self.reads: set[str] = set()
        self.refusal: str | None = None

    def start(self) -> None:
        """Forget the last statement."""
        self.reads = set()
        self.refusal = None

    def __call__(self, operation: int, first: str | None, second: str | None, database: str | None, _by: str | None) -> int:
        """SQLITE_OK or SQLITE_DENY; the meaning of `first` and `second` depends on the operation."""
        if operation in (apsw.SQLITE_SELECT, apsw.SQLITE_RECURSIVE):
            return apsw.SQLITE_OK
        if operation == apsw.SQLITE_READ:
            return self._read((first or "").lower(), named=database is not None)
        if operation == apsw.SQLITE_FUNCTION and (second or "").lower() not in _FORBIDDEN_FUNCTIONS:
            return apsw.SQLITE_OK
        what = f"the function {second}" if operation == apsw.SQLITE_FUNCTION else _REFUSED.get(operation, "this statement")
        self.refusal = f"{what} is not allowed: a query only reads, with SELECT"
        return apsw.SQLITE_DENY

    def _read(self, table: str, *, named: bool) -> int:
        """`named`: SQLite named the table's database. It does not for a common table expression, nor for a table of which no column is read
        (`SELECT 1 FROM t`); the two cannot be told apart, so an expression that has a table's name counts as that table.
        """
        if table in self._tables:
            self.reads.add(self._tables[table])
        elif table not in _TABLE_FUNCTIONS and (named or table.startswith(_SCHEMA_PREFIXES)):
            self.refusal = f"{table} is not a table of facts; `hardaudit list tables` lists them"
            return apsw.SQLITE_DENY
        return apsw.SQLITE_OK
