"""Tables whose rows an osquery reads: its types restored, its complaints made gaps.

osquery does not say what it may not read: the row is not there, the value is empty. So where hardaudit has the table itself, its own
generator reads the same facts beside it, and what that cannot read is a gap (docs/decisions/0011-osquery.md).
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from hardaudit.model.gap import GapReason
from hardaudit.model.table import Column, ColumnType, TableSpec
from hardaudit.osquery.answers import OpenAnswers
from hardaudit.osquery.literal import NoLiteralError
from hardaudit.osquery.reader import OsqueryError
from hardaudit.osquery.schema import columns_of, load_schema
from hardaudit.osquery.select import statement
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hardaudit.model.table import Row, Value
    from hardaudit.osquery.catalog import Catalog, CatalogColumn
    from hardaudit.osquery.reader import Reader
    from hardaudit.target.table import TableContext

USER_BASED: Final = frozenset(
    (
        "authorized_keys", "chrome_extension_content_scripts", "chrome_extensions", "firefox_addons", "jetbrains_plugins", "known_hosts",
        "opera_extensions", "shell_history", "ssh_configs", "user_ssh_keys", "vscode_extensions",
    )
)  # fmt: skip
"""Tables that show osquery's own user alone unless the query says whose rows it wants (`user_data=True` in osquery's specs)."""

NEVER_EMPTY: Final = frozenset(
    (
        "groups", "interface_addresses", "interface_details", "kernel_info", "load_average", "memory_info", "mounts", "os_version",
        "osquery_info", "process_namespaces", "processes", "shadow", "system_controls", "system_info", "systemd_units", "time", "uptime",
        "user_groups", "users",
    )
)  # fmt: skip
"""Tables that have a row on every running host. osquery answers with none, and no error, when it could not read them."""

FOR_EVERYONE: Final = frozenset(
    (
        "etc_hosts", "etc_protocols", "etc_services", "groups", "interface_addresses", "interface_details", "kernel_info", "load_average",
        "memory_info", "mounts", "os_version", "osquery_flags", "osquery_info", "osquery_registry", "routes", "system_info", "time",
        "uptime", "user_groups", "users",
    )
)  # fmt: skip
"""Tables of facts that every user may read. Of others an osquery that is not root leaves out what it may not read, and does not say so."""

_OSQUERY_KNOWS_MORE: Final = frozenset(("startup_items", "systemd_units"))
"""Tables of which osquery can tell what the embedded generator reports as unsupported: the state of units, which systemd tells it."""

_COSTLY: Final = frozenset(("deb_package_files", "hash"))
"""Tables that are not read twice: osquery shows a file that it could not read as one without digests, dpkg's lists are for everyone."""

_INT64 = range(-(2**63), 2**63)
_AHEAD_ROWS, _AHEAD_CHARACTERS = 200, 2**20
_SAFE_DIGITS = 19  # fewer always fit into 64 bits
_LONGEST_NUMBER = 400  # characters: those of the longest real number in full
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
"""What SQLite takes for a number; Python takes more: 1_000, ٣, infinity."""


def tables_of(reader: Reader, catalog: Catalog, embedded: Mapping[str, Table], *, has_systemd: bool) -> list[Table]:
    """Every table for an engine whose source is this osquery.

    Those that it has are read from it: the columns are ours where we know the table, and what it has besides. Those that it has not, ours
    and what an older one lacks, stay `embedded`. `has_systemd`: whether the host runs systemd, whom osquery asks for units; without it
    osquery has none, and the unit files are read here.
    """
    answers = OpenAnswers(reader)
    tables = []
    for name, own in sorted(embedded.items()):
        columns = catalog.tables.get(name)
        if columns is None or not own.spec.osquery or (name == "systemd_units" and not has_systemd):
            tables.append(own)
        else:
            tables.append(_table(_extended(own.spec, columns), reader, answers, catalog, own))
    schema = load_schema().tables
    for name in sorted(catalog.tables.keys() - embedded.keys()):
        if re.fullmatch("[a-z][a-z0-9_]*", name):
            known = columns_of(schema[name]) if name in schema else ()
            tables.append(_table(_foreign(name, known, catalog.tables[name]), reader, answers, catalog, None))
    return tables


def _extended(spec: TableSpec, columns: Mapping[str, CatalogColumn]) -> TableSpec:
    """The specification with the columns that this osquery has besides."""
    names = {column.name for column in spec.columns}
    more = tuple(_column(name, column) for name, column in columns.items() if name.lower() not in names)
    return dataclasses.replace(spec, columns=(*spec.columns, *more)) if more else spec


def _foreign(name: str, known: Sequence[Column], columns: Mapping[str, CatalogColumn]) -> TableSpec:
    """A table that hardaudit does not know itself. Of columns that no schema describes every constraint is told to osquery."""
    described = {column.name: column for column in known}
    own = tuple(described.get(column) or _column(column, found, told=not known) for column, found in columns.items())
    return TableSpec(
        name=name,
        description=f"osquery's table {name}: https://osquery.io/schema/#{name}",
        source="osquery",
        columns=own,
        examples=(f"SELECT * FROM {name} LIMIT 1",),  # noqa: S608 a plain name, checked by the caller
        live_only=True,
        osquery=True,
    )


def _column(name: str, found: CatalogColumn, *, told: bool = False) -> Column:
    like = told and found.type is ColumnType.TEXT
    return Column(name, found.type, "A column of this osquery's", index=told, like=like, hidden=found.hidden)


def _table(spec: TableSpec, reader: Reader, answers: OpenAnswers, catalog: Catalog, embedded: Table | None) -> Table:
    scan = _Scan(spec, reader, answers, frozenset(catalog.tables[spec.name]), catalog.version, embedded)
    return Table(spec, scan.rows)


class _Scan:
    """Reads one table."""

    def __init__(  # noqa: PLR0913 what a scan is made of
        self, spec: TableSpec, reader: Reader, answers: OpenAnswers, available: frozenset[str], version: str, embedded: Table | None
    ) -> None:
        self._spec = spec
        self._reader = reader
        self._answers = answers
        self._available = available
        self._version = version
        self._embedded = embedded if spec.name not in _COSTLY and reader.user == os.geteuid() else None

    def rows(self, context: TableContext) -> Iterator[Row]:
        """The generator: see `hardaudit.target.table.Generator`."""
        columns = {column.name: column.type for column in self._spec.columns if column.name in context.columns_used}
        numbers = [name for name, kind in columns.items() if kind is not ColumnType.TEXT]
        self._note_missing(context, columns)
        try:
            sql = self._statement(context, [name for name in columns if name in self._available])
        except NoLiteralError as error:
            context.gap(GapReason.UNDECIDABLE, f"cannot be asked from osquery: {error}")
            return
        count = 0
        self._answers.begins(context)
        try:
            with contextlib.closing(self._reader.rows(sql, context.check_deadline)) as rows:
                for count, row in enumerate(_read_ahead(rows, lambda: self._answers.ends(context)), 1):  # noqa: B007 counted for what follows
                    yield self._typed(row, columns, numbers, context)
        except OsqueryError as error:
            context.gap(error.reason, error.detail)
            return
        finally:
            self._answers.ends(context)
        self._note_unread(context, count)

    def _statement(self, context: TableContext, wanted: Sequence[str]) -> str:
        is_everyones = self._spec.name in USER_BASED and "uid" in self._available and context.constraints.equals("uid") is None
        more = ["uid IN (SELECT uid FROM users)"] if is_everyones else []
        return statement(self._spec.name, wanted, context.constraints, self._available, more)

    def _note_missing(self, context: TableContext, columns: Iterable[str]) -> None:
        """Columns that this osquery has not, read or asked for; what depends on their value cannot be known."""
        constraints = context.constraints
        asked = {*constraints.equal, *constraints.like, *constraints.ranges}
        missing = [name for name in columns if name not in self._available]
        missing += [column.name for column in self._spec.columns if column.name in asked - self._available - {*missing}]
        if missing:
            context.gap(GapReason.MISSING_SOURCE, f"osquery {self._version} has no column {', '.join(missing)} in this table")

    def _note_unread(self, context: TableContext, count: int) -> None:
        """What osquery could not read and does not tell of."""
        if not count:
            self._note_empty(context)
        is_walk = any("%%" in pattern for patterns in context.constraints.like.values() for pattern in patterns)
        if self._embedded is not None and not is_walk:
            for gap in context.gaps_of(self._embedded):
                if gap.reason is not GapReason.UNSUPPORTED or self._spec.name not in _OSQUERY_KNOWS_MORE:
                    context.gap(gap.reason, gap.detail)
        elif self._reader.user != 0 and self._spec.name not in FOR_EVERYONE:
            who = f"osquery runs as user {self._reader.user}, not as root"
            context.gap(GapReason.PERMISSION_DENIED, f"{who}, and does not say what it may not read; run it as root")

    def _note_empty(self, context: TableContext) -> None:
        """An answer without rows that may be no answer."""
        constraints = context.constraints
        if self._spec.name in NEVER_EMPTY and not (constraints.equal or constraints.like or constraints.ranges):
            context.gap(GapReason.MISSING_SOURCE, "osquery answers with no row, which no running host has: it could not read them")
        known = load_schema().tables.get(self._spec.name)
        if known is not None and known.event_subscriber:
            context.gap(GapReason.MISSING_SOURCE, "osquery has no event here, and does not say whether it records any")

    def _typed(self, row: dict[str, Value], columns: Mapping[str, ColumnType], numbers: Sequence[str], context: TableContext) -> Row:
        """The row with numbers where its columns hold some; `row` itself, which nobody else has."""
        if row.keys() != columns.keys():
            self._fit(row, columns, context)
        for name in numbers:
            text = row.get(name)
            if isinstance(text, str):
                number = _plain_number(text) if len(text) < _SAFE_DIGITS else None
                row[name] = self._number(text, name, columns[name], context) if number is None else number
        return row

    def _fit(self, row: dict[str, Value], columns: Mapping[str, ColumnType], context: TableContext) -> None:
        """Take out what was not asked for, and note what is not there."""
        for name in row.keys() - columns.keys():
            del row[name]
        for name in columns.keys() - row.keys():
            if name in self._available:
                context.gap(GapReason.UNSUPPORTED, f"osquery's answer has a row without the column {name}")

    def _number(self, text: str, name: str, kind: ColumnType, context: TableContext) -> Value:
        """A number from its text; None for an empty one, and with a gap for what is none."""
        if not text:
            return None
        number = None
        if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text):
            number = float(text) if kind is ColumnType.DOUBLE else _whole(text)
        if number is None:
            context.gap(GapReason.UNSUPPORTED, f"osquery's answer has {text[:40]!r} in the column {name}, which holds numbers")
            return None
        return number


def _read_ahead(rows: Iterator[dict[str, Value]], at_end: Callable[[], None]) -> Iterator[dict[str, Value]]:
    """The rows, the first ones at once: a query that wants a row and no more would keep the way to osquery open until the run's end.

    `at_end` is called if these are all.
    """
    first, size = [], 0
    failure = None
    try:
        for row in rows:
            first.append(row)
            size += sum(len(value) for value in row.values() if isinstance(value, str))
            if len(first) >= _AHEAD_ROWS or size > _AHEAD_CHARACTERS:
                break
        else:
            at_end()
    except OsqueryError as error:  # the rows until then are real
        failure = error
    yield from first
    if failure is not None:
        raise failure
    first.clear()
    yield from rows


@lru_cache(maxsize=4096)  # owners, devices, link counts and flags are the same in many rows
def _plain_number(text: str) -> int | None:
    """The number that short digits are; None for everything else."""
    return int(text) if text.isdecimal() and text.isascii() else None


def _whole(text: str) -> int | None:
    """An integer of 64 bits from the text of a number, also of a real one without a fraction."""
    if text.lstrip("+-").isdecimal():
        number = int(text)
    else:
        real = float(text)
        if not real.is_integer():
            return None
        number = int(real)
    return number if number in _INT64 else None
