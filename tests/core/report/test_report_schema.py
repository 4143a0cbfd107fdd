"""The JSON report keeps to the schema that is shipped beside it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from importlib import resources

import jsonschema
import pytest

from hardaudit.model.gap import GapReason
from hardaudit.model.result import SCHEMA_VERSION, State

SCHEMA = json.loads(resources.files("hardaudit.report").joinpath("report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())

CHECK = """
id: {id}
title: A title
severity: high
rationale: Because.
references: {{cwe: [CWE-1]}}
{applies}
query: |
  {query}
finding: "{{subject}}"
remediation: Mend it.
examples:
  - {{name: a, state: pass}}
  - {{name: b, state: fail, subjects: [x]}}
  - {{name: c, state: unknown}}
"""

CHECKS = {
    "pass": "SELECT username AS subject FROM users WHERE uid = 5",
    "fail": "SELECT username AS subject, uid, 1e999 AS much, -1.5 AS real, NULL AS empty, x'ff' AS raw FROM users",
    "waived": "SELECT username AS subject FROM users WHERE username = 'root'",
    "unknown": "SELECT username AS subject FROM shadow",
    "error": "SELECT no_such AS subject FROM users",
    "not_checked": "SELECT name AS subject FROM processes",
    "not_applicable": "SELECT username AS subject FROM users",
}

POLICY = """
name: every-state
checks:
  trial/*: {}
  trial/off: {enabled: false, reason: not here}
waivers:
  - {check: trial/waived, subject: root, reason: it is root, owner: ops, expires: 2099-01-01}
  - {check: trial/pass, subject_glob: '*', reason: never used, owner: ops, expires: 2099-01-01}
  - {check: trial/fail, subject: root, reason: long ago, owner: ops, expires: 2020-01-01}
attestations:
  - {id: drill, title: A drill, done: 2020-01-01, by: ops, valid_days: 10}
  - {id: kept, title: Another, done: TODAY, by: ops, valid_days: 100}
"""

PLUGIN = """
from pathlib import Path
from hardaudit.plugin.hookspecs import hookimpl

@hookimpl
def hardaudit_checks():
    return sorted((Path(__file__).parent / "checks").glob("*.yaml"))
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A real run's report, with a check in every state, waivers, attestations, and a refused plugin."""
    place = tmp_path_factory.mktemp("installed")
    for name, text in {"trial": PLUGIN, "trial_broken": "raise RuntimeError('no')"}.items():
        (place / name).mkdir()
        (place / name / "__init__.py").write_text(text)
    (place / "trial-1.dist-info").mkdir()
    (place / "trial-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: trial\nVersion: 1\n")
    (place / "trial-1.dist-info" / "entry_points.txt").write_text("[hardaudit]\ntrial = trial\ntrial_broken = trial_broken\n")
    (place / "trial" / "checks").mkdir()
    for name, query in {**CHECKS, "off": CHECKS["pass"]}.items():
        applies = "applies: SELECT 1 FROM users WHERE uid = 5" if name == "not_applicable" else ""
        (place / "trial" / "checks" / f"{name}.yaml").write_text(CHECK.format(id=f"trial/{name}", query=query, applies=applies))
    (place / "policy.yaml").write_text(POLICY.replace("TODAY", (datetime.now(timezone.utc) - timedelta(days=2)).date().isoformat()))
    root = place / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\n")
    script = f"import sys; sys.path.append({str(place)!r}); from hardaudit.cli.main import main; main()"
    command = [sys.executable, "-c", script, "run", str(place / "policy.yaml"), "--root", str(root), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION
    assert set(SCHEMA["$defs"]["state"]["enum"]) == {state.value for state in State}
    assert set(SCHEMA["$defs"]["gap"]["properties"]["reason"]["enum"]) == {reason.value for reason in GapReason}


def test_a_real_report_with_every_state_is_valid(report):
    assert all(report["counts"][state.value] for state in State), report["counts"]
    assert {notice["status"] for notice in report["policy"]["waivers"]} == {"unused", "expired"}
    assert [plugin["name"] for plugin in report["tool"]["plugins"] if plugin["refused"]] == ["trial_broken"]
    assert any(finding["waiver"] for check in report["checks"] for finding in check["findings"])
    VALIDATOR.validate(report)


def objects(value, path=()):
    """Every object of a report and where it is."""
    if isinstance(value, dict):
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from objects(inner, (*path, key))


FREE = ("disabled", "evidence", "references")  # whose keys are names


def test_no_key_is_left_out_and_none_is_unknown(report):
    for path, found in objects(report):
        if path and path[-1] in FREE:
            continue
        for key in found:
            changed = copy.deepcopy(report)
            at(changed, path).pop(key)
            assert not VALIDATOR.is_valid(changed), (path, key)
        changed = copy.deepcopy(report)
        at(changed, path)["surprise"] = 1
        assert not VALIDATOR.is_valid(changed), path


def at(value, path):
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("gate",), "maybe"),
        (("score",), 101),
        (("started",), "yesterday"),
        (("checks", 0, "state"), "skipped"),
        (("checks", 0, "severity"), "urgent"),
        (("policy", "digest"), "x"),
        (("counts", "pass"), -1),
    ],
)
def test_what_no_report_can_say_is_invalid(report, path, value):
    changed = copy.deepcopy(report)
    at(changed, path[:-1])[path[-1]] = value
    if path != ("started",) or "date-time" in VALIDATOR.format_checker.checkers:
        assert not VALIDATOR.is_valid(changed)


def test_a_pass_has_neither_findings_nor_gaps(report):
    for check in report["checks"]:
        for state in State:
            changed = copy.deepcopy(report)
            number = report["checks"].index(check)
            changed["checks"][number]["state"] = state.value
            changed["checks"][number]["gaps"] = [{"table": "t", "reason": "timeout", "detail": "x"}]
            if state in (State.PASS, State.NOT_APPLICABLE):
                assert not VALIDATOR.is_valid(changed)
