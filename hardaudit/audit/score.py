"""Score, coverage and gate. The weights are fixed by severity alone, so that a verdict never moves another check's share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.result import GateResult, GateState, Score, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardaudit.model.policy import Gate
    from hardaudit.model.result import CheckResult

_SCORED = frozenset({State.PASS, State.FAIL, State.UNKNOWN, State.ERROR, State.MANUAL})
_DECIDED = frozenset({State.PASS, State.FAIL})


def score(checks: Sequence[CheckResult]) -> Score:
    """The score of a set of verdicts.

    score = 100 · Σ weight(pass) / Σ weight(pass, fail, unknown, error, manual); coverage = 100 · Σ weight(pass, fail) / Σ weight(all but
    not_applicable). A check counts once, however many findings it has.
    """
    scored = _weight(check for check in checks if check.state in _SCORED)
    passed = _weight(check for check in checks if check.state is State.PASS)
    waived = _weight(check for check in checks if check.is_waived)
    applicable = _weight(check for check in checks if check.state is not State.NOT_APPLICABLE)
    decided = _weight(check for check in checks if check.state in _DECIDED)
    return Score(_percent(passed, scored), _percent(passed + waived, scored), _percent(decided, applicable))


def _weight(checks: Iterable[CheckResult]) -> int:
    return sum(check.severity.weight for check in checks)


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def gate(rule: Gate, checks: Sequence[CheckResult], scored: Score) -> GateResult:
    """Failures first: a finding nobody waived at or above `fail_on`, or a score under `min_score`; then coverage under `min_coverage`."""
    failures = [check for check in checks if check.state is State.FAIL and not check.is_waived and check.severity.at_least(rule.fail_on)]
    severest_first = sorted(failures, key=lambda check: -check.severity.weight)
    reasons = [f"{check.id} ({check.severity.value}) has {_count(check)}" for check in severest_first]
    if scored.score is not None and scored.score < rule.min_score:
        reasons.append(f"the score {scored.score:.1f} is under {rule.min_score:g}")
    if reasons:
        return GateResult(GateState.FAILED, tuple(reasons))
    if rule.min_coverage > 0 and (scored.coverage is None or scored.coverage < rule.min_coverage):
        reached = "nothing was decided" if scored.coverage is None else f"coverage {scored.coverage:.1f} %"
        return GateResult(GateState.INCOMPLETE, (f"{reached}: under {rule.min_coverage:g} %",))
    if rule.min_score > 0 and scored.score is None:
        return GateResult(GateState.INCOMPLETE, ("nothing was scored",))
    return GateResult(GateState.PASSED, ())


def _count(check: CheckResult) -> str:
    number = len(check.unwaived)
    if not number:
        return "findings that are waived, but these may not be all"
    return f"{number} finding" if number == 1 else f"{number} findings"
