"""How sshd splits a line of its configuration into words, in each of its generations."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_STOP = re.compile('[ \t\r\n"=]')
_STOP_AT_BLANK = re.compile('[ \t\r\n"]')
_BLANKS = re.compile("[ \t\r\n]*")
_ESCAPED = "'\"\\"


class RefusedError(Exception):
    """sshd does not start with this line; the message says what it objects to."""


def lower(text: str) -> str:
    """ASCII letters in lower case, as strcasecmp(3) compares in the C locale; other characters are left alone."""
    return text.translate(_LOWER)


@dataclass(slots=True)
class Delimited:
    """The words of a text one by one, as OpenSSH's `strdelim` takes them.

    Words end at blanks and at a single `=`; a double quote begins a stretch that ends the word at the next one. This is how every version
    finds the keyword, how those before 8.7 find its arguments, and those before 9.9 the criteria of `Match`.
    """

    text: str
    position: int | None = 0

    def next(self, *, equals: bool = True) -> str | None:
        """The next word, which may be empty; None at the end and for a quote that is not closed.

        `equals` false: `=` is an ordinary character.
        """
        start = self.position
        if start is None:
            return None
        found = (_STOP if equals else _STOP_AT_BLANK).search(self.text, start)
        if found is None:
            self.position = None
            return self.text[start:]
        stop = found.start()
        if self.text[stop] == '"':
            return self._quoted(start, stop)
        self._skip(stop, equals=equals)
        return self.text[start:stop]

    def _quoted(self, start: int, quote: int) -> str | None:
        end = self.text.find('"', quote + 1)
        if end < 0:
            self.position = None
            return None
        self.position = self._after_blanks(end + 1)
        return self.text[start:quote] + self.text[quote + 1 : end]

    def _skip(self, stop: int, *, equals: bool) -> None:
        """Past the delimiter and blanks; one `=` may stand among them."""
        position = self._after_blanks(stop + 1)
        if equals and self.text[stop] != "=" and self.text[position : position + 1] == "=":
            position = self._after_blanks(position + 1)
        self.position = position

    def _after_blanks(self, position: int) -> int:
        found = _BLANKS.match(self.text, position)
        return found.end() if found else position

    @property
    def rest(self) -> str:
        """What was not taken yet."""
        return "" if self.position is None else self.text[self.position :]


def keyword_and_rest(line: str) -> tuple[str, str] | None:
    """The keyword of a line, in lower case, and the text after it; None for an empty line or a comment."""
    stripped = line.lstrip(" \t\r")
    stripped = stripped[:1] + stripped[1:].rstrip(" \t\r\n\f")
    words = Delimited(stripped)
    keyword = words.next() or words.next()  # a line may begin with blanks, or with `=`
    if not keyword or keyword.startswith("#"):
        return None
    return lower(keyword), words.rest


def delimited_arguments(rest: str, *, equals: bool = True) -> tuple[str, ...]:
    """The arguments as OpenSSH before 8.7 takes them: an empty word ends them. (The line was cut at its first `#` before.)"""
    words, taken = Delimited(rest), []
    while word := words.next(equals=equals):
        taken.append(word)
    return tuple(taken)


def split_arguments(rest: str) -> tuple[str, ...]:
    r"""The arguments as OpenSSH since 8.7 takes them (`argv_split`): both quotes, `\` before a quote, a backslash or a blank, comments.

    Raises RefusedError for a quote that is not closed.
    """
    return tuple(_arguments(rest))


def _arguments(rest: str) -> Iterator[str]:
    position, length = 0, len(rest)
    while position < length:
        if rest[position] in " \t":
            position += 1
        elif rest[position] == "#":
            return
        else:
            word, position = _argument(rest, position)
            yield word


def _argument(rest: str, position: int) -> tuple[str, int]:
    """The word that begins at `position`, and where it ends."""
    word: list[str] = []
    quote, length = "", len(rest)
    while position < length:
        character, following = rest[position], rest[position + 1 : position + 2]
        if character == "\\" and following and (following in _ESCAPED or (not quote and following == " ")):
            word.append(following)
            position += 1
        elif not quote and character in " \t":
            break
        elif not quote and character in "\"'":
            quote = character
        elif character == quote:
            quote = ""
        else:
            word.append(character)
        position += 1
    if quote:
        raise RefusedError("a quote is not closed")
    return "".join(word), position
