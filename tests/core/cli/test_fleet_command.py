"""`hardaudit fleet score` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

CHECKS = ("accounts/second_uid_zero", "accounts/duplicate_user_ids")
POLICY = "name: site\nchecks:\n  accounts/second_uid_zero: {}\n  accounts/duplicate_user_ids: {}\n"


def score(*arguments, **options):
    command = [sys.executable, "-m", "hardaudit", "fleet", "score", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def snapshot(host, check, *rows, ago=60):
    at = int(time.time()) - ago
    return json.dumps({"snapshot": rows, "action": "snapshot", "name": f"pack_x_{check}", "hostIdentifier": host, "unixTime": at}) + "\n"


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def logs(tmp_path):
    """Of one host that passes and one that fails."""
    folder = tmp_path / "logs"
    folder.mkdir()
    row = {"subject": "toor", "username": "toor", "uid": "0"}
    lines = [snapshot("good", check) for check in CHECKS] + [snapshot("bad", CHECKS[0], row), snapshot("bad", CHECKS[1])]
    (folder / "osqueryd.snapshots.log").write_text("".join(lines))
    return folder


def test_a_fleet_with_a_failure_has_status_1(policy, logs):
    done = score("--policy", policy, logs)
    assert (done.returncode, done.stderr) == (1, "")
    assert "Gate    FAILED: 1 host failed" in done.stdout


def test_a_fleet_that_passed_has_status_0(policy, logs, tmp_path):
    log = tmp_path / "good.log"
    log.write_text("".join(snapshot("good", check) for check in CHECKS))
    done = score("--policy", policy, log)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_host_that_is_not_heard_from_has_status_3(policy, tmp_path):
    log, hosts = tmp_path / "good.log", tmp_path / "hosts.txt"
    log.write_text("".join(snapshot("good", check) for check in CHECKS))
    hosts.write_text("# ours\ngood\n\ngone\n")
    done = score("--policy", policy, "--hosts", hosts, log)
    assert done.returncode == 3
    assert "Gate    INCOMPLETE: 1 host not heard from" in done.stdout


def test_stale_results_have_status_3_and_count_as_of_their_time(policy, tmp_path):
    log = tmp_path / "old.log"
    log.write_text("".join(snapshot("good", check, ago=86400) for check in CHECKS))
    assert score("--policy", policy, log).returncode == 3
    assert score("--policy", policy, log, "--interval", "86400").returncode == 0
    assert score("--policy", policy, log, "--as-of", int(time.time()) - 80000).returncode == 0


def test_reports_of_several_formats_go_where_they_are_wanted(policy, logs, tmp_path):
    page = tmp_path / "fleet.html"
    done = score("--policy", policy, logs, "--format", "html", "--output", page, "--format", "json", "--output", "-")
    assert json.loads(done.stdout)["gates"] == {"passed": 1, "failed": 1, "incomplete": 0}
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert page.stat().st_mode & 0o777 == 0o600


def test_a_host_is_reported_in_full(policy, logs):
    done = score("--policy", policy, logs, "--host", "bad")
    assert done.returncode == 1
    assert "toor" in done.stdout
    assert "Fix:" in done.stdout
    assert score("--policy", policy, logs, "--host", "good").returncode == 0
    done = score("--policy", policy, logs, "--host", "bad", "--host", "good", "--format", "json")
    first, end = json.JSONDecoder().raw_decode(done.stdout)
    assert (first["target"]["hostname"], json.loads(done.stdout[end:])["target"]["hostname"]) == ("bad", "good")


def test_lost_lines_are_said_on_standard_error(policy, logs, tmp_path):
    (logs / "torn.log").write_text('{"snapshot":[{"subj\n')
    done = score("--policy", policy, logs, "--format", "json", "--output", tmp_path / "fleet.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "hardaudit: 1 line of 1 file cannot be used; of 1 of them the host cannot be told\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'RESULTS…'"),
        (["LOGS"], "Missing option '--policy'"),
        (["LOGS", "--policy", "no-such"], "no-such"),
        (["--policy", "POLICY", "/no/such"], "/no/such: there is no such file or directory"),
        (["--policy", "POLICY", "LOGS", "--as-of", "yesterday"], "write 2026-11-27T03:00:00Z or Unix seconds"),
        (["--policy", "POLICY", "LOGS", "--as-of", "99999-01-01"], "is no time"),
        (["--policy", "POLICY", "LOGS", "--stale-after", "0"], "--stale-after"),
        (["--policy", "POLICY", "LOGS", "--stale-after", "nan"], "--stale-after"),
        (["--policy", "POLICY", "LOGS", "--interval", "0"], "--interval"),
        (["--policy", "POLICY", "LOGS", "--hosts", "/no/such"], "--hosts /no/such: No such file or directory"),
        (["--policy", "POLICY", "LOGS", "--hosts", "/dev/null"], "names no host"),
        (["--policy", "POLICY", "LOGS", "--format", "pdf"], "there is no such format; there are table, json, html"),
        (["--policy", "POLICY", "LOGS", "--host", "good", "--format", "html"], "there is no such format; there are table, json"),
        (["--policy", "POLICY", "LOGS", "--host", "goo"], "--host goo: the logs say nothing of it; there is good"),
        (["--policy", "POLICY", "LOGS", "--output", "/no/such/file"], "there is no directory"),
    ],
)
def test_a_mistake_is_one_line_with_status_2(policy, logs, arguments, said):
    done = score(*[{"POLICY": policy, "LOGS": logs}.get(argument, argument) for argument in arguments])
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_says_how(policy):
    done = score("--help")
    assert done.returncode == 0
    for word in ("--stale-after", "--as-of", "hardaudit export osquery-pack", "never passed", "Exit status"):
        assert word in done.stdout
