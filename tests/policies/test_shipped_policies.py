"""The policies that come with hardaudit, and those of its how-to pages."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest

import hardaudit_policies
from hardaudit.audit.examples import run_examples
from hardaudit.audit.registry import Registry
from hardaudit.model.check import Severity
from hardaudit.model.policy import Gate
from hardaudit.policy.check_file import parse_check
from hardaudit.policy.load import load_policy

SHIPPED = sorted(path.stem for path in Path(hardaudit_policies.__file__).parent.glob("*.yaml"))
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


@lru_cache(maxsize=1)
def registry() -> Registry:
    return Registry()


def blocks(page: str) -> list[str]:
    """The YAML files that a page shows."""
    return re.findall(r"^```yaml\n(.*?)^```$", (HOW_TO / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def allowed(name: str) -> set[tuple]:
    entries = registry().load_policy(name).checks["network/exposed_services"].params["allow"]
    return {(entry["path"], entry["protocol"], entry["port"]) for entry in entries}


def test_they_are_there_and_the_hook_gives_them():
    assert {"baseline", "web-server", "pre-launch"} <= set(SHIPPED)
    assert set(SHIPPED) <= set(registry().policies)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_loads_and_has_the_name_of_its_file(name):
    policy = registry().load_policy(name)
    assert policy.name == name
    assert len(policy.description.split()) >= 5
    assert policy.waivers == ()  # what to accept is the site's business
    assert all(selection.enabled or selection.reason for selection in policy.checks.values())


def test_every_built_in_check_is_in_a_shipped_policy():
    policies = [registry().load_policy(name) for name in SHIPPED]
    selected = {check for policy in policies for check, selection in policy.checks.items() if selection.enabled}
    built_in = {name for name, check in registry().checks.items() if "hardaudit_plugins" in check.origin}
    assert built_in - selected == set()


def test_the_gates():
    assert registry().load_policy("baseline").gate == Gate(Severity.HIGH, 80, 90)
    assert registry().load_policy("web-server").gate == Gate(Severity.HIGH, 90, 95)
    assert registry().load_policy("pre-launch").gate == Gate(Severity.MEDIUM, 95, 100)


def test_a_web_server_is_a_baseline_server_that_offers_the_web():
    baseline, web = registry().load_policy("baseline"), registry().load_policy("web-server")
    assert baseline.checks.keys() <= web.checks.keys()
    assert all(web.checks[name].severity.at_least(selection.severity) for name, selection in baseline.checks.items())
    more = allowed("web-server") - allowed("baseline")
    assert {(protocol, port) for _, protocol, port in more} == {("tcp", 80), ("tcp", 443), ("udp", 443)}
    assert {"/usr/sbin/apache2", "/usr/sbin/nginx"} <= {path for path, _, _ in more}
    assert allowed("baseline") <= allowed("web-server")


def test_before_a_launch_at_least_as_much_is_asked_as_after_it():
    web, launch = registry().load_policy("web-server"), registry().load_policy("pre-launch")
    assert launch.checks.keys() == web.checks.keys()
    assert all(launch.checks[name].enabled == selection.enabled for name, selection in web.checks.items())
    assert all(launch.checks[name].severity.at_least(selection.severity) for name, selection in web.checks.items())
    assert launch.checks["web/php_execution_in_uploads"].severity is Severity.CRITICAL


def test_one_open_upload_directory_is_not_counted_by_two_checks():
    checks = registry().load_policy("web-server").checks
    assert checks["web/world_writable_uploads"].enabled
    assert not checks["filesystem/upload_directories_world_writable"].enabled
    assert registry().load_policy("baseline").checks["filesystem/upload_directories_world_writable"].enabled


def test_the_policies_of_the_how_to_are_policies(tmp_path):
    pages = blocks("write-a-policy.md") + blocks("audit-a-web-server.md")
    assert len(pages) >= 5
    for page in pages:
        name = re.match(r"name: (\S+)", page)
        path = tmp_path / f"{name[1]}.yaml"
        path.write_text(page)
        assert load_policy(str(path), registry().policies, registry().checks).name == name[1]


def test_the_check_of_the_how_to_does_what_its_examples_say():
    (page,) = blocks("write-a-check.md")
    check = parse_check(page.encode(), "checks/backup_account_shell.yaml")
    outcomes = run_examples(check, registry().tables)
    assert len(outcomes) == len(check.examples) == 5
    assert [outcome.difference for outcome in outcomes] == [None] * 5
