"""What the served tables could not read: the table `hardaudit_gaps`.

Gaps of a table are those of every scan that one query may have made of it, whatever the constraints; which query a scan belongs to osquery
does not tell. So they add up until they were read through `hardaudit_gaps` and the table was left alone for a while. The next scan starts
over. Gaps of queries that nobody followed up go when they have not been met again for long.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hardaudit.model.gap import Gap
    from hardaudit.model.table import Row

SETTLED = 60.0
"""Seconds without a scan after which gaps that were read are done with; as long as one call may take."""

FORGOTTEN = 900.0
"""Seconds after which a gap that was not met again is gone when the table is next read."""

_MOST = 200
_DETAIL_LIMIT = 5000  # characters


@dataclass
class _Page:
    gaps: dict[tuple[GapReason, str], tuple[float, int]] = field(default_factory=dict)  # when each was met, by both clocks
    last_scan: float = 0.0
    followed_up: bool = False


class GapBook:
    """Gaps by table. For use by several threads. `clock`: seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pages: dict[str, _Page] = {}

    def begin(self, table: str) -> None:
        """A scan of a table begins."""
        now = self._clock()
        with self._lock:
            page = self._pages.setdefault(table, _Page())
            if page.followed_up and now - page.last_scan > SETTLED:
                page.gaps.clear()
            page.gaps = {key: met for key, met in page.gaps.items() if now - met[0] <= FORGOTTEN}
            page.followed_up, page.last_scan = False, now

    def add(self, table: str, gaps: Iterable[Gap]) -> None:
        """A scan of a table had these gaps; those of tables that it read itself are its own too."""
        now = self._clock()
        with self._lock:
            page = self._pages.setdefault(table, _Page())
            page.last_scan = now
            for gap in gaps:
                detail = gap.detail if gap.table == table else f"{gap.table}: {gap.detail}"
                key = (gap.reason, detail[:_DETAIL_LIMIT])
                if len(page.gaps) >= _MOST and key not in page.gaps:
                    key = (GapReason.TRUNCATED, f"more than {_MOST} gaps: only the first are kept")
                page.gaps[key] = (now, int(time.time()))

    def rows(self, tables: Iterable[str] | None) -> Iterator[Row]:
        """Rows of `hardaudit_gaps` for these tables, or for all."""
        with self._lock:
            pages = sorted(self._pages.items()) if tables is None else [(name, self._pages[name]) for name in tables if name in self._pages]
            rows: list[Row] = []
            for name, page in pages:
                page.followed_up = True
                rows += [
                    {"table_name": name, "reason": reason.value, "detail": detail, "time": met}
                    for (reason, detail), (_, met) in page.gaps.items()
                ]
        return iter(rows)
