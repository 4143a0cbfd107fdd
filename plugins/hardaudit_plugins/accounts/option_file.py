"""Files of `name = value` lines, as libpwquality and pam_faillock read them: pwquality.conf(5), faillock.conf(5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.accounts.lines import SPACE, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

_NAME = re.compile(r"[^= \t\v\f\r]*")
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_INT_MAX = 2**31 - 1

ON = "1"
"""Value of an option that is a flag."""


def options(context: TableContext, text: str) -> Iterator[tuple[int, str, str]]:
    """Line number, name in lower case, and value, which is empty for a name alone; comments begin with `#` anywhere."""
    for number, untrimmed in numbered(context, text):
        line = untrimmed.partition("\0")[0].partition("#")[0].strip(SPACE)
        word = _NAME.match(line)
        if line and word:
            rest = line[word.end() :].lstrip(SPACE)
            yield number, word[0].lower(), rest.removeprefix("=").lstrip(SPACE)


def argument(text: str) -> tuple[str, str]:
    """Name in lower case and value of a module's argument; the value of a flag is empty."""
    name, _, value = text.partition("=")
    return name.lower(), value


def integer(text: str) -> int | None:
    """A number as strtol(3) reads it, if it fits a C int; None for anything else."""
    match = _INTEGER.fullmatch(text.lstrip(SPACE))
    value = int(match[0]) if match else _INT_MAX
    return value if abs(value) < _INT_MAX else None
