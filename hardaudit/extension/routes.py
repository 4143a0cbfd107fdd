"""Tables as osquery has them announced: name, type and options of each column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import ColumnType

if TYPE_CHECKING:
    from hardaudit.model.table import Column, TableSpec

_INDEX, _REQUIRED, _ADDITIONAL, _HIDDEN = 1, 2, 4, 16  # osquery's ColumnOptions (osquery/core/tables.h)


def routes(spec: TableSpec) -> list[dict[str, str]]:
    """The columns of a table, as TablePlugin::routeInfo gives them.

    Integers are BIGINT: osquery cuts those of INTEGER columns to 32 bits (DynamicTableRow::get_column).
    """
    return [{"id": "column", "name": column.name, "type": _type(column), "op": str(_options(column))} for column in spec.columns]


def _type(column: Column) -> str:
    return ColumnType.BIGINT.value if column.type.is_integer else column.type.value


def _options(column: Column) -> int:
    options = _INDEX if column.index or column.like or column.ranges else 0
    options |= _REQUIRED if column.required else 0
    options |= _ADDITIONAL if column.additional else 0
    return options | (_HIDDEN if column.hidden else 0)
