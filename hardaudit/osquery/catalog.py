"""Which tables and columns an osquery has, asked from itself: releases differ, and a site may have disabled some."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hardaudit.errors import SourceError
from hardaudit.model.table import ColumnType
from hardaudit.osquery.reader import OsqueryError, ReportedError
from hardaudit.osquery.select import identifier

if TYPE_CHECKING:
    from hardaudit.osquery.reader import Reader

_SECONDS = 20.0  # for all of it
_COLUMNS_LIMIT = 20_000  # osquery 5.23 has 2,600 on Linux
_VERSION = "SELECT version FROM osquery_info"
_TABLES = "SELECT DISTINCT name FROM osquery_registry WHERE registry = 'table'"
_COLUMNS = """
SELECT r.name AS table_name, c.name AS name, c.type AS type, c.hidden AS hidden
FROM (SELECT DISTINCT name FROM osquery_registry WHERE registry = 'table') AS r JOIN pragma_table_xinfo(r.name) AS c
"""
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,127}")
_RELEASE = re.compile(r"\d[\w.+~-]{0,63}", re.ASCII)
_TYPES = {kind.value: kind for kind in ColumnType} | {"UNSIGNED BIGINT": ColumnType.BIGINT, "UNSIGNED_BIGINT": ColumnType.BIGINT}

_Ask: TypeAlias = Callable[[str], list[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class CatalogColumn:
    """A column as the osquery declares it; a type that is no `ColumnType` is TEXT."""

    type: ColumnType
    hidden: bool


@dataclass(frozen=True, slots=True)
class Catalog:
    """An osquery's version, and the columns of each of its tables by name."""

    version: str
    tables: Mapping[str, Mapping[str, CatalogColumn]]


def read_catalog(reader: Reader) -> Catalog:
    """What the osquery says of itself. Raises SourceError when it does not answer as an osquery does."""
    ask = _asking(reader)
    try:
        version = next(iter(ask(_VERSION)), {}).get("version", "")
        try:
            rows = ask(_COLUMNS)
        except ReportedError:  # an SQLite without table-valued pragmas
            rows = _one_by_one(ask)
    except OsqueryError as error:
        raise SourceError(f"{reader.through}: {error.detail}") from error
    finally:
        reader.warnings()
    tables = _tables(rows)
    if not _RELEASE.fullmatch(version) or "users" not in tables:
        raise SourceError(f"{reader.through}: it answers, but not as an osquery does: it names no version or no table users")
    return Catalog(version, tables)


def _tables(rows: Iterable[Mapping[str, str]]) -> dict[str, dict[str, CatalogColumn]]:
    """The columns by table and name. Names that could not stand in a statement as they are, or are there twice, are left out."""
    tables: dict[str, dict[str, CatalogColumn]] = {}
    seen = set()
    for row in rows:
        table, name = row.get("table_name", ""), row.get("name", "")
        key = (table, name.lower())  # as SQLite compares them
        if key in seen or not _NAME.fullmatch(table) or not _NAME.fullmatch(name):
            continue
        seen.add(key)
        kind = _TYPES.get(row.get("type", "").upper(), ColumnType.TEXT)
        tables.setdefault(table, {})[name] = CatalogColumn(kind, row.get("hidden", "0") not in ("", "0"))
    return tables


def _one_by_one(ask: _Ask) -> list[Mapping[str, str]]:
    """The columns by a pragma for each table. Hidden ones are told by table_xinfo alone, which older releases do not allow."""
    found: list[Mapping[str, str]] = []
    for table in (row.get("name", "") for row in ask(_TABLES)):
        if not _NAME.fullmatch(table):
            continue
        try:
            rows = ask(f"PRAGMA table_xinfo({identifier(table)})")
        except ReportedError:
            rows = ask(f"PRAGMA table_info({identifier(table)})")
        found += [{**row, "table_name": table} for row in rows]
    return found


def _asking(reader: Reader) -> _Ask:
    """Asks one statement after the other, all of them within _SECONDS, of at most _COLUMNS_LIMIT rows together."""
    deadline = time.monotonic() + _SECONDS
    left = _COLUMNS_LIMIT

    def waiting() -> None:
        if time.monotonic() > deadline:
            raise SourceError(f"{reader.through}: it does not say within {_SECONDS:g} s which tables it has")

    def ask(sql: str) -> list[Mapping[str, str]]:
        nonlocal left
        waiting()
        rows: list[Mapping[str, str]] = []
        with contextlib.closing(reader.rows(sql, waiting)) as answer:
            for row in answer:
                if (left := left - 1) < 0:
                    raise SourceError(f"{reader.through}: it claims more than {_COLUMNS_LIMIT:,} columns, which no osquery has")
                rows.append({name: str(value) for name, value in row.items()})
        return rows

    return ask
