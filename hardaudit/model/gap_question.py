"""How exported SQL asks the extension's table `hardaudit_gaps` what its own statement could not read, and nothing that others met.

osquery tells an extension the constraints of a scan, not the statement that it belongs to. So the statement, the asker, says itself where
it begins and ends, and names itself where it asks: all in the one column that is always told, `table_name`, in words that name no table.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

_BEGIN, _END, _SINCE = "begin ", "end ", " since "


class Begins(NamedTuple):
    """That an asker begins. The answer has no row."""

    asker: str


class Ends(NamedTuple):
    """That it has asked what it wanted to know. The answer is a row if what it was told is the whole, and else none."""

    asker: str


class Since(NamedTuple):
    """The question what scans of `table` have met since the asker began."""

    table: str
    asker: str


Asked: TypeAlias = Begins | Ends | Since


def operand(asked: Asked) -> str:
    """What `table_name` is compared with; rows of an answer have it as their `table_name`."""
    if isinstance(asked, Since):
        return f"{asked.table}{_SINCE}{asked.asker}"
    return f"{_BEGIN if isinstance(asked, Begins) else _END}{asked.asker}"


def read(text: str) -> Asked | None:
    """What an operand asks; None for the name of a table."""
    if text.startswith(_BEGIN):
        return Begins(text.removeprefix(_BEGIN))
    if text.startswith(_END):
        return Ends(text.removeprefix(_END))
    table, found, asker = text.partition(_SINCE)
    return Since(table, asker) if found else None


def untold(column: str) -> str:
    """The detail of the gap of a table that was read without a value for its argument: osquery tells an empty text as little as none."""
    return f"the value of {column} was not known when the table was read, or it was empty: rows may be missing"
