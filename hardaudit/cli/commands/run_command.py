"""`hardaudit run`: the audit."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

from hardaudit.cli.main import EXIT_FAILED, EXIT_INCOMPLETE, EXIT_PASSED
from hardaudit.cli.options import root_option, target_of, timeout_option, warn_of_refusals
from hardaudit.errors import UsageError
from hardaudit.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hardaudit.audit.run import Progress
    from hardaudit.model.report_format import ReportFormat

_DEFAULT_POLICY = "baseline"


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
    from hardaudit.model.report_format import RenderOptions
    from hardaudit.model.result import GateState
    from hardaudit.report.write import write_report

    registry = Registry()
    destinations = _destinations(formats, outputs, registry.report_formats)
    chosen = registry.load_policy(policy)
    with target_of(root) as target, Engine(target, registry.tables.values()) as engine, _progress() as progress:
        result = audit(chosen, registry, engine, Bounds(seconds=timeout), only, progress)
    warn_of_refusals(registry)
    for report_format, destination in destinations:
        on_terminal = destination in (None, "-") and sys.stdout.isatty()
        width = shutil.get_terminal_size((120, 24)).columns
        write_report(report_format.render(result, RenderOptions(verbose, on_terminal, width)), destination)
    return {GateState.PASSED: EXIT_PASSED, GateState.FAILED: EXIT_FAILED, GateState.INCOMPLETE: EXIT_INCOMPLETE}[result.gate.state]


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
        _check_place(output)
    places: list[str | None] = [*outputs, *[None] * (len(names) - len(outputs))]
    if sum(place in (None, "-") for place in places) > 1:
        raise UsageError("several reports to standard output: give each --format an --output, one of which may be -")
    return [(known[name], place) for name, place in zip(names, places, strict=True)]


def _check_place(output: str) -> None:
    """Raise UsageError now for what would fail after the audit."""
    folder = os.path.dirname(os.path.abspath(output))
    if os.path.isdir(output):
        raise UsageError(f"--output {printable(output)} is a directory: name a file")
    if not os.path.isdir(folder):
        raise UsageError(f"--output {printable(output)}: there is no directory {printable(folder)}: make it first")


@contextlib.contextmanager
def _progress() -> Iterator[Progress | None]:
    """A progress bar on stderr when that is a terminal; nothing otherwise."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda number, total, name: bar.update(task, total=total, completed=number, description=name)
