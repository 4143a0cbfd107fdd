"""A fleet's score: every host through the same score and gate as a local run."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from hardaudit import __version__
from hardaudit.audit.run import plugin_notices, policy_notice, waiver_notices
from hardaudit.audit.score import gate, score
from hardaudit.errors import UsageError
from hardaudit.fleet.fleet_result import UNDECIDED, CheckSummary, FleetResult, HostSummary, ReadingSummary
from hardaudit.fleet.host_state import HostState, Kept
from hardaudit.fleet.log_files import find_logs
from hardaudit.fleet.query_names import QueryNames
from hardaudit.fleet.reading import Reader
from hardaudit.fleet.verdict import Freshness, Judge
from hardaudit.model import result as model
from hardaudit.model.result import GateResult, GateState, State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from hardaudit.audit.registry import Registry
    from hardaudit.fleet.reading import Reading
    from hardaudit.model.policy import Policy
    from hardaudit.model.result import CheckResult

SOURCE = "osquery"
"""What a host's report names as the source of osquery's tables."""

_NOT_HEARD = "not heard from"
_STATES = tuple(State)
_GATES = (GateState.FAILED, GateState.INCOMPLETE, GateState.PASSED)
_REASONS_KEPT = 5
_HOSTS_NAMED = 3


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the logs. `as_of` is the time that freshness is measured from; None: now, by the clock of this machine.

    `interval` is the queries' in seconds, `stale_after` how many of them a result counts. `expected`: identifiers of the hosts that must
    be heard from; None when that is not known.
    """

    as_of: int | None = None
    interval: float = 3600
    stale_after: float = 3
    expected: Collection[str] | None = None

    @property
    def freshness(self) -> Freshness:
        """When a result is stale."""
        return Freshness(int(time.time()) if self.as_of is None else self.as_of, self.interval, self.stale_after)


class FleetLogs:
    """The logs of a fleet, read once; scored whole, or host by host."""

    def __init__(
        self,
        places: Sequence[str],
        policy: Policy,
        registry: Registry,
        question: Question,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> None:
        enabled = sorted(name for name, selection in policy.checks.items() if selection.enabled)
        if not enabled:
            raise UsageError(f"policy {policy.name} selects no check; `hardaudit show POLICY` lists its checks")
        self._policy, self._registry, self._question = policy, registry, question
        self._names = QueryNames(policy.name, enabled, [name for name in enabled if registry.checks[name].applies is not None])
        self._freshness = question.freshness
        reader = Reader(self._names, self._freshness.as_of, question.expected or (), later_is_wrong=question.as_of is None)
        self.reading: Reading = reader.read(find_logs(places), progress)
        self._judge = Judge(policy, registry.checks, self._names, self._freshness, self.reading.losses)

    def host_result(self, identifier: str) -> model.Result:
        """One host's result, as a run on it would have it. Raises UsageError for a host that the logs do not know."""
        state = self.reading.hosts.get(identifier)
        if state is None:
            raise UsageError(f"--host {identifier}: the logs say nothing of it{self._hint(identifier)}")
        checks = tuple(self._judge.results(state))
        scored = score(checks)
        return model.Result(
            version=__version__,
            target=model.TargetNotice(kind="remote", root="", system="", hostname=identifier),
            policy=policy_notice(self._policy, ()),
            source=SOURCE,
            source_detail=f"osqueryd's results logs{_last_line(state)}",
            started=self._moment,
            duration_s=0.0,
            gate=self._gate(state, checks, scored),
            score=scored,
            checks=checks,
            waivers=waiver_notices(self._policy, checks, self._freshness.today, complete=True),
            plugins=plugin_notices(self._registry),
        )

    def _hint(self, identifier: str) -> str:
        """Which hosts there are instead."""
        known = sorted(self.reading.hosts)
        near = [name for name in known if identifier.lower() in name.lower()][:3]
        if near:
            return f"; there is {', '.join(near)}"
        if len(known) <= _HOSTS_NAMED:
            return f"; there is {', '.join(known)}" if known else ", nor of any other host"
        return f"; there are {len(known):,} others: --format json without --host has them all"

    def score(self) -> FleetResult:
        """Every host that reported one of the policy's queries, or is expected. The hosts' states are given up for it: call it once."""
        tally = _Tally()
        hosts, ignored = [], []
        expected = self._question.expected
        for identifier in sorted({*self.reading.hosts, *(expected or ())}):
            state = self.reading.hosts.pop(identifier, None) or HostState(len(self._names), Kept())
            if expected is not None and identifier not in expected and not state.has_reported and not state.doubts:
                ignored.append(identifier)
                continue
            checks = self._judge.results(state)
            tally.add(checks)
            hosts.append(self._summary(identifier, state, checks))
        hosts.sort(key=_worst_host_first)
        return FleetResult(
            version=__version__,
            policy=policy_notice(self._policy, ()),
            as_of=self._moment,
            interval=self._freshness.interval,
            stale_after=self._freshness.stale_after,
            gate=_fleet_gate(hosts, self.reading),
            hosts=tuple(hosts),
            checks=tally.checks(),
            mean_score=_mean([host.score.score for host in hosts]),
            mean_coverage=_mean([host.score.coverage for host in hosts]),
            reading=_reading_summary(self.reading, ignored),
            waivers=waiver_notices(self._policy, tally.witnesses, self._freshness.today, complete=True),
            plugins=plugin_notices(self._registry),
        )

    @property
    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._freshness.as_of, timezone.utc)

    def _gate(self, state: HostState, checks: Sequence[CheckResult], scored: model.Score) -> GateResult:
        """The policy's gate; a host that says nothing neither passed nor failed it, whatever score and coverage the policy asks for."""
        if not self._judge.is_heard(state):
            return GateResult(GateState.INCOMPLETE, (_NOT_HEARD,))
        return gate(self._policy.gate, checks, scored)

    def _summary(self, identifier: str, state: HostState, checks: Sequence[CheckResult]) -> HostSummary:
        scored = score(checks)
        found = self._gate(state, checks, scored)
        states = Counter([check.state for check in checks])
        failed = sorted((check for check in checks if check.state is State.FAIL and not check.is_waived), key=_severest_first)
        undecided = Counter([_why(check) for check in checks if check.state in UNDECIDED])
        expected = self._question.expected
        return HostSummary(
            identifier=identifier,
            gate=GateResult(found.state, _shortened(found.reasons)),
            score=scored,
            counts=tuple(states[state] for state in _STATES),
            heard=state.heard or None,
            is_heard=self._judge.is_heard(state),
            expected=None if expected is None else identifier in expected,
            failed=tuple(check.id for check in failed),
            undecided=dict(sorted(undecided.items())),
        )


def _last_line(state: HostState) -> str:
    return f", last line {datetime.fromtimestamp(state.heard, timezone.utc):%Y-%m-%d %H:%M:%S} UTC" if state.heard else ""


class _Tally:
    """Verdicts counted check by check, and for each waiver in use one result that it covers."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[State]] = {}
        self._waived: Counter[str] = Counter()
        self._samples: dict[str, CheckResult] = {}
        self._witnesses: dict[int, CheckResult] = {}

    def add(self, checks: Sequence[CheckResult]) -> None:
        """Count a host's results."""
        for check in checks:
            counts = self._counts.get(check.id)
            if counts is None:
                counts = self._counts[check.id] = Counter()
                self._samples[check.id] = check
            counts[check.state] += 1
            if check.findings:
                self._waived[check.id] += check.is_waived
                for finding in check.findings:
                    if finding.waiver is not None:
                        self._witnesses.setdefault(id(finding.waiver), check)

    @property
    def witnesses(self) -> list[CheckResult]:
        return list(self._witnesses.values())

    def checks(self) -> tuple[CheckSummary, ...]:
        """The check that most hosts fail first, each host counting the check's weight; then those that fewest know of."""
        made = [
            CheckSummary(id_, sample.title, sample.severity, {state: self._counts[id_][state] for state in State}, self._waived[id_])
            for id_, sample in self._samples.items()
        ]
        return tuple(sorted(made, key=_worst_check_first))


def read_hosts(path: str) -> frozenset[str]:
    """The identifiers of a file, one a line; empty lines and those that begin with # are passed over. Raises UsageError."""
    try:
        with open(path, "rb") as file:
            content = file.read(64 * 2**20 + 1)
    except OSError as error:
        raise UsageError(f"--hosts {path}: {error.strerror}") from error
    if len(content) > 64 * 2**20:
        raise UsageError(f"--hosts {path} is larger than 64 MiB: it is to be a list of identifiers, one a line")
    try:
        lines = [line.strip() for line in content.decode().splitlines()]
    except UnicodeDecodeError as error:
        raise UsageError(f"--hosts {path} is no UTF-8 text: it is to be a list of identifiers, one a line") from error
    found = frozenset(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise UsageError(f"--hosts {os.fspath(path)} names no host: write one identifier a line")
    return found


def _why(check: CheckResult) -> str:
    return check.reason or "" if check.state is State.UNKNOWN else check.state.value


def _shortened(reasons: Sequence[str]) -> tuple[str, ...]:
    more = len(reasons) - _REASONS_KEPT
    return (*reasons[:_REASONS_KEPT], f"and {more} more") if more > 0 else tuple(reasons)


def _severest_first(check: CheckResult) -> tuple[int, str]:
    return -check.severity.weight, check.id


def _worst_host_first(host: HostSummary) -> tuple[int, float, float, str]:
    low = -1.0  # nothing decided is worse than a bad score
    score_, coverage = (low if value is None else value for value in (host.score.score, host.score.coverage))
    return _GATES.index(host.gate.state), score_, coverage, host.identifier


def _worst_check_first(check: CheckSummary) -> tuple[int, int, str]:
    return -check.severity.weight * check.failing, -check.severity.weight * check.undecided, check.id


def _fleet_gate(hosts: Sequence[HostSummary], reading: Reading) -> GateResult:
    """`failed` if any host failed; else `incomplete` if any is, or if what was not read may hold one that failed."""
    failed = sum(host.gate.state is GateState.FAILED for host in hosts)
    silent = sum(not host.is_heard for host in hosts)
    incomplete = sum(host.gate.state is GateState.INCOMPLETE for host in hosts) - silent
    reasons = [f"{_hosts(failed)} failed"] if failed else []
    if silent:
        reasons.append(f"{_hosts(silent)} not heard from")
    if incomplete:
        reasons.append(f"{_hosts(incomplete)} incomplete")
    if not hosts:
        reasons.append("no host was heard from")
    if reading.refused:
        reasons.append(f"{reading.refused:,} lines of further hosts were not read: there are more than can be told apart")
    unread = sum(file.error is not None for file in reading.files)
    if unread:
        reasons.append(f"{unread:,} {'file' if unread == 1 else 'files'} could not be read to the end")
    state = GateState.FAILED if failed else GateState.INCOMPLETE if reasons else GateState.PASSED
    return GateResult(state, tuple(reasons))


def _hosts(count: int) -> str:
    return f"{count:,} host" if count == 1 else f"{count:,} hosts"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _reading_summary(reading: Reading, ignored: Sequence[str]) -> ReadingSummary:
    return ReadingSummary(
        files=len(reading.files),
        problems=tuple(file for file in reading.files if not file.is_whole),
        lines=reading.lines,
        results=reading.results,
        other=reading.other,
        future=reading.future_results,
        future_hosts=tuple(sorted(reading.future)),
        other_policies=tuple(sorted(reading.other_policies.items())),
        refused=reading.refused,
        shortened=reading.shortened,
        ignored_hosts=tuple(ignored),
    )
