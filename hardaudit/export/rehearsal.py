"""A check's own examples, run as osquery would have their rows: it shows the NULL of a TEXT column as the empty text.

A check that asks `IS NULL` may come to another verdict there; its examples tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.engine.engine import Bounds, Engine
from hardaudit.export.queries import applies_sql, check_sql, findings_sql
from hardaudit.export.sql_text import CannotExportError
from hardaudit.model import gap_question
from hardaudit.model.policy import Selection
from hardaudit.model.table import ColumnType
from hardaudit.osquery.exported import GAP_COLUMN
from hardaudit.osquery.gaps_table import GAPS
from hardaudit.target.table import Table
from hardaudit.target.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hardaudit.export.dialect import Dialect
    from hardaudit.export.queries import CheckSql
    from hardaudit.model.check import Check, Example
    from hardaudit.model.table import Row, TableSpec
    from hardaudit.target.table import TableContext

_BOUNDS = Bounds(seconds=10)


def rehearse(check: Check, dialect: Dialect, specs: Mapping[str, TableSpec]) -> None:
    """Raises CannotExportError if an example comes to another state in osquery, or to fewer findings.

    Examples with a gap of osquery's own tables are left out, for osquery does not tell of those. `specs`: this installation's tables.
    """
    for example in check.examples:
        exported = check_sql(check, Selection(check.severity, {**check.defaults, **example.params}), dialect)
        if not example.gaps.keys() <= {*exported.extension}:
            continue
        state, findings = _come_to(exported, example, specs)
        if state != example.state:
            found = f"{state} instead of {example.state}"
        elif state == "fail" and findings < len(example.subjects):
            found = f"{findings} findings instead of {len(example.subjects)}"
        else:
            continue
        raise CannotExportError(f"osquery shows NULL as empty text, with which its example {example.name!r} comes to {found}")


def _come_to(exported: CheckSql, example: Example, specs: Mapping[str, TableSpec]) -> tuple[str, int]:
    """The state and the number of findings that the exported statements come to."""
    read = {*exported.query.reading.tables, *(exported.applies.reading.tables if exported.applies else ())}
    looked_into: set[str] = set()
    tables = [*(_table(specs[name], example, looked_into) for name in sorted(read)), _gaps(example, looked_into)]

    def rows_of(sql: str) -> Sequence[Row]:
        # An engine of its own: one remembers a table's rows, also those of the gaps before the next statement adds to them.
        with Target.live_host() as target, Engine(target, tables) as engine:
            return engine.run(sql, None, _BOUNDS).rows

    if exported.applies is not None:
        counted, *gaps = rows_of(applies_sql(exported.check.id, exported.applies))
        if not counted["applies"]:
            return "unknown" if gaps else "not_applicable", 0
    rows = rows_of(findings_sql(exported))
    findings = sum(row.get(GAP_COLUMN) is None for row in rows)
    return "fail" if findings else "unknown" if rows else "pass", findings


def _table(spec: TableSpec, example: Example, looked_into: set[str]) -> Table:
    texts = {column.name: "" for column in spec.columns if column.type is ColumnType.TEXT}

    def generate(context: TableContext) -> Iterator[Row]:
        looked_into.add(spec.name)
        arguments = {}
        for column in spec.columns:
            if column.hidden and (asked := context.constraints.equals(column.name)) is not None:
                arguments[column.name] = asked[0]
        for row in example.tables.get(spec.name, ()):
            yield {**texts, **arguments, **{name: value for name, value in row.items() if value is not None}}

    return Table(spec, generate)


def _gaps(example: Example, looked_into: set[str]) -> Table:
    def generate(context: TableContext) -> Iterator[Row]:
        for operand in context.constraints.equals("table_name") or ():
            asked = gap_question.read(str(operand))
            if isinstance(asked, gap_question.Ends):
                yield {"table_name": operand, "reason": "", "detail": "", "time": 0}
            elif isinstance(asked, gap_question.Since) and asked.table in looked_into & example.gaps.keys():
                yield {"table_name": operand, "reason": example.gaps[asked.table].value, "detail": "the example says so", "time": 0}

    return Table(GAPS, generate)
