"""A policy as Fleet's policies: YAML documents of `kind: policy`, as `fleetctl apply` takes them (fleetdm/fleet, pkg/spec/spec.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hardaudit.export.queries import passes_sql
from hardaudit.model.check import Severity

if TYPE_CHECKING:
    from hardaudit.export.queries import CheckSql, PolicySql
    from hardaudit.model.policy import Policy


def statements(check: CheckSql) -> list[str]:
    """The statement that Fleet has of a check."""
    return [passes_sql(check)]


def render_fleet(policy: Policy, exported: PolicySql) -> str:
    """A document a check. Fleet knows a policy by its name: that is the check's id, which stays when its title changes."""
    documents = [{"apiVersion": "v1", "kind": "policy", "spec": _spec(check)} for check in exported.checks]
    # Behind the first `---`: what is before it Fleet takes for a document.
    notice = f"---\n# hardaudit policy {policy.name}, digest {policy.digest}\n"
    return notice + _yaml(documents).removeprefix("---\n")


def _spec(check: CheckSql) -> dict[str, Any]:
    needs = "\n\nNeeds hardaudit's osquery extension on the host; without it there is no answer." if check.extension else ""
    return {
        "name": f"hardaudit {check.check.id}",
        "query": passes_sql(check),
        "description": f"{check.check.title}.\n\n{check.check.rationale}{needs}",
        "resolution": check.check.remediation,
        "platform": "linux",
        "critical": check.severity is Severity.CRITICAL,
    }


def _yaml(documents: list[dict[str, Any]]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Text of several lines as a block. No line is folded, so that none can begin with the `---` at which Fleet cuts."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return yaml.dump_all(documents, Dumper=Dumper, explicit_start=True, sort_keys=False, width=float("inf"))
