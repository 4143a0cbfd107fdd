"""Gaps as they are met, bounded: a host can make one for each of a million files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import Gap, GapReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class GapLog:
    """Different gaps in the order in which they came. Of a great many only the first are kept, and one of the table `name` that says so."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._gaps: dict[Gap, None] = {}

    def add(self, gap: Gap) -> None:
        """Record one; the same again changes nothing."""
        if len(self._gaps) >= self._limit and gap not in self._gaps:
            gap = Gap(self._name, GapReason.TRUNCATED, f"more than {self._limit:,} gaps: only the first are kept")
        self._gaps[gap] = None

    def update(self, gaps: Iterable[Gap]) -> None:
        """Record several."""
        for gap in gaps:
            self.add(gap)

    def __iter__(self) -> Iterator[Gap]:
        """Those that were recorded."""
        return iter(tuple(self._gaps))
