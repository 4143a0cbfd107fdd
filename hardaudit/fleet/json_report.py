"""The fleet's JSON report; its schema is fleet.schema.json beside this file, its keys keep their meaning within a schema version."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from hardaudit.fleet.fleet_result import SCHEMA_VERSION
from hardaudit.model.result import State
from hardaudit.report.json_report import rounded, waiver_notice

if TYPE_CHECKING:
    from hardaudit.fleet.fleet_result import CheckSummary, FleetResult, HostSummary, ReadingSummary
    from hardaudit.fleet.reading import FileReading
    from hardaudit.model.report_format import RenderOptions

_PROBLEMS_LISTED = 1000
_IGNORED_LISTED = 1000


def render(result: FleetResult, _options: RenderOptions) -> str:
    """The result as one JSON object in ASCII, every host in it, a host a line."""
    head = json.dumps(_fleet(result), ensure_ascii=True, allow_nan=False, indent=2)
    hosts = ",\n".join(f"    {json.dumps(_host(host), ensure_ascii=True, allow_nan=False)}" for host in result.hosts)
    return f'{head.removesuffix("}").rstrip()},\n  "hosts": [\n{hosts}\n  ]\n}}\n'


def _fleet(result: FleetResult) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "hardaudit", "version": result.version},
        "policy": {
            "name": result.policy.name,
            "origin": result.policy.origin,
            "digest": result.policy.digest,
            "disabled": dict(result.policy.disabled),
            "waivers": [waiver_notice(notice) for notice in result.waivers],
        },
        "as_of": result.as_of.isoformat(timespec="seconds"),
        "interval_s": result.interval,
        "stale_after": result.stale_after,
        "gate": result.gate.state.value,
        "gate_reasons": list(result.gate.reasons),
        "gates": {state.value: count for state, count in result.gates.items()},
        "mean_score": rounded(result.mean_score),
        "mean_coverage": rounded(result.mean_coverage),
        "not_heard": [host.identifier for host in result.not_heard],
        "reading": _reading(result.reading),
        "checks": [_check(check) for check in result.checks],
    }


def _host(host: HostSummary) -> dict[str, Any]:
    return {
        "identifier": host.identifier,
        "gate": host.gate.state.value,
        "gate_reasons": list(host.gate.reasons),
        "score": rounded(host.score.score),
        "score_with_waivers": rounded(host.score.with_waivers),
        "coverage": rounded(host.score.coverage),
        "counts": {state.value: host.count(state) for state in State},
        "last_heard": None if host.heard is None else datetime.fromtimestamp(host.heard, timezone.utc).isoformat(timespec="seconds"),
        "heard": host.is_heard,
        "expected": host.expected,
        "failed": list(host.failed),
        "undecided": dict(host.undecided),
    }


def _check(check: CheckSummary) -> dict[str, Any]:
    return {
        "id": check.id,
        "title": check.title,
        "severity": check.severity.value,
        "counts": {state.value: check.counts[state] for state in State},
        "waived": check.waived,
        "coverage": rounded(check.coverage),
    }


def _reading(reading: ReadingSummary) -> dict[str, Any]:
    return {
        "files": reading.files,
        "lines": reading.lines,
        "results": reading.results,
        "other_queries": reading.other,
        "unusable": sum(file.unusable for file in reading.problems),
        "future": reading.future,
        "future_hosts": list(reading.future_hosts),
        "other_policies": dict(reading.other_policies),
        "beyond_host_limit": reading.refused,
        "shortened": reading.shortened,
        "ignored_hosts": list(reading.ignored_hosts[:_IGNORED_LISTED]),
        "ignored_hosts_count": len(reading.ignored_hosts),
        "problems": [_problem(file) for file in reading.problems[:_PROBLEMS_LISTED]],
        "problems_count": len(reading.problems),
    }


def _problem(file: FileReading) -> dict[str, Any]:
    return {
        "path": file.path,
        "lines": file.lines,
        "cut": file.cut,
        "malformed": file.malformed,
        "too_long": file.too_long,
        "unattributed": file.unattributed,
        "error": file.error,
        "follows_gap": file.follows_gap,
    }
