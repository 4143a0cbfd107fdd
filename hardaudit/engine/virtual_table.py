"""Tables as SQLite virtual tables (sqlite.org/vtab.html), with declared types and exact constraint push-down.

APSW's own `make_virtual_module` declares columns without a type, so `WHERE uid = '0'` would not match the integer 0, and it cannot take
LIKE on a required column. Here every column has osquery's type and collation, operands are converted by the column's affinity before a
generator sees them, and no constraint is ever marked as handled: SQLite checks each row again, so a generator that narrows too little
costs time, never a wrong row.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

import apsw

from hardaudit.engine.affinity import CannotNarrowError, NoMatch, convert
from hardaudit.errors import QueryError
from hardaudit.model.table import Bound, ColumnType, Constraints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit.engine.row_shape import RowTuple
    from hardaudit.model.table import Column, TableSpec, Value

_OPERATORS = {
    apsw.SQLITE_INDEX_CONSTRAINT_EQ: "=",
    apsw.SQLITE_INDEX_CONSTRAINT_LIKE: "LIKE",
    apsw.SQLITE_INDEX_CONSTRAINT_GT: ">",
    apsw.SQLITE_INDEX_CONSTRAINT_GE: ">=",
    apsw.SQLITE_INDEX_CONSTRAINT_LT: "<",
    apsw.SQLITE_INDEX_CONSTRAINT_LE: "<=",
}
_RANGES = (">", ">=", "<", "<=")
_FULL_SCAN_ROWS = 10_000
_LAST_BIT = 63  # of SQLite's mask of the columns used
_DIGEST_KEY = os.urandom(16)


class RowSource(Protocol):
    """Who gives a table's rows for constraints; the engine's session."""

    def open_rows(self, spec: TableSpec, constraints: Constraints, columns_used: frozenset[str]) -> Iterator[RowTuple]:
        """The rows, each value of its column's type."""

    def note_unconstrained(self, spec: TableSpec, wanted: Sequence[Column]) -> None:
        """A plan was refused because it tells the generator the value of none of these columns."""


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

    @staticmethod
    @lru_cache(maxsize=256)
    def decode(text: str) -> _Plan:
        operands, columns_used = json.loads(text)
        return _Plan(tuple((column, operator) for column, operator in operands), tuple(columns_used))


class _Table:
    def __init__(self, spec: TableSpec, source: RowSource) -> None:
        self._spec = spec
        self._source = source

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:  # noqa: N802
        """Take the constraints that the table understands; refuse a plan without a required one, so that SQLite looks for another."""
        operands = []
        for index in range(info.nConstraint):
            if (argument := self._withheld_argument(info, index)) is not None:
                self._source.note_unconstrained(self._spec, (argument,))
                return False
            operator = self._understood(info, index)
            if operator is None:
                continue
            operands.append((info.get_aConstraint_iColumn(index), operator))
            info.set_aConstraintUsage_argvIndex(index, len(operands))
        selected = {self._spec.columns[column].name for column, operator in operands if operator in ("=", "LIKE")}
        if self._spec.required and selected.isdisjoint(self._spec.required):
            self._source.note_unconstrained(self._spec, [column for column in self._spec.columns if column.required])
            return False
        exact = sum(operator == "=" for _, operator in operands)
        rows = max(1, _FULL_SCAN_ROWS // 100 ** min(exact, 2) // (1 + len(operands) - exact))
        info.estimatedRows = rows
        info.estimatedCost = float(rows) * 10
        info.idxStr = _Plan(tuple(operands), tuple(sorted(info.colUsed))).encode()
        return True

    def _withheld_argument(self, info: apsw.IndexInfo, index: int) -> Column | None:
        """A column that is the table's argument, whose value this plan would not tell: every row would be missed, in silence."""
        column_index = info.get_aConstraint_iColumn(index)
        if column_index < 0 or info.get_aConstraint_op(index) != apsw.SQLITE_INDEX_CONSTRAINT_EQ:
            return None
        column = self._spec.columns[column_index]
        if not (column.hidden and column.additional):
            return None
        told = info.get_aConstraint_usable(index) and info.get_aConstraint_collation(index).upper() == "BINARY"
        return None if told else column

    def _understood(self, info: apsw.IndexInfo, index: int) -> str | None:
        """The operator of a constraint that the generator is told of; None leaves it to SQLite."""
        operator = _OPERATORS.get(info.get_aConstraint_op(index))
        column_index = info.get_aConstraint_iColumn(index)
        if operator is None or column_index < 0 or not info.get_aConstraint_usable(index):
            return None
        column = self._spec.columns[column_index]
        if operator not in column.operators:
            return None
        # A comparison under another collation than bytewise may match values that differ from the operand. Of row values SQLite tells the
        # collation of the first column only.
        if operator != "LIKE" and (column.collate or info.get_aConstraint_collation(index).upper() != "BINARY"):
            return None
        # Of an IN that is handed over SQLite checks each value by itself, and a text against numbers of a sub-query otherwise than it would
        # in an ordinary table; so that is done only where the generator must know.
        is_in = operator == "=" and info.get_aConstraintUsage_in(index)
        return None if is_in and column.type is ColumnType.TEXT and not _decides(column) else operator

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
        self._twins: dict[int, int] = {}
        self._rowid: int | None = None

    def Filter(self, _number: int, plan: str, operands: Sequence[object]) -> None:  # noqa: N802
        """Start over with the operands of this scan."""
        decoded = _Plan.decode(plan)
        constraints = _constraints(self._spec, decoded.operands, operands)
        columns = self._spec.columns
        used = _columns_used(columns, decoded.columns_used)
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
        """An identity that the row has in every branch of an OR and both passes of a RIGHT JOIN: SQLite drops rows whose rowid it has seen.

        It is a digest of the row's values; Python's own hash of -1 is that of -2. Equal rows differ by their number in the scan: a branch
        that returns one of them returns all, so the numbers agree between branches.
        """
        if self._rowid is None:
            values = repr(self._row)
            base = _digest(values)
            twin = self._twins[base] = self._twins.get(base, -1) + 1
            self._rowid = _digest(f"{twin} {values}") if twin else base
        return self._rowid

    def Close(self) -> None:  # noqa: N802
        """Let the rows go."""
        if hasattr(self._rows, "close"):
            self._rows.close()
        self._rows = iter(())


def _digest(text: str) -> int:
    """64 bits that nobody who chooses the text can make collide."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=_DIGEST_KEY).digest(), "big", signed=True)


def _columns_used(columns: Sequence[Column], indices: Sequence[int]) -> frozenset[str]:
    """SQLite's mask has 64 bits: the last stands for all columns from there on."""
    names = [columns[index].name for index in indices if index < min(len(columns), _LAST_BIT)]
    if _LAST_BIT in indices:
        names += [column.name for column in columns[_LAST_BIT:]]
    return frozenset(names)


def _decides(column: Column) -> bool:
    """Whether the generator yields something else for another value, so that rows are missed where it is not told the value."""
    return column.required or column.additional


def _constraints(spec: TableSpec, plan: Sequence[tuple[int, str]], operands: Sequence[object]) -> Constraints | None:
    """The scan's constraints, or None when no row can satisfy them. Raises QueryError for an operand that the generator cannot be told."""
    equal: dict[str, frozenset[Value]] = {}
    like: dict[str, tuple[str, ...]] = {}
    ranges: dict[str, tuple[Bound, ...]] = {}
    for (index, operator), operand in zip(plan, operands, strict=True):
        column = spec.columns[index]
        if operand is None:
            return None
        if operator in _RANGES:
            if (bound := _bound(column, operator, operand)) is not None:
                ranges[column.name] = (*ranges.get(column.name, ()), bound)
            continue
        try:
            if operator == "LIKE":
                like[column.name] = (*like.get(column.name, ()), _pattern(operand))
                continue
            value = convert(column, operand)
        except CannotNarrowError:
            if _decides(column):
                raise QueryError(_cannot_look_up(spec, column, operand)) from None
            continue
        known = equal.get(column.name, frozenset((value,)))
        if isinstance(value, NoMatch) or value not in known:
            return None
        equal[column.name] = frozenset((value,))
    return Constraints(equal, like, ranges)


def _cannot_look_up(spec: TableSpec, column: Column, operand: object) -> str:
    written = f"{operand!r:.40}"
    return f"{spec.name}.{column.name} is {column.type.value} and is looked up by {written}: write CAST(… AS {column.type.value})"


def _pattern(operand: object) -> str:
    """A LIKE pattern, which SQLite takes as text."""
    if isinstance(operand, str):
        return operand
    if isinstance(operand, int):
        return str(operand)
    raise CannotNarrowError


def _bound(column: Column, operator: str, operand: object) -> Bound | None:
    """A range's bound, where it can be handed on unchanged: ordering across types is SQLite's business."""
    wanted = str if column.type is ColumnType.TEXT else (int, float)
    return Bound(operator, operand) if isinstance(operand, wanted) else None  # type: ignore[arg-type]
