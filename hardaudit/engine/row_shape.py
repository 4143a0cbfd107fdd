"""Rows held to their table's specification."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from hardaudit.engine.errors import TableDefectError
from hardaudit.model.table import ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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

_KEPT_LAYOUTS = 1000
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a row of certain Python types has texts, integers, and values of DOUBLE columns."""

    texts: tuple[int, ...]
    integers: tuple[int, ...]
    reals: tuple[int, ...]


class RowShape:
    """What a table's rows look like; made once a table, used for each row."""

    def __init__(self, spec: TableSpec) -> None:
        self.spec = spec
        self.names = tuple(column.name for column in spec.columns)
        self._known = frozenset(self.names)
        self._layouts: dict[tuple[type, ...], _Layout] = {}  # rows of a table have few different ones

    def tuple_of(self, row: Row, cut: Callable[[str], None]) -> RowTuple:
        """The row's values in the order of the columns; real numbers as floats. Raises TableDefectError for what the table cannot hold.

        A text of more than TEXT_LIMIT bytes is the host's doing: it is cut, and `cut` is called with the column's name.
        """
        if not row.keys() <= self._known:
            raise TableDefectError(self.spec.name, f"yielded unknown columns: {', '.join(sorted(map(str, row.keys() - self._known)))}")
        get = row.get
        values: list[Any] = [get(name) for name in self.names]
        kinds = tuple(map(type, values))
        layout = self._layouts.get(kinds) or self._layout(kinds, values)
        for index in layout.texts:
            if not values[index].isascii() or len(values[index]) > TEXT_LIMIT:
                values[index] = self._text(index, values[index], cut)
        for index in layout.integers:
            if not _SMALLEST <= values[index] <= _LARGEST:
                raise self._defect(index, values[index])
        for index in layout.reals:
            values[index] = self._real(index, values[index])
        return tuple(values)

    def _layout(self, kinds: tuple[type, ...], values: Sequence[Value]) -> _Layout:
        found: dict[ColumnType, list[int]] = {kind: [] for kind in ColumnType}
        for index, (kind, column) in enumerate(zip(kinds, self.spec.columns, strict=True)):
            if kind is type(None):
                continue
            if not issubclass(kind, PYTHON_TYPES[column.type]):
                raise self._defect(index, values[index])
            found[column.type].append(index)
        if len(self._layouts) > _KEPT_LAYOUTS:
            self._layouts.clear()
        integers = (*found[ColumnType.INTEGER], *found[ColumnType.BIGINT])
        self._layouts[kinds] = layout = _Layout(tuple(found[ColumnType.TEXT]), integers, tuple(found[ColumnType.DOUBLE]))
        return layout

    def _text(self, index: int, text: str, cut: Callable[[str], None]) -> str:
        try:
            content = text.encode()
        except UnicodeEncodeError as error:  # halves of surrogate pairs
            raise self._defect(index, text) from error
        if len(content) <= TEXT_LIMIT:
            return text
        cut(self.names[index])
        return content[:TEXT_LIMIT].decode(errors="ignore")

    def _real(self, index: int, number: float) -> float:
        if math.isnan(number):
            raise self._defect(index, number)
        return float(number)

    def _defect(self, index: int, value: Value) -> TableDefectError:
        return TableDefectError(self.spec.name, f"column {self.names[index]} cannot hold {type(value).__name__} {value!r:.80}")
