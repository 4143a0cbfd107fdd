"""Choosing the source on the command line, and a whole run through an osquery."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from false_osquery import Canned, Embedded, RawServer, Server, program, real_catalog

from hardaudit.osquery import find, socket_reader

HARDAUDIT = shutil.which("hardaudit", path=os.path.dirname(sys.executable)) or "hardaudit"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root's audits are guarded")


def hardaudit(*arguments, **options):
    return subprocess.run([HARDAUDIT, *arguments], capture_output=True, text=True, timeout=180, check=False, **options)


@pytest.fixture
def osqueryd(tmp_path):
    """The socket of a running osqueryd whose answers are those of the embedded tables."""
    server = Server(str(tmp_path / "osquery.em"), Embedded())
    yield server
    server.close()


def told(process):
    """The one line on standard error."""
    lines = process.stderr.splitlines()
    assert len(lines) == 1, process.stderr
    return lines[0].removeprefix("hardaudit: ")


class TestQuery:
    def test_through_the_socket(self, osqueryd):
        process = hardaudit("query", "--osquery-socket", osqueryd.path, "--format", "json", "SELECT uid, username FROM users WHERE uid = 0")
        assert (process.returncode, json.loads(process.stdout), process.stderr) == (0, [{"uid": 0, "username": "root"}], "")
        assert osqueryd.asked[-1] == "SELECT `uid`, `username` FROM `users` WHERE `uid` = 0"

    def test_our_own_tables_join_with_osquery_s(self, osqueryd):
        sql = "SELECT u.username, p.status FROM users AS u JOIN account_passwords AS p USING (username) WHERE u.uid = 0"
        through, embedded = hardaudit("query", "--osquery-socket", osqueryd.path, sql), hardaudit("query", "--source", "embedded", sql)
        assert through.stdout == embedded.stdout
        assert "root" in through.stdout

    @pytest.mark.parametrize("name", ["osqueryd", "osqueryi"])
    def test_through_a_program(self, tmp_path, name):
        process = hardaudit(
            "query", "--osquery-binary", program(tmp_path, name), "--format", "csv", "SELECT uid FROM users WHERE username = 'root'"
        )
        assert (process.returncode, process.stdout, process.stderr) == (0, "uid\n0\n", "")

    def test_a_reply_that_breaks_off_is_a_gap(self, tmp_path):
        sent = []

        def pieces():
            sent.append(1)
            yield b"\x80\x01\x00\x02\x00\x00\x00\x05query\x00\x00"

        server = RawServer(str(tmp_path / "osquery.em"), pieces)
        process = hardaudit("query", "--osquery-socket", server.path, "SELECT 1")
        server.close()
        assert process.returncode == 2
        assert "ended while it answered" in told(process)
        assert sent

    def test_an_error_of_osquery_is_a_gap_that_strict_reports(self, tmp_path):
        def failing(sql):
            from false_osquery import FailedError

            raise FailedError("table users: \x1b[31mbroken\n")

        server = Server(str(tmp_path / "osquery.em"), Canned(real_catalog(), {"users": failing}))
        process = hardaudit("query", "--strict", "--format", "json", "--osquery-socket", server.path, "SELECT uid FROM users")
        server.close()
        assert (process.returncode, process.stdout) == (3, "[]\n")
        assert "gap: users: unsupported: osquery: table users: \\x1b[31mbroken\\n" in process.stderr
        assert "\x1b" not in process.stderr


class TestChoice:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--source", "osquery", "--root", "/"], "leave out --root"),
            (["--source", "embedded", "--osquery-binary", "/usr/bin/osqueryi"], "contradicts"),
            (["--osquery-socket", "/a", "--osquery-binary", "/b"], "name one of them"),
            (["--osquery-socket", "/nonexistent/osquery.em"], "is no socket: name the one of a running osqueryd"),
            (["--osquery-socket", "/etc/passwd"], "is no socket"),
            (["--osquery-binary", "/nonexistent/osqueryi"], "is no program: name osqueryd or osqueryi"),
            (["--osquery-binary", "/etc"], "is no program"),
        ],
    )
    def test_what_cannot_be_done_is_one_line(self, arguments, said):
        process = hardaudit("query", *arguments, "SELECT uid FROM users")
        assert (process.returncode, process.stdout) == (2, "")
        assert said in told(process)

    def test_nothing_listens(self, tmp_path):
        server = Server(str(tmp_path / "osquery.em"), list)
        server.close()
        process = hardaudit("query", "--osquery-socket", server.path, "SELECT uid FROM users")
        assert process.returncode == 2
        assert "no osqueryd answers at" in told(process)

    def test_a_program_that_is_no_osquery(self, tmp_path):
        binary = tmp_path / "osqueryd"
        binary.write_text("#!/bin/sh\nexit 0\n")
        binary.chmod(0o755)
        process = hardaudit("query", "--osquery-binary", str(binary), "SELECT uid FROM users")
        assert process.returncode == 2
        assert "ended at once: it says nothing" in told(process)

    @AS_ROOT
    @pytest.mark.parametrize("name", ["osqueryd", "osqueryi"])
    def test_a_program_that_others_may_write_is_refused(self, tmp_path, name):
        binary = program(tmp_path, name)
        os.chmod(binary, 0o777)
        process = hardaudit("query", "--osquery-binary", binary, "SELECT uid FROM users")
        assert process.returncode == 2
        assert "everyone may write it" in told(process)

    @AS_ROOT
    def test_a_program_in_a_directory_of_another_user_is_refused(self, tmp_path):
        place = tmp_path / "theirs"
        place.mkdir()
        binary = program(place, "osqueryi")
        os.chown(place, 65534, 65534)
        process = hardaudit("query", "--osquery-binary", binary, "SELECT uid FROM users")
        assert process.returncode == 2
        assert "user 65534 owns it" in told(process)

    @AS_ROOT
    def test_a_socket_that_others_may_replace_is_refused(self, osqueryd, tmp_path):
        os.chmod(tmp_path, 0o777)
        process = hardaudit("query", "--osquery-socket", osqueryd.path, "SELECT uid FROM users")
        assert process.returncode == 2
        assert "everyone may write it" in told(process)

    @AS_ROOT
    def test_another_user_s_osqueryd_is_refused(self, tmp_path):
        os.chmod(tmp_path, 0o755)
        code = f"import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind({str(tmp_path / 'osquery.em')!r}); os.setuid(65534); s.listen(); print(1, flush=True); sys.stdin.read()"
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        answer = hardaudit("query", "--osquery-socket", str(tmp_path / "osquery.em"), "SELECT uid FROM users")
        process.communicate("")
        assert answer.returncode == 2
        assert "belongs to user 65534" in told(answer)


class TestAuto:
    """What `auto` takes, with places of the test's own."""

    def ways(self, monkeypatch, places="", sockets=()):
        monkeypatch.setattr(find, "PLACES", places)
        monkeypatch.setattr(find, "SOCKETS", sockets)
        return [way() for way in find.candidates(lambda _path: None)]

    def test_nothing_is_installed(self, monkeypatch, tmp_path):
        assert self.ways(monkeypatch, str(tmp_path), (str(tmp_path / "osquery.em"),)) == []

    def test_a_running_osqueryd_comes_first(self, monkeypatch, tmp_path, osqueryd):
        program(tmp_path, "osqueryd")
        program(tmp_path, "osqueryi")
        readers = self.ways(monkeypatch, str(tmp_path), (osqueryd.path,))
        through = [reader.through for reader in readers]
        for reader in readers:
            reader.close()
        assert through == [
            f"the socket {osqueryd.path}",
            f"{tmp_path}/osqueryd, started for this run",
            f"{tmp_path}/osqueryi, started for this run",
        ]

    def test_without_the_bindings_osqueryd_is_its_own_shell(self, monkeypatch, tmp_path):
        monkeypatch.setattr(find, "bindings_installed", lambda: False)
        program(tmp_path, "osqueryd")
        (reader,) = self.ways(monkeypatch, str(tmp_path))
        assert reader.through == f"{tmp_path}/osqueryd, started for this run"
        reader.close()

    def test_without_the_bindings_a_socket_says_what_to_install(self, monkeypatch, osqueryd):
        monkeypatch.setattr(find, "bindings_installed", lambda: False)
        with pytest.raises(Exception, match=r"pip install 'hardaudit\[osquery\]'"):
            find.socket_reader(osqueryd.path, lambda _path: None)
        assert socket_reader.INSTALL.endswith("'hardaudit[osquery]'")

    def test_what_cannot_be_used_is_passed_over_and_said(self, monkeypatch, tmp_path):
        from installed_tables import builtin_tables

        from hardaudit.audit.sources import SourceRequest, open_source

        broken = tmp_path / "osqueryd"
        broken.write_text("#!/bin/sh\necho broken >&2; exit 1\n")
        broken.chmod(0o755)
        monkeypatch.setattr(find, "PLACES", str(tmp_path))
        monkeypatch.setattr(find, "SOCKETS", ())
        tables = {table.spec.name: table for table in builtin_tables()}
        with open_source(SourceRequest(), tables, root=None) as source:
            assert (source.name, set(source.tables)) == ("embedded", set(builtin_tables()))
            assert "broken" in source.passed_over[0]
        with open_source(SourceRequest("embedded"), tables, root=None) as source:
            assert source.passed_over == ()
        with open_source(SourceRequest(), tables, root=str(tmp_path)) as source:
            assert (source.name, source.passed_over) == ("embedded", ())


@AS_ROOT
class TestRun:
    def test_a_run_comes_to_the_same_states(self, tmp_path):
        """Not of checks that walk the host's files, which other tests change meanwhile."""
        binary = program(tmp_path, "osqueryd")
        only = [word for domain in ("accounts", "kernel", "network", "patches", "ssh") for word in ("--only", f"{domain}/*")]
        reports = [
            json.loads(hardaudit("run", *source, *only, "--format", "json").stdout)
            for source in (["--source", "embedded"], ["--osquery-binary", binary])
        ]
        embedded, osquery = ({check["id"]: check["state"] for check in report["checks"]} for report in reports)
        assert osquery == embedded
        assert len(osquery) > 60
        assert [report["source"] for report in reports] == ["embedded", "osquery"]
        assert reports[1]["source_detail"] == f"osquery 5.23.1 through {binary}, started for this run"

    def test_the_report_says_which_osquery(self, osqueryd):
        process = hardaudit("run", "--osquery-socket", osqueryd.path, "--only", "accounts/second_uid_zero")
        assert f"source osquery 5.23.1 through the socket {osqueryd.path}" in " ".join(process.stdout.split())

    def test_an_osqueryd_that_dies_in_the_run_leaves_unknown_checks(self, tmp_path):
        code = (
            "import sys, threading, os\n"
            f"sys.path[:0] = {[os.path.dirname(__file__), os.path.dirname(os.path.dirname(os.path.dirname(__file__)))]!r}\n"
            "import false_osquery\n"
            "answers, asked = false_osquery.Embedded(), []\n"
            "def dying(sql):\n"
            "    asked.append(sql)\n"
            "    if len(asked) > 12: os._exit(1)\n"
            "    return answers(sql)\n"
            f"false_osquery.Server({str(tmp_path / 'osquery.em')!r}, dying)\n"
            "print(1, flush=True)\n"
            "threading.Event().wait()\n"
        )
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        answer = hardaudit("run", "--osquery-socket", str(tmp_path / "osquery.em"), "--format", "json", "--only", "kernel/*")
        process.kill()
        process.wait()
        states = {check["state"] for check in json.loads(answer.stdout)["checks"]}
        lost = [check for check in json.loads(answer.stdout)["checks"] if any("osqueryd at" in gap["detail"] for gap in check["gaps"])]
        assert lost
        assert {check["state"] for check in lost} <= {"unknown", "fail"}
        assert "error" not in states
