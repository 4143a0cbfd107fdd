"""The JSON report; its schema is report.schema.json beside this file, its keys keep their meaning within a schema version."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from hardaudit.model.report_format import ReportFormat
from hardaudit.model.result import SCHEMA_VERSION

if TYPE_CHECKING:
    from hardaudit.model.gap import Gap
    from hardaudit.model.policy import Waiver
    from hardaudit.model.report_format import RenderOptions
    from hardaudit.model.result import CheckResult, Finding, PluginNotice, Result, WaiverNotice
    from hardaudit.model.table import Value


def render(result: Result, _options: RenderOptions) -> str:
    """The result as one JSON object, checks sorted by id, findings by subject; two runs over the same facts differ only in times.

    It is ASCII, so that it does no harm on a terminal: what is not is escaped as JSON does.
    """
    return json.dumps(_result(result), ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def json_value(value: Value) -> Value:
    """A value of a row as JSON has it: infinity, which no JSON number is, becomes the text "Infinity" or "-Infinity"."""
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _result(result: Result) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "hardaudit", "version": result.version, "plugins": [_plugin(plugin) for plugin in result.plugins]},
        "target": {
            "kind": result.target.kind,
            "root": result.target.root,
            "system": result.target.system,
            "hostname": result.target.hostname,
        },
        "policy": {
            "name": result.policy.name,
            "origin": result.policy.origin,
            "digest": result.policy.digest,
            "only": list(result.policy.only),
            "disabled": dict(result.policy.disabled),
            "waivers": [waiver_notice(notice) for notice in result.waivers],
        },
        "source": result.source,
        "source_detail": result.source_detail,
        "started": result.started.isoformat(timespec="seconds"),
        "duration_s": round(result.duration_s, 3),
        "gate": result.gate.state.value,
        "gate_reasons": list(result.gate.reasons),
        "score": rounded(result.score.score),
        "score_with_waivers": rounded(result.score.with_waivers),
        "coverage": rounded(result.score.coverage),
        "counts": {state.value: count for state, count in result.counts.items()},
        "checks": [_check(check) for check in result.checks],
    }


def rounded(value: float | None) -> float | None:
    """A score or coverage as reports have it."""
    return None if value is None else round(value, 2)


def _check(check: CheckResult) -> dict[str, Any]:
    return {
        "id": check.id,
        "title": check.title,
        "severity": check.severity.value,
        "state": check.state.value,
        "reason": check.reason,
        "findings": [_finding(finding) for finding in check.findings],
        "gaps": [_gap(gap) for gap in check.gaps],
        "rows": check.rows,
        "duration_ms": round(check.duration_ms, 1),
        "rationale": check.rationale,
        "remediation": check.remediation,
        "references": {catalogue: list(entries) for catalogue, entries in check.references.items()},
        "digest": check.digest,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "subject": finding.subject,
        "message": finding.message,
        "evidence": {name: json_value(value) for name, value in finding.evidence.items()},
        "waiver": _waiver(finding.waiver) if finding.waiver else None,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {"table": gap.table, "reason": gap.reason.value, "detail": gap.detail}


def waiver_notice(notice: WaiverNotice) -> dict[str, Any]:
    """A waiver that wants attention, as reports have it."""
    return {**_waiver(notice.waiver), "status": notice.status}


def _waiver(waiver: Waiver) -> dict[str, Any]:
    return {
        "check": waiver.check,
        "subject": waiver.subject,
        "subject_glob": waiver.subject_glob,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
    }


def _plugin(plugin: PluginNotice) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "digest": plugin.digest,
        "refused": plugin.refused,
    }


FORMAT = ReportFormat("json", "Everything, for machines: the schema is versioned, the order fixed.", render)
