"""Values as SQL literals, for statements that an osquery gets as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hardaudit.errors import HardauditError

if TYPE_CHECKING:
    from hardaudit.model.table import Value

_INT64 = range(-(2**63), 2**63)


class NoLiteralError(HardauditError):
    """A value that no SQL text can hold; the message says which."""


def literal(value: Value) -> str:
    """The value as an SQL literal. Raises NoLiteralError for infinity, more than 64 bits, NUL, half surrogates."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NoLiteralError(f"{value!r} cannot be written in SQL")
        return repr(value)
    if value not in _INT64:
        raise NoLiteralError(f"the number {value} has more than 64 bits")
    return str(int(value))


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NoLiteralError(f"{value!a:.60} is no Unicode") from error
    if "\0" in value:
        raise NoLiteralError(f"{value!a:.60} has a NUL character, where SQL ends")
    return "'" + value.replace("'", "''") + "'"
