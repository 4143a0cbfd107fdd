"""Operands of a WHERE, converted as SQLite converts them before it compares with a typed column (sqlite.org/datatype3.html, 4.2).

SQLite hands a virtual table the operand as written: `uid = '0'` arrives as text. A generator that compared it with the integer 0 would find
nothing, and nothing found would be a pass.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hardaudit.model.table import ColumnType

if TYPE_CHECKING:
    from hardaudit.model.table import Column, Value

_NUMBER = re.compile(r"[ \t\n\r\f\v]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\r\f\v]*", re.ASCII)
_INTEGER = re.compile(r"[ \t\n\r\f\v]*[+-]?\d+[ \t\n\r\f\v]*", re.ASCII)
_EXACT_DIGITS = 15  # that many SQLite and Python read alike, whatever their rounding
_INT64 = range(-(2**63), 2**63)


class NoMatch:
    """The operand equals no value that the column can hold."""


NO_MATCH: Final = NoMatch()


class CannotNarrowError(Exception):
    """The operand's conversion is SQLite's business alone; the constraint must be left to it."""


def convert(column: Column, operand: object) -> Value | NoMatch:
    """The only value of the column's type that equals the operand, or NO_MATCH. Raises CannotNarrowError where only SQLite knows."""
    if operand is None or isinstance(operand, (bytes, bytearray, memoryview)):
        return NO_MATCH  # NULL equals nothing, and no column holds a blob
    if column.type is ColumnType.TEXT:
        if not isinstance(operand, str):
            raise CannotNarrowError  # the literal 1 is compared as the text 1, but with a column of integers '01' is compared as a number
        return operand
    number = _as_number(operand)
    if column.type is ColumnType.DOUBLE:
        return float(number) if isinstance(number, int) else number
    if isinstance(number, float):
        return int(number) if number.is_integer() and int(number) in _INT64 else NO_MATCH
    return number


def _as_number(operand: object) -> int | float | NoMatch:
    if isinstance(operand, (int, float)):
        return operand
    text = str(operand)
    if _INTEGER.fullmatch(text) and len(text) <= 20 and int(text) in _INT64:
        return int(text)
    if not _NUMBER.fullmatch(text):
        return NO_MATCH
    if sum(map(str.isdigit, text)) > _EXACT_DIGITS:
        raise CannotNarrowError
    return float(text)
