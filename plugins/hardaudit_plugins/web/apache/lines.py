"""Apache's logical lines: continuation, trimming, and the lines of a macro that stand in for a `Use`.

Source: `ap_cfg_getline_core`, `cfg_trim_line` of server/util.c and `make_array_config` of modules/core/mod_macro.c, httpd 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError
from hardaudit_plugins.web.apache.words import SPACES, TooLongError
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 16 * 2**20
"""A line may be this long in a configuration file (VARBUF_MAX_LEN), in bytes with its newline."""

MOST_IN_HTACCESS = 8192
"""A line may be this long in a .htaccess file (HUGE_STRING_LEN), in bytes with its newline."""


MOST_LINES = 1_000_000
"""Lines of a file, continued ones and comments too, that are read."""

_SMALLEST_BUFFER = 190
"""What Apache reads of a line at once at least; what it makes of a NUL byte beyond depends on the lines before."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A physical line. `newline`: one ends it; `cut`: how long it is if a NUL byte hides its end, and the newline, from the server."""

    text: str
    place: Place
    newline: bool = True
    cut: int = 0


class Lines:
    """The logical lines of a text, one after the other. `place` is that of the last one given out, of a continued line its end.

    Macros that are used put their lines in front of what is left. The server loses what it then reads first if that is the end of the
    file and has no newline; so do these lines.
    """

    def __init__(self, text: str, path: str, limit: int = MOST_BYTES) -> None:
        self._limit = limit
        self._pieces = _physical_lines(text, path)
        self._inserted: list[tuple[str, Iterator[tuple[str, Place]]]] = []
        self._left_macro = False
        self.place = Place(path, 1)

    def next(self) -> str | None:
        """The next line without space around it, or None at the end. Raises ApacheSyntaxError for one that is too long."""
        parts: list[str] = []
        size, self._left_macro = 0, False
        while (piece := self._piece(size)) is not None:
            self.place = piece.place
            body = piece.text.removesuffix("\r")
            continued = piece.newline and not piece.cut and body.endswith("\\")
            parts.append(body[:-1] if continued else piece.text)
            size += len(parts[-1])
            if not continued:
                return self._checked("".join(parts), newline=piece.newline).strip(SPACES)
        return "".join(parts).strip(SPACES) if parts else None

    def _piece(self, size: int) -> _Piece | None:
        """The next physical line, of the innermost macro or of the file; `size` characters of a logical line are before it."""
        while self._inserted:
            line = next(self._inserted[-1][1], None)
            if line is not None:
                return _Piece(line[0], line[1])
            self._inserted.pop()
            self._left_macro = True
        piece = next(self._pieces, None)
        if piece is not None and piece.place.line > MOST_LINES:
            raise TooLongError(f"more than {MOST_LINES:,} lines in a file")
        if piece is None or (self._left_macro and not piece.newline):
            return None
        if piece.cut and size + piece.cut > _SMALLEST_BUFFER:
            raise ApacheSyntaxError(piece.place, "a NUL byte in a long line: what Apache makes of the rest is not known")
        return piece

    def _checked(self, line: str, *, newline: bool) -> str:
        if len(line) * 4 >= self._limit and len(host_text.encode(line)) + newline > self._limit:
            raise ApacheSyntaxError(self.place, f"a line of more than {self._limit:,} bytes")
        return line

    def insert(self, macro: str, lines: Iterator[tuple[str, Place]]) -> None:
        """Make the lines of a macro come next."""
        self._inserted.append((macro, lines))

    @property
    def in_macro(self) -> bool:
        """Whether the line that was given out last is a macro's."""
        return bool(self._inserted)

    def macros(self) -> set[str]:
        """The macros whose lines are being given out."""
        return {macro for macro, _ in self._inserted}


def _physical_lines(text: str, path: str) -> Iterator[_Piece]:
    number, position = 0, 0
    while position < len(text):
        number += 1
        end = text.find("\n", position)
        line = text[position:] if end < 0 else text[position:end]
        nul = line.find("\0")
        yield _Piece(line if nul < 0 else line[:nul], Place(path, number), end >= 0, 0 if nul < 0 else len(line))
        position = len(text) if end < 0 else end + 1
