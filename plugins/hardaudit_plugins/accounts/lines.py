"""Lines of a host's file, one at a time: a file of nothing but newlines must not become a list of sixteen million strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

SPACE = " \t\n\v\f\r"
"""What isspace(3) is true for in the C locale."""

_LINES_BETWEEN_CHECKS = 4096
_GAPS_PER_FILE = 20


def numbered(context: TableContext, text: str) -> Iterator[tuple[int, str]]:
    """The lines of `text` without their newline, counted from 1; the query's deadline is looked at on the way."""
    start, number = 0, 0
    while start < len(text):
        number += 1
        if number % _LINES_BETWEEN_CHECKS == 0:
            context.check_deadline()
        end = text.find("\n", start)
        if end < 0:
            end = len(text)
        yield number, text[start:end]
        start = end + 1


class LineGaps:
    """Gaps for single lines of a file: the first few by number, the rest as one count, so that garbage does not flood the report."""

    def __init__(self, context: TableContext, path: str) -> None:
        self._context = context
        self._path = path
        self._seen = 0

    def add(self, line: int, problem: str, reason: GapReason = GapReason.UNSUPPORTED) -> None:
        """Record that a line could not be interpreted. `problem` must not quote what may be a secret."""
        self._seen += 1
        if self._seen <= _GAPS_PER_FILE:
            self._context.gap(reason, f"{self._path}:{line}: {problem}")

    def close(self) -> None:
        """Record how many more lines there were than were named."""
        if self._seen > _GAPS_PER_FILE:
            self._context.gap(GapReason.UNSUPPORTED, f"{self._path}: {self._seen - _GAPS_PER_FILE} more lines could not be interpreted")
