"""An osqueryd of our own and osqueryi: started, asked, and gone afterwards whatever happens."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from false_osquery import program

from hardaudit.errors import SourceError
from hardaudit.model.gap import GapReason
from hardaudit.osquery.daemon import EphemeralDaemon
from hardaudit.osquery.reader import OsqueryError, ReportedError
from hardaudit.osquery.shell import ShellReader

ROOT = "SELECT `username` FROM `users` WHERE `uid` = 0"


def never():
    return None


def script(place, name, text):
    """A program that is no osquery."""
    file = place / name
    file.write_text(f"#!/bin/sh\n{textwrap.dedent(text)}\n")
    file.chmod(0o755)
    return str(file)


def exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def gone(pid, seconds=5.0):
    deadline = time.monotonic() + seconds
    while exists(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not exists(pid)


class TestDaemon:
    def test_it_answers_and_leaves_nothing_behind(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)
        daemon = EphemeralDaemon(program(tmp_path, "osqueryd"))
        directory = os.path.dirname(daemon.path)
        assert os.stat(directory).st_mode & 0o7777 == 0o700
        assert list(daemon.rows(ROOT, never)) == [{"username": "root"}]
        pid = daemon.process
        assert exists(pid)
        daemon.close()
        daemon.close()
        assert gone(pid)
        assert not os.path.exists(directory)

    def test_its_command_line(self, tmp_path):
        record = tmp_path / "arguments"
        binary = script(tmp_path, "osqueryd", f'printf "%s\\n" "$@" > {record}; env > {record}.env; pwd > {record}.pwd; exit 1')
        with pytest.raises(SourceError, match="ended at once"):
            EphemeralDaemon(binary)
        arguments = record.read_text().split()
        assert {"--ephemeral", "--disable_database", "--disable_watchdog", "--config_path=/dev/null"} <= set(arguments)
        assert (tmp_path / "arguments.pwd").read_text() == "/\n"
        names = {line.partition("=")[0] for line in (tmp_path / "arguments.env").read_text().splitlines()}
        assert names <= {"PATH", "LC_ALL", "HOME", "PWD", "OLDPWD", "SHLVL", "_"}

    def test_one_that_will_not_start_says_why(self, tmp_path):
        binary = script(tmp_path, "osqueryd", 'echo "unknown command line flag ephemeral" >&2; exit 1')
        with pytest.raises(SourceError, match="unknown command line flag ephemeral"):
            EphemeralDaemon(binary)

    def test_one_that_cannot_be_executed(self, tmp_path):
        broken = tmp_path / "osqueryd"
        broken.write_text("\x7fELF nonsense")
        broken.chmod(0o755)
        with pytest.raises(SourceError, match="cannot be started"):
            EphemeralDaemon(str(broken))

    def test_one_that_opens_no_socket_is_stopped(self, tmp_path, monkeypatch):
        monkeypatch.setattr("hardaudit.osquery.daemon._START_SECONDS", 0.5)
        record = tmp_path / "pid"
        binary = script(tmp_path, "osqueryd", f"echo $$ > {record}; trap '' TERM; while :; do sleep 1; done")
        with pytest.raises(SourceError, match="opens no socket"):
            EphemeralDaemon(binary)
        assert gone(int(record.read_text()))

    def test_its_children_end_with_it(self, tmp_path):
        record = tmp_path / "child"
        before = f"import subprocess; open({str(record)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))"
        daemon = EphemeralDaemon(program(tmp_path, "osqueryd", before))
        child = int(record.read_text())
        assert exists(child)
        daemon.close()
        assert gone(child)

    def test_a_log_that_nobody_reads_does_not_stop_it(self, tmp_path):
        before = "sys.stderr.write('W1127 13:00:00.1 1 a.cpp:1] ' + 'x' * 3000 + chr(10)); sys.stderr.flush()"
        noisy = program(
            tmp_path,
            "osqueryd",
            f"import threading, time\ndef noise():\n    while True:\n        {before}\nthreading.Thread(target=noise, daemon=True).start()",
        )
        daemon = EphemeralDaemon(noisy)
        try:
            assert [list(daemon.rows(ROOT, never)) for _ in range(3)] == [[{"username": "root"}]] * 3
            assert 0 < len(daemon.warnings()) < 5000
        finally:
            daemon.close()

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    def test_it_ends_when_hardaudit_is_killed(self, tmp_path, number):
        binary = program(tmp_path, "osqueryd")
        code = f"""
            import signal, time
            from hardaudit.cli import main
            from hardaudit.osquery.daemon import EphemeralDaemon
            main.end_on_sigterm()
            daemon = EphemeralDaemon({binary!r})
            try:
                print(daemon.process, daemon.path, flush=True)
                time.sleep(60)
            finally:
                daemon.close()
        """
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd="/"
        )
        pid, path = process.stdout.readline().split()
        process.send_signal(number)
        process.wait(20)
        assert gone(int(pid))
        directory = os.path.dirname(path)
        if number == signal.SIGKILL:  # against which nobody can tidy up
            shutil.rmtree(directory)
        assert not os.path.exists(directory)


class TestShell:
    def test_rows_and_their_types_as_text(self, tmp_path):
        reader = ShellReader(program(tmp_path, "osqueryi"), is_daemon=False)
        try:
            assert list(reader.rows(ROOT, never)) == [{"username": "root"}]
            assert list(reader.rows("SELECT `uid` FROM `users` WHERE `uid` = 4000000000", never)) == []
        finally:
            reader.close()

    @pytest.mark.parametrize(
        ("name", "text", "reason"),
        [
            ("an error and status 1", 'echo "Error: no such table: x" >&2; exit 1', GapReason.MISSING_SOURCE),
            ("an error and status 0", 'echo "Error: no such column: x" >&2; exit 0', GapReason.MISSING_SOURCE),
            ("an error near a line", 'echo "Error: near line 1: interrupted" >&2; printf "[\\n]\\n"; exit 0', GapReason.TIMEOUT),
            ("nothing at all", "exit 0", GapReason.UNSUPPORTED),
            ("a list without its end", 'printf "[\\n"; exit 0', GapReason.UNSUPPORTED),
            ("a list and a bad status", 'printf "[\\n]\\n"; exit 3', GapReason.UNSUPPORTED),
            ("killed", 'printf "[\\n"; kill -9 $$', GapReason.UNSUPPORTED),
            ("no JSON", 'echo "usage: osqueryi"; exit 0', GapReason.UNSUPPORTED),
            ("a row that is no object", 'printf "[\\n  5\\n]\\n"', GapReason.UNSUPPORTED),
            ("nested without end", "printf '[\\n'; head -c 100000 /dev/zero | tr '\\0' '['; printf '\\n]\\n'", GapReason.UNSUPPORTED),
        ],
    )
    def test_what_is_no_answer_is_an_error_also_with_exit_status_0(self, tmp_path, name, text, reason):
        reader = ShellReader(script(tmp_path, "osqueryi", text), is_daemon=False)
        try:
            with pytest.raises(OsqueryError) as raised:
                list(reader.rows("SELECT 1", never))
        finally:
            reader.close()
        assert raised.value.reason is reason

    def test_a_row_without_end_is_not_kept(self, tmp_path, monkeypatch):
        monkeypatch.setattr("hardaudit.osquery.shell._LINE_LIMIT", 2**20)
        reader = ShellReader(script(tmp_path, "osqueryi", "printf '[\\n'; exec tr '\\0' x < /dev/zero"), is_daemon=False)
        with pytest.raises(OsqueryError) as raised:
            list(reader.rows("SELECT 1", never))
        reader.close()
        assert raised.value.reason is GapReason.TRUNCATED

    def test_one_that_hangs_is_ended_with_the_query(self, tmp_path):
        record = tmp_path / "pid"
        reader = ShellReader(
            script(tmp_path, "osqueryi", f'echo $$ > {record}; printf \'[\\n  {{"a":"1"}},\\n\'; exec sleep 600'), is_daemon=False
        )

        class TooLateError(Exception):
            pass

        deadline = time.monotonic() + 1

        def waiting():
            if time.monotonic() > deadline:
                raise TooLateError

        rows = reader.rows("SELECT 1", waiting)
        assert next(rows) == {"a": "1"}
        with pytest.raises(TooLateError):
            next(rows)
        reader.close()
        assert gone(int(record.read_text()))

    def test_one_program_answers_query_after_query_and_goes_on_after_an_error(self, tmp_path):
        reader = ShellReader(program(tmp_path, "osqueryi"), is_daemon=False)
        with contextlib.closing(reader):
            assert reader.through == f"{tmp_path}/osqueryi, started for this run"
            with pytest.raises(ReportedError, match="no such table"):
                list(reader.rows("SELECT `a` FROM `nosuch`", never))
            (talk,) = reader._idle
            assert list(reader.rows("SELECT ';\n.quit\n' AS text", never)) == [{"text": ";\n.quit\n"}]
            assert list(reader.rows(ROOT, never)) == [{"username": "root"}]
            assert reader._idle == [talk]

    def test_a_query_within_another_has_a_program_of_its_own(self, tmp_path):
        reader = ShellReader(program(tmp_path, "osqueryi"), is_daemon=False)
        with contextlib.closing(reader):
            outer = reader.rows("SELECT `uid` FROM `users` ORDER BY `uid` LIMIT 2", never)
            assert next(outer) == {"uid": "0"}
            assert list(reader.rows(ROOT, never)) == [{"username": "root"}]
            assert list(outer) == [{"uid": "1"}]
            assert len(reader._idle) == 2

    def test_a_query_that_is_not_read_to_its_end_ends_its_program(self, tmp_path):
        reader = ShellReader(program(tmp_path, "osqueryi"), is_daemon=False)
        with contextlib.closing(reader):
            rows = reader.rows("SELECT `uid` FROM `users`", never)
            next(rows)
            rows.close()
            assert reader._idle == []
            assert list(reader.rows(ROOT, never)) == [{"username": "root"}]

    def test_osqueryd_is_told_to_be_the_shell(self, tmp_path):
        record = tmp_path / "arguments"
        reader = ShellReader(script(tmp_path, "osqueryd", f'printf "%s\\n" "$@" > {record}; printf "[\\n]\\n"'), is_daemon=True)
        assert list(reader.rows("SELECT 'a b'", never)) == []
        reader.close()
        arguments = record.read_text().splitlines()
        assert (arguments[:2], arguments[-1]) == (["-S", "--json"], "SELECT 'a b'")

    def test_warnings_are_kept_for_the_table(self, tmp_path):
        warn = "echo 'W1127 13:00:00.1 1 virtual_table.cpp:9] Table x' >&2; printf '[\\n]\\n'"
        reader = ShellReader(script(tmp_path, "osqueryi", warn), is_daemon=False)
        assert list(reader.rows("SELECT 1", never)) == []
        assert reader.warnings() == ["W1127 13:00:00.1 1 virtual_table.cpp:9] Table x"]
        assert reader.warnings() == []
        reader.close()

    def test_a_statement_too_long_for_a_command_line(self, tmp_path):
        reader = ShellReader(script(tmp_path, "osqueryi", "exit 0"), is_daemon=False)
        with pytest.raises(OsqueryError) as raised:
            list(reader.rows("SELECT '" + "x" * 300_000 + "'", never))
        reader.close()
        assert not isinstance(raised.value, ReportedError)
