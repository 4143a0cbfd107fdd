"""`hardaudit policy`: for those who write policies."""

from __future__ import annotations

import click

from hardaudit.report.escape import printable


@click.group("policy")
def command() -> None:
    """Check policy files."""


@command.command("check")
@click.argument("file")
def check(file: str) -> None:
    """Read the policy FILE with everything it extends, and say what is wrong with it, or what it asks.

    Errors are `file:line:column: what is wrong`, all of them at once; exit status 2.
    """
    from hardaudit.audit.registry import Registry

    policy = Registry().load_policy(file)
    enabled = sum(selection.enabled for selection in policy.checks.values())
    disabled = len(policy.checks) - enabled
    counts = f"checks: {enabled}, disabled: {disabled}, waivers: {len(policy.waivers)}, attestations: {len(policy.attestations)}"
    click.echo(f"{printable(file)}: policy {printable(policy.name)} has no errors; {counts}")
