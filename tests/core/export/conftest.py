"""A host under osquery as the exported SQL meets it, without osquery: given rows, where a NULL of a TEXT column is the empty text."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from installed_tables import builtin_tables

from hardaudit.engine.engine import Engine
from hardaudit.export.dialect import GAPS, Dialect
from hardaudit.export.queries import applies_sql, findings_sql, passes_sql
from hardaudit.model.table import TEXT
from hardaudit.osquery.schema import load_schema
from hardaudit.target.table import Table
from hardaudit.target.target import Target

SPECS = {table.spec.name: table.spec for table in builtin_tables()}


@dataclass(frozen=True)
class Heard:
    """What a fleet hears of a check on a host: its state by the logs, the subjects, the waivers, and whether Fleet's policy passes."""

    state: str
    subjects: list[str]
    waivers: list[str | None]
    passes: bool


class Host:
    """Tables of the real specifications with the given rows; `gaps` by table are there once the table was read, as the extension has them."""

    def __init__(self, rows, gaps=None, *, confirms=True):
        self._rows = rows
        self._gaps = gaps or {}
        self._confirms = confirms
        self._read: set[str] = set()
        self._begun = None

    def _table(self, spec):
        def generate(context):
            self._read.add(spec.name)
            texts = [column.name for column in spec.columns if column.type is TEXT]
            arguments = [column.name for column in spec.columns if column.hidden]
            for row in self._rows.get(spec.name, ()):
                asked = {name: (context.constraints.equals(name) or [None])[0] for name in arguments if name not in row}
                full = {**row, **{name: value for name, value in asked.items() if value is not None}}
                yield {**full, **{name: "" for name in texts if full.get(name) is None}}

        return Table(spec, generate)

    def _gap_rows(self, context):
        for operand in context.constraints.equals("table_name") or ():
            if operand.startswith("begin "):
                self._read, self._begun = set(), operand.removeprefix("begin ")
                continue
            if operand == f"end {self._begun}":
                if self._confirms:
                    yield {"table_name": operand, "reason": "", "detail": "", "time": 1}
                continue
            name, _, asker = operand.partition(" since ")
            assert asker == self._begun
            if name in self._read & self._gaps.keys():
                yield {"table_name": operand, "reason": self._gaps[name], "detail": f"{name} cannot be read", "time": 1}

    def ask(self, sql):
        """The rows of one statement, by column name."""
        self._read, self._begun = set(), None
        tables = [*map(self._table, SPECS.values()), Table(GAPS, self._gap_rows)]
        with Target.live_host() as target, Engine(target, tables) as engine:
            return engine.run(sql).rows

    def hear(self, check):
        """What comes of a check's exported statements."""
        rows = self.ask(findings_sql(check))
        findings = [row for row in rows if not row.get("hardaudit_gap")]
        gaps = [json.loads(row["hardaudit_gap"]) for row in rows if row.get("hardaudit_gap")]
        state = "fail" if findings else "unknown" if gaps else "pass"
        if check.applies is not None:
            counted, *others = self.ask(applies_sql(check.check.id, check.applies))
            assert bool(counted["applies"]) == bool(self.ask(check.applies.sql))  # the pack's discovery
            if not counted["applies"]:
                state = "unknown" if others else "not_applicable"
        subjects = ["" if row["subject"] is None else str(row["subject"]) for row in findings]
        return Heard(state, sorted(subjects), [row.get("hardaudit_waiver") for row in findings], bool(self.ask(passes_sql(check))))


@pytest.fixture
def host():
    """Makes a host."""
    return Host


@pytest.fixture(scope="session")
def dialect():
    """osquery 5.23 with hardaudit's extension."""
    return Dialect(load_schema(), SPECS.values())
