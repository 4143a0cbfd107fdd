"""SQL as text: values as literals, and statements that can stand inside others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.errors import HardauditError
from hardaudit.osquery.literal import NoLiteralError
from hardaudit.osquery.literal import literal as sql_literal
from hardaudit.policy.sql_params import replaced, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit.model.table import Value


class CannotExportError(HardauditError):
    """A check or waiver that cannot be said in osquery's SQL; the message is the reason."""


def literal(value: Value) -> str:
    """The value as an SQL literal, which can stand wherever a parameter can. Raises CannotExportError for what has none."""
    try:
        written = sql_literal(value)
    except NoLiteralError as error:
        raise CannotExportError(str(error)) from error
    return written if isinstance(value, str) else f"({written})"  # `-:n` with -1 would begin a comment


def with_values(sql: str, values: Mapping[str, Value]) -> str:
    """The statement with its parameters `:name` replaced by literals. Raises CannotExportError for a parameter without a value."""

    def written(param: str) -> str:
        name = param[1:]
        if not param.startswith(":") or name not in values:
            raise CannotExportError(f"the parameter {param} has no value")
        return f" {literal(values[name])} "  # a name may stand right before a parameter: x:p would become the blob x'…'

    return replaced(sql, written)


def embeddable(sql: str) -> str:
    """One statement without the comments and semicolons at its end. Raises CannotExportError for several, or none.

    It is embedded on lines of its own, so that a comment within it ends there.
    """
    end, ended = 0, False
    for written, behind in tokens(sql):
        if written == ";":
            ended = True
            continue
        if ended:
            raise CannotExportError("it has several statements")
        end = behind
    if not end:
        raise CannotExportError("it is empty")
    return sql[:end].strip()
