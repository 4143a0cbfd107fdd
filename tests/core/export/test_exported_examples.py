"""Every shipped check as osquery would run it: the exported SQL over the rows of the check's own examples comes to the example's state."""

from __future__ import annotations

import sqlite3
from contextlib import nullcontext
from dataclasses import replace

import pytest

from hardaudit.audit.registry import Registry
from hardaudit.engine.versions import COLLATIONS
from hardaudit.export import fleet_policies, osquery_pack
from hardaudit.export.dialect import GAPS
from hardaudit.export.queries import check_sql
from hardaudit.export.rehearsal import rehearse
from hardaudit.export.sql_text import CannotExportError
from hardaudit.model.check import Example
from hardaudit.model.policy import Selection
from hardaudit.osquery.schema import load_schema

CHECKS = Registry().checks
SPECS = {name: table.spec for name, table in Registry().tables.items()}
OSQUERYS = load_schema().tables.keys()


def compare(check, example, host, dialect):
    """What osquery hears other than the example says, or None."""
    exported = check_sql(check, Selection(check.severity, {**check.defaults, **example.params}), dialect)
    heard = host(example.tables, {table: reason.value for table, reason in example.gaps.items()}).hear(exported)
    if heard.state != example.state or (heard.state == "fail" and heard.subjects != sorted(example.subjects)):
        return heard
    assert heard.passes == (example.state in ("pass", "not_applicable"))
    return None


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_the_states_of_the_examples(name, host, dialect):
    check = CHECKS[name]
    # What osquery's own tables could not read, osquery does not tell.
    told = [example for example in check.examples if not example.gaps.keys() & OSQUERYS]
    different = {example.name: heard for example in told if (heard := compare(check, example, host, dialect))}
    assert different == {}


def test_no_verdict_changes(dialect):
    refused = {}
    for name, check in CHECKS.items():
        try:
            rehearse(check, dialect, SPECS)
        except CannotExportError as error:
            refused[name] = str(error).removeprefix("osquery shows NULL as empty text, with which its example ")
    assert refused == {}


@pytest.mark.parametrize(
    ("condition", "state", "refusal"),
    [
        ("algorithm IS NULL", "fail", "comes to pass instead of fail"),
        ("algorithm = ''", "pass", "comes to fail instead of pass"),
        ("coalesce(algorithm, '') = ''", "fail", None),
    ],
)
def test_a_check_that_asks_for_null_alone_is_refused(condition, state, refusal, dialect):
    rows = {"account_passwords": ({"username": "ann"},)}
    example = Example("no algorithm", rows, {}, {}, state, ("ann",) if state == "fail" else ())
    query = f"SELECT username AS subject FROM account_passwords WHERE {condition}"
    check = replace(CHECKS["accounts/weak_password_hash"], query=query, params={}, examples=(example,))
    with pytest.raises(CannotExportError, match=refusal) if refusal else nullcontext():
        rehearse(check, dialect, SPECS)


def test_an_older_sqlite_reads_every_statement(dialect):
    """That of Python, with ordinary tables; osquery's is older than what the engine uses."""
    connection = sqlite3.connect(":memory:")
    for spec in (*SPECS.values(), GAPS):
        columns = [f'"{column.name}" {column.type.value}' for column in spec.columns]
        connection.execute(f"CREATE TABLE {spec.name}({', '.join(columns)})")
    for name in ("regex_match", "regex_split", "split", "in_cidr_block", "version_compare", "concat", "concat_ws"):
        connection.create_function(name, -1, lambda *_: None)
    for name in COLLATIONS:
        connection.create_collation(name, lambda one, other: (one > other) - (one < other))
    count = 0
    for name in sorted(CHECKS):
        exported = check_sql(CHECKS[name], Selection(CHECKS[name].severity, CHECKS[name].defaults), dialect)
        for statement in (*osquery_pack.statements(exported), *fleet_policies.statements(exported)):
            connection.execute(f"EXPLAIN {statement}")
            count += 1
    assert count > 300
