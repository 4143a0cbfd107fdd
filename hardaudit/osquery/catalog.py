"""Which tables and columns an osquery has, asked from itself: releases differ, and a site may have disabled some."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.errors import SourceError
from hardaudit.model.table import ColumnType
from hardaudit.osquery.reader import OsqueryError, ReportedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardaudit.osquery.reader import Reader

_SECONDS = 20.0
_VERSION = "SELECT version FROM osquery_info"
_TABLES = "SELECT DISTINCT name FROM osquery_registry WHERE registry = 'table'"
_COLUMNS = """
SELECT r.name AS table_name, c.name AS name, c.type AS type, c.hidden AS hidden
FROM (SELECT DISTINCT name FROM osquery_registry WHERE registry = 'table') AS r JOIN pragma_table_xinfo(r.name) AS c
"""
_TYPES = {kind.value: kind for kind in ColumnType} | {"UNSIGNED BIGINT": ColumnType.BIGINT, "UNSIGNED_BIGINT": ColumnType.BIGINT}


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
    try:
        version = next(iter(_ask(reader, _VERSION)), {}).get("version", "")
        try:
            rows = _ask(reader, _COLUMNS)
        except ReportedError:  # an SQLite without table-valued pragmas
            rows = _one_by_one(reader)
    except OsqueryError as error:
        raise SourceError(f"{reader.through}: {error.detail}") from error
    finally:
        reader.warnings()
    tables: dict[str, dict[str, CatalogColumn]] = {}
    for row in rows:
        kind = _TYPES.get(row.get("type", "").upper(), ColumnType.TEXT)
        column = CatalogColumn(kind, row.get("hidden", "0") not in ("", "0"))
        tables.setdefault(row.get("table_name", ""), {})[row.get("name", "")] = column
    if not version or "users" not in tables:
        raise SourceError(f"{reader.through}: it answers, but not as an osquery does: it names no version or no table users")
    return Catalog(version, tables)


def _one_by_one(reader: Reader) -> list[Mapping[str, str]]:
    """The columns by a pragma for each table. Hidden ones are told by table_xinfo alone, which older releases do not allow."""
    found: list[Mapping[str, str]] = []
    for table in (row.get("name", "") for row in _ask(reader, _TABLES)):
        if not table.isidentifier():
            continue
        try:
            rows = _ask(reader, f"PRAGMA table_xinfo({table})")
        except ReportedError:
            rows = _ask(reader, f"PRAGMA table_info({table})")
        found += [{**row, "table_name": table} for row in rows]
    return found


def _ask(reader: Reader, sql: str) -> Sequence[Mapping[str, str]]:
    deadline = time.monotonic() + _SECONDS

    def waiting() -> None:
        if time.monotonic() > deadline:
            raise SourceError(f"{reader.through}: no answer in {_SECONDS:g} s to: {sql}")

    return [{name: str(value) for name, value in row.items()} for row in reader.rows(sql, waiting)]
