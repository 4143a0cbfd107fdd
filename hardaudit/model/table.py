"""What a table is: described, typed columns, and the constraints that a query puts on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = str | int | float | None
"""A value of a row. Text is as `host_text.decode` makes it; NULL means "does not apply"."""

Row: TypeAlias = "Mapping[str, Value]"
"""A row as a generator yields it, by column name; a column left out is NULL, a name that is no column is a defect."""


class ColumnType(str, Enum):
    """osquery's column types; SQLite stores the two integer types alike, as signed 64-bit."""

    TEXT = "TEXT"
    INTEGER = "INTEGER"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"

    @property
    def is_integer(self) -> bool:
        """Whether values are integers."""
        return self in (ColumnType.INTEGER, ColumnType.BIGINT)


TEXT, INTEGER, BIGINT, DOUBLE = ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.DOUBLE

Operator: TypeAlias = Literal["=", "LIKE", ">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    `description` says the meaning and the unit. `required`: a query must constrain this or another required column. `index`: an equality
    narrows what is generated. `additional`: a constraint changes what is generated. `hidden`: left out of `SELECT *`; hidden columns are,
    in order, the arguments of `table(…)`. `collate`: how SQLite compares (`nocase`, `version`, `version_dpkg`, `version_rhel`).
    `like` and `ranges`: the generator also understands LIKE, or `<`, `<=`, `>`, `>=`, on this column.
    """

    name: str
    type: ColumnType
    description: str
    required: bool = False
    index: bool = False
    additional: bool = False
    hidden: bool = False
    collate: str | None = None
    like: bool = False
    ranges: bool = False

    @property
    def operators(self) -> frozenset[str]:
        """The operators whose operands the engine hands to the generator."""
        wanted = set()
        if self.required or self.index or self.additional:
            wanted.add("=")
        if self.like:
            wanted.add("LIKE")
        if self.ranges:
            wanted.update((">", ">=", "<", "<="))
        return frozenset(wanted)


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table's contract.

    `source` names where the facts come from: files, system calls, manual pages. `examples` are queries that are shown in the reference
    and run as tests. `live_only`: facts of the running kernel, which a disk image cannot have; a check that reads such a table is
    `not_checked` there. `osquery`: osquery has this table too, so name, columns and types are osquery's. `notes`: intended differences.
    """

    name: str
    description: str
    source: str
    columns: tuple[Column, ...]
    examples: tuple[str, ...]
    live_only: bool = False
    osquery: bool = False
    notes: str = ""

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns: a query must constrain at least one of them."""
        return tuple(column.name for column in self.columns if column.required)


@dataclass(frozen=True, slots=True)
class Bound:
    """One side of a range: the column is `operator` than `value`."""

    operator: Literal[">", ">=", "<", "<="]
    value: Value


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the query's WHERE says of the pushed-down columns, all of it joined by AND.

    A generator may ignore any of it except on required columns: SQLite checks every row again. Values have the column's type.
    """

    equal: Mapping[str, frozenset[Value]] = field(default_factory=dict)
    like: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[Bound, ...]] = field(default_factory=dict)

    def equals(self, column: str) -> list[Value] | None:
        """The values that `=` allows, sorted and never empty; None when it does not constrain the column. IN comes as one scan a value."""
        values = self.equal.get(column)
        return None if values is None else sorted(values, key=lambda value: (str(type(value)), value))

    def texts(self, column: str) -> list[str] | None:
        """`equals` for a TEXT column."""
        values = self.equals(column)
        return None if values is None else [value for value in values if isinstance(value, str)]

    def integers(self, column: str) -> list[int] | None:
        """`equals` for an INTEGER or BIGINT column."""
        values = self.equals(column)
        return None if values is None else [value for value in values if isinstance(value, int)]

    def patterns(self, column: str) -> tuple[str, ...]:
        """The LIKE patterns that a value must match, all of them; empty without LIKE."""
        return self.like.get(column, ())

    def bounds(self, column: str) -> tuple[Bound, ...]:
        """The bounds that `<`, `<=`, `>` and `>=` set, all of which hold."""
        return self.ranges.get(column, ())

    def permits(self, column: str, value: Value) -> bool:
        """Whether `=` lets a row with this value through; true when it says nothing of the column."""
        values = self.equal.get(column)
        return values is None or value in values
