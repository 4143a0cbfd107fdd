"""The parameters that SQL names."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*(?:'|$) | "(?:[^"]|"")*(?:"|$) | `(?:[^`]|``)*(?:`|$) | \[[^\]]*(?:\]|$)  # text and quoted names
    | --[^\n]* | /\*.*?(?:\*/|$)                                                              # comments
    | (?P<param>[:@$][\w$]+|\?\d*)
    | [\w$]+                                                                                  # names and numbers; a name may hold $
    """,
    re.VERBOSE | re.DOTALL,
)


def named_in(sql: str) -> list[str]:
    """The parameters of a statement as written, in order, each once: `:name`, and what checks must not use (`?`, `@name`, `$name`)."""
    return list(dict.fromkeys(match["param"] for match in _TOKEN.finditer(sql) if match["param"]))
