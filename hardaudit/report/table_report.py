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

    from hardaudit.model.gap import Gap
    from hardaudit.model.report_format import RenderOptions
    from hardaudit.model.result import CheckResult, Finding, Result

_SHOWN_FINDINGS = 10
_SHOWN_GAPS = 5
_SHOWN_UNDECIDED_GAPS = 15
_SHOWN_REASONS = 3
_SHOWN_CHARACTERS = 2000  # of one text
_FIELD_WIDTH = 8
_UNDECIDED = (State.ERROR, State.UNKNOWN, State.MANUAL)
_SEVERITY_COLOURS = {Severity.CRITICAL: "red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "blue"}
_GATE_COLOURS = {GateState.PASSED: "green", GateState.FAILED: "red", GateState.INCOMPLETE: "yellow"}


def render(result: Result, options: RenderOptions) -> str:
    """Summary, findings by severity with evidence and fix, what could not be decided; passes and the rest with `verbose`."""
    page = _Page(options)
    _summary(page, result)
    _failures(page, result)
    _undecided(page, result)
    _waived(page, result)
    _notices(page, result)
    if options.verbose:
        _quiet_states(page, result)
    page.line()
    page.field("Gate", _verdict(result), _GATE_COLOURS[result.gate.state])
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

    def sentence(self, text: str, indent: str) -> None:
        """One paragraph, whatever is in it: a line break from the host must not begin a line of the report."""
        for part in textwrap.wrap(_shown(text), self.width - len(indent), break_long_words=False, break_on_hyphens=False):
            self.line(indent + part)

    def field(self, name: str, text: str, colour: str | None = None) -> None:
        """A line of the summary, its first word in colour, folded to the page's width."""
        first, *others = textwrap.wrap(text, self.width - _FIELD_WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
        word, space, rest = first.partition(" ")
        self.line(f"{name:{_FIELD_WIDTH}}{self.style(word, colour=colour, bold=True) if colour else word}{space}{rest}")
        for other in others:
            self.line(" " * _FIELD_WIDTH + other)

    def heading(self, text: str) -> None:
        self.line()
        self.line(self.style(text, bold=True))

    def style(self, text: str, *, colour: str | None = None, bold: bool = False) -> str:
        return click.style(text, fg=colour, bold=bold) if self._colour else text

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def _shown(text: str) -> str:
    """Text escaped, and cut where it would fill screens."""
    return printable(text) if len(text) <= _SHOWN_CHARACTERS else f"{printable(text[:_SHOWN_CHARACTERS])}…"


def _paragraphs(text: str) -> list[str]:
    """Lines joined where a text was only broken to fit its source; escaped."""
    joined: list[str] = []
    for line in text.strip().split("\n"):
        own = not line.strip() or line.startswith((" ", "- ", "* ")) or not joined or not joined[-1].strip() or joined[-1][0] == " "
        if own:
            joined.append(printable(line))
        else:
            joined[-1] += " " + printable(line)
    return joined


def _summary(page: _Page, result: Result) -> None:
    target = result.target
    where = "this host" if target.kind == "live" else _shown(target.root)
    page.field("Target", ", ".join(filter(None, [" ".join(filter(None, [where, _shown(target.hostname)])), _shown(target.system)])))
    page.field("Policy", f"{_shown(result.policy.name)}  sha256:{result.policy.digest[:12]}")
    started = f"{result.started:%Y-%m-%d %H:%M:%S} UTC"
    source = printable(result.source_detail) or result.source
    page.field("Run", f"{started}, {result.duration_s:.1f} s, source {source}, hardaudit {result.version}")
    page.field("Checks", _counts(result))
    page.field("Score", _score(result))
    page.field("Gate", _verdict(result), _GATE_COLOURS[result.gate.state])


def _counts(result: Result) -> str:
    counts = [f"{count} {state.value.replace('_', ' ')}" for state, count in result.counts.items() if count]
    if result.policy.disabled:
        counts.append(f"{len(result.policy.disabled)} disabled by the policy")
    return ", ".join(counts)


def _score(result: Result) -> str:
    def number(value: float | None) -> str:
        return "none" if value is None else f"{value:.1f}"

    text = f"{number(result.score.score)} of 100, coverage {number(result.score.coverage)} %"
    waived = sum(check.is_waived for check in result.checks)
    return f"{text}, with waivers: {number(result.score.with_waivers)} ({waived} waived)" if waived else text


def _verdict(result: Result) -> str:
    """The gate's answer and why; a run of some checks only is not taken for a whole one."""
    state = result.gate.state.value.upper()
    if result.policy.only:
        globs = " ".join(f"--only {_shown(glob)}" for glob in result.policy.only)
        state += f" for {len(result.checks)} of {result.policy.enabled} checks ({globs})"
    reasons = result.gate.reasons
    shown = "; ".join(reasons[:_SHOWN_REASONS]) + (f"; and {len(reasons) - _SHOWN_REASONS} more" if len(reasons) > _SHOWN_REASONS else "")
    return f"{state}: {shown}" if shown else state


def _failures(page: _Page, result: Result) -> None:
    failed = [check for check in result.checks if check.state is State.FAIL and not check.is_waived]
    for severity in Severity:
        of_severity = [check for check in failed if check.severity is severity]
        if not of_severity:
            continue
        page.heading(f"{severity.value.upper()}: {_number(len(of_severity), 'check')} failed")
        for check in of_severity:
            _failure(page, check)


def _failure(page: _Page, check: CheckResult) -> None:
    page.line()
    page.line(f"  {page.style(check.id, colour=_SEVERITY_COLOURS[check.severity], bold=True)}  {_shown(check.title)}")
    shown = check.findings if page.verbose else check.findings[:_SHOWN_FINDINGS]
    for row in _findings_table(shown, page.width - 4).split("\n"):
        page.line(f"    {row}")
    if len(check.findings) > len(shown):
        page.line(f"    … and {len(check.findings) - len(shown):,} more: --verbose or --format json has them all")
    gaps = check.gaps if page.verbose else check.gaps[:_SHOWN_GAPS]
    for gap in gaps:
        page.sentence(_gap_text(gap), "    ")
    if len(check.gaps) > len(gaps):
        page.line(f"    … and {len(check.gaps) - len(gaps):,} more could not be read")
    page.line("    Fix:")
    page.block(check.remediation, "      ")


def _findings_table(findings: Sequence[Finding], width: int) -> str:
    """Subject and message; the message alone where every one names its subject."""
    rows = [("-", _shown(finding.subject), _message(finding)) for finding in findings]
    if all(subject.lower() in message.lower() for _, subject, message in rows):
        messages = [(mark, message) for mark, _, message in rows]
        return tabulate(messages, tablefmt="plain", disable_numparse=True, maxcolwidths=[None, width - 4])
    subjects = min(width // 2, max(len(subject) for _, subject, _ in rows))
    return tabulate(rows, tablefmt="plain", disable_numparse=True, maxcolwidths=[None, subjects, width - subjects - 6])


def _message(finding: Finding) -> str:
    text = _shown(finding.message)
    if finding.waiver is None:
        return text
    waiver = finding.waiver
    return f"{text} [waived until {waiver.expires.isoformat()} by {_shown(waiver.owner)}: {_shown(waiver.reason)}]"


def _undecided(page: _Page, result: Result) -> None:
    """The checks, then what could not be read, each thing once: it is often the same for many."""
    undecided = [check for check in result.checks if check.state in _UNDECIDED]
    if not undecided:
        return
    page.heading(f"NOT DECIDED: {_number(len(undecided), 'check')}; none of them counts as passed")
    page.line()
    rows = [(check.severity.value, check.id, f"{check.state.value}: {_shown(check.reason or '')}") for check in undecided]
    _table(page, rows)
    readers: dict[Gap, int] = {}
    for gap in (gap for check in undecided for gap in check.gaps):
        readers[gap] = readers.get(gap, 0) + 1
    gaps = sorted(readers, key=lambda gap: (-readers[gap], gap))
    if gaps:
        page.line()
    shown = gaps if page.verbose else gaps[:_SHOWN_UNDECIDED_GAPS]
    for gap in shown:
        page.sentence(f"{_gap_text(gap)}; {_number(readers[gap], 'check')}", "  ")
    if len(gaps) > len(shown):
        page.line(f"  … and {len(gaps) - len(shown):,} more: --verbose or --format json has them all")


def _gap_text(gap: Gap) -> str:
    return f"not read: {gap.table}: {gap.detail} ({gap.reason.value})"


def _waived(page: _Page, result: Result) -> None:
    """Failures that someone has accepted, every finding of them: nothing to do now."""
    waived = [check for check in result.checks if check.is_waived]
    if not waived:
        return
    page.heading(f"WAIVED: {_number(len(waived), 'check')} failed with every finding waived")
    page.line()
    for check in waived:
        page.line(f"  {page.style(check.id, bold=True)}  {_shown(check.title)} ({check.severity.value})")
        for row in _findings_table(check.findings, page.width - 4).split("\n"):
            page.line(f"    {row}")


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
            page.sentence(line, "  ")


def _quiet_states(page: _Page, result: Result) -> None:
    """What the short report leaves out: passes, what does not apply, what this target cannot have, what the policy disabled."""
    for state in (State.PASS, State.NOT_APPLICABLE, State.NOT_CHECKED):
        rows = _rows(check for check in result.checks if check.state is state)
        if rows:
            page.heading(state.value.replace("_", " ").upper())
            _table(page, rows)
    if result.policy.disabled:
        page.heading("DISABLED BY THE POLICY")
        _table(page, [(name, _shown(reason)) for name, reason in result.policy.disabled.items()])


def _rows(checks: Iterable[CheckResult]) -> list[tuple[str, str]]:
    return [(check.id, _shown(f"{check.title}{f' ({check.reason})' if check.reason else ''}")) for check in checks]


def _table(page: _Page, rows: Sequence[tuple[str, ...]]) -> None:
    for line in tabulate(rows, tablefmt="plain", disable_numparse=True).split("\n"):
        page.line(f"  {line}")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


FORMAT = ReportFormat("table", "For people at a terminal: summary, findings by severity with evidence and fix.", render)
