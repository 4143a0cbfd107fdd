"""What the logs say of a fleet: each host's score and gate, each check's verdicts over all hosts, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.result import GateState, State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hardaudit.fleet.reading import FileReading
    from hardaudit.model.check import Severity
    from hardaudit.model.result import GateResult, PluginNotice, PolicyNotice, Score, WaiverNotice

SCHEMA_VERSION = "1.0"
"""Of the fleet's JSON report: the first number changes when a key is removed or changes its meaning."""


_STATES = tuple(State)
UNDECIDED = (State.UNKNOWN, State.ERROR, State.MANUAL)
"""The states that count in the score and decide nothing."""


@dataclass(frozen=True, slots=True)
class HostSummary:
    """A host. `heard` is the Unix time of its newest line, None without one; `is_heard` whether a result of the policy's queries is fresh.

    `expected` is None when no list of hosts was given. `failed` are ids of checks with a finding that nobody waived, the severest first;
    `undecided` counts the checks that are unknown by reason, and those in error or manual by that word.
    """

    identifier: str
    gate: GateResult
    score: Score
    counts: tuple[int, ...]
    heard: int | None
    is_heard: bool
    expected: bool | None
    failed: tuple[str, ...]
    undecided: Mapping[str, int]

    def count(self, state: State) -> int:
        """How many checks came to a state."""
        return self.counts[_STATES.index(state)]


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """A check over all hosts: how many came to each state; `waived` of those that failed have every finding waived."""

    id: str
    title: str
    severity: Severity
    counts: Mapping[State, int]
    waived: int

    @property
    def failing(self) -> int:
        """Hosts with a finding that nobody waived."""
        return self.counts[State.FAIL] - self.waived

    @property
    def undecided(self) -> int:
        """Hosts of which nobody knows."""
        return sum(self.counts[state] for state in UNDECIDED)

    @property
    def coverage(self) -> float | None:
        """The share of the hosts to which it applies that was decided, in per cent."""
        applicable = sum(self.counts.values()) - self.counts[State.NOT_APPLICABLE]
        return 100 * (self.counts[State.PASS] + self.counts[State.FAIL]) / applicable if applicable else None


@dataclass(frozen=True, slots=True)
class ReadingSummary:
    """What was read: `files` counts them, `problems` are those of which something is lost.

    `results` are lines of the policy's queries, `other` lines of other queries. `ignored_hosts` are not on the list that was given and
    reported only other queries. See Reading for the rest.
    """

    files: int
    problems: tuple[FileReading, ...]
    lines: int
    results: int
    other: int
    future: int
    future_hosts: tuple[str, ...]
    other_policies: tuple[tuple[str, int], ...]
    refused: int
    shortened: int
    ignored_hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FleetResult:
    """A fleet, scored. `hosts` are worst first, `checks` too; `mean_score` and `mean_coverage` are over the hosts that have them."""

    version: str
    policy: PolicyNotice
    as_of: datetime
    interval: float
    stale_after: float
    gate: GateResult
    hosts: tuple[HostSummary, ...]
    checks: tuple[CheckSummary, ...]
    mean_score: float | None
    mean_coverage: float | None
    reading: ReadingSummary
    waivers: tuple[WaiverNotice, ...]
    plugins: tuple[PluginNotice, ...]

    @property
    def gates(self) -> Mapping[GateState, int]:
        """How many hosts came to each state of the gate."""
        states = [host.gate.state for host in self.hosts]
        return {state: states.count(state) for state in GateState}

    @property
    def not_heard(self) -> tuple[HostSummary, ...]:
        """Hosts of which nothing fresh was heard."""
        return tuple(host for host in self.hosts if not host.is_heard)
