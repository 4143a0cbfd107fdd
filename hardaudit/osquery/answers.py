"""The answers that an osquery is giving: how many at once, and what its log says meanwhile.

osquery answers with no row, and no error, where it could not read something; what it writes to its log then is a gap.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hardaudit.model.gap import GapReason
from hardaudit.osquery.reader import LOG_LINES

if TYPE_CHECKING:
    from hardaudit.osquery.reader import Reader
    from hardaudit.target.table import TableContext

_WARNING = re.compile(r"[WEF]\d{4,8} [\d:.]+ +\d+ (?P<file>[\w./-]+):\d+\] (?P<text>.*)")
"""A line of osquery's log (glog's form) that is no information."""

_OF_ITSELF: Final = frozenset(
    (
        "carver.cpp", "config.cpp", "database.cpp", "dispatcher.cpp", "eventfactory.cpp", "events.cpp", "extensions.cpp", "flags.cpp",
        "init.cpp", "initializer.cpp", "interface.cpp", "logger.cpp", "rocksdb.cpp", "scheduler.cpp", "shutdown.cpp", "watcher.cpp",
    )
)  # fmt: skip
"""osquery's source files that warn of its own start and settings, not of a table."""


_LIMIT = 16  # each is a connection and a thread of osqueryd's, or an osqueryi


class OpenAnswers:
    """The tables whose answers are not read to their ends. The log does not say of which table it speaks, so a warning is a gap of each."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._open: list[TableContext] = []

    def begins(self, context: TableContext) -> None:
        """A table is asked for; of too many answers those that no query is at are given up, the oldest first."""
        for other in tuple(self._open):
            if len(self._open) >= _LIMIT:
                other.give_up()
        self._open.append(context)

    def ends(self, context: TableContext) -> None:
        """Its answer is there, or no longer wanted; idempotent."""
        if context not in self._open:
            return
        lines = self._reader.warnings()
        matches = [match for line in lines if (match := _WARNING.fullmatch(line)) and match["file"] not in _OF_ITSELF]
        for reading in self._open:
            for match in matches:
                reading.gap(GapReason.UNSUPPORTED, f"osquery warns: {match['text']}")
            if len(lines) >= LOG_LINES:
                reading.gap(GapReason.TRUNCATED, f"osquery's log has {LOG_LINES} lines and more: only the last are looked at")
        self._open.remove(context)
