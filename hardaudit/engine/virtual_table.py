"""Tables as SQLite virtual tables (sqlite.org/vtab.html), with declared types and exact constraint push-down.

APSW's own `make_virtual_module` declares columns without a type, so `WHERE uid = '0'` would not match the integer 0, and it cannot take
LIKE on a required column. Here every column has osquery's type and collation, operands are converted by the column's affinity before a
generator sees them, and no constraint is ever marked as handled: SQLite checks each row again, so a generator that narrows too little
costs time, never a wrong row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import apsw

from hardaudit.engine.affinity import CannotNarrowError, NoMatch, convert
from hardaudit.model.table import Bound, ColumnType, Constraints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit.engine.stream import RowTuple
    from hardaudit.model.table import Column, TableSpec, Value

_OPERATORS = {
    apsw.SQLITE_INDEX_CONSTRAINT_EQ: "=",
    apsw.SQLITE_INDEX_CONSTRAINT_LIKE: "LIKE",
    apsw.SQLITE_INDEX_CONSTRAINT_GT: ">",
    apsw.SQLITE_INDEX_CONSTRAINT_GE: ">=",
    apsw.SQLITE_INDEX_CONSTRAINT_LT: "<",
    apsw.SQLITE_INDEX_CONSTRAINT_LE: "<=",
}
_FULL_SCAN_ROWS = 10_000


class RowSource(Protocol):
    """Who gives a table's rows for constraints; the engine's session."""

    def open_rows(self, spec: TableSpec, constraints: Constraints, columns_used: frozenset[str]) -> Iterator[RowTuple]:
        """The rows, each value of its column's type."""

    def note_unconstrained(self, spec: TableSpec) -> None:
        """The planner offered no usable constraint on any of the table's required columns."""


class TableModule:
    """The module behind one table; SQLite creates the table itself when a query first names it."""

    def __init__(self, spec: TableSpec, source: RowSource) -> None:
        self._spec = spec
        self._source = source

    def Connect(self, _connection: apsw.Connection, _module: str, _database: str, _table: str, *_: object) -> tuple[str, _Table]:  # noqa: N802 APSW's name
        """Declare the columns."""
        return f"CREATE TABLE x({', '.join(map(_declaration, self._spec.columns))})", _Table(self._spec, self._source)

    Create = Connect


def _declaration(column: Column) -> str:
    parts = [f'"{column.name}" {column.type.value}']
    if column.collate:
        parts.append(f"COLLATE {column.collate}")
    if column.hidden:
        parts.append("HIDDEN")
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the planner settled on, as it travels through SQLite's idxStr: the operands that Filter gets, and the columns read."""

    operands: tuple[tuple[int, str], ...]
    columns_used: tuple[int, ...]

    def encode(self) -> str:
        return json.dumps([self.operands, self.columns_used])

    @classmethod
    def decode(cls, text: str) -> _Plan:
        operands, columns_used = json.loads(text)
        return cls(tuple((column, operator) for column, operator in operands), tuple(columns_used))


class _Table:
    def __init__(self, spec: TableSpec, source: RowSource) -> None:
        self._spec = spec
        self._source = source

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:  # noqa: N802
        """Take the constraints that the table understands; refuse a plan without a required one, so that SQLite looks for another."""
        operands = []
        for index in range(info.nConstraint):
            operator = self._understood(info, index)
            if operator is None:
                continue
            operands.append((info.get_aConstraint_iColumn(index), operator))
            info.set_aConstraintUsage_argvIndex(index, len(operands))
        constrained = {self._spec.columns[column].name for column, _ in operands}
        if self._spec.required and not constrained & set(self._spec.required):
            self._source.note_unconstrained(self._spec)
            return False
        exact = sum(operator == "=" for _, operator in operands)
        rows = max(1, _FULL_SCAN_ROWS // 100 ** min(exact, 2) // (1 + len(operands) - exact))
        info.estimatedRows = rows
        info.estimatedCost = float(rows) * 10
        info.idxStr = _Plan(tuple(operands), tuple(sorted(info.colUsed))).encode()
        return True

    def _understood(self, info: apsw.IndexInfo, index: int) -> str | None:
        operator = _OPERATORS.get(info.get_aConstraint_op(index))
        column_index = info.get_aConstraint_iColumn(index)
        if operator is None or column_index < 0 or not info.get_aConstraint_usable(index):
            return None
        column = self._spec.columns[column_index]
        # A comparison under another collation than bytewise may match values that differ from the operand.
        if operator != "LIKE" and info.get_aConstraint_collation(index).upper() != "BINARY":
            return None
        # In its scan for each value of an IN, SQLite compares as if the value were a literal: a text column would not find '01' for the
        # 1 of a numeric sub-query. Where narrowing is not needed, IN on text is left to SQLite.
        if column.type is ColumnType.TEXT and not column.required and info.get_aConstraintUsage_in(index):
            return None
        return operator if operator in column.operators else None

    def Open(self) -> _Cursor:  # noqa: N802
        """A cursor."""
        return _Cursor(self._spec, self._source)

    def Disconnect(self) -> None:  # noqa: N802
        """Nothing is held."""

    Destroy = Disconnect


class _Cursor:
    def __init__(self, spec: TableSpec, source: RowSource) -> None:
        self._spec = spec
        self._source = source
        self._rows: Iterator[RowTuple] = iter(())
        self._row: RowTuple | None = None
        self._twins: dict[RowTuple, int] = {}
        self._rowid: int | None = None

    def Filter(self, _number: int, plan: str, operands: Sequence[object]) -> None:  # noqa: N802
        """Start over with the operands of this scan."""
        decoded = _Plan.decode(plan)
        constraints = _constraints(self._spec, decoded.operands, operands)
        columns = self._spec.columns
        used = frozenset(columns[index].name for index in decoded.columns_used if index < len(columns))
        self._twins = {}
        self._rows = iter(()) if constraints is None else self._source.open_rows(self._spec, constraints, used)
        self.Next()

    def Next(self) -> None:  # noqa: N802
        """Go to the next row."""
        self._row = next(self._rows, None)
        self._rowid = None

    def Eof(self) -> bool:  # noqa: N802
        """Whether there is no row any more."""
        return self._row is None

    def Column(self, index: int) -> Value:  # noqa: N802
        """A value of the row; -1 is the rowid."""
        if index < 0 or self._row is None:
            return self.Rowid()
        return self._row[index]

    def Rowid(self) -> int:  # noqa: N802
        """An identity that the row has in every branch of an OR, where SQLite drops rows whose rowid it has seen.

        It is made of the row's values. Equal rows differ by their number in the scan: a branch that returns one of them returns all, so
        the numbers agree between branches.
        """
        if self._rowid is None:
            row = self._row or ()
            twin = self._twins[row] = self._twins.get(row, -1) + 1
            self._rowid = hash((row, twin))
        return self._rowid

    def Close(self) -> None:  # noqa: N802
        """Let the rows go."""
        if hasattr(self._rows, "close"):
            self._rows.close()
        self._rows = iter(())


def _constraints(spec: TableSpec, plan: Sequence[tuple[int, str]], operands: Sequence[object]) -> Constraints | None:
    """The scan's constraints, or None when no row can satisfy them."""
    equal: dict[str, frozenset[Value]] = {}
    like: dict[str, tuple[str, ...]] = {}
    ranges: dict[str, tuple[Bound, ...]] = {}
    for (index, operator), operand in zip(plan, operands, strict=True):
        column = spec.columns[index]
        if operator == "LIKE":
            if not isinstance(operand, str):
                if operand is None:
                    return None
                continue
            like[column.name] = (*like.get(column.name, ()), operand)
        elif operator == "=":
            values = _equal_values(column, operand)
            if values is None:
                continue
            equal[column.name] = equal[column.name] & values if column.name in equal else values
            if not equal[column.name]:
                return None
        elif (bound := _bound(column, operator, operand)) is not None:
            ranges[column.name] = (*ranges.get(column.name, ()), bound)
    return Constraints(equal, like, ranges)


def _equal_values(column: Column, operand: object) -> frozenset[Value] | None:
    """The values that `=` lets through, one or none; None where only SQLite can tell. SQLite turns IN into a scan for each value."""
    try:
        value = convert(column, operand)
    except CannotNarrowError:
        return None
    return frozenset() if isinstance(value, NoMatch) else frozenset((value,))


def _bound(column: Column, operator: str, operand: object) -> Bound | None:
    """A range's bound, where it can be handed on unchanged: ordering across types is SQLite's business."""
    wanted = str if column.type.value == "TEXT" else (int, float)
    return Bound(operator, operand) if isinstance(operand, wanted) else None  # type: ignore[arg-type]
