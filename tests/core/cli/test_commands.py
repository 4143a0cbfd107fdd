"""The command line as a user meets it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

POLICY = """
name: small
checks:
  accounts/second_uid_zero: {}
gate: {fail_on: critical, min_coverage: 90}
"""


def hardaudit(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "hardaudit", *map(str, arguments)], capture_output=True, text=True, check=False, **options)


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def healthy(root):
    root.write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
    root.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\n")
    root.write("/etc/os-release", 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\n')
    return root


class TestRun:
    def test_a_healthy_root_passes_with_status_0(self, healthy, policy):
        done = hardaudit("run", policy, "--root", healthy.path)
        assert (done.returncode, done.stderr) == (0, "")
        assert "PASSED" in done.stdout
        assert "\x1b" not in done.stdout

    def test_a_finding_fails_with_status_1_and_shows_subject_and_fix(self, healthy, policy):
        healthy.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nto\x1b[2Jor:x:0:0::/root:/bin/sh\n")
        done = hardaudit("run", policy, "--root", healthy.path)
        assert done.returncode == 1
        assert "\x1b" not in done.stdout
        assert "Fix:" in done.stdout

    def test_missing_evidence_is_incomplete_with_status_3(self, healthy, policy):
        (healthy.directory / "etc/passwd").unlink()
        done = hardaudit("run", policy, "--root", healthy.path)
        assert done.returncode == 3
        assert "missing_source" in done.stdout

    def test_json_has_the_keys_of_the_design(self, healthy, policy):
        done = hardaudit("run", policy, "--root", healthy.path, "--format", "json")
        report = json.loads(done.stdout)
        assert {
            "schema_version",
            "tool",
            "target",
            "policy",
            "source",
            "started",
            "duration_s",
            "gate",
            "score",
            "coverage",
            "counts",
            "checks",
        } <= report.keys()
        (check,) = report["checks"]
        assert {"id", "title", "severity", "state", "reason", "findings", "gaps", "rows", "duration_ms"} <= check.keys()
        assert (report["gate"], report["score"], report["coverage"], check["state"]) == ("passed", 100, 100, "pass")
        assert report["counts"]["pass"] == 1

    def test_a_run_of_some_checks_is_not_taken_for_a_whole_one(self, healthy, policy):
        policy.write_text(POLICY.replace("accounts/second_uid_zero: {}", "accounts/*: {}"))
        done = hardaudit("run", policy, "--root", healthy.path, "--only", "accounts/second_uid_zero")
        assert "PASSED for 1 of " in done.stdout
        report = json.loads(
            hardaudit("run", policy, "--root", healthy.path, "--only", "accounts/second_uid_zero", "--format", "json").stdout
        )
        assert report["policy"]["only"] == ["accounts/second_uid_zero"]

    def test_two_runs_differ_only_in_times(self, healthy, policy):
        def stable():
            report = json.loads(hardaudit("run", policy, "--root", healthy.path, "--format", "json").stdout)
            del report["started"], report["duration_s"]
            for check in report["checks"]:
                del check["duration_ms"]
            return report

        assert stable() == stable()

    def test_formats_and_outputs_come_in_pairs(self, healthy, policy, tmp_path):
        done = hardaudit(
            "run", policy, "--root", healthy.path, "--format", "json", "--output", tmp_path / "a.json", "--format", "table", "--output", "-"
        )
        assert "Gate" in done.stdout
        assert json.loads((tmp_path / "a.json").read_text())["gate"] == "passed"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--format", "jsno"], "there is no such format; there are table, json"),
            (["--format", "json", "--output", "a", "--output", "b"], "2 --output but 1 --format"),
            (["--format", "json", "--format", "table"], "several reports to standard output"),
            (["--only", "none/*"], "matches no check"),
            (["--root", "/no/such/directory"], "name a directory"),
            (["--output", "/no/such/directory/report"], "make it first"),
            (["--output", "/"], "name a file"),
        ],
    )
    def test_usage_errors_are_one_line_and_status_2(self, healthy, policy, arguments, message):
        done = hardaudit("run", policy, "--root", healthy.path, *arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert len(done.stderr.strip().split("\n")) == 1
        assert done.stdout == ""

    def test_bad_policies_are_named_with_line_and_column_and_nothing_is_run(self, tmp_path):
        (tmp_path / "bad.yaml").write_text(
            "name: bad\nchecks:\n  accounts/second_uid_zer: {}\n  accounts/empty_password: {severity: hgih}\n"
        )
        done = hardaudit("run", tmp_path / "bad.yaml")
        first, second = done.stderr.strip().split("\n")
        assert (done.returncode, done.stdout) == (2, "")
        assert "bad.yaml:3:3: " in first
        assert "accounts/second_uid_zero" in first
        assert "bad.yaml:4:40: " in second or "bad.yaml:4:39: " in second
        assert "high" in second

    def test_a_policy_that_others_may_change_is_refused_by_root(self, healthy, policy, require_root):
        policy.chmod(0o666)
        done = hardaudit("run", policy, "--root", healthy.path)
        assert done.returncode == 2
        assert f"{policy}: everyone may write it (mode 0666" in done.stderr

    def test_a_closed_pipe_is_no_traceback(self, healthy, policy):
        command = f"{sys.executable} -m hardaudit run {policy} --root {healthy.path} --verbose | true"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr

    def test_a_full_standard_output_is_an_error_not_a_pass(self, healthy, policy):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "hardaudit", "run", str(policy), "--root", healthy.path],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 2
        assert "cannot write the report to standard output: No space left on device" in done.stderr
        assert "Traceback" not in done.stderr

    def test_waivers_leave_the_state_and_lift_the_gate(self, healthy, tmp_path):
        healthy.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n")
        path = tmp_path / "waived.yaml"
        path.write_text(
            POLICY + "waivers:\n  - {check: accounts/second_uid_zero, subject: toor, reason: BSD habit, owner: ops, expires: 2099-01-01}\n"
        )
        done = hardaudit("run", path, "--root", healthy.path, "--format", "json")
        report = json.loads(done.stdout)
        assert (done.returncode, report["score"], report["score_with_waivers"], report["checks"][0]["state"]) == (0, 0, 100, "fail")
        assert report["checks"][0]["findings"][0]["waiver"]["owner"] == "ops"
        path.write_text(path.read_text().replace("2099", "2020"))
        done = hardaudit("run", path, "--root", healthy.path, "--format", "json")
        assert done.returncode == 1
        assert json.loads(done.stdout)["policy"]["waivers"][0]["status"] == "expired"

    def test_attestations_are_manual_when_out_of_date(self, healthy, tmp_path):
        path = tmp_path / "attested.yaml"
        path.write_text(
            POLICY + "attestations:\n  - {id: restore, title: A restore was practised, done: 2020-01-01, by: ops, valid_days: 30}\n"
        )
        done = hardaudit("run", path, "--root", healthy.path, "--format", "json")
        states = {check["id"]: check["state"] for check in json.loads(done.stdout)["checks"]}
        assert states == {"accounts/second_uid_zero": "pass", "attestation/restore": "manual"}


class TestQuery:
    def test_json_has_native_types_and_nothing_else(self, healthy):
        done = hardaudit("query", "--root", healthy.path, "--format", "json", "SELECT username, uid, NULL AS absent FROM users")
        assert json.loads(done.stdout) == [{"username": "root", "uid": 0, "absent": None}]
        assert done.returncode == 0

    def test_no_rows_is_an_empty_array(self, healthy):
        done = hardaudit("query", "--root", healthy.path, "--format", "json", "SELECT uid FROM users WHERE uid = 5")
        assert json.loads(done.stdout) == []

    def test_gaps_go_to_stderr_and_with_strict_to_the_status(self, root):
        done = hardaudit("query", "--root", root.path, "--format", "json", "SELECT uid FROM users")
        assert (done.returncode, json.loads(done.stdout)) == (0, [])
        assert "missing_source" in done.stderr
        assert hardaudit("query", "--strict", "--root", root.path, "SELECT uid FROM users").returncode == 3

    @pytest.mark.parametrize(
        ("sql", "message"),
        [
            ("SELEC 1", "syntax error"),
            ("SELECT * FROM no_such", "no such table"),
            ("SELECT path FROM file", "file needs WHERE path"),
            ("ATTACH 'x' AS y", "only reads"),
            ("SELECT regex_match('a', '(', 0)", "regex"),
        ],
    )
    def test_bad_sql_is_one_line(self, sql, message):
        done = hardaudit("query", sql, "--format", "json")
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert len(done.stderr.strip().split("\n")) == 1

    def test_columns_without_rows_and_of_one_name(self, healthy):
        assert (
            hardaudit("query", "--root", healthy.path, "--format", "csv", "SELECT uid, gid FROM users WHERE uid = 9").stdout == "uid,gid\n"
        )
        twice = hardaudit("query", "--root", healthy.path, "--format", "json", "SELECT uid, gid AS uid FROM users")
        assert (twice.returncode, twice.stdout) == (2, "")
        assert "two columns are named uid" in twice.stderr

    def test_csv_and_table(self, healthy):
        assert (
            hardaudit("query", "--root", healthy.path, "--format", "csv", "SELECT username, NULL AS n FROM users").stdout
            == "username,n\nroot,\n"
        )
        assert "root" in hardaudit("query", "--root", healthy.path, "SELECT username FROM users").stdout

    def test_a_name_that_is_no_utf8_can_be_put_into_the_next_query(self, root):
        path = os.fsencode(root.path) + b"/srv"
        os.mkdir(path)
        with open(path + b"/bad-\xff", "wb"):
            pass
        first = hardaudit("query", "--root", root.path, "--format", "json", "SELECT path FROM file WHERE directory = '/srv'")
        (row,) = json.loads(first.stdout)
        second = hardaudit("query", "--root", root.path, "--format", "json", f"SELECT path FROM file WHERE path = '{row['path']}'")
        assert json.loads(second.stdout) == [row]


class TestOthers:
    @pytest.mark.parametrize("what", ["checks", "tables", "policies", "plugins", "formats"])
    def test_lists(self, what):
        done = hardaudit("list", what, "--format", "json")
        assert done.returncode == 0
        assert json.loads(done.stdout)
        assert hardaudit("list", what).returncode == 0

    @pytest.mark.parametrize("name", ["users", "baseline", "accounts/second_uid_zero"])
    def test_show(self, name):
        done = hardaudit("show", name)
        assert done.returncode == 0
        assert name in done.stdout

    def test_show_a_policys_file(self, policy):
        assert "accounts/second_uid_zero" in hardaudit("show", policy).stdout

    def test_show_suggests(self):
        done = hardaudit("show", "accounts/second_uid_zer")
        assert done.returncode == 2
        assert "did you mean accounts/second_uid_zero?" in done.stderr

    def test_version_and_help(self):
        assert hardaudit("--version").stdout.startswith("hardaudit, version ")
        for command in ("", "run", "query", "list", "show", "check", "policy", "plugin"):
            done = hardaudit(*command.split(), "--help")
            assert done.returncode == 0
            assert "Usage:" in done.stdout

    def test_policy_check(self, policy):
        assert "checks: 1, disabled: 0" in hardaudit("policy", "check", policy).stdout

    def test_check_test_fails_when_an_example_differs(self, tmp_path):
        import hardaudit_plugins

        source = os.path.join(os.path.dirname(hardaudit_plugins.__file__), "accounts/checks/second_uid_zero.yaml")
        with open(source) as file:
            text = file.read()
        (tmp_path / "second_uid_zero.yaml").write_text(text)
        assert hardaudit("check", "test", tmp_path).returncode == 0
        (tmp_path / "second_uid_zero.yaml").write_text(text.replace("state: pass", "state: unknown", 1))
        done = hardaudit("check", "test", tmp_path)
        assert done.returncode == 1
        assert "FAILED: state pass instead of unknown" in done.stdout
