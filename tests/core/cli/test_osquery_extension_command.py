"""`hardaudit osquery-extension` as an administrator and as osqueryd start it: in a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "extension"))
from fake_osquery import FakeOsquery

COMMAND = (sys.executable, "-m", "hardaudit", "osquery-extension")


def run(*arguments):
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder():
    """A private directory whose path leaves room for a socket's name."""
    path = Path(tempfile.mkdtemp(prefix="ha-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def osquery(folder):
    with FakeOsquery(str(folder / "em")) as made:
        yield made


@pytest.fixture
def start():
    """Start it, and wait for its first line on stderr."""
    running = []

    def start(command):
        running.append(subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1], running[-1].stderr.readline()

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_stopped(osquery, start, folder, number):
    process, line = start((*COMMAND, "--socket", osquery.path))
    assert line.startswith("hardaudit: ")
    assert f" tables are served to the osqueryd at {osquery.path}: account_passwords, " in line
    served = next(iter(osquery.registry.values()))
    assert {"php_execution", "file_tree", "hardaudit_gaps"} <= served.keys()
    assert "users" not in served
    assert len(osquery.query("SELECT u.username FROM users u JOIN file_tree f ON f.root = '/etc/hostname' WHERE u.uid = 0")) == 1
    assert osquery.query("SELECT count(DISTINCT file_name) > 3 AS n FROM php_execution WHERE directory = '/srv'") == [{"n": 1}]
    process.send_signal(number)
    assert process.communicate(timeout=20) == ("", "hardaudit: ended\n")
    assert process.returncode == 0
    assert (osquery.deregistered, os.listdir(folder)) == ([4711], ["em"])


def test_it_is_stopped_while_a_table_is_read(osquery, start):
    """The process ends at once, and not with a crash."""
    process, _ = start((*COMMAND, "--socket", osquery.path))
    reader = subprocess.Popen(
        [sys.executable, "-c", READ_ALL, f"{osquery.path}.4711"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[1],
    )
    time.sleep(1.0)
    started = time.monotonic()
    process.terminate()
    _, told = process.communicate(timeout=20)
    reader.wait(20)
    assert (process.returncode, told) == (0, "hardaudit: ended\n")
    assert time.monotonic() - started < 10


READ_ALL = """
import sys
sys.path.insert(0, "extension")
from fake_osquery import extension_client
with extension_client(sys.argv[1]) as client:
    client.call("table", "file_tree", {"action": "generate", "context":
        '{"constraints": [{"name": "root", "list": [{"op": 2, "expr": "/"}]}, {"name": "size", "list": [{"op": 2, "expr": "-1"}]}]}'})
"""


def test_it_ends_with_osqueryd(osquery, start):
    process, _ = start((*COMMAND, "--socket", osquery.path, "--interval", "1"))
    osquery.stop(shutdown_call=False)
    assert "ended, since no osqueryd answers" in process.communicate(timeout=20)[1]
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "say --socket PATH to serve the osqueryd there, or --write-launcher FILE.ext"),
        (("--socket", "/nowhere/em", "--write-launcher", "x.ext"), "say --socket PATH"),
        (("--socket", "/nowhere/em", "--timeout", "0"), "no osqueryd answers at /nowhere/em: No such file or directory"),
        (("--socket", "/etc/passwd", "--timeout", "0"), "no osqueryd answers at /etc/passwd: Connection refused"),
        (("--socket", "/" + "x" * 200), "the path is too long"),
        (("--socket", "/nowhere/em", "--interval", "0"), "Invalid value for '--interval'"),
        (("--socket", "/nowhere/em", "--timeout", "nan"), "Invalid value for '--timeout'"),
        (("--write-launcher", "/nowhere/hardaudit"), "osqueryd loads only files that end in .ext"),
        (("--write-launcher", "/nowhere/hardaudit.ext"), "/nowhere: No such file or directory"),
        (("--write-launcher", "/tmp/hardaudit.ext"), "/tmp: others may write it"),
    ],
)
def test_mistakes_are_one_line(arguments, told):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_without_the_bindings(monkeypatch):
    from click.testing import CliRunner

    from hardaudit.cli.commands.osquery_extension_command import command
    from hardaudit.errors import UsageError
    from hardaudit.osquery import socket_reader

    monkeypatch.setattr(socket_reader, "bindings_installed", lambda: False)
    with pytest.raises(UsageError, match=r"pip install 'hardaudit\[osquery\]'"):
        CliRunner().invoke(command, ["--socket", "/x"], standalone_mode=False, catch_exceptions=False)


def test_the_launcher_starts_it_as_osqueryd_does(osquery, start, folder):
    launcher = folder / "hard audit.ext"
    status, out, err = run("--write-launcher", launcher)
    assert (status, err) == (0, "")
    assert f"\n{launcher}\n" in out
    assert "\n--extensions_autoload=/etc/osquery/extensions.load\n--extensions_timeout=10\n" in out
    assert "\n--extensions_require=hardaudit\n" in out
    assert launcher.stat().st_mode & 0o7777 == 0o755
    process, line = start((launcher, "--verbose", "--socket", osquery.path, "--timeout", "3", "--interval", "3"))
    assert "tables are served" in line
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert run("--write-launcher", launcher)[0] == 0
    assert sorted(os.listdir(folder)) == ["em", "hard audit.ext"]


@pytest.mark.usefixtures("require_root")
def test_root_writes_no_launcher_where_others_could_change_it(folder):
    os.chown(folder, 65534, 65534)
    status, _, err = run("--write-launcher", folder / "x.ext")
    assert status == 2
    assert "so root does not use it" in err
    assert err.count("\n") == 1
