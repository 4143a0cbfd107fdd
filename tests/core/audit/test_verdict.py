"""What a check comes to, and that nothing but read evidence is a pass."""

from __future__ import annotations

import pytest

from hardaudit.audit.verdict import decide
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.model.check import Check, Severity
from hardaudit.model.gap import GapReason
from hardaudit.model.policy import Selection
from hardaudit.model.result import State
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit.target.target import Target

COLUMNS = (Column("n", BIGINT, "number", index=True), Column("t", TEXT, "text"))


def table(name, generate, **options):
    return Table(TableSpec(name, "rows of the test", "the test", COLUMNS, (), **options), generate)


def gappy(context):
    context.gap(GapReason.PERMISSION_DENIED, "/etc/x: no")
    yield {"n": 1, "t": "one"}


def broken(context):
    yield {"n": 1, "t": "one"}
    raise RuntimeError("a defect")


def endless(context):
    number = 0
    while True:
        context.check_deadline()
        yield {"n": (number := number + 1), "t": "x"}


TABLES = (
    table("facts", lambda context: [{"n": 2, "t": "two"}, {"n": 1, "t": "one"}, {"n": None, "t": None}]),
    table("empty", lambda context: []),
    table("gappy", gappy),
    table("broken", broken),
    table("endless", endless),
    table("live", lambda context: [], live_only=True),
    table("half", lambda context: [{"t": "\udcff"}]),
)


def check(query, applies=None, finding="{subject}"):
    return Check("a/b", "title", Severity.HIGH, "why", {}, applies, {}, query, finding, "fix", (), "b.yaml", "0" * 64)


def verdict(query, applies=None, finding="{subject}", target=None, **params):
    with target or Target.live_host() as opened, Engine(opened, TABLES) as engine:
        return decide(check(query, applies, finding), Selection(Severity.LOW, params), engine, Bounds(seconds=1, rows=100))


@pytest.mark.parametrize(
    ("query", "state", "reason"),
    [
        ("SELECT t AS subject FROM facts WHERE n > 5", State.PASS, None),
        ("SELECT t AS subject FROM facts WHERE n = 1", State.FAIL, None),
        ("SELECT t AS subject FROM gappy WHERE n > 5", State.UNKNOWN, "permission_denied"),
        ("SELECT t AS subject FROM gappy", State.FAIL, None),
        ("SELECT t AS subject FROM endless WHERE n < 0", State.UNKNOWN, "timeout"),
        ("SELECT t AS subject FROM facts f WHERE EXISTS (SELECT 1 FROM gappy g WHERE g.n = f.n + 10)", State.UNKNOWN, "permission_denied"),
        ("SELECT group_concat(hex(randomblob(900000))) AS subject FROM facts, facts b", State.UNKNOWN, "truncated"),
        ("SELECT t AS subject FROM broken", State.ERROR, "table broken: RuntimeError: a defect"),
        ("SELECT t AS subject FROM half", State.ERROR, "table half: column t cannot hold str '\\udcff'"),
        ("SELECT t FROM facts", State.ERROR, "the query returns no column `subject`"),
        ("SELECT t AS subject FROM no_such", State.ERROR, "SQL: no such table: no_such"),
        ("SELEC", State.ERROR, 'SQL: near "SELEC": syntax error'),
        ("SELECT char(55296) AS subject FROM facts", State.ERROR, "SQL: a text is no valid Unicode"),
        ("SELECT t AS subject FROM facts WHERE n = :none", State.ERROR, "the parameter :none has no value"),
        ("SELECT 1 AS subject WHERE 0", State.ERROR, "the query reads no table, so it has no evidence"),
        ("SELECT value AS subject FROM json_each('[]')", State.ERROR, "the query reads no table, so it has no evidence"),
        ("SELECT t AS subject FROM facts WHERE 1 = 0", State.UNKNOWN, "undecidable"),
        ("SELECT t AS subject FROM json_each('[]') j JOIN facts ON facts.n = j.value", State.UNKNOWN, "undecidable"),
    ],
)
def test_states(query, state, reason):
    result = verdict(query)
    assert (result.state, result.reason) == (state, reason)
    assert bool(result.findings) == (state is State.FAIL)


@pytest.mark.parametrize(
    ("applies", "state"),
    [
        ("SELECT 1 FROM facts", State.PASS),
        ("SELECT 1 FROM empty", State.NOT_APPLICABLE),
        ("SELECT 1 FROM gappy WHERE n > 5", State.UNKNOWN),
        ("SELECT 1 FROM gappy", State.PASS),
        ("SELECT 1 FROM endless WHERE n < 0", State.UNKNOWN),
        ("SELECT 1 FROM broken WHERE n > 5", State.ERROR),
        ("SELECT 1 WHERE :wanted", State.NOT_APPLICABLE),
    ],
)
def test_whether_it_applies_is_proved_by_reading(applies, state):
    assert verdict("SELECT t AS subject FROM facts WHERE n > 5", applies, wanted=False).state is state


def test_findings_have_message_evidence_and_order():
    result = verdict("SELECT t AS subject, n, NULL AS missing, x'ff' AS raw FROM facts", finding="{subject} has {n}, {missing}")
    assert [(finding.subject, finding.message) for finding in result.findings] == [
        ("", "none has none, none"),
        ("one", "one has 1, none"),
        ("two", "two has 2, none"),
    ]
    assert result.findings[1].evidence == {"n": 1, "missing": None, "raw": "\uefff"}
    assert (result.severity, result.rows) == (Severity.LOW, 3)


def test_a_message_that_names_no_column_is_an_error():
    assert "which is no column of the query" in verdict("SELECT t AS subject FROM facts", finding="{m}").reason


def test_a_defect_of_the_tool_itself_ends_one_check_only(monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("hardaudit.audit.verdict.render_finding", fail)
    result = verdict("SELECT t AS subject FROM facts")
    assert (result.state, result.reason) == (State.ERROR, "ZeroDivisionError: oops")


@pytest.mark.parametrize("query", ["SELECT t AS subject FROM live", "SELECT t AS subject FROM facts WHERE n IN (SELECT 1 FROM live)"])
def test_a_running_systems_facts_are_not_checked_in_a_root_directory(root, query):
    result = verdict(query, target=Target.directory(root.path))
    assert (result.state, result.gaps) == (State.NOT_CHECKED, ())
    assert result.reason.startswith("live: facts of a running system")


def test_below_an_empty_directory_nothing_passes(tmp_path):
    result = verdict("SELECT t AS subject FROM facts WHERE n > 5", target=Target.directory(str(tmp_path)))
    assert (result.state, result.reason) == (State.UNKNOWN, "missing_source")
