"""Apache's logical lines: continuation, trimming, and the lines of a macro that stand in for a `Use`.

Source: `ap_cfg_getline_core`, `cfg_trim_line` of server/util.c and `make_array_config` of modules/core/mod_macro.c, httpd 2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError
from hardaudit_plugins.web.apache.words import SPACES
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_BYTES = 16 * 2**20
"""A line may be this long in a configuration file (VARBUF_MAX_LEN), in bytes with its newline."""

MOST_IN_HTACCESS = 8192
"""A line may be this long in a .htaccess file (HUGE_STRING_LEN), in bytes with its newline."""


class Lines:
    """The logical lines of a text, one after the other. `place` is that of the last one given out, of a continued line its end.

    Macros that are used put their lines in front of what is left.
    """

    def __init__(self, text: str, path: str, limit: int = MOST_BYTES) -> None:
        self._path = path
        self._limit = limit
        self._lines = _logical_lines(text, path, limit)
        self._inserted: list[tuple[str, Iterator[tuple[str, Place]]]] = []
        self.place = Place(path, 1)

    def next(self) -> str | None:
        """The next line without space around it, or None at the end. Raises ApacheSyntaxError for one that is too long."""
        while self._inserted:
            for line, place in self._inserted[-1][1]:
                self.place = place
                return line.strip(SPACES)
            self._inserted.pop()
        for line, number in self._lines:
            self.place = Place(self._path, number)
            return line.strip(SPACES)
        return None

    def insert(self, macro: str, lines: Sequence[tuple[str, Place]]) -> None:
        """Make the lines of a macro come next."""
        self._inserted.append((macro, _joined(lines)))

    def macros(self) -> set[str]:
        """The macros whose lines are being given out."""
        return {macro for macro, _ in self._inserted}


def _logical_lines(text: str, path: str, limit: int) -> Iterator[tuple[str, int]]:
    number, position, parts, size = 0, 0, list[str](), 0
    while position < len(text):
        number += 1
        end = text.find("\n", position)
        line = text[position:] if end < 0 else text[position:end]
        position = len(text) if end < 0 else end + 1
        if "\0" in line:
            if size + len(line) > _SMALLEST_BUFFER:
                raise ApacheSyntaxError(Place(path, number), "a NUL byte in a long line: what Apache makes of the rest is not known")
            line = line[: line.index("\0")]
        elif end >= 0:
            body = line.removesuffix("\r")
            if body.endswith("\\"):
                parts.append(body[:-1])
                size += len(body)
                continue
        size += len(line) + (end >= 0)
        whole = "".join([*parts, line]) if parts else line
        if size * 4 >= limit and len(host_text.encode(whole)) + (end >= 0) > limit:
            raise ApacheSyntaxError(Place(path, number), f"a line of more than {limit:,} bytes")
        yield whole, number
        parts, size = [], 0
    if parts:
        yield "".join(parts), number


_SMALLEST_BUFFER = 190


def _joined(lines: Sequence[tuple[str, Place]]) -> Iterator[tuple[str, Place]]:
    """The lines of a macro; a backslash at the end, which a replacement may have put there, continues one."""
    parts: list[str] = []
    last: Place | None = None
    for line, place in lines:
        last = place
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        yield "".join([*parts, line]), place
        parts = []
    if parts and last is not None:
        yield "".join(parts), last
