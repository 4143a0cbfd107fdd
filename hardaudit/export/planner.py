"""Empty tables that SQLite plans as it does osquery's, so that a plan which loses rows there is seen before it runs on any host.

osquery's xBestIndex (osquery/sql/virtual_table.cpp) takes every usable constraint on a column that is required, index or additional, and
says that a scan with one of them costs 1 and any other 1,000,000; it never refuses a plan. Of an extension's table every column without
a flag counts as index (flag --extensions_default_index). A table of osquery's own with an index column has no rowid: its index and
additional columns are the primary key (columnDefinition in osquery/core/tables.cpp); any other's rowid is the row's number in its scan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import apsw

from hardaudit.model.table import ColumnType
from hardaudit.osquery.gaps_table import GAPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, MutableSequence, Sequence

    from hardaudit.model.table import Column

_COST, _FULL_COST = 1.0, 1_000_000.0
_FIRST_NUMBER = 1_000_000  # far from the numbers that SQLite's own virtual tables give their plans
_RANGES = frozenset(
    (
        apsw.SQLITE_INDEX_CONSTRAINT_GT,
        apsw.SQLITE_INDEX_CONSTRAINT_GE,
        apsw.SQLITE_INDEX_CONSTRAINT_LT,
        apsw.SQLITE_INDEX_CONSTRAINT_LE,
    )
)
_TELLING = frozenset((apsw.SQLITE_INDEX_CONSTRAINT_EQ, apsw.SQLITE_INDEX_CONSTRAINT_LIKE))
_SCAN = re.compile(r"VIRTUAL TABLE INDEX (\d+):")
_OR = "MULTI-INDEX OR"
_KEYED = frozenset({"file", "groups", "hash", "processes", "system_controls", "users"})
"""Tables of osquery's whose primary key tells every row from the others, so that SQLite drops only what it has seen."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A way to read a table: the columns whose value is told by `=` or LIKE, and the table's arguments whose value is not told.

    `operands`: the columns whose operands come, in order. `inexact`: those whose value is told though others are equal to it too.
    """

    table: str
    told: frozenset[str]
    withheld: frozenset[str]
    operands: tuple[str, ...] = ()
    inexact: frozenset[str] = frozenset()


class Look(NamedTuple):
    """A scan that was made: the table, the number of the plan's scan, and the operands."""

    table: str
    number: int
    operands: tuple[object, ...]


class PlannedTable:
    """The module of one table, and its cursor, without rows.

    `looks`: where each look into the table is noted, the number of the scan and its operands. `with_collations`: declare those of an
    extension's columns, which osquery has no place for.
    """

    def __init__(  # noqa: PLR0913 a table, and where what happens to it is noted
        self,
        name: str,
        columns: Sequence[Column],
        scans: MutableMapping[int, Scan],
        looks: MutableSequence[Look],
        *,
        extension: bool,
        with_collations: bool = False,
    ) -> None:
        self._name = name
        self._columns = columns
        self._scans = scans
        self._looks = looks
        self._extension = extension
        self._with_collations = with_collations or not extension

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the columns that are the table's arguments, of text."""
        return tuple(column.name for column in self._columns if column.hidden and column.additional and column.type is ColumnType.TEXT)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns, one of which a scan must be told."""
        return tuple(column.name for column in self._columns if column.required)

    @property
    def tells_rows_apart(self) -> bool:
        """Whether rows of two scans can be told apart; the extension gives each row a rowid of its own."""
        return self._extension or self._name in _KEYED

    def Connect(self, _connection: apsw.Connection, _module: str, _database: str, _table: str, *_: object) -> tuple[str, PlannedTable]:  # noqa: N802 APSW's name
        """Declare the columns."""
        parts = [_declaration(column, collation=self._with_collations) for column in self._columns]
        key = [] if self._extension else [f'"{column.name}"' for column in self._columns if column.index or column.additional]
        without_rowid = bool(key) and any(column.index for column in self._columns)
        if without_rowid:
            parts.append(f"PRIMARY KEY ({', '.join(key)})")
        return f"CREATE TABLE x({', '.join(parts)}){' WITHOUT ROWID' if without_rowid else ''}", self

    Create = Connect

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:  # noqa: N802
        """Take the constraints that osquery would, and note under the plan's number what it tells."""
        told, withheld, inexact = set(), set(), set()
        operands: list[str] = []
        for index in range(info.nConstraint):
            place, operator = info.get_aConstraint_iColumn(index), info.get_aConstraint_op(index)
            if place < 0:
                continue
            column = self._columns[place]
            if not info.get_aConstraint_usable(index):
                if operator == apsw.SQLITE_INDEX_CONSTRAINT_EQ and column.hidden and column.additional:
                    withheld.add(column.name)
                continue
            if not self._takes(column, operator):
                continue
            operands.append(column.name)
            info.set_aConstraintUsage_argvIndex(index, len(operands))
            if operator in _TELLING:
                told.add(column.name)
            if operator == apsw.SQLITE_INDEX_CONSTRAINT_EQ and not self._is_exact(column, info.get_aConstraint_collation(index).lower()):
                inexact.add(column.name)
        info.idxNum = _FIRST_NUMBER + len(self._scans)
        self._scans[info.idxNum] = Scan(self._name, frozenset(told), frozenset(withheld - told), tuple(operands), frozenset(inexact))
        info.estimatedCost = _COST if operands else _FULL_COST
        return True

    def _is_exact(self, column: Column, collation: str) -> bool:
        """Whether a table that is told a value gives every row that equals it. Where the value does not decide what it reads, the extension
        compares without regard to case, or by the column's own collation.
        """
        if column.type is not ColumnType.TEXT or collation == "binary":
            return True
        decides = column.required or column.index or column.additional
        return self._extension and not decides and collation == (column.collate or "nocase")

    def _takes(self, column: Column, operator: int) -> bool:
        if column.type is ColumnType.TEXT and operator in _RANGES:
            return False
        flagged = column.required or column.index or column.additional
        return flagged or (self._extension and not column.hidden)

    def Open(self) -> PlannedTable:  # noqa: N802
        """Itself: without rows all cursors are alike."""
        return self

    def Filter(self, number: int, _text: str, operands: Sequence[object]) -> None:  # noqa: N802
        """A scan."""
        self._looks.append(Look(self._name, number, tuple(operands)))

    def Eof(self) -> bool:  # noqa: N802
        """There is no row."""
        return True

    def Close(self) -> None:  # noqa: N802
        """Nothing is held."""

    Disconnect = Close
    Destroy = Close


def _declaration(column: Column, *, collation: bool) -> str:
    """The column in a CREATE TABLE."""
    parts = [f'"{column.name}" {column.type.value}']
    if column.collate and collation:
        parts.append(f"COLLATE {column.collate}")
    if column.hidden:
        parts.append("HIDDEN")
    return " ".join(parts)


def scans_of(plan: Iterable[tuple[int, int, int, str]], scans: Mapping[int, Scan]) -> list[Scan]:
    """The scans of a plan, one for each place in it."""
    found = [_SCAN.search(detail) for *_, detail in plan]
    return [scans[int(match[1])] for match in found if match and int(match[1]) in scans]


def lossy_tables(
    plan: Iterable[tuple[int, int, int, str]], scans: Mapping[int, Scan], tables: Mapping[str, PlannedTable]
) -> dict[str, str]:
    """Tables of which the plan would miss rows in osquery, each with the reason; `plan` is what EXPLAIN QUERY PLAN returns."""
    lossy: dict[str, str] = {}
    branches: set[int] = set()
    for node, parent, _, detail in plan:
        if detail.startswith(_OR) or parent in branches:
            branches.add(node)
        match = _SCAN.search(detail)
        scan = scans.get(int(match[1])) if match else None
        if scan is None:
            continue
        required = tables[scan.table].required
        if required and scan.told.isdisjoint(required):
            lossy[scan.table] = f"osquery may read it before the query tells it {' or '.join(required)}, and answers nothing"
        elif scan.withheld:
            lossy[scan.table] = f"osquery may read it before the query tells it {', '.join(sorted(scan.withheld))}, and answers nothing"
        elif scan.inexact:
            names = ", ".join(sorted(scan.inexact))
            lossy[scan.table] = f"it is told a value of {names}, and gives no row whose value is equal to it by the collation alone"
        elif scan.table == GAPS.name and "table_name" not in scan.told:
            lossy[scan.table] = "a statement's own gaps are told only where it names them by `table_name`"
        elif node in branches and not tables[scan.table].tells_rows_apart:
            lossy.setdefault(scan.table, "osquery reads it once for each side of an OR, and takes rows of the second for ones it has seen")
    return lossy
