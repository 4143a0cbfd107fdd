"""`hardaudit run`: the audit."""

from __future__ import annotations

import click

from hardaudit.cli.destinations import format_and_output, pair, rendered, write_reports
from hardaudit.cli.main import EXIT_FAILED, EXIT_INCOMPLETE, EXIT_PASSED
from hardaudit.cli.options import root_option, target_of, timeout_option, warn_of_refusals
from hardaudit.cli.progress import progress_bar
from hardaudit.cli.source_options import opened_source, source_options
from hardaudit.errors import HardauditError

_DEFAULT_POLICY = "baseline"


@click.command("run")
@click.argument("policy", default=_DEFAULT_POLICY)
@root_option
@source_options
@format_and_output("table (default), json, a plugin's")
@click.option("--only", multiple=True, metavar="GLOB", help='Run only the checks whose id matches, such as "ssh/*". Repeat for several.')
@timeout_option(300.0, "Seconds before a check is stopped.")
@click.option("--verbose", "-v", is_flag=True, help="Show passes, and every finding and gap, in the table report.")
def command(  # noqa: PLR0913 one parameter an option
    policy: str,
    root: str | None,
    source: str,
    osquery_socket: str | None,
    osquery_binary: str | None,
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
    destinations = pair(formats, outputs, registry.report_formats)
    try:
        chosen = registry.load_policy(policy)
    except HardauditError:
        warn_of_refusals(registry)  # it may name a check that a refused plugin has
        raise
    with (
        target_of(root) as target,
        opened_source(registry, root, source, osquery_socket, osquery_binary) as opened,
        Engine(target, opened.tables) as engine,
        progress_bar() as progress,
    ):
        result = audit(chosen, registry, engine, Bounds(seconds=timeout), only, progress, (opened.name, opened.detail))
    warn_of_refusals(registry)
    write_reports(destinations, lambda report_format, options: rendered(report_format, result, options), verbose=verbose)
    return {GateState.PASSED: EXIT_PASSED, GateState.FAILED: EXIT_FAILED, GateState.INCOMPLETE: EXIT_INCOMPLETE}[result.gate.state]
