"""A check's examples, run: the rows of the example are the tables, and the verdict must be the one it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.audit.verdict import decide
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.model.gap import GapReason
from hardaudit.model.policy import Selection
from hardaudit.target.table import Table
from hardaudit.target.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hardaudit.model.check import Check, Example
    from hardaudit.model.result import CheckResult
    from hardaudit.model.table import Row, TableSpec, Value
    from hardaudit.target.table import TableContext

_BOUNDS = Bounds(seconds=10)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An example and, where the check said something else than it names, the difference in one line."""

    check: str
    example: str
    difference: str | None


def run_examples(check: Check, tables: Mapping[str, Table]) -> list[Outcome]:
    """Every example of a check, over tables of the given specifications."""
    return [Outcome(check.id, example.name, _difference(check, example, tables)) for example in check.examples]


def _difference(check: Check, example: Example, tables: Mapping[str, Table]) -> str | None:
    unknown = sorted((example.tables.keys() | example.gaps.keys()) - tables.keys())
    if unknown:
        return f"no table is named {unknown[0]}"
    selection = Selection(severity=check.severity, params={**check.defaults, **example.params})
    # The stand-ins read nothing of it; a live target lets them stand for live tables too.
    with Target.live_host() as target, Engine(target, stand_ins(example, tables)) as engine:
        result = decide(check, selection, engine, _BOUNDS)
    return _compare(example, result)


def _compare(example: Example, result: CheckResult) -> str | None:
    if result.state.value != example.state:
        found = f", subjects {[finding.subject for finding in result.findings]}" if result.findings else ""
        return f"state {result.state.value} instead of {example.state}{f' ({result.reason})' if result.reason else ''}{found}"
    subjects = [finding.subject for finding in result.findings]
    if sorted(subjects) != sorted(example.subjects):
        return f"subjects {subjects} instead of {list(example.subjects)}"
    return None


def stand_ins(example: Example, tables: Mapping[str, Table]) -> list[Table]:
    """Tables of the same specifications that hold the example's rows, and fail where it says so."""
    return [_stand_in(table.spec, example) for table in tables.values()]


def _stand_in(spec: TableSpec, example: Example) -> Table:
    rows = example.tables.get(spec.name, ())
    reason = example.gaps.get(spec.name)

    def generate(context: TableContext) -> Iterator[Row]:
        if reason is not None:
            context.gap(GapReason(reason), "the example says so")
        for row in rows:
            yield from _as_asked(spec, row, context)

    return Table(spec, generate)


def _as_asked(spec: TableSpec, row: Row, context: TableContext) -> Iterator[Row]:
    """The row with the hidden columns, a table's arguments, that the query asks for where the example leaves them out."""
    asked: list[tuple[str, Sequence[Value]]] = []
    for column in spec.columns:
        values = context.constraints.equals(column.name) if column.hidden and column.name not in row else None
        if values is not None:
            asked.append((column.name, values))
    yield {**row, **{name: values[0] for name, values in asked}}
