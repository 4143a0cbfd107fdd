"""Whatever the host, a plugin or a policy puts into any text of a result: no report steers the terminal, forges a line or is invalid."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date, datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardaudit.model.check import Severity
from hardaudit.model.gap import Gap, GapReason
from hardaudit.model.policy import Waiver
from hardaudit.model.report_format import RenderOptions
from hardaudit.model.result import (
    CheckResult,
    Finding,
    GateResult,
    GateState,
    PluginNotice,
    PolicyNotice,
    Result,
    Score,
    State,
    TargetNotice,
    WaiverNotice,
)
from hardaudit.report.formats import BUILT_IN


def result(text, state=State.FAIL, findings=1):
    """A result with this text wherever a text can come from elsewhere."""
    waiver = Waiver("a/b", text, None, text, text, date(2030, 1, 1))
    checks = [
        CheckResult(
            id=f"a/{state.value}",
            title=text,
            severity=Severity.HIGH,
            state=state,
            reason=None if state in (State.PASS, State.FAIL) else text,
            findings=tuple(
                Finding(text, text, {"text": text, "real": float("inf"), "none": None, "number": 2**63 - 1}, waiver if number % 2 else None)
                for number in range(findings if state is State.FAIL else 0)
            ),
            gaps=(Gap("table", GapReason.PERMISSION_DENIED, text),),
            rows=1,
            duration_ms=1.5,
            rationale=text,
            remediation="Do it.\n\n    a command\n",
            references={"cwe": ("CWE-1",)},
            digest="0" * 64,
        )
        for state in (State if state is None else [state])
    ]
    return Result(
        version="1",
        target=TargetNotice("root", text, text, text),
        policy=PolicyNotice(text, text, "0" * 64, 7, {"a/off": text}, (text,)),
        source="embedded",
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
        duration_s=1.0,
        gate=GateResult(GateState.FAILED, ("a/b (high) has 1 finding",)),
        score=Score(0.0, 33.333333, None),
        checks=tuple(checks),
        waivers=(WaiverNotice(waiver, "unused"),),
        plugins=(PluginNotice("bad", "", "", "", text), PluginNotice("good", text, text, "0" * 64)),
    )


def every(text, **options):
    return [form.render(result(text, None, findings=3), RenderOptions(**options)) for form in BUILT_IN.values()]


hostile = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [
        "\x1b]0;owned\x07",
        "\x9b2J",
        "a\r\nFORGED",
        "\n- FORGED",
        "\n\n    FORGED",
        "\u202egpj.exe",
        "\u2028FORGED",
        "\x85FORGED",
        "{subject}",
        "%s",
        "\0",
        "\t",
    ]
)


@settings(max_examples=200, deadline=None)
@given(text=hostile, verbose=st.booleans(), width=st.sampled_from([0, 1, 20, 60, 80, 100_000]))
def test_nothing_that_a_terminal_obeys_is_left(text, verbose, width):
    for report in every(text, verbose=verbose, width=width):
        left = {character for character in report if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")}
        assert left <= {"\n"}


@pytest.mark.parametrize("text", ["\nFORGED", "x\n- FORGED", "\n\n    FORGED", "\rFORGED", "\x85FORGED", "\u2028FORGED", "\x0bFORGED"])
@pytest.mark.parametrize("verbose", [True, False])
def test_no_line_is_forged(text, verbose):
    for report in every(text, verbose=verbose):
        assert not [line for line in report.split("\n") if re.match(r"[\s-]*FORGED", line)]


@settings(max_examples=100, deadline=None)
@given(text=hostile)
def test_json_is_json_and_has_the_text_as_it_was(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    report = json.loads(BUILT_IN["json"].render(result(text), RenderOptions()), parse_constant=refuse)
    (finding,) = report["checks"][0]["findings"]
    assert finding["evidence"] == {"text": text, "real": "Infinity", "none": None, "number": 2**63 - 1}
    assert (finding["subject"], report["checks"][0]["gaps"][0]["detail"], report["target"]["hostname"]) == (text, text, text)


def test_a_huge_text_does_not_fill_screens():
    report = BUILT_IN["table"].render(result("x" * 1_000_000, None, findings=20), RenderOptions(verbose=True))
    assert len(report) < 1_000_000
    assert "…" in report


def test_every_finding_and_gap_that_is_left_out_is_counted():
    report = BUILT_IN["table"].render(result("x", findings=25), RenderOptions())
    assert "15 more" in report
