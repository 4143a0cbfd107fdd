"""A policy's checks as SQL for osquery: each held against the dialect, or left out with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hardaudit.errors import UsageError
from hardaudit.export.sql_text import CannotExportError, embeddable, texts, with_values
from hardaudit.export.waiver_sql import reason_of, waived
from hardaudit.model.check import sql_value
from hardaudit.osquery.gaps_table import GAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hardaudit.export.dialect import Dialect, Reading
    from hardaudit.model.check import Check, Severity
    from hardaudit.model.policy import Policy, Selection, Waiver

GAP_COLUMN, WAIVER_COLUMN = "hardaudit_gap", "hardaudit_waiver"


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
    for name in _chosen(policy, only):
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
    query, columns = check.query, len(check.query.reading.columns)
    added = [f"{reason_of(check.waivers)} AS {WAIVER_COLUMN}"] if check.waivers else []
    if query.reading.extension:
        added.append(f"NULL AS {GAP_COLUMN}")
    if not added:
        return query.sql
    findings = f"SELECT *, {', '.join(added)} FROM {_embedded(query.sql)}"  # noqa: S608 statements that the dialect has read
    nulls = columns + len(added) - 1
    return f"{findings}\n{_and_gaps(query, nulls)}" if query.reading.extension else findings


def applies_sql(applies: Question) -> str:
    """One row whose column `applies` is 1 where the check applies and else 0; a row for each gap, as above."""
    counted = f"FROM (SELECT 1 FROM {_embedded(applies.sql)} LIMIT 1)"  # noqa: S608
    if not applies.reading.extension:
        return f"SELECT count(*) AS applies {counted}"
    return f"SELECT count(*) AS applies, NULL AS {GAP_COLUMN} {counted}\n{_and_gaps(applies, 1)}"


def passes_sql(check: CheckSql) -> str:
    """A row if the host passes or the check is proved not to apply; none with a finding that is not waived, and none with a gap.

    CASE looks at its conditions in order, so the gaps are read after the tables that have them.
    """
    cases = [f"WHEN {_has_finding(check)} THEN 0"]
    if check.query.reading.extension:
        cases.append(f"WHEN EXISTS (SELECT 1 {_gaps(check.query)}) THEN 0")
    if check.applies is not None:
        proved = f"NOT EXISTS (SELECT 1 {_gaps(check.applies)})" if check.applies.reading.extension else "1"
        cases.insert(0, f"WHEN NOT EXISTS (SELECT 1 FROM {_embedded(check.applies.sql)}) THEN {proved}")  # noqa: S608
    lines = "\n".join(cases)
    return f"SELECT 1 AS passes WHERE CASE\n{lines}\nELSE 1 END"


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


def _gaps(question: Question) -> str:
    return f"FROM {GAPS.name} WHERE table_name IN {texts(question.reading.extension)}"


def _and_gaps(question: Question, nulls: int) -> str:
    """The second arm of a UNION ALL, which SQLite runs after the first: it sees the gaps of the tables that were just read."""
    told = f"json_object('table', table_name, 'reason', reason, 'detail', detail) AS {GAP_COLUMN}"
    return f"UNION ALL\nSELECT {'NULL, ' * nulls}{told} {_gaps(question)}"


def _chosen(policy: Policy, only: Sequence[str]) -> list[str]:
    enabled = sorted(name for name, selection in policy.checks.items() if selection.enabled)
    chosen = [name for name in enabled if not only or any(fnmatchcase(name, pattern) for pattern in only)]
    if not chosen:
        asked = f"--only {' --only '.join(only)} matches no check of it" if only else "it selects no check"
        raise UsageError(f"policy {policy.name}: {asked}; `hardaudit show POLICY` lists its checks")
    return chosen


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
