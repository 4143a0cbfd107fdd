"""The statement that asks an osquery for a table's rows: the columns that are wanted, and the constraints that can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.osquery.literal import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from hardaudit.model.table import Constraints


def identifier(name: str) -> str:
    """A name in backquotes, as osquery declares its tables: one in double quotes that is no column would be taken for a text."""
    return "`" + name.replace("`", "``") + "`"


def statement(table: str, columns: Sequence[str], constraints: Constraints, known: Collection[str], more: Iterable[str] = ()) -> str:
    """`SELECT` of these columns (1 without any) with the constraints on `known` columns, and `more` conditions in SQL.

    Raises NoLiteralError for a constraint's value that cannot be told.
    """
    conditions = [
        *(
            f"{identifier(column)} = {literal(value)}"
            for column, values in sorted(constraints.equal.items())
            if column in known
            for value in values
        ),
        *(
            f"{identifier(column)} LIKE {literal(text)}"
            for column, texts in sorted(constraints.like.items())
            if column in known
            for text in texts
        ),
        *(
            f"{identifier(column)} {bound.operator} {literal(bound.value)}"
            for column, bounds in sorted(constraints.ranges.items())
            if column in known
            for bound in bounds
        ),
        *more,
    ]
    wanted = ", ".join(map(identifier, columns)) or "1 AS one"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {wanted} FROM {identifier(table)}{where}"  # noqa: S608 names and values are quoted above
