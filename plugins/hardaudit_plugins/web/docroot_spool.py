"""What a walk of the docroots found, kept on disk for all queries of a run.

SQLite's own anonymous temporary file (private, deleted when it is closed) with a bounded page cache: memory does not grow with the tree.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeAlias

import apsw

from hardaudit_plugins.web.writers import Permission, may_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hardaudit_plugins.web.writers import User

EntryRow: TypeAlias = "tuple[int, int, str, str, int, int, int, int]"
"""id, id of the directory, name, extension, permission, size in bytes, times of change of the content and of change in Unix seconds."""

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16384; -- KiB
PRAGMA max_page_count = 524288; -- of 4 KiB: 2 GiB on disk
CREATE TABLE entry(id INTEGER PRIMARY KEY, parent INTEGER, name TEXT, extension TEXT, permission INTEGER, size, mtime, ctime);
CREATE TABLE directory(id INTEGER PRIMARY KEY, parent INTEGER, prefix TEXT, permission INTEGER);
CREATE TABLE permission(id INTEGER PRIMARY KEY, mode INTEGER, uid INTEGER, gid INTEGER, acl BLOB);
CREATE TABLE writer(permission INTEGER, user INTEGER, how TEXT, PRIMARY KEY(permission, user)) WITHOUT ROWID;
CREATE TABLE upload(directory INTEGER PRIMARY KEY);
CREATE TABLE content(entry INTEGER PRIMARY KEY, holds_php INTEGER);
CREATE TABLE matched(entry INTEGER, rules TEXT, names TEXT, PRIMARY KEY(entry, rules)) WITHOUT ROWID;
CREATE TABLE link(path TEXT PRIMARY KEY, directory TEXT) WITHOUT ROWID;
BEGIN;
"""
_INDEXES = """
CREATE INDEX entry_extension ON entry(extension);
CREATE INDEX directory_prefix ON directory(prefix);
"""
_DEADLINE_MASK = 1023


class SpoolError(Exception):
    """The private database cannot be written or read, as on a full disk."""


@contextlib.contextmanager
def _as_spool_error() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise SpoolError(str(error)) from error


class DocrootSpool:
    """The private database. Every method may raise SpoolError; after one nothing of it is to be used."""

    def __init__(self) -> None:
        with _as_spool_error():
            self._database = apsw.Connection("")
            self.run(_SCHEMA)

    def close(self) -> None:
        """Delete it."""
        self._database.close()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run statements that return nothing."""
        with _as_spool_error():
            for _ in self._database.execute(sql, parameters):
                pass

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows of a query of ours; nothing of the host is ever part of `sql`."""
        with _as_spool_error():
            yield from self._database.execute(sql, parameters)

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of parameters."""
        with _as_spool_error():
            self._database.executemany(sql, rows)

    def add_entries(self, rows: Iterable[EntryRow]) -> None:
        """Keep entries."""
        with _as_spool_error():
            self._database.executemany("INSERT INTO entry VALUES(?,?,?,?,?,?,?,?)", rows)

    def add_directory(self, number: int, parent: int, prefix: str, permission: int | None) -> None:
        """Keep a directory; `prefix` is its path with a slash at the end, `number` that of its entry."""
        self.run("INSERT INTO directory VALUES(?,?,?,?)", (number, parent, prefix, permission))

    def add_link(self, path: str) -> None:
        """Keep a symbolic link."""
        self.run("INSERT OR IGNORE INTO link VALUES(?, NULL)", (path,))

    def add_permission(self, number: int, permission: Permission) -> None:
        """Keep what decides who may write."""
        self.run("INSERT INTO permission VALUES(?,?,?,?,?)", (number, permission.mode, permission.uid, permission.gid, permission.acl))

    def index(self) -> None:
        """Prepare for queries, once everything is kept."""
        self.run(_INDEXES)

    def add_writers(self, users: Sequence[User], doubt: Callable[[str], None], check_deadline: Callable[[], None]) -> None:
        """Work out which of `users` may write what; they are numbered from 0. `doubt` is told of lists that cannot be understood."""
        for count, (number, *fields) in enumerate(self.select("SELECT id, mode, uid, gid, acl FROM permission")):
            if not count & _DEADLINE_MASK:
                check_deadline()
            permission = Permission(*fields)
            for index, user in enumerate(users):
                try:
                    how = may_write(permission, user)
                except ValueError as error:
                    doubt(f"an access control list {error}")
                    how = "acl"
                if how:
                    self.run("INSERT OR REPLACE INTO writer VALUES(?,?,?)", (number, index, how))
