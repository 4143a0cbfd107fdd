"""os-release(5) and the release files of older distributions, read by osquery's rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.base.osquery_values import leading_integer, split, split_first, strip

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLUMNS = {
    "NAME": "name",
    "VERSION": "version",
    "BUILD_ID": "build",
    "ID": "platform",
    "ID_LIKE": "platform_like",
    "VERSION_CODENAME": "codename",
    "VERSION_ID": "_id",
}
_NUMBERS = ("major", "minor", "patch")
_NAME_CHARACTERS = re.compile(r"[\w+\s]+", re.ASCII)
_NUMBERED_TAIL = re.compile(r" ([0-9]+)\.([0-9]+)\.?(\w+)?", re.ASCII)
_LINE_LIMIT = 4096  # characters of a release file's line; a real one has some 50


def defaults() -> dict[str, str]:
    """What holds where no file says better."""
    return {"name": "Unknown", "major": "0", "minor": "0", "patch": "0", "platform": "posix"}


def os_release_fields(content: str) -> dict[str, str]:
    """Column values of an os-release file.

    As osquery has it: double quotes are taken off, single quotes stay; every key with CODENAME in it gives the code name, the last wins.
    """
    found: dict[str, str] = {}
    for line in split(content, "\n"):
        fields = split_first(line, "=", 1)
        if len(fields) != 2:
            continue
        key, value = fields
        column = _COLUMNS.get(key, "codename" if "CODENAME" in key else None)
        if column is None:
            continue
        found[column] = value[1:-1] if value.startswith('"') else value
        if column == "_id":
            found.update(zip(_NUMBERS, split_first(found["_id"], ".", 2), strict=False))
    found.pop("_id", None)
    return found


def release_file_fields(content: str) -> dict[str, str]:
    """Column values of /etc/redhat-release, /etc/gentoo-release or /etc/oracle-release: `NAME … release MAJOR.MINOR.PATCH (CODENAME)`."""
    text = _single_spaced(content)
    found = {"version": text, "build": ""}
    for line in split(text, "\n"):
        numbered = _numbered_name(line[:_LINE_LIMIT])
        if numbered is not None:
            found.update(numbered)
            break
    return found


def _single_spaced(content: str) -> str:
    """White space at the ends is dropped; of every run of it inside, the first character stays."""
    return re.sub(r"([ \t\n\v\f\r])[ \t\n\v\f\r]+", r"\1", strip(content))


def _numbered_name(line: str) -> dict[str, str] | None:
    r"""What osquery's expression `([\w+\s]+) .* ([0-9]+)\.([0-9]+)\.?(\w+)?` finds, without its backtracking.

    The number is the last that follows a space; the name is the first run of its characters that has a space before that.
    """
    tail = None
    for found in _NUMBERED_TAIL.finditer(line):
        tail = found
    if tail is None:
        return None
    for run in _NAME_CHARACTERS.finditer(line, 0, tail.start()):
        end = line.rfind(" ", run.start() + 1, run.end())
        if end > 0:
            return {"name": line[run.start() : end], "major": tail[1], "minor": tail[2], "patch": tail[3] or "0"}
    return None


def typed(fields: Mapping[str, str]) -> dict[str, str | int | None]:
    """The values with the version's parts as numbers; a part that is no number is None."""
    return {column: leading_integer(value) if column in _NUMBERS else value for column, value in fields.items()}
