"""Checks and policies for these tests, made as their files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardaudit.policy.check_file import parse_check
from hardaudit.policy.load import load_policy

CHECK = """\
id: {id}
title: A wanted state
severity: {severity}
rationale: Why it matters.
params: {params}
query: SELECT username AS subject FROM users{where}
finding: "{{subject}} is wrong"
remediation: Mend it.
examples:
  - {{name: good, state: pass}}
  - {{name: bad, tables: {{users: [{{username: eve}}]}}, state: fail, subjects: [eve]}}
  - {{name: unreadable, gaps: {{users: permission_denied}}, state: unknown}}
"""


def check_text(name: str, severity: str = "medium", **params: str) -> str:
    """A check's file; each parameter is its schema as YAML flow."""
    where = " WHERE " + " AND ".join(f":{param} IS NOT NULL" for param in params) if params else ""
    declared = "{" + ", ".join(f"{param}: {schema}" for param, schema in params.items()) + "}"
    return CHECK.format(id=name, severity=severity, params=declared, where=where)


@pytest.fixture(scope="session")
def checks():
    """Checks of two domains, some with parameters of the same name."""
    texts = [
        check_text("ssh/root_login", "high"),
        check_text("ssh/max_tries", "low", limit="{type: integer, minimum: 1, default: 4, description: Tries}"),
        check_text(
            "ssh/ciphers",
            limit="{type: integer, default: 128, description: Bits}",
            allow="{type: array, items: {type: string}, default: [], description: Names}",
        ),
        check_text("web/docroot", "critical"),
        check_text(
            "web/services",
            allow="{type: array, items: {type: object, properties: {port: {type: integer}, protocol: {type: string, enum: [tcp, udp]}}, "
            "required: [port], additionalProperties: false}, default: [], description: Sockets}",
        ),
    ]
    found = {}
    for text in texts:
        name = text.split("\n")[0].removeprefix("id: ")
        found[name] = parse_check(text.encode(), f"{name}.yaml")
    return found


class Policies:
    """Policy files of one directory."""

    def __init__(self, directory: Path, checks) -> None:
        self.directory = directory
        self.checks = checks
        self.available: dict[str, Path] = {}
        self.verified: list[str] = []

    def write(self, name: str, text: str | bytes, *, shipped: bool = False) -> str:
        path = self.directory / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if shipped:
            self.available[path.stem] = path
        return str(path)

    def load(self, name: str = "site"):
        return load_policy(
            name if name in self.available else str(self.directory / f"{name}.yaml"), self.available, self.checks, self.verified.append
        )


@pytest.fixture
def policies(tmp_path, checks):
    """An empty directory for policy files."""
    return Policies(tmp_path, checks)
