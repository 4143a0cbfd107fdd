"""What reads rows from an osquery, and how it says that it could not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hardaudit.model.table import Value

LOG_LINES = 500
"""So many lines of an osquery's log are kept, the last ones."""

_MESSAGE_LIMIT = 1000  # characters

_REASONS = (
    (re.compile(r"no such (table|column|module)", re.IGNORECASE), GapReason.MISSING_SOURCE),
    (re.compile(r"denied|not authorized|not permitted", re.IGNORECASE), GapReason.PERMISSION_DENIED),
    (re.compile(r"interrupted|timed? ?out", re.IGNORECASE), GapReason.TIMEOUT),
    (re.compile(r"out of memory|too (big|many|large)", re.IGNORECASE), GapReason.TRUNCATED),
)


class OsqueryError(Exception):
    """An osquery's answer that is none, or not whole: a gap of the table that was asked."""

    def __init__(self, reason: GapReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class ReportedError(OsqueryError):
    """What osquery itself reports: an SQL error or a failed table."""

    def __init__(self, message: str) -> None:
        message = message[:_MESSAGE_LIMIT]
        reason = next((reason for pattern, reason in _REASONS if pattern.search(message)), GapReason.UNSUPPORTED)
        super().__init__(reason, f"osquery: {message or 'failed without a message'}")


class Reader(Protocol):
    """A way to an osquery. Not for use by several threads."""

    @property
    def through(self) -> str:
        """Which way it is, in words for the report."""

    @property
    def user(self) -> int:
        """The effective user ID that the osquery runs as."""

    def rows(self, sql: str, waiting: Callable[[], None]) -> Generator[dict[str, Value], None, None]:
        """The rows of one statement, each a new mapping of column names to texts, taken from the osquery while they are asked for.

        `sql` is in `host_text`'s spelling, and so are the values. `waiting` is called while an answer is waited for, at least every second,
        and may raise. Raises OsqueryError, before the first row or after any; the rows until then are real. Close it if not all are taken.
        """

    def warnings(self) -> list[str]:
        """What the osquery wrote to its log since the last call, a line each, where that can be seen; of more than LOG_LINES the last."""

    def close(self) -> None:
        """End what was started for it; idempotent."""
