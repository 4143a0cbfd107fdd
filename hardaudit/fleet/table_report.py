"""The fleet's report for a terminal: the gate, the worst hosts, the worst checks, who was not heard from, what could not be read."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from hardaudit.fleet.notices import notices
from hardaudit.model.result import GateState, State
from hardaudit.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit.fleet.fleet_result import FleetResult, HostSummary
    from hardaudit.model.report_format import RenderOptions

_SHOWN = 25
_SHOWN_NAMES = 50
_IDENTIFIER = 60
_COLOURS = {GateState.PASSED: "green", GateState.FAILED: "red", GateState.INCOMPLETE: "yellow"}
_HOST_HEADERS = ("host", "gate", "score", "coverage", "fail", "unknown", "pass", "n/a", "last heard")
_HOST_SPARE = ("n/a", "pass", "last heard", "coverage")  # on a narrow terminal, the first first
_CHECK_SPARE = ("n/a", "pass", "error", "waived", "coverage")
_CHECK_HEADERS = ("check", "severity", "fail", "waived", "unknown", "error", "pass", "n/a", "coverage")


def render(result: FleetResult, options: RenderOptions) -> str:
    """The report; `verbose` lists every host and check."""
    lines = [
        *_wrapped(_summary(result, options), options),
        *_hosts(result, options),
        *_checks(result, options),
        *_not_heard(result, options),
    ]
    found = notices(result)
    if found:
        lines += ["", _bold("NOTE", options)]
        for notice in found:
            lines += textwrap.wrap(
                notice, max(60, options.width) - 4, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
            )
    return "\n".join(line.rstrip() for line in [*lines, "", *_wrapped([_gate(result, options)], options)]) + "\n"


def last_heard(host: HostSummary, as_of: float) -> str:
    """How long ago, in the largest unit that has at least two."""
    if host.heard is None:
        return "never"
    ago = int(as_of - host.heard)
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if ago >= 2 * seconds:
            return f"{ago // seconds} {unit} ago"
    return f"{max(0, ago)} s ago"


def number(value: float | None) -> str:
    """A percentage to one decimal; none when there is nothing to take the share of."""
    return "none" if value is None else f"{value:.1f}"


def shortened(identifier: str) -> str:
    """An identifier, escaped, at the length that a table bears."""
    return printable(identifier if len(identifier) <= _IDENTIFIER else f"{identifier[: _IDENTIFIER - 1]}…")


def stale_after(result: FleetResult) -> str:
    """When a result is too old to count."""
    return f"results older than {result.stale_after:g} x {result.interval:g} s are stale"


def _summary(result: FleetResult, options: RenderOptions) -> list[str]:
    reading = result.reading
    files = f"{reading.files:,} {'file' if reading.files == 1 else 'files'}"
    gates = ", ".join(f"{count:,} {state.value}" for state, count in result.gates.items() if count)
    return [
        f"Fleet   {len(result.hosts):,} {'host' if len(result.hosts) == 1 else 'hosts'}{f': {gates}' if gates else ''}",
        f"Policy  {printable(result.policy.name)}  sha256:{result.policy.digest[:12]}",
        f"As of   {result.as_of:%Y-%m-%d %H:%M:%S} UTC, {stale_after(result)}, hardaudit {result.version}",
        f"Read    {reading.lines:,} lines of {files}: {reading.results:,} results of the policy's queries, {reading.other:,} of others",
        f"Score   {number(result.mean_score)} of 100 on average, coverage {number(result.mean_coverage)} %",
        _gate(result, options),
    ]


def _wrapped(lines: Sequence[str], options: RenderOptions) -> list[str]:
    """Lines of a word and what it stands for."""
    width = max(60, options.width)
    return [piece for line in lines for piece in textwrap.wrap(line, width, subsequent_indent=" " * 8, break_on_hyphens=False)]


def _gate(result: FleetResult, options: RenderOptions) -> str:
    word = click.style(result.gate.state.value.upper(), fg=_COLOURS[result.gate.state], bold=True) if options.colour else None
    reasons = "; ".join(result.gate.reasons)
    return f"Gate    {word or result.gate.state.value.upper()}{f': {reasons}' if reasons else ''}"


def _hosts(result: FleetResult, options: RenderOptions) -> list[str]:
    as_of = result.as_of.timestamp()
    shown = result.hosts if options.verbose else result.hosts[:_SHOWN]
    rows = [
        (
            shortened(host.identifier),
            host.gate.state.value,
            number(host.score.score),
            number(host.score.coverage),
            str(host.count(State.FAIL)),
            str(sum(host.undecided.values())),
            str(host.count(State.PASS)),
            str(host.count(State.NOT_APPLICABLE)),
            last_heard(host, as_of),
        )
        for host in shown
    ]
    left = _left_out(len(result.hosts) - len(shown), "hosts that are no worse")
    return _section("HOSTS, the worst first", _table(_HOST_HEADERS, rows, _HOST_SPARE, options), left, options) if rows else []


def _checks(result: FleetResult, options: RenderOptions) -> list[str]:
    bad = [check for check in result.checks if options.verbose or check.counts[State.FAIL] or check.undecided]
    shown = bad if options.verbose else bad[:_SHOWN]
    rows = [
        (
            check.id,
            check.severity.value,
            str(check.failing),
            str(check.waived),
            str(check.counts[State.UNKNOWN] + check.counts[State.MANUAL]),
            str(check.counts[State.ERROR]),
            str(check.counts[State.PASS]),
            str(check.counts[State.NOT_APPLICABLE]),
            number(check.coverage),
        )
        for check in shown
    ]
    left = _left_out(len(bad) - len(shown), "checks that fewer hosts fail")
    heading = "CHECKS, the worst first: on how many hosts"
    return _section(heading, _table(_CHECK_HEADERS, rows, _CHECK_SPARE, options), left, options) if rows else []


def _not_heard(result: FleetResult, options: RenderOptions) -> list[str]:
    silent = sorted(host.identifier for host in result.not_heard)
    if not silent:
        return []
    shown = silent if options.verbose else silent[:_SHOWN_NAMES]
    names = textwrap.wrap(", ".join(map(shortened, shown)), max(60, options.width) - 4, break_on_hyphens=False, break_long_words=False)
    left = _left_out(len(silent) - len(shown), "hosts")
    return ["", _bold(f"NOT HEARD FROM: {len(silent):,}", options), *(f"  {line}" for line in names), *left]


def _section(heading: str, table: Sequence[str], left: Sequence[str], options: RenderOptions) -> list[str]:
    return ["", _bold(heading, options), *(f"  {line}" for line in table), *left]


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str], options: RenderOptions) -> list[str]:
    """The first two columns to the left, the others to the right, within the width as far as leaving out the spare ones goes."""
    columns = dict(zip(headers, zip(*rows, strict=True), strict=True))
    widths = {header: max(len(header), *map(len, cells)) for header, cells in columns.items()}
    for header in spare:
        if 2 + sum(widths.values()) + 2 * (len(widths) - 1) <= options.width:
            break
        del widths[header]
    left = headers[:2]
    lines = ["  ".join(header.ljust(width) if header in left else header.rjust(width) for header, width in widths.items())]
    for number in range(len(rows)):
        cells = [(header, columns[header][number], width) for header, width in widths.items()]
        lines.append(
            "  ".join(_cell(header, text, width, options) if header in left else text.rjust(width) for header, text, width in cells)
        )
    return lines


def _cell(header: str, text: str, width: int, options: RenderOptions) -> str:
    if header == "gate" and options.colour:
        return click.style(text, fg=_COLOURS[GateState(text)]) + " " * (width - len(text))
    return text.ljust(width)


def _left_out(count: int, what: str) -> list[str]:
    return [f"  … and {count:,} more {what}: --verbose or --format json has them all"] if count else []


def _bold(text: str, options: RenderOptions) -> str:
    return click.style(text, bold=True) if options.colour else text
