"""Results logs as osqueryd writes them, and a small policy to score them by."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from types import SimpleNamespace

from hardaudit.fleet.score import FleetLogs, Question
from hardaudit.model.check import Check, Severity
from hardaudit.model.policy import Gate, Policy, Selection

NOW = 1_800_000_000  # 2027-01-15 08:00:00 UTC
HOUR = 3600
UPLOADS, TLS, ROOT = "web/uploads", "web/tls", "ssh/root"  # TLS has a condition


def make_check(name, severity, applies=None, finding="{subject} is wrong"):
    return Check(name, f"The title of {name}", severity, "Because.", {}, applies, {}, "SELECT …", finding, "Mend it.", (), "", "0" * 64)


CHECKS = {
    UPLOADS: make_check(UPLOADS, Severity.CRITICAL),
    TLS: make_check(TLS, Severity.HIGH, "SELECT 1"),
    ROOT: make_check(ROOT, Severity.MEDIUM, finding="{subject} allows {what}"),
}
REGISTRY = SimpleNamespace(checks=CHECKS, manager=SimpleNamespace(plugins=(), refusals=()))


def make_policy(*names, **keys):
    selected = {name: Selection(CHECKS[name].severity, {}) for name in names or CHECKS}
    return Policy("site", "", "/etc/site.yaml", selected, "0" * 64, keys.pop("gate", Gate()), **keys)


def line(host, name, at, **what):
    head = {"name": f"pack_hardaudit_{name}", "hostIdentifier": host, "calendarTime": "", "unixTime": at, "epoch": 0, "counter": 0}
    return json.dumps({**head, "numerics": False, "decorations": {}, **what})


def snapshot(host, name, at, *rows, **what):
    return line(host, name, at, snapshot=list(rows), action="snapshot", **what)


def event(host, name, at, action, row, **what):
    return line(host, name, at, columns=row, action=action, **what)


def batch(host, name, at, added=(), removed=(), **what):
    return line(host, name, at, diffResults={"removed": list(removed), "added": list(added)}, **what)


def gap(reason="timeout", table="web_files", detail="it took too long"):
    return {"subject": "", "hardaudit_gap": json.dumps({"table": table, "reason": reason, "detail": detail})}


def read(place, *lines, policy=None, files=None, as_of=NOW, clock=None, monkeypatch=None, **question):
    """The logs of `lines`, or of `files` with their content by path below `place`, as of NOW."""
    place.mkdir(exist_ok=True)
    for name, content in (files or {"osqueryd.results.log": "".join(f"{text}\n" for text in lines)}).items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return FleetLogs([str(place)], policy or make_policy(), REGISTRY, Question(as_of=as_of, **question))


def verdict(logs, host, name):
    """State and reason of a check on a host."""
    result = result_of(logs, host, name)
    return result.state.value, result.reason


def state(logs, host="a", name=UPLOADS):
    return result_of(logs, host, name).state.value


def result_of(logs, host="a", name=UPLOADS):
    return next(check for check in logs.host_result(host).checks if check.id == name)


def subjects(logs, host="a", name=UPLOADS):
    return [finding.subject for finding in result_of(logs, host, name).findings]


def day(text):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).date()
