"""rpm's database of installed packages, where it is kept in SQLite (rpm 4.16 and later, the default since Fedora 33 and RHEL 9).

SQLite never opens the file itself: it asks for pages, and each is read from a descriptor that the confined target opened. So no link is
followed out of a root directory, nothing is locked or written, and memory does not grow with the database.
"""

# ruff: noqa: N802 -- the methods that SQLite calls have its names

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar, cast

import apsw

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from hardaudit.target.table import TableContext

DIRECTORIES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm")
"""Where distributions keep the database; usually one of them is a link to another."""

_SQLITE = "rpmdb.sqlite"
_OTHERS = {"Packages": "Berkeley DB", "Packages.db": "ndb"}
_MAX_HEADER = 32 * 2**20  # bytes; one of 100,000 files has 20 MiB
_QUERY = 'SELECT hnum, CASE WHEN length("blob") <= ? THEN "blob" END FROM Packages ORDER BY hnum'
_PROGRESS_STEPS = 20_000


Parsed = TypeVar("Parsed")


class RpmDatabase:
    """The database of a target. `path`: of whichever kind it is, None when there is none. `complete`: no gap was recorded for it so far."""

    def __init__(self, context: TableContext) -> None:
        self.complete = True
        self._context = context
        self.path = self._find()

    def read(self, parse: Callable[[bytes], Parsed]) -> Iterator[Parsed]:
        """What `parse` makes of the header of each installed package; it raises ValueError for what it cannot interpret.

        No database, one of another kind, and what cannot be read of it, become gaps.
        """
        path = self.path
        if path is None:
            self._gap(GapReason.MISSING_SOURCE, f"no rpm database in {', '.join(DIRECTORIES)}")
            return
        kind = _OTHERS.get(path.rpartition("/")[2])
        if kind:
            self._gap(GapReason.UNSUPPORTED, f"{path}: a {kind} database, which cannot be read; ask rpm on the host")
            return
        self._note_journal(f"{path}-wal")
        self._note_journal(f"{path}-journal")
        try:
            with self._context.target.open(path) as file:
                before = os.fstat(file.fileno())
                yield from self._packages(path, file, parse)
                after = os.fstat(file.fileno())
        except OSError as error:
            self._gap_for(error, path)
            return
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
            self._gap(GapReason.UNDECIDABLE, f"{path}: changed while it was read; run again")

    def _find(self) -> str | None:
        for directory in DIRECTORIES:
            for name in (_SQLITE, *_OTHERS):
                try:
                    if self._context.target.exists(f"{directory}/{name}"):
                        return f"{directory}/{name}"
                except OSError as error:
                    self._gap_for(error, f"{directory}/{name}")
        return None

    def _note_journal(self, path: str) -> None:
        """Changes that rpm has written to the journal only, or has not finished; they are not read."""
        try:
            if self._context.target.stat(path).st_size:
                self._gap(GapReason.UNSUPPORTED, f"{path}: holds changes that are not in the database, or not finished; run rpm --verifydb")
        except FileNotFoundError:
            return
        except OSError as error:
            self._gap_for(error, path)

    def _packages(self, path: str, file: BinaryIO, parse: Callable[[bytes], Parsed]) -> Iterator[Parsed]:
        vfs = _PageReader(f"hardaudit-rpm-{file.fileno()}", file.fileno())
        try:
            connection = _connect(self._context, vfs.name)
            try:
                for number, blob in connection.execute(_QUERY, (_MAX_HEADER,)):
                    self._context.check_deadline()
                    yield from self._parsed(f"{path}: package {number}", blob, parse)
            finally:
                connection.close()
        except (apsw.Error, ValueError) as error:
            self._gap(GapReason.UNDECIDABLE, f"{path}: not a readable rpm database: {error}")
        finally:
            vfs.unregister()

    def _parsed(self, place: str, blob: object, parse: Callable[[bytes], Parsed]) -> Iterator[Parsed]:
        try:
            if not isinstance(blob, bytes):
                raise ValueError(f"no header, or one of more than {_MAX_HEADER} bytes")  # noqa: TRY004 -- one message for all of them
            yield parse(blob)
        except ValueError as error:
            self._gap(GapReason.UNDECIDABLE, f"{place}: {error}")

    def _gap(self, reason: GapReason, detail: str) -> None:
        self.complete = False
        self._context.gap(reason, detail)

    def _gap_for(self, error: OSError, path: str) -> None:
        self.complete = False
        self._context.gap_for(error, path)


def _connect(context: TableContext, vfs: str) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection("file:rpmdb?immutable=1", flags=flags, vfs=vfs)
    connection.limit(apsw.SQLITE_LIMIT_LENGTH, 4 * _MAX_HEADER)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)

    def late() -> bool:
        context.check_deadline()  # raises out of the running statement
        return False

    connection.set_progress_handler(late, _PROGRESS_STEPS)
    return connection


class _PageReader(apsw.VFS):
    """Gives SQLite one file, for reading, through a descriptor."""

    def __init__(self, name: str, descriptor: int) -> None:
        super().__init__(name, base="")
        self.name = name
        self._descriptor = descriptor

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        """The file; SQLite asks for no other, since the database is immutable."""
        if not flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            raise apsw.CantOpenError(f"{name} is not needed")
        flags[1] = apsw.SQLITE_OPEN_READONLY
        return cast("apsw.VFSFile", _PageFile(self._descriptor))  # any object with its methods will do

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: ARG002 -- SQLite's arguments
        """No journal exists."""
        return False

    def xFullPathname(self, name: str) -> str:
        """The name as it is."""
        return name


class _PageFile:
    """SQLite's view of the file (sqlite.org/c3ref/io_methods.html): reads only."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def xRead(self, amount: int, offset: int) -> bytes:
        """Bytes of the file; fewer at its end."""
        return os.pread(self._descriptor, amount, offset)

    def xFileSize(self) -> int:
        """Bytes."""
        return os.fstat(self._descriptor).st_size

    def xClose(self) -> None:
        """Whoever opened the descriptor closes it."""

    def xLock(self, level: int) -> None:
        """Nothing to lock: immutable."""

    def xUnlock(self, level: int) -> None:
        """Nothing was locked."""

    def xCheckReservedLock(self) -> bool:
        """Nobody writes."""
        return False

    def xSectorSize(self) -> int:
        """SQLite's default."""
        return 0

    def xDeviceCharacteristics(self) -> int:
        """The file does not change."""
        return apsw.SQLITE_IOCAP_IMMUTABLE

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: ARG002 -- SQLite's arguments
        """None is understood."""
        return False
