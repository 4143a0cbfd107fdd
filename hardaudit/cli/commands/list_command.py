"""`hardaudit list`: what there is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from hardaudit.cli.options import format_option
from hardaudit.report.escape import printable

if TYPE_CHECKING:
    from hardaudit.audit.registry import Registry

Listing = Callable[["Registry"], list[dict[str, Any]]]


def _checks(registry: Registry) -> list[dict[str, Any]]:
    return [{"id": check.id, "severity": check.severity.value, "title": check.title} for check in registry.checks.values()]


def _tables(registry: Registry) -> list[dict[str, Any]]:
    return [
        {
            "name": spec.name,
            "origin": "osquery" if spec.osquery else "hardaudit",
            "target": "live" if spec.live_only else "any",
            "description": spec.description,
        }
        for spec in (table.spec for table in registry.tables.values())
    ]


def _policies(registry: Registry) -> list[dict[str, Any]]:
    loaded = {name: registry.load_policy(name) for name in registry.policies}
    return [
        {"name": name, "checks": sum(selection.enabled for selection in policy.checks.values()), "description": policy.description}
        for name, policy in loaded.items()
    ]


def _plugins(registry: Registry) -> list[dict[str, Any]]:
    registry.collect_all()
    used = [
        {
            "name": plugin.name,
            "state": "in use",
            "distribution": f"{plugin.distribution} {plugin.version}",
            "origin": plugin.origin,
            "digest": plugin.digest,
        }
        for plugin in registry.manager.plugins
    ]
    refused = [
        {"name": refusal.name, "state": f"refused: {refusal.reason}", "distribution": "", "origin": "", "digest": ""}
        for refusal in registry.manager.refusals
    ]
    return used + refused


def _formats(registry: Registry) -> list[dict[str, Any]]:
    return [{"name": name, "description": known.description} for name, known in registry.report_formats.items()]


_LISTINGS: dict[str, Listing] = {"checks": _checks, "tables": _tables, "policies": _policies, "plugins": _plugins, "formats": _formats}


@click.command("list")
@click.argument("what", type=click.Choice(list(_LISTINGS)))
@format_option(["table", "json"], "How the list is printed.")
def command(what: str, form: str) -> None:
    """List what this installation has: checks, tables, policies, plugins (with origin, version and digest) or report formats."""
    from hardaudit.audit.registry import Registry

    rows = _LISTINGS[what](Registry())
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    shown = [{key: printable(str(value))[: 16 if key == "digest" else None] for key, value in row.items()} for row in rows]
    width = shutil.get_terminal_size((160, 24)).columns
    fixed = sum(max(len(row[key]) for row in shown) + 2 for key in list(shown[0])[:-1])
    widths = [*[None] * (len(shown[0]) - 1), max(30, width - fixed)]
    click.echo(tabulate(shown, headers="keys", tablefmt="plain", disable_numparse=True, maxcolwidths=widths))
