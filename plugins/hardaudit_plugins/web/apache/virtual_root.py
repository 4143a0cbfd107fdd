"""VirtualDocumentRoot: a document root that is made of the host's name.

Source: vhost_alias_interpolate in modules/mappers/mod_vhost_alias.c of httpd 2.4.
"""

from __future__ import annotations

import re

_FORMAT = re.compile(r"%(%|p|(-?[0-9]+\+?)(?:\.(-?[0-9]+\+?))?)")


def virtual_path(pattern: str, name: str, port: int) -> str:
    """The directory for a host name: `%0` the whole name, `%2` its second part, `%-1+` the last and those after it, `%1.2` a letter."""

    def part(match: re.Match[str]) -> str:
        if match[1] in ("%", "p"):
            return "%" if match[1] == "%" else str(port)
        text = _selected(name.lower().split("."), match[2], ".")
        return text if match[3] is None else _selected(list(text), match[3], "")

    return _FORMAT.sub(part, pattern)


def _selected(parts: list[str], which: str, separator: str) -> str:
    """Part `which` (from 1, or from the end where negative; 0 for all; with `+` those that follow, or precede a negative one)."""
    onward, number = which.endswith("+"), int(which.rstrip("+"))
    if number == 0:
        return separator.join(parts)
    index = number - 1 if number > 0 else len(parts) + number
    if not 0 <= index < len(parts):
        return "_"
    if not onward:
        return parts[index]
    return separator.join(parts[index:] if number > 0 else parts[: index + 1])
