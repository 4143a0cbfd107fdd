"""Standard input, output and error as cron, pipes and terminals have them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

COUNT = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100000) SELECT x FROM c"
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
COMMANDS = [
    ["query", "--format", "json", COUNT],
    ["query", "--format", "csv", COUNT],
    ["query", "--format", "table", COUNT],
    ["list", "tables"],
    ["show", "users"],
    ["run", "--only", "accounts/*"],
    ["--help"],
    ["--version"],
]


def with_root(root, arguments):
    return [*arguments, "--root", root.path] if arguments[0] in ("query", "run") else arguments


def shell(arguments, redirection, **options):
    """Run it by a shell, with what it does to the streams."""
    return subprocess.run(
        ["bash", "-c", f'"$@" {redirection}', "bash", sys.executable, "-m", "hardaudit", *arguments],
        capture_output=True, encoding="utf-8", errors="replace", check=False, **options,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(("redirection", "problem"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")])
def test_output_that_cannot_be_written_is_one_line_and_status_2(root, arguments, redirection, problem):
    done = shell(with_root(root, arguments), redirection)
    assert done.returncode == 2
    assert done.stderr.startswith("hardaudit: cannot write ")
    assert done.stderr.endswith(f"to standard output: {problem}\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", COMMANDS[:2], ids=" ".join)
def test_a_pipe_that_is_closed_is_one_line_and_status_2(root, arguments):
    done = shell(with_root(root, arguments), '| head -1; exit "${PIPESTATUS[0]}"')
    assert done.returncode == 2
    assert done.stderr == "hardaudit: cannot write to standard output: Broken pipe\n"


@pytest.mark.parametrize("redirection", ["<&-", "2>/dev/full", "2>&-", "<&- 2>&-"])
def test_other_streams_change_nothing(root, redirection):
    arguments = ["query", "--strict", "--format", "json", "--root", root.path, "SELECT uid FROM users"]
    done = shell(arguments, redirection)
    assert (done.returncode, json.loads(done.stdout)) == (3, [])


def test_a_file_gets_no_closed_streams_number(root, tmp_path):
    """What is printed by accident would stand in the report."""
    done = shell(
        ["run", "--only", "accounts/*", "--root", root.path, "--format", "json", "--output", str(tmp_path / "report")], "<&- >&- 2>&-"
    )
    assert done.returncode == 1 or done.returncode == 3
    assert json.loads((tmp_path / "report").read_text())["checks"]


def test_files_are_written_even_if_standard_output_fails(root, tmp_path):
    arguments = ["run", "--only", "accounts/*", "--root", root.path, "--format", "table", "--output", "-", "--format", "json", "--output"]
    assert shell([*arguments, str(tmp_path / "report")], ">/dev/full").returncode == 2
    assert json.loads((tmp_path / "report").read_text())["checks"]


@pytest.mark.parametrize("arguments", [["query", "--format", "csv", ENDLESS], ["query", f"SELECT count(*) FROM ({ENDLESS})"]])
def test_an_interrupt_is_one_line_and_status_130(root, arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "hardaudit", *with_root(root, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[1].strip() == "hardaudit: interrupted"
    assert process.returncode == 130


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_any_encoding_of_the_terminal_will_do(root, environment, form):
    root.write("/etc/passwd", "r\u00f6\u6f22\u2026:x:0:0::/root:/bin/sh\n")
    done = shell(["query", "--format", form, "--root", root.path, "SELECT username FROM users"], "", env={**os.environ, **environment})
    assert (done.returncode, done.stderr) == (0, "")
    done = shell(["run", "--only", "accounts/*", "--root", root.path], "", env={**os.environ, **environment})
    assert done.returncode in (1, 3)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("columns", ["", "0", "1", "-5", "20", "x", "100000"])
def test_any_width_of_the_terminal_will_do(root, columns):
    for arguments in (["run", "--only", "accounts/*", "--verbose", "--root", root.path], ["list", "tables"], ["run", "--help"]):
        done = shell(arguments, "", env={**os.environ, "COLUMNS": columns})
        assert done.returncode in (0, 1, 3)
        assert done.stderr == ""
        assert done.stdout


def on_a_terminal(*arguments):
    """What the program writes when its output is a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", "hardaudit", *arguments], stdout=slave, stderr=slave, stdin=slave) as process:
        os.close(slave)
        written = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # EIO: nobody has it open any more
                break
            if not piece:
                break
            written += piece
    os.close(master)
    return process.returncode, written


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_nothing_steers_the_terminal(root, form):
    sql = "SELECT char(27) || ']0;owned' || char(7, 155, 8238) AS \"a\x1b]0;b\x07\""
    status, written = on_a_terminal("query", "--format", form, "--root", root.path, sql)
    assert status == 0
    assert b"\x1b" not in written
    assert b"\x07" not in written
    assert "\x9b".encode() not in written
    assert "\u202e".encode() not in written


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "\x1b]0;owned\x07"],
        ["run", "--root", "\x1b]0;owned\x07"],
        ["run", "--only", "\x1b]0;owned\x07"],
        ["run", "--format", "\x1b]0;owned\x07"],
        ["run", "--output", "/no/\x1b]0;owned\x07"],
        ["run", "\x1b]0;owned\x07.yaml"],
        ["\x1b]0;owned\x07"],
        ["show", "\x1b]0;owned\x07"],
        ["query", "SELECT \x1b]0;owned\x07"],
        ["query", 'SELECT * FROM "\x1b]0;owned\x07"'],
        ["check", "test", "/no/\x1b]0;owned\x07"],
        ["policy", "check", "\x1b]0;owned\x07"],
        ["plugin", "new", "\x1b]0;owned\x07"],
    ],
    ids=repr,
)
def test_no_error_steers_the_terminal(arguments):
    status, written = on_a_terminal(*arguments)
    assert status == 2
    assert written.strip().startswith((b"hardaudit: ", b"\\x1b"))
    assert b"\x1b" not in written
    assert b"\x07" not in written


def test_csv_in_a_file_is_the_hosts_own_text(root):
    sql = "SELECT char(27) AS a, '=1+1' AS b, 'x\"y,\n' AS c UNION ALL SELECT 'a' || char(13) || 'b', '', NULL"
    done = shell(
        ["query", "--format", "csv", "--root", root.path, sql], f"| {sys.executable} -c 'import sys; print(sys.stdin.buffer.read())'"
    )
    assert done.stdout == repr(b'a,b,c\n\x1b,=1+1,"x""y,\n"\n"a\rb","",""\n') + "\n"
