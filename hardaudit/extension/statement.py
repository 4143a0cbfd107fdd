"""A question of osquery's as SQL for hardaudit's engine.

osquery checks every row again, so a condition may be left out, but it must never drop a row that osquery would keep. osquery sends operands
as text, whatever they were, does not tell the collation, and shows a NULL of a TEXT column as the empty text. So a condition is taken over
only where the text tells the comparison, and texts are compared without regard to case where the value does not decide what is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.extension.question import EQUALS, LIKE, RANGES
from hardaudit.model.table import ColumnType

if TYPE_CHECKING:
    from hardaudit.extension.question import Constraint, Question
    from hardaudit.model.table import Column, TableSpec, Value

_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER_BEGINS = re.compile(r"\s*[+-]?\.?\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT of the `columns`, or of one constant where none is wanted. `untold`: arguments of the table whose value did not arrive."""

    sql: str
    parameters: dict[str, Value]
    columns: tuple[str, ...]
    untold: tuple[str, ...]


def write(spec: TableSpec, question: Question) -> Statement:
    """The statement that answers the question."""
    columns = tuple(column.name for column in spec.columns if question.columns is None or column.name in question.columns)
    by_name = {column.name: column for column in spec.columns}
    conditions: list[str] = []
    parameters: dict[str, Value] = {}
    wanted = [constraint for constraint in question.constraints if constraint.column in by_name]
    for constraint in wanted:
        taken = _condition(by_name[constraint.column], constraint)
        if taken is not None:
            operator, parameters[f"p{len(conditions)}"] = taken
            collation = " COLLATE NOCASE" if operator == "=" and _may_be_nocase(by_name[constraint.column]) else ""
            conditions.append(f'"{constraint.column}" {operator} :p{len(conditions)}{collation}')
    if spec.required and not any(map(question.constrains, spec.required)):
        # osquery itself refuses a query without a required column (xFilter, SQLITE_CONSTRAINT): the operand is NULL or the empty text.
        conditions.append(f"\"{spec.required[0]}\" = ''")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    names = ", ".join(f'"{name}"' for name in columns) or "1"
    sql = f'SELECT {names} FROM "{spec.name}"{where}'  # noqa: S608 names of the specification, operands bound
    return Statement(sql, parameters, columns, _untold(spec, question))


def _may_be_nocase(column: Column) -> bool:
    """Whether `name = 'x' COLLATE NOCASE` in osquery may want more rows than the column's own comparison gives."""
    return column.type is ColumnType.TEXT and column.collate is None and not column.operators


def _untold(spec: TableSpec, question: Question) -> tuple[str, ...]:
    """Hidden columns that are arguments of the table and that the query names, though no value came: see `Engine`, which refuses that.

    osquery lets SQLite join in an order in which the value is not known yet; then osquery drops every row, in silence.
    """
    arguments = [column.name for column in spec.columns if column.hidden and column.additional]
    return tuple(name for name in arguments if name in (question.columns or ()) and not question.constrains(name))


def _condition(column: Column, constraint: Constraint) -> tuple[str, Value] | None:
    """Operator and operand, or None for a condition that osquery is left to check."""
    if constraint.operator == LIKE:
        return ("LIKE", constraint.operand) if column.like else None
    operator = "=" if constraint.operator == EQUALS else RANGES.get(constraint.operator)
    if operator is None:
        return None
    decides = operator == "=" and (column.required or column.additional)  # the generator must be told
    if column.type.is_integer and _INTEGER.fullmatch(constraint.operand):
        return operator, int(constraint.operand)
    if column.type is ColumnType.TEXT and operator == "=" and not _NUMBER_BEGINS.match(constraint.operand):
        return operator, constraint.operand
    # Of a number's text it is not known whether it was one: TEXT '05' equals the integer 5 of another column, but not the text '5'.
    return (operator, constraint.operand) if decides else None
