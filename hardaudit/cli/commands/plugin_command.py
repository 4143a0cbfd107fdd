"""`hardaudit plugin`: for those who write plugins."""

from __future__ import annotations

from pathlib import Path

import click

from hardaudit.report.escape import printable


@click.group("plugin")
def command() -> None:
    """Start plugins of your own."""


@command.command("new")
@click.argument("name")
@click.option("--into", type=click.Path(file_okay=False, exists=True, path_type=Path), default=".", help="The folder in which it is made.")
def new(name: str, into: Path) -> None:
    """Write the plugin NAME: an installable package with a table, a check, a policy and tests that pass.

    \b
    hardaudit plugin new acme
    python -m pip install ./hardaudit-acme
    hardaudit list plugins
    """
    from hardaudit.plugin.scaffold import write_plugin

    directory = printable(str(write_plugin(name, into)))
    click.echo(f"Wrote {directory}. Next:")
    click.echo(f"  python -m pip install --editable '{directory}[test]'")
    click.echo(f"  python -m pytest {directory}")
    click.echo("  hardaudit list plugins")
