"""From what is known of a host to the verdicts of the policy's checks: the states of a local run, and no pass without fresh evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from hardaudit.audit.run import attested, waive
from hardaudit.errors import CheckError
from hardaudit.fleet.host_state import (
    APPLIES,
    APPLIES_NOT,
    BASED,
    DIFFERENTIAL,
    DROPPED,
    DROPPED_FINDING,
    ROWS_KEPT,
    Doubt,
    count_of,
    is_gap,
)
from hardaudit.model.gap import QUERY, Gap, GapReason
from hardaudit.model.result import CheckResult, Finding, State
from hardaudit.osquery.exported import GAP_COLUMN, WAIVER_COLUMN
from hardaudit.policy.finding_template import render_finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from hardaudit.fleet.host_state import HostState
    from hardaudit.fleet.query_names import QueryNames
    from hardaudit.model.check import Check
    from hardaudit.model.policy import Policy
    from hardaudit.model.table import Value

_REASONS = tuple(GapReason)
_DETAIL_CHARACTERS = 500
_NAME_CHARACTERS = 100

_DOUBTS = {
    Doubt.CUT: (GapReason.UNDECIDABLE, "a line of its results is cut, and nothing newer was heard"),
    Doubt.TOO_LONG: (GapReason.TRUNCATED, "a line of its results is too long to be read, and nothing newer was heard"),
    Doubt.MALFORMED: (GapReason.UNDECIDABLE, "a line of its results is malformed, and nothing newer was heard"),
    Doubt.FUTURE: (GapReason.UNDECIDABLE, "its newest result is dated in the future: the host's clock is wrong"),
    Doubt.DISORDER: (GapReason.UNDECIDABLE, "a result that was logged later is dated earlier and says something else"),
    Doubt.INCONSISTENT: (
        GapReason.UNDECIDABLE,
        "its differences do not follow on each other: epoch, counter or a removed row does not fit",
    ),
    Doubt.LOST_FILE: (GapReason.MISSING_SOURCE, "a part of its log is missing, and nothing newer was heard"),
}
_NOT_FROM_THE_START = Gap(QUERY, GapReason.MISSING_SOURCE, "the differences logged do not begin with the query's first run, counter 0")
_NEVER = Gap(QUERY, GapReason.MISSING_SOURCE, "never reported")
_TRUNCATED = Gap(
    QUERY, GapReason.TRUNCATED, f"more rows than are kept, {ROWS_KEPT} or the bytes of as many: `hardaudit run` on the host has all"
)
_NO_COUNT = Gap(QUERY, GapReason.UNDECIDABLE, "whether the check applies was not reported as one number")
_MALFORMED_ROW = "a row of the result has no column `subject` and is no gap: the query is not the one that hardaudit exports"
_NOT_KEPT = Finding("", "further findings, which were not kept", {})


@dataclass(frozen=True, slots=True)
class Freshness:
    """When a result is stale: more than `stale_after` intervals of `interval` seconds before `as_of`, which is in Unix seconds."""

    as_of: int
    interval: float
    stale_after: float

    @property
    def oldest(self) -> float:
        """The time from which on results count."""
        return self.as_of - self.interval * self.stale_after

    @property
    def today(self) -> date:
        """The day of it, in UTC."""
        return datetime.fromtimestamp(self.as_of, timezone.utc).date()


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What a query's newest result says.

    `rows` is None when there is none that counts. `gaps` say why, or, with rows or without, what is in doubt.
    """

    time: int
    rows: Sequence[Any] | None
    gaps: tuple[Gap, ...] = ()
    lost_finding: bool = False


@dataclass(frozen=True, slots=True)
class _Verdict:
    state: State
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    rows: int = 0
    error: str | None = None
    lost_finding: bool = False


class Judge:
    """Verdicts of a policy's checks from what is known of hosts. `losses`: see Reading."""

    def __init__(
        self, policy: Policy, checks: Mapping[str, Check], names: QueryNames, freshness: Freshness, losses: Mapping[int, int]
    ) -> None:
        self._policy = policy
        self._checks = [checks[name] for name in names.checks]
        self._applies = [names.applies_number(name) for name in names.checks]
        self._freshness = freshness
        self._losses = losses
        self._attested = [attested(attestation, freshness.today) for attestation in policy.attestations]
        self._plain: dict[tuple[int, _Verdict], CheckResult] = {}
        self._waived = {waiver.check for waiver in policy.waivers}
        self._passed = [self._make(number, _Verdict(State.PASS)) for number in range(len(self._checks))]

    def results(self, host: HostState) -> list[CheckResult]:
        """Every check's verdict, attestations included, sorted by id."""
        numbers = range(len(self._checks))
        results = [
            self._passed[number] if self._plainly_passes(host, number) else self._result(number, self._judge(host, number))
            for number in numbers
        ]
        return sorted([*self._attested, *results], key=_identifier)

    def is_heard(self, host: HostState) -> bool:
        """Whether anything fresh was reported of the policy's queries."""
        return max(host.times, default=0) >= self._freshness.oldest

    def _plainly_passes(self, host: HostState, number: int) -> bool:
        """Whether `_judge` would find a snapshot without rows that is fresh and beyond doubt: so it is with nearly all."""
        time, applies = host.times[number], self._applies[number]
        if time < self._freshness.oldest or host.flags[number] or number in host.rows or host.doubts:
            return False
        return time > 0 and (applies is None or host.times[applies] <= time)

    def _judge(self, host: HostState, number: int) -> _Verdict:
        check, applies = self._checks[number], self._applies[number]
        own = self._evidence(host, number)
        if applies is None:
            return _of_rows(check, own)
        condition = self._evidence(host, applies)
        if own.rows is not None and (condition.rows is None or own.time >= condition.time):
            return _of_rows(check, own)  # osqueryd ran it, so the condition held
        return _under_condition(check, own, condition)

    def _result(self, number: int, verdict: _Verdict) -> CheckResult:
        """Verdicts without findings are the same for many hosts."""
        if verdict.findings:
            return self._make(number, verdict)
        key = (number, verdict)
        known = self._plain.get(key)
        if known is None:
            if len(self._plain) > 10_000:
                self._plain.clear()
            known = self._plain[key] = self._make(number, verdict)
        return known

    def _make(self, number: int, verdict: _Verdict) -> CheckResult:
        check = self._checks[number]
        made = CheckResult(
            id=check.id,
            title=check.title,
            severity=self._policy.checks[check.id].severity,
            state=verdict.state,
            reason=verdict.error if verdict.state is State.ERROR else _reason(verdict),
            findings=verdict.findings,
            gaps=verdict.gaps,
            rows=verdict.rows,
            duration_ms=0.0,
            rationale=check.rationale,
            remediation=check.remediation,
            references=check.references,
            digest=check.digest,
        )
        if check.id in self._waived:
            made = waive(made, self._policy.waivers, self._freshness.today)
        # Nobody knows the subjects of those that were not kept: no waiver covers them.
        return replace(made, findings=(_NOT_KEPT, *made.findings)) if verdict.lost_finding else made

    def _evidence(self, host: HostState, query: int) -> _Evidence:
        time, flags = host.times[query], host.flags[query]
        doubted = host.doubted(query)
        if not time:
            return _Evidence(0, None, (_NEVER if doubted is None else _doubt_gap(doubted.doubt),))
        text = host.rows.get(query)
        if time < self._freshness.oldest:
            return _Evidence(time, None, (self._stale(time, has_rows=text is not None),))
        if doubted is None and not flags and text is None:
            return _Evidence(time, ())
        gaps = []
        since = time
        if flags & DIFFERENTIAL:
            since = host.bases[query] if flags & BASED and host.bases is not None else 0
            if not since:
                gaps.append(_NOT_FROM_THE_START)
            if self._losses.get(host.sources[query], -1) >= since:
                gaps.append(_doubt_gap(Doubt.LOST_FILE))
        if doubted is not None and doubted.time >= since:
            gaps.append(_doubt_gap(doubted.doubt))
        if flags & DROPPED:
            gaps.append(_TRUNCATED)
        rows = [json.loads(line) for line in text.decode().split("\n")] if text else []
        if flags & (APPLIES | APPLIES_NOT):
            rows = [{"applies": 1 if flags & APPLIES else 0}]
        lost_finding = bool(flags & DROPPED_FINDING) and (bool(rows) or not flags & DIFFERENTIAL)
        return _Evidence(time, rows, tuple(dict.fromkeys(gaps)), lost_finding)

    def _stale(self, time: int, *, has_rows: bool) -> Gap:
        limit = self._freshness.interval * self._freshness.stale_after / 3600
        had = ", which had rows," if has_rows else ""
        return Gap(QUERY, GapReason.STALE_DATA, f"the newest result{had} is of {_moment(time)}, older than {limit:g} h")


def _of_rows(check: Check, evidence: _Evidence) -> _Verdict:
    """The verdict of the check's own rows."""
    if evidence.rows is None:
        return _Verdict(State.UNKNOWN, gaps=evidence.gaps)
    findings: list[Finding] = []
    gaps = list(evidence.gaps)
    strange = 0
    for row in evidence.rows:
        if is_gap(row):
            gaps.append(_gap_of(row[GAP_COLUMN]))
        elif isinstance(row, dict) and "subject" in row:
            findings.append(_finding(check, row))
        else:
            strange += 1
    count = len(evidence.rows)
    if findings or evidence.lost_finding:
        if strange:
            gaps.append(Gap(QUERY, GapReason.UNDECIDABLE, _MALFORMED_ROW))
        findings.sort(key=lambda finding: (finding.subject, finding.message))
        return _Verdict(State.FAIL, tuple(findings), _distinct(gaps), count, lost_finding=evidence.lost_finding)
    if strange:
        return _Verdict(State.ERROR, gaps=_distinct(gaps), rows=count, error=_MALFORMED_ROW)
    return _Verdict(State.UNKNOWN if gaps else State.PASS, gaps=_distinct(gaps), rows=count)


def _under_condition(check: Check, own: _Evidence, condition: _Evidence) -> _Verdict:
    """The verdict where the newest that was heard is whether the check applies, or nothing that counts was heard at all."""
    if condition.rows is None:
        return _Verdict(State.UNKNOWN, gaps=_distinct([*own.gaps, *condition.gaps]))
    gaps = [*condition.gaps, *(_gap_of(row[GAP_COLUMN]) for row in condition.rows if is_gap(row))]
    counts = [count_of(row) for row in condition.rows if not is_gap(row)]
    if len(counts) != 1 or counts[0] is None:
        gaps.append(_NO_COUNT)
    elif counts[0] == 0 and not gaps:
        return _Verdict(State.NOT_APPLICABLE)
    elif counts[0] > 0:
        gaps = []
    if own.rows is None:
        return _Verdict(State.UNKNOWN, gaps=_distinct(gaps or own.gaps))
    verdict = _of_rows(check, own)
    state = State.UNKNOWN if verdict.state is State.PASS and gaps else verdict.state
    return replace(verdict, state=state, gaps=_distinct([*verdict.gaps, *gaps]))


def _finding(check: Check, row: Mapping[str, Any]) -> Finding:
    values = {name: _value(value) for name, value in row.items() if name not in (GAP_COLUMN, WAIVER_COLUMN)}
    try:
        message = render_finding(check.finding, values)
    except CheckError as error:
        message = f"{check.title}: not so ({error})"
    subject = values.pop("subject")
    return Finding("" if subject is None else str(subject), message, values)


def _value(value: Any) -> Value:
    if isinstance(value, bool):
        return int(value)
    return value if value is None or isinstance(value, (str, int, float)) else json.dumps(value)


def _gap_of(text: Any) -> Gap:
    """The gap that an exported query reports in its column of gaps: JSON with table, reason and detail."""
    try:
        told = json.loads(text)
        return Gap(str(told["table"])[:_NAME_CHARACTERS], GapReason(told["reason"]), str(told["detail"])[:_DETAIL_CHARACTERS])
    except (ValueError, TypeError, KeyError, RecursionError):
        return Gap(QUERY, GapReason.UNDECIDABLE, f"a gap that cannot be read: {str(text)[:_NAME_CHARACTERS]}")


def _doubt_gap(doubt: Doubt) -> Gap:
    return Gap(QUERY, *_DOUBTS[doubt])


def _distinct(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    return tuple(sorted(set(gaps)))


def _reason(verdict: _Verdict) -> str | None:
    """The first of the gaps' reasons, in the order of `GapReason`, of what is unknown."""
    if verdict.state is not State.UNKNOWN:
        return None
    reasons = {gap.reason for gap in verdict.gaps}
    return next(reason.value for reason in _REASONS if reason in reasons)


def _identifier(result: CheckResult) -> str:
    return result.id


def _moment(time: int) -> str:
    return f"{datetime.fromtimestamp(time, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
