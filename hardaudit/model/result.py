"""What an audit found: states, findings, score and gate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from hardaudit.model.gap import QUERY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from hardaudit.model.check import Severity
    from hardaudit.model.gap import Gap
    from hardaudit.model.policy import Waiver
    from hardaudit.model.table import Value

SCHEMA_VERSION = "1.0"
"""Of the JSON report: the first number changes when a key is removed or changes its meaning."""


class State(str, Enum):
    """A check's verdict.

    `unknown`: evidence is missing. `error`: a defect of the check or of a plugin. `not_applicable`: proved by the check's own query.
    `not_checked`: this target cannot have it, such as a live table on a disk image. `manual`: an attestation is missing or out of date.
    """

    PASS = "pass"  # noqa: S105 a verdict, no password
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"
    NOT_CHECKED = "not_checked"
    MANUAL = "manual"


class GateState(str, Enum):
    """The answer to "may it go online"."""

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `evidence` is the rest of the row; `waiver` the unexpired waiver that covers it."""

    subject: str
    message: str
    evidence: Mapping[str, Value]
    waiver: Waiver | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check's verdict and what it rests on.

    `reason` says in one line why a state other than pass or fail came about: a gap's reason, an error's message, a missing attestation.
    `rows` counts what the query returned; `duration_ms` includes reading tables that no check had read before. `digest` is the SHA-256 of
    the check's file, empty for an attestation.
    """

    id: str
    title: str
    severity: Severity
    state: State
    reason: str | None
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    rows: int
    duration_ms: float
    rationale: str
    remediation: str
    references: Mapping[str, tuple[str, ...]]
    digest: str

    @property
    def unwaived(self) -> tuple[Finding, ...]:
        """The findings that nobody has accepted."""
        return tuple(finding for finding in self.findings if finding.waiver is None)

    @property
    def is_cut(self) -> bool:
        """Whether there may be more findings than are here: the query itself came to one of its bounds."""
        return any(gap.table == QUERY for gap in self.gaps)

    @property
    def is_waived(self) -> bool:
        """Whether it failed and every finding is waived."""
        return self.state is State.FAIL and not self.unwaived and not self.is_cut


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100, or None when nothing is scored (0/0).

    `with_waivers` counts waived failures as passes; `coverage` is the share that was decided.
    """

    score: float | None
    with_waivers: float | None
    coverage: float | None


@dataclass(frozen=True, slots=True)
class GateResult:
    """The gate's answer and, in one line each, why."""

    state: GateState
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaiverNotice:
    """A waiver that wants attention: `status` is unused, expired or expiring (within 30 days)."""

    waiver: Waiver
    status: str


@dataclass(frozen=True, slots=True)
class PluginNotice:
    """A plugin that took part (`refused` is None) or was refused, and why."""

    name: str
    distribution: str
    version: str
    digest: str
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class TargetNotice:
    """What was audited: `kind` is live, root, or remote for a host that is known from its osqueryd's logs alone.

    `root` is the directory; `system` and `hostname` as the target's own files name them.
    """

    kind: str
    root: str
    system: str
    hostname: str


@dataclass(frozen=True, slots=True)
class PolicyNotice:
    """What was asked: the policy's name, file, and the SHA-256 over the files of its chain.

    `enabled` counts the checks that it wants run, `disabled` has the reasons of those that it does not. `only`: the globs that narrowed
    this run to some of the checks; empty for a whole run.
    """

    name: str
    origin: str
    digest: str
    enabled: int
    disabled: Mapping[str, str]
    only: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """An audit. `started` has a time zone; `duration_s` is in seconds; `checks` are sorted by id.

    `source` is where osquery's tables came from, embedded or osquery; `source_detail` says of an osquery which, empty otherwise.
    """

    version: str
    target: TargetNotice
    policy: PolicyNotice
    source: str
    started: datetime
    duration_s: float
    gate: GateResult
    score: Score
    checks: tuple[CheckResult, ...]
    waivers: tuple[WaiverNotice, ...]
    plugins: tuple[PluginNotice, ...]
    source_detail: str = ""

    @property
    def counts(self) -> Mapping[State, int]:
        """How many checks came to each state."""
        states = [check.state for check in self.checks]
        return {state: states.count(state) for state in State}

    @property
    def today(self) -> date:
        """The day of the audit, in UTC."""
        return self.started.date()
