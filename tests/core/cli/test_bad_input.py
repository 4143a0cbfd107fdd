"""What a user does wrong is one line that says so, and status 2; never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

CHECK = """
id: trial/{name}
title: A title
severity: low
rationale: Because.
references: {{}}
query: |
  {query}
finding: "{{subject}}"
remediation: Mend it.
examples:
  - {{name: a, tables: {{users: [{{username: root, uid: 0}}]}}, state: pass}}
  - {{name: b, tables: {{users: [{{username: root, uid: 0}}]}}, state: fail, subjects: [root]}}
  - {{name: c, gaps: {{users: permission_denied}}, state: unknown}}
"""


def hardaudit(*arguments, **options):
    command = [sys.executable, "-m", "hardaudit", *arguments]
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=120, **options)


def assert_one_line(done, message=""):
    error = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b""), error
    assert error.count("\n") == 1, error
    assert message in error
    assert "Traceback" not in error
    assert "\x1b" not in error


FILES = {
    "binary": bytes(range(256)) * 4,
    "nothing": b"",
    "zeros": b"\0" * 100,
    "list": b"- a\n",
    "text": b"hello",
    "deep": b"[" * 100_000,
    "escape\x1b[31m": b"name: x\n",
    "newline\nx": b"name: x\n",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", [["run"], ["policy", "check"], ["show"]], ids=" ".join)
def test_garbage_as_a_policy(tmp_path, command, name):
    path = tmp_path / f"{name}.yaml"
    path.write_bytes(FILES[name])
    assert_one_line(hardaudit(*command, str(path)))


@pytest.mark.parametrize("name", ["binary", "nothing", "zeros", "list", "text", "deep"])
def test_garbage_as_a_check(tmp_path, name):
    (tmp_path / "x.yaml").write_bytes(FILES[name])
    assert_one_line(hardaudit("check", "test", str(tmp_path)))


@pytest.mark.parametrize("command", [["run"], ["policy", "check"], ["check", "test"]], ids=" ".join)
def test_what_is_no_file(tmp_path, command):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for place in ("pipe.yaml", "folder.yaml", "none.yaml"):
        assert_one_line(hardaudit(*command, str(tmp_path / place)))


@pytest.mark.parametrize(
    ("name", "query", "difference"),
    [
        ("broken", "SELEC 1 AS subject", "state error instead of pass (SQL: near"),
        ("unknown", "SELECT x AS subject FROM nope", "state error instead of pass (SQL: no such table: nope)"),
        ("nosubject", "SELECT username FROM users", "the query returns no column `subject`"),
        ("halves", "SELECT char(55296) AS subject FROM users", "state error instead of pass (SQL: a text is no valid Unicode)"),
        ("blob", "SELECT x'ff' AS subject FROM users", "state fail instead of pass"),
        ("infinite", "SELECT 1e999 AS subject FROM users", "state fail instead of pass, subjects ['inf']"),
    ],
)
def test_a_check_that_cannot_run_differs_from_its_examples(tmp_path, name, query, difference):
    (tmp_path / f"{name}.yaml").write_text(CHECK.format(name=name, query=query))
    done = hardaudit("check", "test", str(tmp_path))
    assert done.returncode == 1
    assert difference in done.stdout.decode()
    assert done.stderr == b""


def test_a_parameter_that_the_check_does_not_declare(tmp_path):
    (tmp_path / "noparam.yaml").write_text(CHECK.format(name="noparam", query="SELECT username AS subject FROM users WHERE uid = :nope"))
    assert_one_line(hardaudit("check", "test", str(tmp_path)), "query names :nope, which params does not declare")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nope"], "No such option"),
        (["nope"], "No such command"),
        (["run", "a", "b"], "unexpected extra argument"),
        (["run", "nope"], "unknown policy 'nope'"),
        (["run", "--timeout", "nan"], "nan is no number"),
        (["run", "--timeout", "x"], "not a valid float"),
        (["run", "--only", ""], "matches no check"),
        (["run", "--only", "["], "matches no check"),
        (["run", "--format", ""], "there is no such format"),
        (["run", "--output", ""], "--output is empty"),
        (["run", "--output", "/"], "is a directory"),
        (["run", "--output", "/no/such/x"], "there is no directory"),
        (["run", "--format", "json", "--output", "/tmp/x", "--format", "table", "--output", "/tmp/x"], "several reports to /tmp/x"),
        (["run", "--root", ""], "name a directory"),
        (["query", "SELECT 1", "--root", b"/no\xff"], "--root /no\\xff: "),
        (["query", ""], "the query is empty"),
        (["query", "SELECT 1; SELECT 2"], "several statements"),
        (["query", "SELECT ?"], "SQL: "),
        (["query", "SELECT :x"], "the parameter :x has no value"),
        (["query", "SELECT CAST(x'ff' AS TEXT)"], "no valid Unicode"),
        (["query", "SELECT path FROM file WHERE path = 5"], "file.path is TEXT and is looked up by 5"),
        (["list", "nope"], "is not one of"),
        (["show", ""], "no check, table or policy"),
        (["plugin", "new", "a", "--into", "/proc"], "cannot write"),
    ],
    ids=str,
)
def test_bad_arguments(arguments, message):
    assert_one_line(hardaudit(*arguments), message)


@pytest.mark.parametrize("group", ["check", "policy", "plugin"])
def test_a_group_without_a_command_shows_its_help(group):
    done = hardaudit(group)
    assert "Commands:\n" in (done.stdout + done.stderr).decode()


def test_bytes_that_are_no_text(root, tmp_path):
    """In the SQL, and in the policy's path, which the report names."""
    done = hardaudit("query", "--root", root.path, "--format", "json", b"SELECT '/bad-\xff' AS path")
    assert json.loads(done.stdout) == [{"path": "/bad-\uefff"}]
    policy = os.fsencode(tmp_path) + b"/bad-\xff.yaml"
    with open(policy, "w") as file:
        file.write("name: bad\nchecks: {accounts/second_uid_zero: {}}\n")
    for form in ("json", "table"):
        done = hardaudit("run", policy, "--root", root.path, "--format", form)
        assert done.stderr == b""
    report = json.loads(hardaudit("run", policy, "--root", root.path, "--format", "json").stdout)
    assert report["policy"]["origin"].endswith("/bad-\uefff.yaml")


def test_infinity_is_json(root):
    done = hardaudit("query", "--root", root.path, "--format", "json", "SELECT 1e999 AS a, -1e999 AS b, 1.5 AS c")
    assert json.loads(done.stdout, parse_constant=lambda _: None) == [{"a": "Infinity", "b": "-Infinity", "c": 1.5}]


def test_a_policy_that_names_a_refused_plugins_check_says_why(tmp_path, require_root):
    folder = tmp_path / "trial_refused"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "__init__.py").chmod(0o666)
    metadata = tmp_path / "refused-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: refused\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[hardaudit]\nrefused = trial_refused\n")
    (tmp_path / "policy.yaml").write_text("name: x\nchecks: {refused/check: {}}\n")
    done = hardaudit("run", str(tmp_path / "policy.yaml"), env={**os.environ, "PYTHONPATH": str(tmp_path)})
    first, second = done.stderr.decode().strip().split("\n")
    assert "plugin refused was refused" in first
    assert "unknown check" in second
    assert done.returncode == 2


def test_a_report_format_that_fails_is_the_plugins_fault(tmp_path, root):
    (tmp_path / "trial_format.py").write_text(
        "from hardaudit.model.report_format import ReportFormat\n"
        "from hardaudit.plugin.hookspecs import hookimpl\n"
        "@hookimpl\n"
        "def hardaudit_report_formats(): return [ReportFormat('odd', 'd', lambda result, options: exit(0))]\n"
    )
    metadata = tmp_path / "format-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: format\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[hardaudit]\nformat = trial_format\n")
    arguments = ("run", "--root", root.path, "--only", "accounts/*", "--format", "odd")
    assert_one_line(hardaudit(*arguments, env={**os.environ, "PYTHONPATH": str(tmp_path)}), "--format odd: SystemExit")
