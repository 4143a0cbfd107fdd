"""osquery's own tables as its releases have them: names, column types and flags.

The bundled file holds those of osquery 5.23 on Linux. Other releases come as the file that the osquery project publishes for each (the
repository osquery/osquery-site, `src/data/osquery_schema_versions/X.Y.Z.json`), which does not tell of `additional` and of collations.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import os
import re
import stat
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hardaudit.errors import HardauditError
from hardaudit.model.table import Column, ColumnType

if TYPE_CHECKING:
    from collections.abc import Mapping

BUNDLED = "schema-5.23.json"

_SIZE_LIMIT = 16 * 2**20  # bytes; the published files have less than one million
_PLATFORM = "linux"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_VERSION = re.compile(r"\d{1,5}(?:\.\d{1,5}){1,3}")
_TYPES = {type_.value: type_ for type_ in ColumnType} | {"UNSIGNED_BIGINT": ColumnType.BIGINT}
_FLAGS = ("required", "index", "additional", "hidden")
_GET_ONE = "take the file of your release from github.com/osquery/osquery-site, src/data/osquery_schema_versions"


class SchemaError(HardauditError):
    """A file that should hold osquery's schema does not."""


@dataclass(frozen=True, slots=True)
class SchemaColumn:
    """A column: `type` as osquery spells it (TEXT, UNSIGNED_BIGINT, DATETIME …), the flags as in `model.table.Column`."""

    name: str
    type: str
    required: bool = False
    index: bool = False
    additional: bool = False
    hidden: bool = False
    collate: str | None = None


@dataclass(frozen=True, slots=True)
class SchemaTable:
    """A table of osquery's, its columns by name in their order. `event_subscriber`: it holds events that osqueryd collected."""

    name: str
    columns: Mapping[str, SchemaColumn]
    event_subscriber: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns: osquery answers nothing to a query that constrains none of them."""
        return tuple(column.name for column in self.columns.values() if column.required)


@dataclass(frozen=True, slots=True)
class OsquerySchema:
    """The tables of one release on Linux, by name. `version` is empty where the file does not tell it."""

    version: str
    tables: Mapping[str, SchemaTable]


def load_schema(path: str | None = None) -> OsquerySchema:
    """The bundled schema, or that of a file: of the bundled form or of the one that osquery publishes, whose name has the version.

    Raises SchemaError for a file that cannot be read or has another form.
    """
    if path is None:
        return _bundled()
    return _parse(_read(path), path)


def columns_of(table: SchemaTable) -> tuple[Column, ...]:
    """The columns for a table specification: UNSIGNED_BIGINT is BIGINT, types that are no ColumnType are TEXT, as osquery itself has dates.

    A required column of text understands LIKE, as paths in osquery do.
    """
    return tuple(_column(column) for column in table.columns.values())


def _column(column: SchemaColumn) -> Column:
    kind = _TYPES.get(column.type, ColumnType.TEXT)
    return Column(
        column.name,
        kind,
        "",
        required=column.required,
        index=column.index,
        additional=column.additional,
        hidden=column.hidden,
        collate=column.collate,
        like=column.required and kind is ColumnType.TEXT,
    )


@functools.cache
def _bundled() -> OsquerySchema:
    return _parse(importlib.resources.files("hardaudit.osquery").joinpath(BUNDLED).read_bytes(), BUNDLED)


def _read(path: str) -> bytes:
    """The file's bytes; a FIFO or device is not waited for."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise _error(path, f"it is not a regular file; {_GET_ONE}")
            content = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL character, half a surrogate pair
        raise _error(path, "cannot be read: no file can have this name") from error
    if len(content) > _SIZE_LIMIT:
        raise _error(path, f"it has more than {_SIZE_LIMIT:,} bytes; {_GET_ONE}")
    return content


def _parse(content: bytes, path: str) -> OsquerySchema:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, nested without end
        raise _error(path, f"it is not JSON; {_GET_ONE}") from error
    if isinstance(document, list):
        version = re.search(rf"(?:^|[^\d.])({_VERSION.pattern})\.json$", os.path.basename(path))
        published = [_mapping(table, path, f"item {number}") for number, table in enumerate(document, 1)]
        entries = [(table.get("name"), table) for table in published if _on_linux(table, "platforms", path)]
        return _schema(version[1] if version else "", entries, path)
    document = _mapping(document, path, "the document")
    version = document.get("osquery")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise _error(path, f'"osquery" is no version such as "5.23"; {_GET_ONE}')
    return _schema(version, list(_mapping(document.get("tables"), path, '"tables"').items()), path)


def _schema(version: str, entries: list[tuple[object, Any]], path: str) -> OsquerySchema:
    tables: dict[str, SchemaTable] = {}
    for written, entry in entries:
        name = _name(written, path, "a table")
        if name in tables:
            raise _error(path, f"the table {name} is there twice; {_GET_ONE}")
        tables[name] = _table(name, _mapping(entry, path, f"the table {name}"), path)
    if not tables:
        raise _error(path, f"it has no table of osquery on Linux; {_GET_ONE}")
    return OsquerySchema(version, MappingProxyType(dict(sorted(tables.items()))))


def _table(name: str, entry: Mapping[str, Any], path: str) -> SchemaTable:
    listed = entry.get("columns")
    if not isinstance(listed, list) or not listed:
        raise _error(path, f"the table {name} has no list of columns; {_GET_ONE}")
    columns: dict[str, SchemaColumn] = {}
    for item in listed:
        column = _mapping(item, path, f"a column of {name}")
        if not _on_linux(column, "platforms", path):
            continue
        parsed = _schema_column(column, name, path)
        columns.setdefault(parsed.name, parsed)  # a column that several platforms add is listed once for each
    return SchemaTable(name, MappingProxyType(columns), entry.get("event_subscriber") is True or entry.get("evented") is True)


def _schema_column(column: Mapping[str, Any], table: str, path: str) -> SchemaColumn:
    name = _name(column.get("name"), path, f"a column of {table}")
    kind, collate = column.get("type"), column.get("collate")
    if not isinstance(kind, str) or not (collate is None or (isinstance(collate, str) and _NAME.fullmatch(collate))):
        raise _error(path, f"the column {table}.{name} has no type, or a collation that is no name; {_GET_ONE}")
    flags = {flag: column.get(flag) is True for flag in _FLAGS}
    return SchemaColumn(name, kind.upper().replace(" ", "_"), collate=collate, **flags)


def _on_linux(entry: Mapping[str, Any], key: str, path: str) -> bool:
    """Whether the entry is for Linux; one that names no platform is for all."""
    platforms = entry.get(key)
    if platforms is not None and not isinstance(platforms, list):
        raise _error(path, f"{key} is not a list; {_GET_ONE}")
    return not platforms or _PLATFORM in platforms


def _mapping(value: object, path: str, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _error(path, f"{what} is not a JSON object; {_GET_ONE}")
    return value


def _name(value: object, path: str, what: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise _error(path, f"{what} has no name of letters, digits and _; {_GET_ONE}")
    return value


def _error(path: str, message: str) -> SchemaError:
    return SchemaError(f"osquery's schema {path}: {message}")
