"""How Apache splits a directive into words and puts variables in.

Source: `ap_getword_conf` and `substring_conf` of server/util.c, `ap_resolve_env` of server/core.c, httpd 2.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACES = " \t\n\v\f\r"
"""What Apache takes for space."""

_SPACE = re.compile(r"[ \t\n\v\f\r]*")
_BARE = re.compile(r"[^ \t\n\v\f\r]*")
_STOPS = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}
_ESCAPES = {'"': re.compile(r'\\(["\\])'), "'": re.compile(r"\\(['\\])"), "": re.compile(r"\\(\\)")}


MOST_VARIABLES = 100_000
"""Variables in a line that are put in at most."""

MOST_PUT_IN = 16 * 2**20
"""Characters that they may come to in a line."""


class TooLongError(Exception):
    """A line is more than is read."""


class Variables(Mapping[str, str]):
    """What `${NAME}` stands for: values of `Define`, whose names have no case, before those of the environment, whose names have.

    The server puts them into a line when it reads it, before it splits the line, so a value may hold several words, and quotes count.

    `defined`: the names that `IfDefine` finds, with and without a value, by their exact spelling.
    """

    def __init__(self, environment: Mapping[str, str], defined: frozenset[str] = frozenset()) -> None:
        self.environment = dict(environment)
        self.defined = set(defined)
        self._values: dict[str, str] = {}
        self.missing: set[str] = set()

    def define(self, name: str, value: str | None) -> None:
        """`Define NAME [VALUE]`; without a value, and an empty one is none, an earlier one stays."""
        self.defined.add(name)
        if value is not None:
            self._values[lower(name)] = value

    def undefine(self, name: str) -> None:
        """`UnDefine NAME`."""
        self.defined.discard(name)
        self._values.pop(lower(name), None)

    def resolve(self, text: str) -> str:
        """The text with each `${NAME}` replaced once; a name that nothing defines stays as written, and is in `missing` from then on.

        Raises TooLongError.
        """
        start = text.find("${")
        if start < 0:
            return text
        if text.count("${") > MOST_VARIABLES:
            raise TooLongError(f"more than {MOST_VARIABLES:,} variables in a line")
        pieces, done, size = [], 0, 0
        while start >= 0:
            end = text.find("}", start)
            if end < 0:
                break
            name = text[start + 2 : end]
            value = self._values.get(lower(name), self.environment.get(name))
            if value is None:
                self.missing.add(name)
            else:
                size += len(value)
                if size > MOST_PUT_IN:
                    raise TooLongError(f"variables of more than {MOST_PUT_IN:,} characters in a line")
                pieces += [text[done:start], value]
                done = end + 1
            start = text.find("${", end + 1)
        return "".join([*pieces, text[done:]])

    def __getitem__(self, name: str) -> str:
        """The value of a name."""
        value = self._values.get(lower(name))
        return self.environment[name] if value is None else value

    def __iter__(self) -> Iterator[str]:
        """Every name once; defined ones in lower case."""
        yield from self._values
        yield from (name for name in self.environment if lower(name) not in self._values)

    def __len__(self) -> int:
        """How many names there are."""
        return sum(1 for _ in self)


def lower(text: str) -> str:
    """Lower case as Apache's: of ASCII letters only."""
    return text.lower() if text.isascii() else "".join(char.lower() if char.isascii() else char for char in text)


def next_word(text: str, start: int = 0) -> tuple[str, int]:
    """The word at or after `start`, and where the text goes on after it and the space that follows. Empty at the end, or for `""`."""
    start = _after_space(text, start)
    quote = text[start : start + 1]
    if quote in _STOPS:
        end = _closing(text, start + 1, quote)
        word, after = text[start + 1 : end], min(end + 1, len(text))
    else:
        quote = ""
        bare = _BARE.match(text, start)
        word = bare[0] if bare else ""
        after = start + len(word)
    if "\\" in word:
        word = _ESCAPES[quote].sub(r"\1", word)
    return word, _after_space(text, after)


def split_words(text: str) -> list[str]:
    """Every word, up to the end of the text. An empty word (`""`) is one."""
    words, position = [], _after_space(text, 0)
    while position < len(text):
        word, position = next_word(text, position)
        words.append(word)
    return words


def _after_space(text: str, start: int) -> int:
    space = _SPACE.match(text, start)
    return space.end() if space else start


def _closing(text: str, start: int, quote: str) -> int:
    """Where the closing quote is; the end of the text when there is none."""
    stop = _STOPS[quote].search(text, start)
    while stop is not None and stop[0] == "\\":
        stop = _STOPS[quote].search(text, stop.end() + (text[stop.end() : stop.end() + 1] in (quote, "\\")))
    return len(text) if stop is None else stop.start()
