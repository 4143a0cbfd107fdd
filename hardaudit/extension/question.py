"""What osquery asks of a table, read from the JSON that it sends: constraints and columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hardaudit.extension.errors import AnswerError
from hardaudit.model.gap import GapReason

EQUALS, LIKE = 2, 65
RANGES = {4: ">", 8: "<=", 16: "<", 32: ">="}
"""osquery's ConstraintOperator (osquery/core/tables.h), which are SQLite's SQLITE_INDEX_CONSTRAINT_…"""

_MOST_CONSTRAINTS = 200


@dataclass(frozen=True, slots=True)
class Constraint:
    """A condition on a column; all of a question's hold together. `operand` is text, whatever SQL had."""

    column: str
    operator: int
    operand: str


@dataclass(frozen=True, slots=True)
class Question:
    """A scan. `columns`: those that the query looks at, None where osquery does not say."""

    constraints: tuple[Constraint, ...] = ()
    columns: frozenset[str] | None = None

    def constrains(self, column: str) -> bool:
        """Whether any operand came for the column; one that is NULL or the empty text never does."""
        return any(constraint.column == column for constraint in self.constraints)


def read(context: str) -> Question:
    """The question in osquery's request (TablePlugin::setRequestFromContext). Raises AnswerError for anything else."""
    try:
        content = json.loads(context) if context else {}
        constraints = tuple(_constraint(entry["name"], one) for entry in content.get("constraints", ()) for one in entry["list"])
        columns = content.get("colsUsed")
        return Question(_bounded(constraints), None if columns is None else frozenset(_text(name) for name in columns))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise AnswerError(GapReason.UNDECIDABLE, f"the request is none of osquery's: {type(error).__name__}") from error


def _constraint(column: Any, constraint: Any) -> Constraint:
    return Constraint(_text(column), int(constraint["op"]), _text(constraint["expr"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # halves of surrogate pairs, which JSON can say and SQLite cannot
    return value


def _bounded(constraints: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
    if len(constraints) > _MOST_CONSTRAINTS:
        raise AnswerError(GapReason.TRUNCATED, f"more than {_MOST_CONSTRAINTS} constraints on a table: write fewer")
    return constraints
