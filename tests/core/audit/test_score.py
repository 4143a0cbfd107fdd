"""The formulas of score, coverage and gate, worked by hand."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from hardaudit.audit.score import gate, score
from hardaudit.model.check import Severity
from hardaudit.model.gap import QUERY, Gap, GapReason
from hardaudit.model.policy import Gate, Waiver
from hardaudit.model.result import CheckResult, Finding, GateState, State

WAIVER = Waiver("x/y", "s", None, "why", "who", date(2030, 1, 1))


def check(state, severity="low", findings=1, waived=0):
    found = (
        tuple(Finding(str(number), "m", {}, WAIVER if number < waived else None) for number in range(findings))
        if state is State.FAIL
        else ()
    )
    return CheckResult("x/y", "t", Severity(severity), state, None, found, (), len(found), 0.0, "", "", {}, "")


EVERY_STATE = [
    check(State.PASS, "critical"),
    check(State.FAIL, "high"),
    check(State.UNKNOWN, "medium"),
    check(State.ERROR, "low"),
    check(State.MANUAL, "low"),
    check(State.NOT_CHECKED, "high"),
    check(State.NOT_APPLICABLE, "critical"),
]


def test_the_formulas():
    result = score(EVERY_STATE)
    assert result.score == pytest.approx(100 * 10 / (10 + 7 + 4 + 1 + 1))
    assert result.coverage == pytest.approx(100 * (10 + 7) / (10 + 7 + 4 + 1 + 1 + 7))
    assert result.with_waivers == result.score


def test_waivers_do_not_open_the_gate_where_findings_were_cut():
    cut = dataclasses.replace(check(State.FAIL, "high", waived=1), gaps=(Gap(QUERY, GapReason.TRUNCATED, "more than 1 row"),))
    assert gate(Gate(), [cut], score([cut])).state is GateState.FAILED
    assert score([cut]).with_waivers == 0
    elsewhere = dataclasses.replace(cut, gaps=(Gap("file", GapReason.PERMISSION_DENIED, "/srv"),))
    assert gate(Gate(), [elsewhere], score([elsewhere])).state is GateState.PASSED


def test_nothing_scored_is_no_score():
    assert (score([]).score, score([]).coverage) == (None, None)
    assert score([check(State.NOT_APPLICABLE)]).score is None
    only_unchecked = score([check(State.NOT_CHECKED)])
    assert (only_unchecked.score, only_unchecked.coverage) == (None, 0)


def test_a_check_counts_once_however_many_findings():
    assert score([check(State.PASS), check(State.FAIL, findings=500)]).score == 50


def test_waived_failures_leave_the_score_and_show_beside_it():
    all_waived = score([check(State.PASS), check(State.FAIL, findings=2, waived=2)])
    assert (all_waived.score, all_waived.with_waivers) == (50, 100)
    half_waived = score([check(State.PASS), check(State.FAIL, findings=2, waived=1)])
    assert (half_waived.score, half_waived.with_waivers) == (50, 50)


@pytest.mark.parametrize(
    ("rule", "checks", "state"),
    [
        (Gate(Severity.HIGH, 0, 0), [check(State.FAIL, "high")], GateState.FAILED),
        (Gate(Severity.HIGH, 0, 0), [check(State.FAIL, "critical")], GateState.FAILED),
        (Gate(Severity.HIGH, 0, 0), [check(State.FAIL, "medium")], GateState.PASSED),
        (Gate(Severity.HIGH, 0, 0), [check(State.FAIL, "high", 2, 2)], GateState.PASSED),
        (Gate(Severity.HIGH, 0, 0), [check(State.FAIL, "high", 2, 1)], GateState.FAILED),
        (Gate(Severity.CRITICAL, 60, 0), [check(State.PASS), check(State.FAIL)], GateState.FAILED),
        (Gate(Severity.CRITICAL, 50, 0), [check(State.PASS), check(State.FAIL)], GateState.PASSED),
        (Gate(Severity.CRITICAL, 0, 95), [check(State.PASS, "critical"), check(State.UNKNOWN)], GateState.INCOMPLETE),
        (Gate(Severity.CRITICAL, 0, 90), [check(State.PASS, "critical"), check(State.UNKNOWN)], GateState.PASSED),
        (Gate(Severity.CRITICAL, 0, 90), [check(State.NOT_CHECKED)], GateState.INCOMPLETE),
        (Gate(Severity.CRITICAL, 0, 90), [check(State.NOT_APPLICABLE)], GateState.INCOMPLETE),
        (Gate(Severity.CRITICAL, 10, 0), [check(State.NOT_APPLICABLE)], GateState.INCOMPLETE),
        # a failure outranks missing coverage
        (Gate(Severity.LOW, 0, 100), [check(State.FAIL), check(State.UNKNOWN)], GateState.FAILED),
    ],
)
def test_gate(rule, checks, state):
    result = gate(rule, checks, score(checks))
    assert result.state is state
    assert bool(result.reasons) == (state is not GateState.PASSED)
