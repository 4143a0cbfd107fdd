"""The words of shell text, sh(1), as far as telling which programs it starts needs them. Nothing is run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNKNOWN = "\0"
"""Stands in a word for what only the running shell knows: a variable, the output of a command."""

_BLANKS = " \t\r\v\f"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENDS = frozenset(";&|()")


@dataclass(slots=True)
class SimpleCommand:
    """A command and its words. `inputs`: files it reads from; `piped`: the command before it in a pipe writes to it."""

    words: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    piped: bool = False


class ShellLexer:
    """One text, read once from its beginning to its end.

    `variables` are looked up as the text is read, so that what a command sets counts in the next. `substituted` gets the texts of the
    command substitutions.
    """

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self.substituted: list[str] = []
        self._text = text
        self._at = 0
        self._variables = variables
        self._command = SimpleCommand()
        self._ended: SimpleCommand | None = None
        self._word: list[str] | None = None
        self._redirection = ""
        self._documents: list[str] = []

    def commands(self) -> Iterator[SimpleCommand]:
        """The simple commands in their order, each as soon as it has been read."""
        while self._at < len(self._text):
            self._step(self._text[self._at])
            if self._ended is not None:
                command, self._ended = self._ended, None
                yield command
        self._end_command()
        if self._ended is not None:
            yield self._ended

    def _step(self, character: str) -> None:
        if character in _BLANKS:
            self._end_word()
            self._at += 1
        elif character == "\n":
            self._end_command()
            self._at += 1
            self._skip_documents()
        elif character == "#" and self._word is None:
            self._at = self._find("\n")
        elif character in "<>":
            self._redirect(character)
        elif character in _ENDS:
            self._at += 1
            self._end_command(piped=character == "|" and not self._text.startswith("|", self._at))
        else:
            self._add(character)

    def _add(self, character: str) -> None:
        """What belongs to a word."""
        word = self._begin_word()
        if character == "\\":
            following = self._text[self._at + 1 : self._at + 2]
            word.append("" if following == "\n" else following)
            self._at += 2
        elif character == "'":
            end = self._find("'", 1)
            word.append(self._text[self._at + 1 : end])
            self._at = end + 1
        elif character == '"':
            self._at += 1
            self._quoted(word)
        elif character in "$`":
            word.append(self._expansion(character))
        else:
            word.append(character)
            self._at += 1

    def _quoted(self, word: list[str]) -> None:
        """Up to the closing double quote."""
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == '"':
                self._at += 1
                return
            if character == "\\" and self._text[self._at + 1 : self._at + 2] in ("$", "`", '"', "\\", "\n"):
                word.append(self._text[self._at + 1].strip("\n"))
                self._at += 2
            elif character in "$`":
                word.append(self._expansion(character))
            else:
                word.append(character)
                self._at += 1

    def _expansion(self, character: str) -> str:
        """The value of a variable that the text itself set, else UNKNOWN; a command substitution is put aside."""
        if character == "`":
            end = self._find("`", 1)
            self.substituted.append(self._text[self._at + 1 : end])
            self._at = end + 1
            return UNKNOWN
        following = self._text[self._at + 1 : self._at + 2]
        if following in ("(", "{"):
            inside = self._bracketed(self._at + 1, following, ")" if following == "(" else "}")
            if following == "(":
                self.substituted.append(inside)
                return UNKNOWN
            return self._variables.get(inside, UNKNOWN)
        match = _NAME.match(self._text, self._at + 1)
        if match:
            self._at = match.end()
            return self._variables.get(match[0], UNKNOWN)
        special = following != "" and following in "0123456789@*#?$!-"
        self._at += 2 if special else 1
        return UNKNOWN if special else "$"

    def _bracketed(self, start: int, opening: str, closing: str) -> str:
        """The text inside brackets that open at `start`; goes on behind them."""
        depth, end = 0, start
        while end < len(self._text):
            depth += (self._text[end] == opening) - (self._text[end] == closing)
            if depth == 0:
                break
            end += 1
        self._at = end + 1
        return self._text[start + 1 : end]

    def _redirect(self, character: str) -> None:
        if self._word is not None and "".join(self._word).isdigit():
            self._word = None  # the number of a descriptor
        self._end_word()
        end = self._at
        while self._text[end : end + 1] == character:
            end += 1
        operator = self._text[self._at : end]
        self._at = end
        if self._text.startswith("(", end):  # a process substitution
            self.substituted.append(self._bracketed(end, "(", ")"))
            return
        if self._text.startswith("&", end):
            self._at += 1
            operator = ">"
        elif self._text.startswith("-", end) and operator == "<<":
            self._at += 1
        self._redirection = operator

    def _begin_word(self) -> list[str]:
        if self._word is None:
            self._word = []
        return self._word

    def _end_word(self) -> None:
        if self._word is None:
            return
        word, self._word = "".join(self._word), None
        if not self._redirection:
            self._command.words.append(word)
        elif self._redirection == "<":
            self._command.inputs.append(word)
        elif self._redirection == "<<":
            self._documents.append(word)
        self._redirection = ""

    def _end_command(self, *, piped: bool = False) -> None:
        self._end_word()
        self._redirection = ""
        if self._command.words or self._command.inputs:
            self._ended = self._command
        self._command = SimpleCommand(piped=piped)

    def _skip_documents(self) -> None:
        """Here documents are text, not commands."""
        for delimiter in self._documents:
            while self._at < len(self._text):
                end = self._find("\n")
                line = self._text[self._at : end]
                self._at = end + 1
                if line.lstrip("\t") == delimiter:
                    break
        self._documents.clear()

    def _find(self, character: str, after: int = 0) -> int:
        found = self._text.find(character, self._at + after)
        return len(self._text) if found < 0 else found
