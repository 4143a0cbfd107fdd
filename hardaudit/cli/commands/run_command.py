"""`hardaudit run`: the audit."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from hardaudit.cli.main import EXIT_FAILED, EXIT_INCOMPLETE, EXIT_PASSED
from hardaudit.cli.options import root_option, target_of, timeout_option, warn_of_refusals
from hardaudit.errors import HardauditError, PluginError, UsageError
from hardaudit.report.formats import BUILT_IN
from hardaudit.report.write import check_destination, write_report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hardaudit.audit.run import Progress
    from hardaudit.model.report_format import RenderOptions, ReportFormat
    from hardaudit.model.result import Result

_DEFAULT_POLICY = "baseline"
_STANDARD_OUTPUT = (None, "-")


@click.command("run")
@click.argument("policy", default=_DEFAULT_POLICY)
@root_option
@click.option(
    "--source",
    type=click.Choice(["auto", "embedded"]),
    default="auto",
    show_default=True,
    help="Where osquery's tables come from: embedded is hardaudit itself, auto the best there is.",
)
@click.option("--format", "formats", multiple=True, metavar="FMT", help="Report format: table (default), json, a plugin's. May repeat.")
@click.option("--output", "outputs", multiple=True, metavar="FILE", help="Where the report goes, - is standard output; one a --format.")
@click.option("--only", multiple=True, metavar="GLOB", help='Run only the checks whose id matches, such as "ssh/*". Repeat for several.')
@timeout_option(300.0, "Seconds before a check is stopped.")
@click.option("--verbose", "-v", is_flag=True, help="Show passes, and every finding and gap, in the table report.")
def command(  # noqa: PLR0913 one parameter an option
    policy: str,
    root: str | None,
    source: str,  # noqa: ARG001 one source so far
    formats: tuple[str, ...],
    outputs: tuple[str, ...],
    only: tuple[str, ...],
    timeout: float,
    verbose: bool,  # noqa: FBT001 click passes flags so
) -> int:
    """Audit this host, or the system below --root, with POLICY and print the report.

    POLICY is the name of a policy (`hardaudit list policies`) or the path of a YAML file; the default is "baseline". Run it as root: what
    it may not read it reports as not decided, never as passed. With --only the gate speaks of these checks alone.

    \b
    Examples:
    hardaudit run
    hardaudit run web-server --format table --format json --output - --output /var/log/hardaudit.json
    hardaudit run --root /mnt/disk --only "accounts/*"

    \b
    Exit status: 0 the gate passed, 1 it failed, 2 usage or policy error, 3 incomplete.
    """
    from hardaudit.audit.registry import Registry
    from hardaudit.audit.run import audit
    from hardaudit.engine.engine import Bounds, Engine
    from hardaudit.model.result import GateState

    registry = Registry()
    destinations = _destinations(formats, outputs, registry.report_formats)
    try:
        chosen = registry.load_policy(policy)
    except HardauditError:
        warn_of_refusals(registry)  # it may name a check that a refused plugin has
        raise
    with target_of(root) as target, Engine(target, registry.tables.values()) as engine, _progress() as progress:
        result = audit(chosen, registry, engine, Bounds(seconds=timeout), only, progress)
    warn_of_refusals(registry)
    _write_reports(destinations, result, verbose=verbose)
    return {GateState.PASSED: EXIT_PASSED, GateState.FAILED: EXIT_FAILED, GateState.INCOMPLETE: EXIT_INCOMPLETE}[result.gate.state]


def _write_reports(destinations: Sequence[tuple[ReportFormat, str | None]], result: Result, *, verbose: bool) -> None:
    """Files first: standard output may fail, as a closed pipe."""
    from hardaudit.model.report_format import RenderOptions

    width = shutil.get_terminal_size((120, 24)).columns
    for report_format, destination in sorted(destinations, key=lambda pair: pair[1] in _STANDARD_OUTPUT):
        on_terminal = destination in _STANDARD_OUTPUT and sys.stdout.isatty()
        write_report(_rendered(report_format, result, RenderOptions(verbose, on_terminal, width)), destination)


def _rendered(report_format: ReportFormat, result: Result, options: RenderOptions) -> str:
    """The report's text. Raises PluginError for what a plugin's format raises."""
    try:
        return report_format.render(result, options)
    except (Exception, SystemExit) as error:
        if report_format.name in BUILT_IN:
            raise
        raise PluginError(f"--format {report_format.name}: {type(error).__name__}: {error}") from error


def _destinations(
    formats: Sequence[str], outputs: Sequence[str], known: Mapping[str, ReportFormat]
) -> list[tuple[ReportFormat, str | None]]:
    """Each format with its place; checked before the audit, so that a slip of the pen does not cost one."""
    names = list(formats) or ["table"]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"--format {unknown[0]}: there is no such format; there are {', '.join(known)}")
    if len(outputs) > len(names):
        raise UsageError(f"{len(outputs)} --output but {len(names)} --format: give each --output its --format")
    for output in outputs:
        check_destination(output)
    repeated = [output for output, count in Counter(outputs).items() if count > 1]
    if repeated:
        raise UsageError(f"several reports to {repeated[0]}: give each --format its own --output")
    places: list[str | None] = [*outputs, *[None] * (len(names) - len(outputs))]
    if sum(place in _STANDARD_OUTPUT for place in places) > 1:
        raise UsageError("several reports to standard output: give each --format an --output, one of which may be -")
    return [(known[name], place) for name, place in zip(names, places, strict=True)]


@contextlib.contextmanager
def _progress() -> Iterator[Progress | None]:
    """A progress bar on stderr when that is a terminal; nothing otherwise."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=None)

    def show(number: int, total: int, name: str) -> None:
        bar.start()  # with the first check, so that an error before it stands alone
        bar.update(task, total=total, completed=number, description=name)

    try:
        yield show
    finally:
        bar.stop()
