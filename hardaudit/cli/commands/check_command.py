"""`hardaudit check`: for those who write checks."""

from __future__ import annotations

from pathlib import Path

import click

from hardaudit.cli.main import EXIT_FAILED, EXIT_PASSED
from hardaudit.errors import UsageError
from hardaudit.report.escape import printable


@click.group("check")
def command() -> None:
    """Test checks with the examples in their own files."""


@command.command("test")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
def test(path: Path) -> int:
    """Run the examples of the check in the file PATH, or of every check below the folder PATH.

    An example gives rows of tables and names the state and subjects that the check must come to. Exit status 1 when one differs.
    """
    from hardaudit.audit.examples import run_examples
    from hardaudit.audit.registry import Registry
    from hardaudit.plugin.trust import refuse_unless_trusted
    from hardaudit.policy.check_file import load_check

    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise UsageError(f"{path}: no .yaml file below it")
    tables = Registry().tables
    outcomes = [outcome for file in files for outcome in run_examples(load_check(str(file), refuse_unless_trusted), tables)]
    for outcome in outcomes:
        verdict = "ok" if outcome.difference is None else f"FAILED: {printable(outcome.difference)}"
        click.echo(f"{outcome.check}: {printable(outcome.example)}: {verdict}")
    failed = sum(outcome.difference is not None for outcome in outcomes)
    click.echo(f"{len(files)} checks, {len(outcomes)} examples, {failed} failed")
    return EXIT_FAILED if failed else EXIT_PASSED
