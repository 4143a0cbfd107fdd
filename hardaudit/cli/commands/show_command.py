"""`hardaudit show`: one check, table or policy in full."""

from __future__ import annotations

import difflib
import json
import os
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from hardaudit.errors import UsageError
from hardaudit.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.check import Check
    from hardaudit.model.policy import Policy
    from hardaudit.model.table import TableSpec


@click.command("show")
@click.argument("name")
def command(name: str) -> None:
    """Show the check, table or policy NAME, or the policy in the file NAME: what it asks or holds.

    \b
    Examples:
    hardaudit show users
    hardaudit show ssh/root_login
    hardaudit show ./shop.yaml
    """
    from hardaudit.audit.registry import Registry

    registry = Registry()
    if name in registry.tables:
        lines = _table(registry.tables[name].spec)
    elif name in registry.policies:
        lines = _policy(registry.load_policy(name))
    elif name in registry.checks:
        lines = _check(registry.checks[name])
    elif os.path.isfile(name):
        lines = _policy(registry.load_policy(name))
    else:
        known = [*registry.tables, *registry.policies, *registry.checks]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else "`hardaudit list checks`, `list tables` and `list policies` have the names"
        raise UsageError(f"no check, table or policy is named {printable(name)}: {hint}")
    click.echo("\n".join(lines))


def _table(spec: TableSpec) -> Iterator[str]:
    yield f"Table {spec.name} ({'osquery' if spec.osquery else 'hardaudit'}{', live hosts only' if spec.live_only else ''})"
    yield f"\n{spec.description}\nSource: {spec.source}"
    if spec.notes:
        yield spec.notes
    rows = []
    for column in spec.columns:
        flags = [flag for flag in ("required", "index", "additional", "hidden") if getattr(column, flag)]
        rows.append((column.name, column.type.value, ", ".join(flags), column.description))
    yield "\n" + tabulate(rows, headers=("column", "type", "", "meaning"), tablefmt="plain", maxcolwidths=[None, None, None, 80])
    yield "\nExamples:"
    yield from (f"  {example}" for example in spec.examples)


def _check(check: Check) -> Iterator[str]:
    yield f"Check {check.id} ({check.severity.value}): {check.title}\n"
    yield check.rationale.strip()
    if check.references:
        yield "References: " + "; ".join(f"{catalogue} {', '.join(entries)}" for catalogue, entries in check.references.items())
    if check.params:
        yield "\nParameters:"
        for param in check.params.values():
            yield f"  {param.name} ({param.schema.get('type', 'any')}, default {json.dumps(param.default)}): {param.description}"
    if check.applies:
        yield f"\nApplies when this returns a row:\n{_indented(check.applies)}"
    yield f"\nEach row of this is a finding:\n{_indented(check.query)}"
    yield f"\nFix:\n{_indented(check.remediation)}"


def _policy(policy: Policy) -> Iterator[str]:
    yield f"Policy {policy.name} ({policy.origin})\n{policy.description}"
    gate = policy.gate
    yield f"\nGate: fail on {gate.fail_on.value}, score at least {gate.min_score:g}, coverage at least {gate.min_coverage:g} %"
    rows = [
        (name, selection.severity.value if selection.enabled else "disabled", selection.reason or "")
        for name, selection in sorted(policy.checks.items())
    ]
    yield "\n" + tabulate(rows, headers=("check", "severity", "reason"), tablefmt="plain")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().split("\n"))
