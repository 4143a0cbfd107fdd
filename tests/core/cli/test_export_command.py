"""`hardaudit export` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources

import pytest
import yaml

POLICY = """
name: shop
checks:
  accounts/second_uid_zero: {severity: critical}
  ssh/root_login: {}
  persistence/web_user_cron: {}
  network/exposed_services: {params: {allow: [{port: 443, protocol: tcp, process: "it's"}]}}
waivers:
  - {check: accounts/second_uid_zero, subject: toor, reason: "it's agreed", owner: ops, expires: "2999-01-01"}
  - {check: accounts/second_uid_zero, subject_glob: "/*/?/**", reason: cannot be said, owner: ops, expires: "2999-01-01"}
"""


def hardaudit(*arguments):
    return subprocess.run([sys.executable, "-m", "hardaudit", *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def schema(tmp_path):
    """osquery's schema without a table that one check reads."""
    known = json.loads(resources.files("hardaudit.osquery").joinpath("schema-5.23.json").read_text())
    del known["tables"]["crontab"]
    path = tmp_path / "5.23.0.json"
    path.write_text(json.dumps(known))
    return path


def test_a_pack_and_what_it_has_not(policy, schema):
    arguments = ("export", "osquery-pack", policy, "--interval", "600", "--schema", schema)
    done = hardaudit(*arguments)
    assert done.returncode == 3
    told = done.stderr.splitlines()
    assert told[0].startswith("hardaudit: accounts/second_uid_zero: a waiver is left out, what it covers counts as a finding: ")
    assert told[1] == "hardaudit: persistence/web_user_cron is left out: osquery 5.23 has no table crontab"
    assert told[2:] == ["hardaudit: 1 of 3 checks need hardaudit's osquery extension on the host: see `hardaudit osquery-extension`"]
    packs = json.loads(done.stdout)["packs"]
    queries = {name: query for pack in packs.values() for name, query in pack["queries"].items()}
    assert {"accounts/second_uid_zero", "ssh/root_login", "network/exposed_services"} <= queries.keys()
    assert {query["interval"] for query in queries.values()} == {600}
    assert {pack["version"] for pack in packs.values()} == {"5.23"}
    assert queries["accounts/second_uid_zero"]["value"] == "critical"
    assert "'toor'" in queries["accounts/second_uid_zero"]["query"]
    assert '"process": "it\'\'s"' in queries["network/exposed_services"]["query"]
    assert hardaudit(*arguments).stdout == done.stdout


def test_fleets_policies_in_a_file(policy, tmp_path):
    place = tmp_path / "policies.yml"
    done = hardaudit("export", "fleet", policy, "--only", "accounts/second*", "--output", place)
    assert (done.returncode, done.stdout) == (0, "")
    (document,) = yaml.safe_load_all(place.read_text())
    assert (document["kind"], document["spec"]["name"], document["spec"]["critical"]) == (
        "policy",
        "hardaudit accounts/second_uid_zero",
        True,
    )


def test_other_releases(policy, tmp_path):
    columns = [{"name": name, "type": "text"} for name in ("uid", "username", "directory", "shell")]
    schema = tmp_path / "5.2.3.json"
    schema.write_text(json.dumps([{"name": "users", "platforms": ["linux"], "columns": columns}]))
    done = hardaudit("export", "osquery-pack", policy, "--only", "accounts/second*", "--schema", schema)
    assert {pack["version"] for pack in json.loads(done.stdout)["packs"].values()} == {"5.2.3"}
    done = hardaudit("export", "osquery-pack", policy, "--only", "network/*", "--schema", schema)
    assert (done.returncode, json.loads(done.stdout)["packs"]) == (3, {})
    assert "network/exposed_services is left out: osquery 5.2.3 has no table listening_ports" in done.stderr
    unnamed = schema.rename(tmp_path / "schema.json")
    done = hardaudit("export", "osquery-pack", policy, "--only", "accounts/second*", "--schema", unnamed, "--osquery-version", "5.2.0")
    assert {pack["version"] for pack in json.loads(done.stdout)["packs"].values()} == {"5.2.0"}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["osquery-pack"], "Missing argument 'POLICY'"),
        (["osquery-pack", "no-such"], "unknown policy"),
        (["osquery-pack", "baseline", "--interval", "0"], "0 is not in the range"),
        (["osquery-pack", "baseline", "--interval", "604801"], "604801 is not in the range"),
        (["fleet", "baseline", "--only", "nothing/*"], "--only nothing/* matches no check of it"),
        (["fleet", "baseline", "--output", "/no/such/file"], "make it first"),
        (["fleet", "baseline", "--schema", "/no/such/file"], "cannot be read: No such file or directory"),
        (["fleet", "baseline", "--schema", "/etc/passwd"], "it is not JSON"),
        (["fleet", "baseline", "--osquery-version", "5"], "write three numbers, such as 5.23.0"),
        (
            ["fleet", "baseline", "--osquery-version", "5.12.1"],
            "the tables that hardaudit knows are those of 5.23: give --schema the file of 5.12.1",
        ),
        (["fleet", "baseline", "--osquery-version", "5.2"], "are those of 5.23"),
    ],
)
def test_mistakes_are_one_line_with_status_2(arguments, fault):
    done = hardaudit("export", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert fault in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help_teaches():
    assert "osquery-pack" in hardaudit("export", "--help").stdout
    for form in ("osquery-pack", "fleet"):
        assert "Examples:" in hardaudit("export", form, "--help").stdout
