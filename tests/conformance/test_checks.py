"""Every check, whoever brought it, is held to the contract; above all, none passes without its evidence."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import pytest

from hardaudit.audit.examples import run_examples, stand_ins
from hardaudit.audit.registry import Registry
from hardaudit.audit.verdict import decide
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.model.gap import GapReason
from hardaudit.model.policy import Selection
from hardaudit.model.result import State
from hardaudit.target.table import Table
from hardaudit.target.target import Target

BOUNDS = Bounds(seconds=120)


@lru_cache(maxsize=1)
def registry():
    made = Registry()
    made.collect_all()
    assert made.manager.refusals == ()
    return made


CHECKS = list(registry().checks)
EVERY = [registry().checks[name] for name in CHECKS]


def test_at_least_forty_checks():
    assert len(CHECKS) >= 40


@pytest.mark.parametrize("check", EVERY, ids=CHECKS)
def test_examples(check):
    outcomes = run_examples(check, registry().tables)
    assert [f"{outcome.example}: {outcome.difference}" for outcome in outcomes if outcome.difference] == []
    states = {example.state for example in check.examples}
    assert {"pass", "fail"} <= states
    assert states & {"not_applicable", "unknown"}


@pytest.mark.parametrize("check", EVERY, ids=CHECKS)
def test_a_check_explains_itself(check):
    assert len(check.rationale.split()) >= 10
    assert len(check.remediation.split()) >= 5
    assert check.references
    assert len(check.title) <= 100


@pytest.mark.parametrize("check", EVERY, ids=CHECKS)
def test_no_example_passes_when_a_table_it_read_fails(check):
    """Each table that a passing example read is made to fail in turn: without rows and with a gap the check must leave `pass`."""
    tables = registry().tables
    passing = [example for example in check.examples if example.state == "pass"]
    tried = 0
    for example in passing:
        selection = Selection(severity=check.severity, params={**check.defaults, **example.params})
        for name in _read(check, example, selection):
            taken = dataclasses.replace(example, tables={**example.tables, name: ()}, gaps={name: GapReason.PERMISSION_DENIED})
            with Target.live_host() as target, Engine(target, stand_ins(taken, tables)) as engine:
                result = decide(check, selection, engine, BOUNDS)
            assert result.state is not State.PASS, f"{example.name}: passes without {name}"
            tried += 1
    assert tried


def _read(check, example, selection):
    """The tables that the check really read in an example."""
    opened = set()

    def spy(table):
        def generate(context):
            opened.add(table.spec.name)
            yield from table.generate(context)

        return Table(table.spec, generate)

    with Target.live_host() as target, Engine(target, map(spy, stand_ins(example, registry().tables))) as engine:
        decide(check, selection, engine, BOUNDS)
    return sorted(opened)


def test_nothing_passes_on_this_host_when_a_table_fails():
    """On the live host: for every check that passes, each table it opened is replaced by one that cannot be read."""
    opened: dict[str, set[str]] = {}
    current = [""]

    def spy(table):
        def generate(context):
            opened[current[0]].add(table.spec.name)
            yield from table.generate(context)

        return Table(table.spec, generate)

    def unreadable(table):
        def generate(context):
            context.gap(GapReason.PERMISSION_DENIED, "taken away by the test")
            return
            yield

        return Table(table.spec, generate)

    passed = []
    with Target.live_host() as target:
        for check in EVERY:
            if check.domain == "filesystem" and "file_tree" in check.query:
                continue  # a walk of the whole host for each; the examples above cover them
            current[0] = check.id
            opened[check.id] = set()
            selection = Selection(severity=check.severity, params=check.defaults)
            with Engine(target, map(spy, registry().tables.values())) as engine:
                if decide(check, selection, engine, BOUNDS).state is State.PASS:
                    passed.append((check, selection))
        for check, selection in passed:
            for name in opened[check.id]:
                tables = [unreadable(table) if table.spec.name == name else table for table in registry().tables.values()]
                with Engine(target, tables) as engine:
                    assert decide(check, selection, engine, BOUNDS).state is not State.PASS, f"{check.id} passes without {name}"
    assert passed


def test_an_empty_root_directory_passes_nothing(tmp_path):
    with Target.directory(str(tmp_path)) as target, Engine(target, registry().tables.values()) as engine:
        states = {
            check.id: decide(check, Selection(severity=check.severity, params=check.defaults), engine, BOUNDS).state for check in EVERY
        }
    allowed = {State.UNKNOWN, State.NOT_APPLICABLE, State.NOT_CHECKED}
    assert {name: state for name, state in states.items() if state not in allowed} == {}


@pytest.mark.parametrize("check", EVERY, ids=CHECKS)
def test_a_checks_sql_is_plain_osquery_sql_over_known_tables(check):
    with Target.live_host() as target, Engine(target, registry().tables.values()) as engine:
        for sql in filter(None, (check.applies, check.query)):
            assert engine.describe(sql).tables
