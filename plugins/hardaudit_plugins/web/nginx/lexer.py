"""nginx's configuration language: words, and where a directive ends.

Source: ngx_conf_read_token() of src/core/ngx_conf_file.c. crossplane's own lexer leaves escapes such as `\\\\.` as they are written, which
makes other regular expressions of them than nginx does; its tables of directives are what `tree` uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_WORD = 4096
"""Bytes of a word with its quotes: nginx refuses longer ones ("too long parameter")."""

_SPACE = " \t\r\n"
_COMMENT_OR_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)+")
_ESCAPE = re.compile(r"\\([\"'\\trn])")
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}
_LUA = re.compile(r"--\[(=*)\[|--[^\n]*|\[(=*)\[|[\"'{}]")
_LUA_STRING_END = {quote: re.compile(rf"(?:[^{quote}\\]|\\.)*{quote}", re.DOTALL) for quote in "\"'"}


class ConfigurationSyntaxError(Exception):
    """The text is not what nginx accepts; `line` counts from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Statement:
    """A directive's words and how it ends: `;` or `{`, or `}` alone for the end of a block."""

    words: tuple[str, ...]
    line: int
    end: str


class Lexer:
    """The statements of one file, in order."""

    def __init__(self, text: str, check_deadline: Callable[[], None]) -> None:
        self._text = text
        self._check_deadline = check_deadline
        self._at = 0
        self._line = 1

    def statements(self) -> Iterator[Statement]:
        """Raises ConfigurationSyntaxError where nginx would refuse the file; blocks are not matched here."""
        while (statement := self._statement()) is not None:
            self._check_deadline()
            yield statement

    def skip_lua(self) -> None:
        """Pass over a Lua block whose `{` was just read, up to and with its `}`."""
        depth, start = 1, self._line
        at = self._at
        while depth:
            self._check_deadline()
            found = _LUA.search(self._text, at)
            if found is None:
                raise ConfigurationSyntaxError("a Lua block is not closed", start)
            at = found.end()
            brackets = found[1] if found[1] is not None else found[2]
            if brackets is not None:
                at = self._text.find(f"]{brackets}]", at)
                if at < 0:
                    raise ConfigurationSyntaxError("a Lua block is not closed", start)
            elif found[0] in _LUA_STRING_END:
                string = _LUA_STRING_END[found[0]].match(self._text, at)
                if string is None:
                    raise ConfigurationSyntaxError("a string of a Lua block is not closed", start)
                at = string.end()
            elif found[0] in "{}":
                depth += 1 if found[0] == "{" else -1
        self._move(at)

    def _move(self, to: int) -> None:
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def _statement(self) -> Statement | None:
        words: list[str] = []
        line = 0
        text = self._text
        while True:
            if space := _COMMENT_OR_SPACE.match(text, self._at):
                self._move(space.end())
            if self._at >= len(text):
                if words:
                    raise ConfigurationSyntaxError('unexpected end of file, expecting ";" or "}"', line)
                return None
            line = line or self._line
            character = text[self._at]
            if character in ";{}":
                if (character == "}") == bool(words):
                    raise ConfigurationSyntaxError(f'unexpected "{character}"', self._line)
                self._at += 1
                return Statement(tuple(words), line, character)
            words.append(self._quoted(character) if character in "\"'" else self._bare())

    def _quoted(self, quote: str) -> str:
        start = at = self._at + 1
        text = self._text
        while at < len(text) and text[at] != quote:
            at += 2 if text[at] == "\\" else 1
            self._limit(at - start)
        if at >= len(text):
            raise ConfigurationSyntaxError(f"a quoted word is not closed by {quote}", self._line)
        self._move(at + 1)
        following = text[self._at : self._at + 1]
        if following and following not in _SPACE + ";{)":
            raise ConfigurationSyntaxError(f'unexpected "{following}" after a quoted word', self._line)
        return _unescape(text[start:at])

    def _bare(self) -> str:
        start = at = self._at
        text = self._text
        variable = text[at] == "$"
        at += 2 if text[at] == "\\" else 1
        while at < len(text):
            character = text[at]
            if character == "{" and variable:
                at += 1
                continue
            variable = character == "$"
            if character in _SPACE or character in ";{":
                break
            at += 2 if character == "\\" else 1
            self._limit(at - start)
        if at >= len(text):
            raise ConfigurationSyntaxError('unexpected end of file, expecting ";" or "}"', self._line)
        self._move(at)
        return _unescape(text[start:at])

    def _limit(self, length: int) -> None:
        if length >= LONGEST_WORD:
            raise ConfigurationSyntaxError(f"a word of {LONGEST_WORD} bytes or more", self._line)


def _unescape(word: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), word) if "\\" in word else word
