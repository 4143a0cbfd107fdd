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
_MAX_NUMERAL = 400  # longer text is left to SQLite: Python takes quadratic time to read a numeral


class NoMatch:
    """The operand equals no value that the column can hold."""


NO_MATCH: Final = NoMatch()


class CannotNarrowError(Exception):
    """The operand's conversion is SQLite's business alone; the constraint must be left to it."""


def convert(column: Column, operand: object) -> Value | NoMatch:
    """The operand as a value of the column's type, or NO_MATCH. Raises CannotNarrowError where only SQLite knows."""
    if operand is None or isinstance(operand, (bytes, bytearray, memoryview)):
        return NO_MATCH  # NULL equals nothing, and no column holds a blob
    if column.type is ColumnType.TEXT:
        return _as_text(operand, narrowing_is_needed=column.required)
    number = _as_number(operand)
    if isinstance(number, NoMatch) or column.type is ColumnType.DOUBLE:
        return float(number) if isinstance(number, int) and column.type is ColumnType.DOUBLE else number
    if isinstance(number, float):
        return int(number) if number.is_integer() and abs(number) < 2**63 else NO_MATCH
    return number


def _as_text(operand: object, *, narrowing_is_needed: bool) -> str:
    """Text as it is; a number narrows nothing but a column that cannot do without.

    It may come from a literal, which SQLite compares as text, or from a numeric column, which it compares as a number: '01' equals 1 then.
    Only SQLite knows which.
    """
    if isinstance(operand, str):
        return operand
    if narrowing_is_needed and isinstance(operand, int):
        return str(operand)
    raise CannotNarrowError


def _as_number(operand: object) -> int | float | NoMatch:
    if isinstance(operand, (int, float)):
        return operand
    text = str(operand)
    if len(text) > _MAX_NUMERAL:
        raise CannotNarrowError
    if not _NUMBER.fullmatch(text):
        return NO_MATCH
    if _INTEGER.fullmatch(text):
        number = int(text)
        return number if -(2**63) <= number < 2**63 else float(number)
    return float(text)
