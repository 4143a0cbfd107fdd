"""What is known of each host's queries after the lines read so far: small, for there are many hosts, and bounded, for hosts can lie.

A query's rows are known from its newest snapshot, or from differences: those added and not yet removed since its first run in an epoch,
which has the counter 0. What is lost or contradictory is remembered with a time, and only newer evidence is without doubt.
"""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from hardaudit.osquery.exported import GAP_COLUMN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit.fleet.log_line import JsonRow, Report

ROWS_KEPT = 100
"""Rows of one query of one host."""

_QUERY_BYTES = 64 * 2**10
_HOST_BYTES = 2**20
_FLEET_BYTES = 80 * 2**20
_OVERHEAD = 150  # bytes that Python takes for an entry besides its text
_DOUBTS_KEPT = 20
WHOLE_HOST = -1

DIFFERENTIAL, BASED, DROPPED, DROPPED_FINDING, APPLIES, APPLIES_NOT = 1, 2, 4, 8, 16, 32
"""A query's flags: it has differences, from its first run on; rows were not kept, findings among them; what an `:applies` query counted."""


_encode = json.JSONEncoder(sort_keys=True).encode


class Doubt(IntEnum):
    """Why what is known of a query may not be the whole truth."""

    CUT = 1
    TOO_LONG = 2
    MALFORMED = 3
    FUTURE = 4
    DISORDER = 5
    INCONSISTENT = 6
    LOST_FILE = 7


class Doubted(NamedTuple):
    """A doubt of everything that was known until `time`."""

    time: int
    doubt: Doubt


@dataclass(slots=True)
class Kept:
    """Bytes that rows take, over all hosts, and how many results had more rows than were kept."""

    size: int = 0
    shortened: int = 0


class HostState:
    """One host. `times` has each query's newest result in Unix seconds, 0 without one; `heard` the newest line of any query."""

    __slots__ = ("_kept", "_size", "bases", "counters", "doubts", "epochs", "flags", "heard", "rows", "sources", "times")

    def __init__(self, queries: int, kept: Kept) -> None:
        self.heard = 0
        self.times = array("q", bytes(8 * queries))
        self.flags = bytearray(queries)
        self.sources = array("i", bytes(4 * queries))
        self.rows: dict[int, bytes] = {}
        self.doubts: dict[int, Doubted] = {}
        self.epochs: array[int] | None = None
        self.counters: array[int] | None = None
        self.bases: array[int] | None = None
        self._size = 0
        self._kept = kept

    @property
    def has_reported(self) -> bool:
        """Whether any query of the policy returned something."""
        return any(self.times)

    def take(self, query: int, report: Report, source: int, *, conditional: bool) -> None:
        """Apply a result. `source` numbers the log it was in; `conditional`: each row counts, as those of an `:applies` query do."""
        if not all(map(_is_flat, report.rows)):
            report = report._replace(rows=[_flat(row) for row in report.rows])
        if report.removed is not None:
            self._take_differences(query, report, [_flat(row) for row in report.removed], source)
        elif report.single:
            self._take_event(query, report, source)
        else:
            self._take_snapshot(query, report, source, conditional=conditional)

    def doubt(self, query: int, time: int, doubt: Doubt) -> None:
        """What is known by now of a query, or of WHOLE_HOST, is in doubt, and so is what will be heard until `time`."""
        self.doubt_until(query, max(time, self.times[query] if query >= 0 else max(self.times)), doubt)

    def doubt_until(self, query: int, time: int, doubt: Doubt) -> None:
        """What results until `time` say of a query, or of WHOLE_HOST, is in doubt."""
        known = self.doubts.get(query)
        if known is not None and known.time >= time:
            return
        if known is None and len(self.doubts) > _DOUBTS_KEPT:
            self.doubts = {WHOLE_HOST: Doubted(max(time, *(other.time for other in self.doubts.values())), doubt)}
        else:
            self.doubts[query] = Doubted(time, doubt)

    def doubted(self, query: int) -> Doubted | None:
        """The doubt of a query that reaches furthest."""
        found = [self.doubts[key] for key in (query, WHOLE_HOST) if key in self.doubts]
        return max(found, default=None)

    def _take_snapshot(self, query: int, report: Report, source: int, *, conditional: bool) -> None:
        time, rows = self.times[query], report.rows
        counted = _counted(rows) if conditional else 0
        if counted:
            rows = []  # the flag says it all, and nearly every host has many of them
        has_rows = query in self.rows or self.flags[query] & DROPPED
        if report.time < time or (report.time == time and not rows and has_rows):
            differs = counted != self.flags[query] or _text(rows) != self.rows.get(query, b"") if conditional else rows and not has_rows
            if differs and source == self.sources[query]:
                self.doubt(query, time, Doubt.DISORDER)
            return
        self.times[query] = report.time
        self.sources[query] = source
        self.flags[query] = counted
        if has_rows:
            self._replace(query, b"")
        if rows:
            self._add(query, rows)

    def _take_event(self, query: int, report: Report, source: int) -> None:
        """A row of a snapshot with a row a line: rows of one run have one time."""
        time = self.times[query]
        if report.time < time:
            if query not in self.rows and source == self.sources[query]:
                self.doubt(query, time, Doubt.DISORDER)
            return
        if report.time > time or self.flags[query] & DIFFERENTIAL:
            self.flags[query] = 0
            self._replace(query, b"")
        self.times[query] = report.time
        self.sources[query] = source
        self._add(query, report.rows)

    def _take_differences(self, query: int, report: Report, removed: Sequence[JsonRow], source: int) -> None:
        if self.epochs is None or self.counters is None or self.bases is None:
            self.epochs, self.counters, self.bases = (array(code, bytes(8 * len(self.times))) for code in "QQq")
        time, flags = self.times[query], self.flags[query]
        known = (self.epochs[query], self.counters[query]) if flags & DIFFERENTIAL else None
        if report.time < time:
            self.doubt(query, time, Doubt.DISORDER)
            return
        same_run = known == (report.epoch, report.counter) and report.time == time
        if not same_run and report.counter == 0:
            self._restart(query, BASED)
            self.bases[query] = report.time
        elif known is None or known[0] != report.epoch:
            self._restart(query, 0)
            self.doubt(query, report.time, Doubt.INCONSISTENT)
        elif not same_run and report.counter <= known[1]:
            self.doubt(query, report.time, Doubt.INCONSISTENT)
        self.times[query], self.sources[query] = report.time, source
        self.epochs[query], self.counters[query] = report.epoch, report.counter
        self._remove(query, report, removed)
        self._add(query, report.rows)

    def _restart(self, query: int, flags: int) -> None:
        self._replace(query, b"")
        self.flags[query] = DIFFERENTIAL | flags

    def _remove(self, query: int, report: Report, removed: Sequence[JsonRow]) -> None:
        if not removed:
            return
        lines = self.rows.get(query, b"").split(b"\n")
        for row in removed:
            try:
                lines.remove(_text([row]))
            except ValueError:
                if not self.flags[query] & DROPPED:
                    self.doubt(query, report.time, Doubt.INCONSISTENT)
        self._replace(query, b"\n".join(lines))

    def _add(self, query: int, rows: Sequence[JsonRow]) -> None:
        """Keep rows as far as there is room for them; of those that are not kept it is known whether one was a finding."""
        if not rows:
            return
        text = self.rows.get(query, b"")
        fitting = rows[: max(0, ROWS_KEPT - text.count(b"\n") - bool(text))]
        added = _text(fitting)
        room = min(_QUERY_BYTES - len(text), _HOST_BYTES - self._size, _FLEET_BYTES - self._kept.size)
        while fitting and len(added) + _OVERHEAD > room:
            fitting = fitting[: len(fitting) // 2]
            added = _text(fitting)
        if len(fitting) < len(rows):
            self.flags[query] |= DROPPED
            self._kept.shortened += 1
            if not all(is_gap(row) for row in rows[len(fitting) :]):
                self.flags[query] |= DROPPED_FINDING
        if fitting:
            self._replace(query, text + b"\n" + added if text else added)

    def _replace(self, query: int, text: bytes) -> None:
        known = self.rows.pop(query, None)
        change = -(len(known) + _OVERHEAD) if known is not None else 0
        if text:
            self.rows[query] = text
            change += len(text) + _OVERHEAD
        self._size += change
        self._kept.size += change


def _counted(rows: Sequence[JsonRow]) -> int:
    """The flag for what an `:applies` query counted; 0 for anything but one number and no gap."""
    if len(rows) != 1 or is_gap(rows[0]):
        return 0
    count = count_of(rows[0])
    return 0 if count is None else APPLIES if count else APPLIES_NOT


def count_of(row: JsonRow) -> int | None:
    """What a row of an `:applies` query counts; None if that is no number from 0 on."""
    value = row.get("applies") if isinstance(row, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if type(value) is int and value >= 0 else None


def _is_flat(row: JsonRow) -> bool:
    return isinstance(row, dict) and not any(isinstance(value, (dict, list)) for value in row.values())


def _flat(row: JsonRow) -> JsonRow:
    """A row as osquery has them, whatever stands in the line: columns with texts or numbers, or None if it has no columns."""
    if not isinstance(row, dict):
        return None
    return {name: json.dumps(value) if isinstance(value, (dict, list)) else value for name, value in row.items()}


def _text(rows: Sequence[JsonRow]) -> bytes:
    """A line for each row; the same row is the same line."""
    return "\n".join([_encode(row) for row in rows]).encode()


def is_gap(row: JsonRow) -> bool:
    """Whether a row says what could not be read."""
    return isinstance(row, dict) and row.get(GAP_COLUMN) not in (None, "")
