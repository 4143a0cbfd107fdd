"""Lines of a host's file, one at a time: a file of nothing but newlines must not become a list of sixteen million strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

SPACE = " \t\n\v\f\r"
"""What isspace(3) is true for in the C locale."""

LONGEST_DIRECTIVE = 16_384
"""Characters of a line that is taken apart into words; nobody writes longer ones."""

_LINE = re.compile(r"[^\n]+")
_LINES_BETWEEN_CHECKS = 4096
_GAPS_PER_FILE = 20


def numbered(context: TableContext, text: str) -> Iterator[tuple[int, str]]:
    """The lines of `text` that are not empty, counted from 1 with the empty ones; the query's deadline is looked at on the way."""
    number, position = 1, 0
    for count, match in enumerate(_LINE.finditer(text)):
        if count % _LINES_BETWEEN_CHECKS == 0:
            context.check_deadline()
        number += text.count("\n", position, match.start())
        position = match.start()
        yield number, match[0]


def directives(context: TableContext, text: str, gaps: LineGaps) -> Iterator[tuple[int, str]]:
    """`numbered` for lines that are taken apart into words; one that is too long for that is a gap."""
    for number, line in numbered(context, text):
        if len(line) > LONGEST_DIRECTIVE:
            gaps.add(number, f"longer than {LONGEST_DIRECTIVE:,} characters", GapReason.TRUNCATED)
        else:
            yield number, line


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
