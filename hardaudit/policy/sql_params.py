"""The parameters that SQL names, and its other tokens as far as they decide where a parameter is one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*(?:'|$) | "(?:[^"]|"")*(?:"|$) | `(?:[^`]|``)*(?:`|$) | \[[^\]]*(?:\]|$)  # text and quoted names
    | (?P<blank>--[^\n]* | /\*.*?(?:\*/|$) | [ \t\n\f\r]+)                                    # comments and white space
    | (?P<param>[:@$][\w$]+|\?\d*)
    | [\w$]+                                                                                  # names and numbers; a name may hold $
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


def named_in(sql: str) -> list[str]:
    """The parameters of a statement as written, in order, each once: `:name`, and what checks must not use (`?`, `@name`, `$name`)."""
    return list(dict.fromkeys(match["param"] for match in _TOKEN.finditer(sql) if match["param"]))


def replaced(sql: str, replacement: Callable[[str], str]) -> str:
    """The statement with each parameter replaced by what `replacement` makes of it as written."""
    return _TOKEN.sub(lambda match: replacement(match["param"]) if match["param"] else match[0], sql)


def tokens(sql: str) -> Iterator[tuple[str, int]]:
    """The tokens but comments and white space, each with the place behind it; operators of several characters come as several."""
    return ((match[0], match.end()) for match in _TOKEN.finditer(sql) if match["blank"] is None)
