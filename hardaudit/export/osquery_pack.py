"""A policy as osquery's configuration: packs of scheduled queries (osquery.readthedocs.io, "Query Packs")."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from hardaudit.export.queries import applies_sql, findings_sql
from hardaudit.osquery.exported import APPLIES, PACK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit.export.queries import CheckSql, PolicySql
    from hardaudit.model.policy import Policy

_NEEDS = "needs hardaudit's osquery extension"


def statements(check: CheckSql) -> list[str]:
    """The statements that a pack has of a check."""
    discovery = [check.applies.sql, applies_sql(check.check.id, check.applies)] if check.applies else []
    return [findings_sql(check), *discovery]


def render_pack(policy: Policy, exported: PolicySql, interval: int, version: str) -> str:
    """The configuration as JSON. `interval`: seconds between two runs; `version`: the oldest osquery that runs the packs.

    Checks with the same `applies` are a pack with that query as discovery; the others, and what tells whether a check applies, are in one
    pack without. osquery takes packs inside the configuration, so that one file is enough, and looks at no key that it does not know:
    `hardaudit` says where the file comes from.
    """
    name = f"{PACK}{policy.name}"
    packs: dict[str, Any] = {}
    for check in exported.checks:
        pack = packs.setdefault(_pack_name(name, check), _pack(version, [check.applies.sql] if check.applies else []))
        pack["queries"][check.check.id] = _query(findings_sql(check), interval, _description(check), check.severity.value)
    telling = {
        f"{check.check.id}{APPLIES}": _query(applies_sql(check.check.id, check.applies), interval, *_about_applying(check))
        for check in exported.checks
        if check.applies is not None
    }
    if telling:
        packs.setdefault(name, _pack(version, []))["queries"].update(telling)
    content = {"hardaudit": {"policy": policy.name, "policy_digest": policy.digest}, "packs": dict(sorted(packs.items()))}
    return json.dumps(content, indent=1) + "\n"


def _pack_name(name: str, check: CheckSql) -> str:
    """The names stay when checks come and go: they tell the applicability query, not a number."""
    return name if check.applies is None else f"{name}-{hashlib.sha256(check.applies.sql.encode()).hexdigest()[:8]}"


def _pack(version: str, discovery: Iterable[str]) -> dict[str, Any]:
    pack: dict[str, Any] = {"platform": "linux", "version": version}
    if queries := list(discovery):
        pack["discovery"] = queries
    return {**pack, "queries": {}}


def _query(sql: str, interval: int, description: str, value: str) -> dict[str, Any]:
    return {"query": sql, "interval": interval, "snapshot": True, "description": description, "value": value}


def _description(check: CheckSql) -> str:
    return f"{check.check.title} ({_NEEDS})" if check.extension else check.check.title


def _about_applying(check: CheckSql) -> tuple[str, str]:
    needs = check.applies is not None and check.applies.reading.extension
    return f"Whether {check.check.id} applies to the host{f' ({_NEEDS})' if needs else ''}", check.severity.value
