"""What the served tables could not read: the table `hardaudit_gaps`.

Gaps of a table are those of every scan that one query may have made of it, whatever the constraints; which query a scan belongs to osquery
does not tell. An exported query says when it begins, and gets what was met since then, by itself or by others at the same time. For a query
that a user writes, gaps add up until they were read and the table was left alone for a while; the next scan starts over.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.gap_question import Begins, Ends, Since, operand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hardaudit.model.gap import Gap
    from hardaudit.model.gap_question import Asked
    from hardaudit.model.table import Row

SETTLED = 60.0
"""Seconds without a scan after which gaps that were read are done with; as long as one call may take."""

FORGOTTEN = 900.0
"""Seconds after which a gap that was not met again is gone when the table is next read, and the beginning of a query is forgotten."""

_MOST = 200
_MOST_ASKERS = 10_000
_DETAIL_LIMIT = 5000  # characters


@dataclass
class _Page:
    gaps: dict[tuple[GapReason, str], tuple[float, int]] = field(default_factory=dict)  # when each was met, by both clocks
    last_scan: float = 0.0
    shown_from: float = 0.0  # to a query that did not say when it began
    followed_up: bool = False


class GapBook:
    """Gaps by table. For use by several threads. `clock`: seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pages: dict[str, _Page] = {}
        self._begins: dict[str, list[float]] = {}  # of running queries by name, the first beginning first

    def answer(self, asked: Asked) -> Iterator[Row]:
        """Rows of `hardaudit_gaps` for a query that says when it begins."""
        with self._lock:
            if isinstance(asked, Begins):
                self._begin_query(asked.asker)
                return iter(())
            return iter(self._end_query(asked) if isinstance(asked, Ends) else self._rows_since(asked))

    def _begin_query(self, asker: str) -> None:
        now = self._clock()
        if len(self._begins) >= _MOST_ASKERS:
            self._begins = {name: begins for name, begins in self._begins.items() if now - begins[-1] <= FORGOTTEN}
        if asker in self._begins or len(self._begins) < _MOST_ASKERS:
            self._begins[asker] = [*self._recent(asker)[:_MOST], now]

    def _end_query(self, asked: Ends) -> list[Row]:
        """A row, if it is known when the query began: not if that is too long ago, or was told to an extension that is no more.

        Of several of one name nobody knows which one ends: the first beginning stays for those that go on.
        """
        begins = self._recent(asked.asker)
        if begins[1:]:
            self._begins[asked.asker] = begins[:-1]
        else:
            self._begins.pop(asked.asker, None)
        return [{"table_name": operand(asked), "reason": "", "detail": "", "time": int(time.time())}] if begins else []

    def _recent(self, asker: str) -> list[float]:
        now = self._clock()
        return [begun for begun in self._begins.get(asker, ()) if now - begun <= FORGOTTEN]

    def _rows_since(self, asked: Since) -> list[Row]:
        name = operand(asked)
        page = self._pages.get(asked.table, _Page())
        begins = self._recent(asked.asker)
        return _rows(page, begins[0] if begins else 0.0, name)

    def begin(self, table: str) -> None:
        """A scan of a table begins."""
        now = self._clock()
        with self._lock:
            page = self._pages.setdefault(table, _Page())
            if page.followed_up and now - page.last_scan > SETTLED:
                page.shown_from = now
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
                rows += _rows(page, page.shown_from, name)
        return iter(rows)


def _rows(page: _Page, since: float, name: str) -> list[Row]:
    return [
        {"table_name": name, "reason": reason.value, "detail": detail, "time": met}
        for (reason, detail), (at, met) in page.gaps.items()
        if at >= since
    ]
