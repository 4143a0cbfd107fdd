"""The terminal report: what to do first stands first, and nothing from the host reaches the terminal unescaped."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from hardaudit.model.check import Severity
from hardaudit.model.report_format import ReportFormat
from hardaudit.model.result import GateState, State
from hardaudit.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardaudit.model.report_format import RenderOptions
    from hardaudit.model.result import CheckResult, Finding, Result

_SHOWN_FINDINGS = 10
_SHOWN_GAPS = 5
_UNDECIDED = (State.ERROR, State.UNKNOWN, State.MANUAL)
_SEVERITY_COLOURS = {Severity.CRITICAL: "red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "blue"}
_GATE_COLOURS = {GateState.PASSED: "green", GateState.FAILED: "red", GateState.INCOMPLETE: "yellow"}


def render(result: Result, options: RenderOptions) -> str:
    """Summary, findings by severity with evidence and fix, what could not be decided; passes and the rest with `verbose`."""
    page = _Page(options)
    _summary(page, result)
    _failures(page, result)
    _undecided(page, result)
    _notices(page, result)
    if options.verbose:
        _quiet_states(page, result)
    page.line(_verdict(page, result))
    return page.text()


class _Page:
    """Lines of the report, in colour where it is allowed."""

    def __init__(self, options: RenderOptions) -> None:
        self.verbose = options.verbose
        self.width = max(60, min(options.width, 160))
        self._colour = options.colour
        self._lines: list[str] = []

    def line(self, text: str = "") -> None:
        self._lines.append(text.rstrip())

    def block(self, text: str, indent: str) -> None:
        """Paragraphs, filled to the page's width; an indented line, such as a command, stays as it is."""
        for paragraph in _paragraphs(text):
            wrapped = textwrap.wrap(paragraph, self.width - len(indent), break_long_words=False, break_on_hyphens=False)
            for part in wrapped or [""]:
                self.line(indent + part)

    def heading(self, text: str) -> None:
        self.line()
        self.line(self.style(text, bold=True))

    def style(self, text: str, *, colour: str | None = None, bold: bool = False) -> str:
        return click.style(text, fg=colour, bold=bold) if self._colour else text

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def _paragraphs(text: str) -> list[str]:
    """Lines joined where a text was only broken to fit its source; escaped."""
    joined: list[str] = []
    for line in text.strip().split("\n"):
        own = not line.strip() or line[0] in " -*" or not joined or not joined[-1].strip() or joined[-1][0] == " "
        if own:
            joined.append(printable(line))
        else:
            joined[-1] += " " + printable(line)
    return joined


def _summary(page: _Page, result: Result) -> None:
    target = result.target
    where = "this host" if target.kind == "live" else target.root
    counts = ", ".join(f"{count} {state.value.replace('_', ' ')}" for state, count in result.counts.items() if count)
    rows = [
        ("Target", " ".join(filter(None, [where, printable(target.hostname), f"({printable(target.system)})" if target.system else ""]))),
        ("Policy", f"{printable(result.policy.name)}  sha256:{result.policy.digest[:12]}"),
        ("Run", f"{result.started:%Y-%m-%d %H:%M:%S} UTC, {result.duration_s:.1f} s, source {result.source}, hardaudit {result.version}"),
        ("Checks", counts),
        ("Score", _score(result)),
        ("Gate", _verdict(page, result)),
    ]
    page.line(tabulate(rows, tablefmt="plain"))


def _score(result: Result) -> str:
    def number(value: float | None) -> str:
        return "none" if value is None else f"{value:.1f}"

    text = f"{number(result.score.score)} of 100, coverage {number(result.score.coverage)} %"
    waived = sum(check.is_waived for check in result.checks)
    return f"{text}, with waivers: {number(result.score.with_waivers)} ({waived} waived)" if waived else text


def _verdict(page: _Page, result: Result) -> str:
    state = result.gate.state
    reasons = result.gate.reasons
    shown = "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
    return page.style(state.value.upper(), colour=_GATE_COLOURS[state], bold=True) + (f": {shown}" if shown else "")


def _failures(page: _Page, result: Result) -> None:
    failed = [check for check in result.checks if check.state is State.FAIL]
    for severity in Severity:
        of_severity = [check for check in failed if check.severity is severity]
        if not of_severity:
            continue
        page.heading(f"{severity.value.upper()}: {_number(len(of_severity), 'check')} failed")
        for check in of_severity:
            _failure(page, check)


def _failure(page: _Page, check: CheckResult) -> None:
    page.line()
    page.line(f"  {page.style(check.id, colour=_SEVERITY_COLOURS[check.severity], bold=True)}  {printable(check.title)}")
    shown = check.findings if page.verbose else check.findings[:_SHOWN_FINDINGS]
    for row in _findings_table(shown, page.width - 4).split("\n"):
        page.line(f"    {row}")
    if len(check.findings) > len(shown):
        page.line(f"    … and {len(check.findings) - len(shown):,} more: --verbose or --format json has them all")
    _gap_lines(page, check)
    page.line("    Fix:")
    page.block(check.remediation, "      ")


def _findings_table(findings: Sequence[Finding], width: int) -> str:
    """Subject and message; the message alone where every one names its subject."""
    rows = [("-", printable(finding.subject), _message(finding)) for finding in findings]
    widths: list[int | None] = [None, width // 3, width - width // 3 - 6]
    if all(subject.lower() in message.lower() for _, subject, message in rows):
        messages = [(mark, message) for mark, _, message in rows]
        return tabulate(messages, tablefmt="plain", disable_numparse=True, maxcolwidths=[None, width - 4])
    return tabulate(rows, tablefmt="plain", disable_numparse=True, maxcolwidths=widths)


def _message(finding: Finding) -> str:
    text = printable(finding.message)
    if finding.waiver is None:
        return text
    waiver = finding.waiver
    return f"{text} [waived until {waiver.expires.isoformat()} by {printable(waiver.owner)}: {printable(waiver.reason)}]"


def _undecided(page: _Page, result: Result) -> None:
    undecided = [check for check in result.checks if check.state in _UNDECIDED]
    if not undecided:
        return
    page.heading(f"NOT DECIDED: {_number(len(undecided), 'check')}; none of them counts as passed")
    for check in undecided:
        page.line()
        page.line(f"  {page.style(check.id, bold=True)}  {check.state.value}: {printable(check.reason or '')}  ({check.severity.value})")
        _gap_lines(page, check)


def _gap_lines(page: _Page, check: CheckResult) -> None:
    shown = check.gaps if page.verbose else check.gaps[:_SHOWN_GAPS]
    for gap in shown:
        page.block(f"not read: {gap.table}: {gap.detail} ({gap.reason.value})", "    ")
    if len(check.gaps) > len(shown):
        page.line(f"    … and {len(check.gaps) - len(shown):,} more gaps")


def _notices(page: _Page, result: Result) -> None:
    lines = [
        f"waiver for {notice.waiver.check}, {notice.waiver.subject or notice.waiver.subject_glob}: {notice.status}"
        f" (expires {notice.waiver.expires.isoformat()}, {notice.waiver.owner})"
        for notice in result.waivers
    ]
    lines += [f"plugin {plugin.name} was refused: {plugin.refused}" for plugin in result.plugins if plugin.refused]
    if lines:
        page.heading("NOTE")
        for line in lines:
            page.block(line, "  ")


def _quiet_states(page: _Page, result: Result) -> None:
    """What the short report leaves out: passes, what does not apply, what this target cannot have, what the policy disabled."""
    for state in (State.PASS, State.NOT_APPLICABLE, State.NOT_CHECKED):
        rows = _rows(check for check in result.checks if check.state is state)
        if rows:
            page.heading(state.value.replace("_", " ").upper())
            _table(page, rows)
    if result.policy.disabled:
        page.heading("DISABLED BY THE POLICY")
        _table(page, [(name, printable(reason)) for name, reason in result.policy.disabled.items()])


def _rows(checks: Iterable[CheckResult]) -> list[tuple[str, str]]:
    return [(check.id, printable(f"{check.title}{f' ({check.reason})' if check.reason else ''}")) for check in checks]


def _table(page: _Page, rows: Sequence[tuple[str, str]]) -> None:
    for line in tabulate(rows, tablefmt="plain", disable_numparse=True).split("\n"):
        page.line(f"  {line}")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


FORMAT = ReportFormat("table", "For people at a terminal: summary, findings by severity with evidence and fix.", render)
