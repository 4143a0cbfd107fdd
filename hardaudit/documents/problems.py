"""What is wrong in a document, where, and what was perhaps meant."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from hardaudit.errors import CheckError, HardauditError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit.documents.reading import Document, KeyPath

_LIMIT = 50
"""Problems that are kept; the rest is counted, so that a hostile or generated file cannot flood the terminal."""

_LISTED = 12
"""Allowed values that are listed in a message at most."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file: line and column, both counted from 1, columns in characters."""

    line: int
    column: int


START = Position(1, 1)


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a file; `position` is None where the file could not be read at all. `str` is one line."""

    file: str
    position: Position | None
    message: str

    def __str__(self) -> str:
        """`file:line:column: message`."""
        where = f":{self.position.line}:{self.position.column}" if self.position else ""
        return f"{printable(self.file)}{where}: {self.message}"


class DocumentError(HardauditError):
    """A document cannot be used; `problems` are all its faults, and the message has a line for each."""

    names_its_place = True

    def __init__(self, problems: Iterable[Problem], uncounted: int = 0) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems]
        if uncounted:
            lines.append(f"{printable(self.problems[-1].file)}: and {uncounted} more problems")
        super().__init__("\n".join(lines))


class PolicyDocumentError(DocumentError, PolicyError):
    """A policy's file cannot be used."""


class CheckDocumentError(DocumentError, CheckError):
    """A check's file cannot be used."""


class Choice(NamedTuple):
    """A word that is none of the allowed ones: the message says which are, unless they are many, and which one was perhaps meant."""

    wrong: str
    allowed: Iterable[str]


class Problems:
    """Collects the faults of one or more files, to report all of them at once as an error of the given kind."""

    def __init__(self, kind: type[DocumentError]) -> None:
        self._kind = kind
        self._found: list[Problem] = []
        self._files: dict[str, int] = {}
        self._uncounted = 0

    def __len__(self) -> int:
        """How many were found."""
        return len(self._found) + self._uncounted

    def add(
        self,
        document: Document,
        path: KeyPath,
        message: str,
        *,
        at_key: bool = False,
        choice: Choice | None = None,
    ) -> None:
        """Record a fault of the value at `path`, or of its key."""
        position = document.at_key(path) if at_key else document.at(path)
        self.add_at(document.file, position, message, choice)

    def add_at(self, file: str, position: Position | None, message: str, choice: Choice | None = None) -> None:
        """`add` for a place in a file that is no document, or not yet."""
        if len(self._found) >= _LIMIT:
            self._uncounted += 1
            return
        problem = Problem(file, position, message + (_hint(choice) if choice else ""))
        if problem not in self._found:
            self._files.setdefault(file, len(self._files))
            self._found.append(problem)

    def fail(self) -> NoReturn:
        """Raise the error with every fault: files in the order they were read, faults by position."""
        raise self._kind(sorted(self._found, key=self._order), self._uncounted)

    def fail_if_any(self) -> None:
        """`fail`, unless nothing was found."""
        if self._found:
            self.fail()

    def _order(self, problem: Problem) -> tuple[int, Position]:
        return self._files[problem.file], problem.position or Position(0, 0)


def _hint(choice: Choice) -> str:
    allowed = list(choice.allowed)
    listed = f"; allowed: {', '.join(map(printable, allowed))}" if 0 < len(allowed) <= _LISTED else ""
    meant = suggestion(choice.wrong, allowed)
    return listed + (f"; did you mean {quote(meant)}?" if meant else "")


def suggestion(wrong: str, allowed: Iterable[str]) -> str | None:
    """The allowed word most like the wrong one, or None when none is like it."""
    if not wrong or len(wrong) > 100:
        return None
    close = difflib.get_close_matches(wrong, sorted(allowed), n=1)
    return close[0] if close else None


def quote(text: str) -> str:
    """Text of a file as a message shows it: quoted, short, on one line."""
    return f"'{printable(text if len(text) <= 80 else text[:79] + '…')}'"


def printable(text: str) -> str:
    """The text with whatever is no printable character escaped."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
