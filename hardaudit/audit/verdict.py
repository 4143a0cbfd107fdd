"""One check against one engine: from its SQL to its state."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.engine.errors import TableDefectError
from hardaudit.errors import CheckError, QueryError
from hardaudit.model.check import sql_value
from hardaudit.model.gap import QUERY, Gap, GapReason
from hardaudit.model.result import CheckResult, Finding, State
from hardaudit.policy.finding_template import render_finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardaudit.engine.engine import Answer, Bounds, Engine
    from hardaudit.model.check import Check
    from hardaudit.model.policy import Selection
    from hardaudit.model.table import Value

_REASONS = tuple(GapReason)
_NOTHING_READ = Gap(QUERY, GapReason.UNDECIDABLE, "no table was looked into: with these parameters the query asks nothing")


@dataclass(frozen=True, slots=True)
class _Verdict:
    state: State
    reason: str | None = None
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    rows: int = 0


def decide(check: Check, selection: Selection, engine: Engine, bounds: Bounds) -> CheckResult:
    """Run a check. Whatever goes wrong in it ends in its own state, never in the run's end; nothing but read evidence ends in `pass`."""
    started = time.monotonic()
    try:
        verdict = _decide(check, selection, engine, bounds)
    except (QueryError, TableDefectError, CheckError) as error:
        verdict = _Verdict(State.ERROR, str(error))
    except Exception as error:  # a defect, but of one check: the others are still run
        verdict = _Verdict(State.ERROR, f"{type(error).__name__}: {error}")
    return CheckResult(
        id=check.id,
        title=check.title,
        severity=selection.severity,
        state=verdict.state,
        reason=verdict.reason,
        findings=verdict.findings,
        gaps=verdict.gaps,
        rows=verdict.rows,
        duration_ms=(time.monotonic() - started) * 1000,
        rationale=check.rationale,
        remediation=check.remediation,
        references=check.references,
        digest=check.digest,
    )


def _decide(check: Check, selection: Selection, engine: Engine, bounds: Bounds) -> _Verdict:
    statements = [engine.describe(sql) for sql in (check.applies, check.query) if sql is not None]
    if "subject" not in statements[-1].columns:
        return _Verdict(State.ERROR, "the query returns no column `subject`")
    if not statements[-1].tables:
        return _Verdict(State.ERROR, "the query reads no table, so it has no evidence")
    live = sorted({name for statement in statements for name in statement.tables if engine.tables[name].spec.live_only})
    if live and not engine.target.live:
        return _Verdict(State.NOT_CHECKED, f"{', '.join(live)}: facts of a running system, which a root directory has not")
    parameters = {name: sql_value(value) for name, value in selection.params.items()}
    if check.applies is not None:
        applies = engine.run(check.applies, parameters, bounds)
        if not applies.tuples:
            state = State.UNKNOWN if applies.gaps else State.NOT_APPLICABLE
            return _Verdict(state, _reason(applies.gaps), gaps=applies.gaps)
    return _judge(check, engine.run(check.query, parameters, bounds))


def _judge(check: Check, answer: Answer) -> _Verdict:
    gaps = answer.gaps if answer.gaps or answer.read else (_NOTHING_READ,)
    if not answer.tuples:
        return _Verdict(State.UNKNOWN if gaps else State.PASS, _reason(gaps), gaps=gaps)
    findings = sorted((_finding(check, row) for row in answer.rows), key=lambda finding: (finding.subject, finding.message))
    return _Verdict(State.FAIL, None, tuple(findings), answer.gaps, len(answer.tuples))


def _finding(check: Check, row: Mapping[str, Value]) -> Finding:
    evidence = {name: value for name, value in row.items() if name != "subject"}
    return Finding(subject=_subject(row["subject"]), message=render_finding(check.finding, row), evidence=evidence)


def _subject(value: Value) -> str:
    return "" if value is None else str(value)


def _reason(gaps: Sequence[Gap]) -> str | None:
    """The first of the gaps' reasons, in the order of `GapReason`."""
    reasons = {gap.reason for gap in gaps}
    return next((reason.value for reason in _REASONS if reason in reasons), None)
