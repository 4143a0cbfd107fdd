"""The message of a finding: text with `{column}` in it.

This is not `str.format`: a value comes from the audited host, and a template may name a column, nothing more.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from hardaudit.errors import CheckError

if TYPE_CHECKING:
    from hardaudit.model.table import Row

_PART = re.compile(r"\{\{|\}\}|\{(?P<column>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<fault>[{}])|(?P<text>[^{}]+)")


def columns_in(template: str) -> tuple[str, ...]:
    """The columns that a template names, in order, each once. Raises ValueError for a brace that belongs to none."""
    return tuple(dict.fromkeys(part for part, is_column in _parts(template) if is_column))


def render_finding(template: str, row: Row) -> str:
    """The message for a row of the check's query: NULL is `none`. The text of the host stays as it is; whoever prints it escapes it.

    Raises CheckError when the row lacks a column.
    """
    missing = [column for column in columns_in(template) if column not in row]
    if missing:
        raise CheckError(f"the finding names {{{missing[0]}}}, which is no column of the query; its columns: {', '.join(row)}")
    return "".join(_text(row[part]) if is_column else part for part, is_column in _parts(template))


def _text(value: object) -> str:
    return "none" if value is None else str(value)


@functools.lru_cache(maxsize=512)
def _parts(template: str) -> tuple[tuple[str, bool], ...]:
    """Literal text and names of columns; true for a column."""
    parts = []
    for match in _PART.finditer(template):
        if match["fault"]:
            brace = match["fault"]
            raise ValueError(f"the {brace} at character {match.start() + 1} belongs to no {{column}}; write {brace * 2} for a brace")
        if match["column"]:
            parts.append((match["column"], True))
        else:
            parts.append((match["text"] or match[0][0], False))
    return tuple(parts)
