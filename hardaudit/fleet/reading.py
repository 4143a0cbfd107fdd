"""Results logs, read line by line into what is known of each host; and what could not be used of them, counted and never passed over."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.fleet.host_state import WHOLE_HOST, Doubt, HostState, Kept
from hardaudit.fleet.log_files import READ_ERRORS, LongLine, OpenLog, lines_of
from hardaudit.fleet.log_line import LineError, parse, traces
from hardaudit.fleet.query_names import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from hardaudit.fleet.log_files import LogFile
    from hardaudit.fleet.log_line import Report
    from hardaudit.fleet.query_names import QueryNames

HOST_LIMIT = 100_000
"""Hosts that are told apart, besides those that are expected."""

SKEW = 300
"""Seconds by which a host's clock may be ahead."""

_LATE_NAMED = 20
_PACKS_NAMED = 20


@dataclass(slots=True)
class FileReading:
    """What was read of a file.

    `cut` counts lines that are no JSON, `malformed` those that say what no result can, `too_long` those beyond LINE_LIMIT, `unattributed`
    those of them of which nobody can tell the host. `error`: why it could not be read to its end. `follows_gap`: see LogFile.
    """

    path: str
    lines: int = 0
    cut: int = 0
    malformed: int = 0
    too_long: int = 0
    unattributed: int = 0
    error: str | None = None
    follows_gap: bool = False

    @property
    def unusable(self) -> int:
        """Lines that are lost."""
        return self.cut + self.malformed + self.too_long

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is lost, nor of what went before it."""
        return not self.unusable and self.error is None and not self.follows_gap


@dataclass(slots=True)
class _Source:
    """A log: the newest time in it, its only host or None, and the time until which what it says is not the whole."""

    number: int
    time: int = 0
    host: str | None = None
    has_many: bool = False
    lost: int | None = None

    def saw(self, host: str) -> None:
        if self.host != host:
            self.has_many = self.host is not None
            self.host = self.host or host

    @property
    def only_host(self) -> str | None:
        return None if self.has_many else self.host


@dataclass(slots=True)
class Reading:
    """Everything that the logs say as of a time.

    `hosts` by identifier. `losses`: by the number of a log, the time until which an unknown part of it is missing. `future` counts results
    by host that are dated after `as_of`, `other_policies` lines of checks of the policy by the pack of another policy that has them,
    `refused` lines of hosts beyond HOST_LIMIT, `shortened` results with more rows than are kept.
    """

    hosts: dict[str, HostState] = field(default_factory=dict)
    files: list[FileReading] = field(default_factory=list)
    losses: dict[int, int] = field(default_factory=dict)
    lines: int = 0
    results: int = 0
    other: int = 0
    future: Counter[str] = field(default_factory=Counter)
    future_results: int = 0
    other_policies: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    shortened: int = 0


class Reader:
    """Reads logs. `as_of` is in Unix seconds; `later_is_wrong`: whether a result from after it can only come of a clock that is wrong."""

    def __init__(self, names: QueryNames, as_of: int, expected: Collection[str] = (), *, later_is_wrong: bool = True) -> None:
        self.reading = Reading()
        self._names = names
        self._latest = as_of + (SKEW if later_is_wrong else 0)
        self._later_is_wrong = later_is_wrong
        self._expected = frozenset(expected)
        self._kept = Kept()
        self._unexpected = 0

    def read(self, logs: Sequence[Sequence[LogFile]], progress: Callable[[int, int, str], None] | None = None) -> Reading:
        """Read every log, each a list of files, oldest first."""
        total, number = sum(map(len, logs)), 0
        for source_number, files in enumerate(logs):
            source = _Source(source_number)
            with contextlib.closing(OpenLog(files)) as log:
                for file in files:
                    if progress:
                        progress(number, total, file.path)
                    number += 1
                    self._read_file(file, log, source)
            self._settle(source)
        self.reading.shortened = self._kept.shortened
        return self.reading

    def _read_file(self, file: LogFile, log: OpenLog, source: _Source) -> None:
        found = FileReading(file.path, follows_gap=file.follows_gap)
        self.reading.files.append(found)
        if file.follows_gap:
            source.lost = source.time
        try:
            with log.open(file) as stream:
                for line in lines_of(stream):
                    found.lines += 1
                    if isinstance(line, LongLine):
                        self._lose(line.ends, Doubt.TOO_LONG, found, source)
                    elif line.strip():
                        self._read_line(line, found, source)
        except READ_ERRORS as error:
            found.error = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
            source.lost = source.time
        self.reading.lines += found.lines

    def _read_line(self, line: bytes, found: FileReading, source: _Source) -> None:
        try:
            report = parse(line)
            if report is not None:
                self._take(report, source)
        except LineError as error:
            self._lose(line, Doubt.MALFORMED if error.is_json else Doubt.CUT, found, source)
        except RecursionError:  # a row so deep that it can be read, but not be written again
            self._lose(line, Doubt.MALFORMED, found, source)

    def _take(self, report: Report, source: _Source) -> None:
        reading = self.reading
        host = reading.hosts.get(report.host) or self._admit(report.host)
        if host is None:
            reading.refused += 1
            return
        source.saw(report.host)
        query = self._names.number(report.name)
        if report.time > self._latest:
            self._take_future(report.host, host, query)
            return
        source.time = max(source.time, report.time)
        host.heard = max(host.heard, report.time)
        if query == OTHER:
            self._take_other(report.name)
            return
        reading.results += 1
        host.take(query, report, source.number, conditional=query >= len(self._names.checks))

    def _take_other(self, name: str) -> None:
        self.reading.other += 1
        pack = self._names.of_another_policy(name)
        if pack is not None and (pack in self.reading.other_policies or len(self.reading.other_policies) < _PACKS_NAMED):
            self.reading.other_policies[pack] += 1

    def _take_future(self, identifier: str, host: HostState, query: int) -> None:
        self.reading.future_results += 1
        if self._later_is_wrong:
            if identifier in self.reading.future or len(self.reading.future) < _LATE_NAMED:
                self.reading.future[identifier] += 1
            if query != OTHER:
                host.doubt(query, 0, Doubt.FUTURE)

    def _admit(self, identifier: str) -> HostState | None:
        if identifier not in self._expected:
            if self._unexpected >= HOST_LIMIT:
                return None
            self._unexpected += 1
        host = self.reading.hosts[identifier] = HostState(len(self._names), self._kept)
        return host

    def _lose(self, line: bytes, doubt: Doubt, found: FileReading, source: _Source) -> None:
        """Count a line that cannot be used, and put what it may have said in doubt: of its host's query, of its host, or of its log."""
        if doubt is Doubt.CUT:
            found.cut += 1
        elif doubt is Doubt.MALFORMED:
            found.malformed += 1
        else:
            found.too_long += 1
        told = traces(line)
        time = told.time if told.time is not None and told.time <= self._latest else source.time
        queries = [number for number in map(self._names.number, told.names) if number != OTHER]
        hosts = [host for name in told.hosts if (host := self.reading.hosts.get(name) or self._admit(name)) is not None]
        if hosts and not queries and told.names and line.startswith(b'{"name":'):
            return  # the event format begins with the query's name, and this one does not matter here
        for host in hosts:
            for query in queries or (WHOLE_HOST,):
                host.doubt(query, time, doubt)
        if not hosts:
            found.unattributed += 1
            source.lost = max(source.time, source.lost or 0)

    def _settle(self, source: _Source) -> None:
        """What was lost of a log with one host is that host's; of one with several, it may be anybody's."""
        if source.lost is None:
            return
        self.reading.losses[source.number] = source.lost
        host = self.reading.hosts.get(source.only_host) if source.only_host is not None else None
        if host is not None:
            host.doubt_until(WHOLE_HOST, source.lost, Doubt.LOST_FILE)
