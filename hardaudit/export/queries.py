"""A policy's checks as SQL for osquery: each held against the dialect, or left out with the reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.audit.run import chosen
from hardaudit.export.sql_text import CannotExportError, embeddable, literal, with_values
from hardaudit.export.waiver_sql import reason_of, waived
from hardaudit.model import gap_question
from hardaudit.model.check import sql_value
from hardaudit.osquery.exported import APPLIES, GAP_COLUMN, WAIVER_COLUMN
from hardaudit.osquery.gaps_table import GAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hardaudit.export.dialect import Dialect, Reading
    from hardaudit.model.check import Check, Severity
    from hardaudit.model.policy import Policy, Selection, Waiver

_NOT_CONFIRMED = json.dumps(
    {
        "table": GAPS.name,
        "reason": "undecidable",
        "detail": "the extension does not know when the query began: it was started anew meanwhile, or the query took more than 15 minutes",
    }
)


@dataclass(frozen=True, slots=True)
class Question:
    """A statement without parameters, and what it reads."""

    sql: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class CheckSql:
    """A check in osquery's SQL, with the policy's severity and parameters; its waivers each with its condition."""

    check: Check
    severity: Severity
    query: Question
    applies: Question | None
    waivers: tuple[tuple[Waiver, str], ...] = ()

    @property
    def extension(self) -> tuple[str, ...]:
        """The tables that osquery has only from hardaudit's extension, sorted."""
        read = {*self.query.reading.extension, *(self.applies.reading.extension if self.applies else ())}
        return tuple(sorted(read))


@dataclass(frozen=True, slots=True)
class PolicySql:
    """What can be exported of a policy, by check; `left_out` has the reason for each other check, `warnings` are for the user."""

    checks: tuple[CheckSql, ...]
    left_out: Mapping[str, str]
    warnings: tuple[str, ...]


def policy_sql(  # noqa: PLR0913 what an export is made of
    policy: Policy,
    checks: Mapping[str, Check],
    dialect: Dialect,
    render: Callable[[CheckSql], Sequence[str]],
    rehearse: Callable[[Check], None] = lambda _: None,
    only: Sequence[str] = (),
) -> PolicySql:
    """The policy's enabled checks, or those of them whose id matches one of `only`.

    `render` makes of a check the statements that are exported; each is held against the dialect, too. `rehearse` raises CannotExportError
    for a check that must not be exported. Raises UsageError when no check is chosen.
    """
    exported, left_out, warnings = [], {}, []
    for name in chosen(policy, only):
        waivers, inexact = _waivers(policy, name)
        warnings += inexact
        try:
            check = check_sql(checks[name], policy.checks[name], dialect, waivers)
            for statement in render(check):
                dialect.read(statement)
            rehearse(checks[name])
        except CannotExportError as error:
            left_out[name] = str(error)
        else:
            exported.append(check)
    return PolicySql(tuple(exported), left_out, tuple(warnings))


def check_sql(check: Check, selection: Selection, dialect: Dialect, waivers: Sequence[tuple[Waiver, str]] = ()) -> CheckSql:
    """One check. Raises CannotExportError with the reason."""
    values = {name: sql_value(value) for name, value in selection.params.items()}

    def question(sql: str) -> Question:
        written = embeddable(with_values(sql, values))
        return Question(written, dialect.read(written))

    query = question(check.query)
    columns = query.reading.columns
    if "subject" not in columns:
        raise CannotExportError("the query returns no column `subject`")
    if not query.reading.tables:
        raise CannotExportError("the query reads no table, so it has no evidence")
    if not dialect.asks(query.sql):
        raise CannotExportError("with these parameters the query looks into no table, and would pass everywhere")
    lowered = [column.lower() for column in columns]
    if len({*lowered, GAP_COLUMN, WAIVER_COLUMN}) < len(columns) + 2:
        raise CannotExportError("the query returns two columns of one name, or one whose name the export needs")
    applies = None if check.applies is None else question(check.applies)
    return CheckSql(check, selection.severity, query, applies, tuple(waivers))


def findings_sql(check: CheckSql) -> str:
    """A row a finding, with the waiver's reason where the check has waivers; a row for each gap where it reads the extension's tables."""
    query = check.query
    added = [f"{reason_of(check.waivers)} AS {WAIVER_COLUMN}"] if check.waivers else []
    if query.reading.extension:
        added.append(f"NULL AS {GAP_COLUMN}")
    if not added:
        return query.sql
    findings = f"SELECT *, {', '.join(added)} FROM {_embedded(query.sql)}"  # noqa: S608 statements that the dialect has read
    if not query.reading.extension:
        return findings
    columns = [*query.reading.columns, *([WAIVER_COLUMN] if check.waivers else [])]
    return _with_gaps(findings, query, columns, check.check.id)


def applies_sql(check: str, applies: Question) -> str:
    """One row whose column `applies` is 1 where the check of that id applies and else 0; a row for each gap, as above."""
    counted = f"FROM (SELECT 1 FROM {_embedded(applies.sql)} LIMIT 1)"  # noqa: S608
    if not applies.reading.extension:
        return f"SELECT count(*) AS applies {counted}"
    return _with_gaps(f"SELECT count(*) AS applies, NULL AS {GAP_COLUMN} {counted}", applies, ["applies"], f"{check}{APPLIES}")


def passes_sql(check: CheckSql) -> str:
    """A row if the host passes or the check is proved not to apply; none with a finding that is not waived, and none with a gap.

    CASE looks at its conditions in order, so the gaps are read after the tables that have them.
    """
    asker = f"{check.check.id}:passes"
    cases = []
    if check.extension:
        cases.append(f"WHEN EXISTS (SELECT 1 {_tells(gap_question.Begins(asker))}) THEN 0")
    if check.applies is not None:
        proved = _has_no_gap(check.applies, asker)
        cases.append(f"WHEN NOT EXISTS (SELECT 1 FROM {_embedded(check.applies.sql)}) THEN {proved}")  # noqa: S608
    cases.append(f"WHEN {_has_finding(check)} THEN 0")
    lines = "\n".join(cases)
    return f"SELECT 1 AS passes WHERE CASE\n{lines}\nELSE {_has_no_gap(check.query, asker)} END"


def _has_no_gap(question: Question, asker: str) -> str:
    """1 if everything was read, and the extension says that this is known; else 0."""
    if not question.reading.extension:
        return "1"
    ended = f"EXISTS (SELECT 1 {_tells(gap_question.Ends(asker))})"
    return f"CASE WHEN EXISTS (SELECT 1 {_gaps(question, asker)}) THEN 0 ELSE {ended} END"


def _has_finding(check: CheckSql) -> str:
    """Whether a finding is not waived. Waivers are counted, not a WHERE: SQLite tests what it can in a WHERE before it looks into a table,
    and the gaps of a table that was not looked into are not known.
    """
    if not check.waivers:
        return f"EXISTS (SELECT 1 FROM {_embedded(check.query.sql)})"  # noqa: S608
    waived = " OR ".join(condition for _, condition in check.waivers)
    unwaived = f"count(CASE WHEN {waived} THEN NULL ELSE 1 END)"
    return f"(SELECT {unwaived} FROM {_embedded(check.query.sql)}) > 0"  # noqa: S608


def _embedded(sql: str) -> str:
    """The statement as a table: on lines of its own, so that a comment in it ends."""
    return f"(\n{sql}\n)"


def _tells(asked: gap_question.Asked) -> str:
    """What tells the extension that the statement begins, or ends."""
    return f"FROM {GAPS.name} WHERE table_name = {literal(gap_question.operand(asked))}"


def _gaps(question: Question, asker: str) -> str:
    """The gaps that the statement's tables had since it began, but those that say no more than that an argument was the empty text.

    The join has every question told: of a list behind IN an SQLite may look through the whole table instead, where no answers are.
    """
    asked = json.dumps({table: gap_question.operand(gap_question.Since(table, asker)) for table in question.reading.extension})
    known = "".join(
        f" AND NOT (asked.key = {literal(table)} AND detail = {literal(gap_question.untold(column))})"
        for table, column in question.reading.empty_arguments
    )
    return f"FROM json_each({literal(asked)}) AS asked CROSS JOIN {GAPS.name} ON table_name = asked.value{known}"


def _with_gaps(sql: str, question: Question, columns: Sequence[str], asker: str) -> str:
    """The statement among others, which SQLite runs in this order: it begins; the rows; the gaps of the tables just read; it ends.

    `columns`: those of the statement but the last, which is GAP_COLUMN. An extension that does not confirm the end may not have been told
    the beginning, or not the questions: a gap.
    """
    nulls = "NULL, " * len(columns)
    names = [column.replace('"', '""') for column in [*columns, GAP_COLUMN]]
    nothing = ", ".join(f'NULL AS "{name}"' for name in names)
    told = "json_object('table', asked.key, 'reason', reason, 'detail', detail)"
    begins = f"SELECT {nothing} {_tells(gap_question.Begins(asker))}"
    gaps = f"SELECT {nulls}{told} {_gaps(question, asker)}"
    ends = f"SELECT {nulls}{literal(_NOT_CONFIRMED)} WHERE NOT EXISTS (SELECT 1 {_tells(gap_question.Ends(asker))})"
    return f"{begins}\nUNION ALL\n{sql}\nUNION ALL\n{gaps}\nUNION ALL\n{ends}"


def _waivers(policy: Policy, check: str) -> tuple[list[tuple[Waiver, str]], list[str]]:
    """The check's waivers with their conditions, and a warning for each that SQL cannot say."""
    said, warnings = [], []
    for waiver in policy.waivers:
        if waiver.check != check:
            continue
        try:
            condition = waived(waiver)
            reason_of([(waiver, condition)])
        except CannotExportError as error:
            warnings.append(f"{check}: a waiver is left out, what it covers counts as a finding: {error}")
        else:
            said.append((waiver, condition))
    return said, warnings
