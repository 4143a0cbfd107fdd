"""Rows held to their table's specification."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from hardaudit.engine.errors import TableDefectError
from hardaudit.model.table import ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit.model.table import Row, TableSpec, Value

RowTuple: TypeAlias = "tuple[Value, ...]"

TEXT_LIMIT = 2_000_000
"""Bytes in UTF-8 of a text that a query sees; SQLite is allowed a little more (see `engine`)."""

PYTHON_TYPES: dict[ColumnType, tuple[type, ...]] = {
    ColumnType.TEXT: (str,),
    ColumnType.INTEGER: (int,),
    ColumnType.BIGINT: (int,),
    ColumnType.DOUBLE: (float, int),
}
"""What a generator may yield for a column, besides None."""


class RowShape:
    """What a table's rows look like; made once a table, used for each row."""

    def __init__(self, spec: TableSpec) -> None:
        self.spec = spec
        self.names = tuple(column.name for column in spec.columns)
        self._known = frozenset(self.names)
        self._columns = tuple((column.name, PYTHON_TYPES[column.type], column.type is ColumnType.DOUBLE) for column in spec.columns)

    def tuple_of(self, row: Row, cut: Callable[[str], None]) -> RowTuple:
        """The row's values in the order of the columns; real numbers as floats. Raises TableDefectError for what the table cannot hold.

        A text of more than TEXT_LIMIT bytes is the host's doing: it is cut, and `cut` is called with the column's name.
        """
        if not row.keys() <= self._known:
            raise TableDefectError(self.spec.name, f"yielded unknown columns: {', '.join(sorted(row.keys() - self._known))}")
        values = []
        for name, types, is_real in self._columns:
            value = row.get(name)
            if value is not None:
                if not isinstance(value, types) or not _can_be_held(value):
                    raise TableDefectError(self.spec.name, f"column {name} cannot hold {type(value).__name__} {value!r:.80}")
                if isinstance(value, str) and len(value) * 4 > TEXT_LIMIT < len(encoded := value.encode()):
                    cut(name)
                    value = encoded[:TEXT_LIMIT].decode(errors="ignore")
                elif is_real:
                    value = float(value)
            values.append(value)
        return tuple(values)


def _can_be_held(value: str | float) -> bool:
    """Whether SQLite can: 64 bits, a number that is one, text without halves of surrogate pairs."""
    if isinstance(value, str):
        return value.isascii() or _is_unicode(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return not math.isnan(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
