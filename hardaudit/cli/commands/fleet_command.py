"""`hardaudit fleet`: many hosts at once, from what their osqueryds logged."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from hardaudit.cli.destinations import format_and_output, pair, rendered, write_reports
from hardaudit.cli.main import EXIT_FAILED, EXIT_INCOMPLETE, EXIT_PASSED
from hardaudit.cli.options import warn_of_refusals
from hardaudit.cli.output import tell
from hardaudit.cli.progress import progress_bar
from hardaudit.errors import HardauditError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit.fleet.score import FleetLogs
    from hardaudit.model.result import GateState

_LATEST = 253_402_300_799


@click.group("fleet")
def command() -> None:
    """Score many hosts from osqueryd's results logs."""


def _as_time(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """Unix seconds of a time as a user writes it."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) <= 12:
        seconds = int(value)
    else:
        try:
            moment = datetime.fromisoformat(f"{value[:-1]}+00:00" if value[-1:] in ("Z", "z") else value)
            seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp())
        except (ValueError, OverflowError) as error:
            raise click.BadParameter(f"{value!r} is no time: write 2026-11-27T03:00:00Z or Unix seconds.") from error
    if not 0 < seconds <= _LATEST:
        raise click.BadParameter(f"{value!r} is no time from 1970 to 9999.")
    return seconds


def _a_number(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """The value, unless it is "nan": nothing is older than that."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number of intervals.")
    return value


@command.command("score")
@click.argument("results", nargs=-1, required=True, metavar="RESULTS…")
@click.option("--policy", required=True, metavar="POLICY", help="The policy whose checks were exported: a name, or a YAML file.")
@click.option("--hosts", "hosts_file", metavar="FILE", help="Identifiers of the hosts that must be heard from, one a line.")
@click.option(
    "--host",
    "chosen",
    multiple=True,
    metavar="ID",
    help="Report this host in full instead of the fleet. May repeat: reports follow on each other.",
)
@click.option(
    "--interval",
    type=click.IntRange(min=1, max=10**9),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="The interval that the queries were exported with.",
)
@click.option(
    "--stale-after",
    type=click.FloatRange(min=0, max=10**6, min_open=True),
    default=3,
    show_default=True,
    metavar="N",
    callback=_a_number,
    help="Results older than N intervals do not count.",
)
@click.option("--as-of", callback=_as_time, metavar="TIME", help="Score as of this time, such as 2026-11-27T03:00:00Z. Default: now.")
@format_and_output("table (default), json, html; with --host table, json, a plugin's")
@click.option("--verbose", "-v", is_flag=True, help="List every host and check; with --host, passes and every finding and gap.")
def score(  # noqa: PLR0913 one parameter an option
    results: tuple[str, ...],
    policy: str,
    hosts_file: str | None,
    chosen: tuple[str, ...],
    interval: int,
    stale_after: float,
    as_of: int | None,
    formats: tuple[str, ...],
    outputs: tuple[str, ...],
    verbose: bool,  # noqa: FBT001 click passes flags so
) -> int:
    """Score every host by what its osqueryd logged of POLICY's checks.

    RESULTS are files, or directories that are searched for *.log, rotated *.log.N and *.log-DATE, and *.gz: osqueryd.results.log and
    osqueryd.snapshots.log of many hosts, collected in any layout. The checks come from `hardaudit export osquery-pack POLICY`. Each host
    gets the states, score and gate of `hardaudit run`. What a host never reported, or not within --stale-after intervals, is unknown,
    never passed.

    \b
    Examples:
    hardaudit fleet score --policy web-server /var/log/osquery-fleet
    hardaudit fleet score --policy web-server --hosts inventory.txt /srv/logs --format html --output fleet.html
    hardaudit fleet score --policy web-server /srv/logs --host web-17
    hardaudit fleet score --policy web-server /archive/2026-10 --as-of 2026-10-31T23:00:00Z

    \b
    Exit status: 0 every host passed, 1 one failed, 2 usage or policy error, 3 one is incomplete or was not heard from.
    """
    from hardaudit.audit.registry import Registry
    from hardaudit.fleet.formats import FORMATS
    from hardaudit.fleet.score import FleetLogs, Question, read_hosts

    registry = Registry()
    whole = pair(formats, outputs, FORMATS) if not chosen else []
    single = pair(formats, outputs, registry.report_formats) if chosen else []
    expected = None if hosts_file is None else read_hosts(hosts_file)
    try:
        loaded = registry.load_policy(policy)
    except HardauditError:
        warn_of_refusals(registry)  # it may name a check that a refused plugin has
        raise
    with progress_bar() as progress:
        logs = FleetLogs(results, loaded, registry, Question(as_of, interval, stale_after, expected), progress)
        reports = [logs.host_result(host) for host in dict.fromkeys(chosen)]
        fleet = None if chosen else logs.score()
    warn_of_refusals(registry)
    _warn_of_losses(logs)
    if fleet is None:
        write_reports(single, lambda form, options: "\n".join(rendered(form, report, options) for report in reports), verbose=verbose)
        return _status([report.gate.state for report in reports])
    write_reports(whole, lambda form, options: form.render(fleet, options), verbose=verbose)
    return _status([fleet.gate.state])


def _status(states: Sequence[GateState]) -> int:
    from hardaudit.model.result import GateState

    if GateState.FAILED in states:
        return EXIT_FAILED
    return EXIT_INCOMPLETE if GateState.INCOMPLETE in states else EXIT_PASSED


def _warn_of_losses(logs: FleetLogs) -> None:
    """Lines that are lost are said on stderr too, whatever becomes of the report."""
    unusable = sum(file.unusable for file in logs.reading.files)
    unread = [file for file in logs.reading.files if file.error is not None]
    for file in unread[:10]:
        tell(f"{file.path}: not read to the end: {file.error}")
    if unusable:
        files = sum(file.unusable > 0 for file in logs.reading.files)
        nobody = sum(file.unattributed for file in logs.reading.files)
        lines = f"{unusable:,} {'line' if unusable == 1 else 'lines'} of {files:,} {'file' if files == 1 else 'files'}"
        tell(f"{lines} cannot be used; of {nobody:,} of them the host cannot be told")
