"""How osquery turns text of a file into parts and numbers, where a table must agree with it to the letter."""

from __future__ import annotations

import re

_SPACE = " \t\n\v\f\r"  # isspace(3) in the C locale; str.strip() would also take Unicode's
_NUMBER = re.compile(r"([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)", re.ASCII)
_LEADING_OCTAL = re.compile(r"0[0-7]*", re.ASCII)


def strip(text: str) -> str:
    """The text without white space at its ends."""
    return text.strip(_SPACE)


def split(text: str, separator: str) -> list[str]:
    """The parts between separators, stripped; parts without a character are left out, parts of white space become empty."""
    return [strip(part) for part in text.split(separator) if part]


def split_first(text: str, separator: str, count: int) -> list[str]:
    """`split`, with everything after the first `count` parts joined again as one more part."""
    parts = split(text, separator)
    return [*parts[:count], separator.join(parts[count:])] if len(parts) > count else parts


def leading_integer(text: str) -> int | None:
    """The number a text starts with, as strtoll(3) of base 0 reads it: `12-rc1` is 12, `0x1f` is 31, `017` is 15, `08` is 0.

    None without one, or where it does not fit signed 64 bits.
    """
    match = _NUMBER.match(strip(text))
    if match is None:
        return None
    digits = match[2][:32]  # longer never fits
    if digits[:2] in ("0x", "0X"):
        value = int(digits, 16)
    elif digits.startswith("0"):
        value = int(_LEADING_OCTAL.match(digits)[0], 8)  # type: ignore[index]  # it starts with 0
    else:
        value = int(digits)
    value = -value if match[1] == "-" else value
    return value if -(2**63) <= value < 2**63 else None
