"""An osquery that is false, damaged, replaced or out of bounds: a gap or a refusal, never silence, and nothing left behind."""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest
from false_osquery import Canned, FailedError, Server, engine_over, program, real_catalog
from installed_tables import builtin_tables
from test_osquery_programs import gone, never, script
from test_osquery_reply import LIST, read, written
from test_osquery_source import AS_ROOT, hardaudit, told

from hardaudit.audit.sources import SourceRequest, open_source
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.errors import SourceError
from hardaudit.model.gap import GapReason
from hardaudit.osquery import find
from hardaudit.osquery.catalog import read_catalog
from hardaudit.osquery.process import Program
from hardaudit.osquery.reader import OsqueryError
from hardaudit.osquery.reply import Reply
from hardaudit.osquery.shell import ShellReader
from hardaudit.osquery.socket_reader import SocketReader
from hardaudit.target.target import Target

TEXT, NUMBER = ("TEXT", False), ("BIGINT", False)


@pytest.fixture
def place():
    """A directory whose path is short enough for temporary files of a daemon."""
    directory = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))
    yield directory
    shutil.rmtree(directory)


def details(answer):
    return [gap.detail for gap in answer.gaps]


class TestCatalog:
    @pytest.mark.parametrize("name", ['a"b', 'x" TEXT, "evil', "", "a b", "NAME", "a\0b", "ä"])
    def test_a_column_whose_name_is_none_is_left_out(self, ask, name):
        answer, _ = ask("SELECT name FROM things", {"things": [{"name": "a"}]}, {"things": {"name": TEXT, name: TEXT}})
        assert (answer.tuples, answer.gaps) == ((("a",),), ())

    def test_a_column_in_another_case_is_missing(self, serve):
        _, reader = serve({"users": [{"UID": "0", "username": "root"}]}, {"users": {"UID": NUMBER, "username": TEXT}})
        with engine_over(reader) as engine:
            answer = engine.run("SELECT uid FROM users WHERE username = 'root'")
        assert "osquery 5.23.1 has no column uid in this table" in details(answer)

    @pytest.mark.parametrize("name", ["json_each", "json_tree", "sqlite_master", "pragma_table_info", "dbstat"])
    def test_a_table_of_sqlite_s_own_is_not_taken_from_osquery(self, serve, name):
        server, _ = serve({name: [{"value": "false"}]}, {name: {"value": TEXT, "json": ("TEXT", True)}})
        with (
            open_source(SourceRequest(socket=server.path), {}, root=None) as source,
            Target.live_host() as target,
            Engine(target, source.tables) as engine,
        ):
            assert name not in engine.tables
            assert engine.run("SELECT value FROM json_each('[7]')").tuples == ((7,),)

    def test_a_great_many_columns_are_refused(self, serve):
        _, reader = serve({}, {f"t{number}": {f"c{column}": TEXT for column in range(100)} for number in range(300)})
        with pytest.raises(SourceError, match="more than 20,000 columns"):
            read_catalog(reader)

    @pytest.mark.parametrize("version", ["5.23\x1b[31m", "5\n6", "9" * 1000, ""])
    def test_a_version_that_is_none_is_refused(self, serve, version):
        server, reader = serve({})
        canned = server.manager.answer
        server.manager.answer = lambda sql: [{"version": version}] if "osquery_info" in sql else canned(sql)
        with pytest.raises(SourceError, match="not as an osquery does"):
            read_catalog(reader)

    def test_all_questions_share_one_time_limit(self, serve, monkeypatch):
        monkeypatch.setattr("hardaudit.osquery.catalog._SECONDS", 1.0)
        server, reader = serve({})

        def slow(sql):
            if "pragma_table_xinfo" in sql:
                raise FailedError("no such table: pragma_table_xinfo")
            if "osquery_registry" in sql:
                return [{"name": f"t{number}"} for number in range(10_000)]
            time.sleep(0.3)
            return [{"version": "5.0.0"}]

        server.manager.answer = slow
        started = time.monotonic()
        with pytest.raises(SourceError, match="does not say within 1 s"):
            read_catalog(reader)
        assert time.monotonic() - started < 5


class TestRows:
    @pytest.mark.parametrize("text", ["1_0", "٣", " 5", "infinity", "nan", "--5", "-"])
    def test_what_only_python_takes_for_a_number_is_a_gap(self, ask, text):
        tables = {"things": {"whole": NUMBER, "real": ("DOUBLE", False)}}
        answer, _ = ask("SELECT whole, real FROM things", {"things": [{"whole": text, "real": text}]}, tables)
        assert answer.tuples == ((None, None),)
        assert len(answer.gaps) == 2

    def test_rows_before_a_break_are_findings(self, tmp_path):
        content = written([{"name": str(number)} for number in range(5)])
        server = Server(str(tmp_path / "osquery.em"), Canned({**real_catalog(), "things": {"name": TEXT}}, {}))
        reader = SocketReader(server.path, "it")
        with engine_over(reader, embedded=[]) as engine:
            reader.rows = lambda *_: broken(content[:-10])
            answer = engine.run("SELECT name FROM things")
        server.close()
        reader.close()
        assert [row["name"] for row in answer.rows] == ["0", "1", "2", "3"]
        assert [gap.reason for gap in answer.gaps] == [GapReason.MISSING_SOURCE]

    def test_a_table_of_events_without_any_is_a_gap(self, ask):
        answer, _ = ask("SELECT path FROM process_events", {"process_events": []}, {"process_events": {"path": TEXT, "time": NUMBER}})
        assert details(answer) == ["osquery has no event here, and does not say whether it records any"]

    def test_a_message_without_end_is_cut(self, ask):
        def failing(_sql):
            raise FailedError("x" * 1_000_000)

        answer, _ = ask("SELECT name FROM things", {"things": failing}, {"things": {"name": TEXT}})
        assert len(answer.gaps[0].detail) < 1100

    def test_halves_of_surrogate_pairs_are_their_bytes(self, tmp_path):
        reader = ShellReader(script(tmp_path, "osqueryi", r"""printf '[\n  {"a":"x\\udcff","b":null,"c":5}\n]\n'"""), is_daemon=False)
        assert list(reader.rows("SELECT 1", never)) == [{"a": "x\uefed\uefb3\uefbf", "b": "", "c": "5"}]
        reader.close()


def broken(content):
    """The rows of a reply that ends too early."""
    pieces = iter([content])

    def receive():
        for piece in pieces:
            return piece
        raise OsqueryError(GapReason.MISSING_SOURCE, "gone")

    yield from Reply(receive).rows()


class TestBounds:
    def test_texts_beyond_what_a_query_sees_are_not_kept(self):
        """Bytes that are no UTF-8 take most: each becomes a character of two bytes."""
        size = 7 * 2**20
        text = size.to_bytes(4, "big") + b"\xff" * size
        row = b"\x0b\x0b\x00\x00\x00\x02" + b"".join(b"\x00\x00\x00\x01" + name + text for name in (b"a", b"b"))
        content = LIST + b"\x0d\x00\x00\x00\x01" + row
        started = time.monotonic()
        tracemalloc.start()
        try:
            pieces = (content[at : at + 4096] for at in range(0, len(content), 4096))
            (read_row,) = itertools.islice(Reply(lambda: next(pieces)).rows(), 1)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert {len(value) for value in read_row.values()} == {2**21}
        assert peak < 40 * 2**20
        assert time.monotonic() - started < 20

    def test_a_row_of_30_mib_is_a_gap(self):
        with pytest.raises(OsqueryError) as raised:
            read(written([{"a": "x" * 15 * 2**20, "b": "y" * 15 * 2**20}]), 65536)
        assert raised.value.reason is GapReason.TRUNCATED

    def test_answers_that_are_left_in_the_middle_do_not_pile_up(self, serve):
        tables = {"outer_things": {"n": TEXT}, "inner_things": {"k": TEXT, "v": TEXT}}
        answers = {
            "outer_things": [{"n": str(number)} for number in range(300)],
            "inner_things": lambda sql: [{"k": sql.split("'")[1], "v": str(number)} for number in range(250)],
        }
        _, reader = serve(answers, tables)
        with engine_over(reader, embedded=[]) as engine:
            before = len(os.listdir("/proc/self/fd"))
            answer = engine.run("SELECT count(*) FROM outer_things WHERE EXISTS (SELECT 1 FROM inner_things WHERE k = n)")
            assert (answer.tuples, answer.gaps) == (((300,),), ())
            assert len(os.listdir("/proc/self/fd")) - before < 50
            again = engine.run("SELECT count(*) FROM outer_things CROSS JOIN inner_things ON k = n WHERE k = '0' OR k = '299'")
            assert (again.tuples, again.gaps) == (((500,),), ())


class TestLog:
    def test_a_warning_of_the_outer_table_of_a_join_stays_with_it(self, serve):
        """Also in a later query, which shares the rows."""
        log = []

        def outer(_sql):
            log.append("E1127 13:00:00.1 1 t.cpp:1] cannot read it")
            return [{"a": "1"}, {"a": "2"}]

        tables = {"outer_things": {"a": TEXT}, "inner_things": {"b": TEXT}}
        _, reader = serve({"outer_things": outer, "inner_things": []}, tables, log=lambda: [log.pop(0) for _ in tuple(log)])
        with engine_over(reader, embedded=[]) as engine:
            engine.run("SELECT a FROM outer_things CROSS JOIN inner_things ON a = b")
            answer = engine.run("SELECT a FROM outer_things WHERE length(a) > 5")
        assert details(answer) == ["osquery warns: cannot read it"]

    def test_more_lines_than_are_kept_are_a_gap(self, serve):
        lines = ["I1127 13:00:00.1 1 t.cpp:1] information"] * 2000
        _, reader = serve({"things": [{"a": "1"}]}, {"things": {"a": TEXT}}, log=lambda: lines)
        with engine_over(reader, embedded=[]) as engine:
            answer = engine.run("SELECT a FROM things")
        assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]


class TestTwin:
    """hardaudit's own generator, read beside osquery for its gaps."""

    def through(self, serve, generate, sql="SELECT username FROM shadow", seconds=20.0, tables=None):
        embedded = [dataclasses.replace(table, generate=generate) if table.spec.name == "shadow" else table for table in builtin_tables()]
        _, reader = serve({"shadow": [{"username": "root", "pet": "cat"}]}, tables)
        with engine_over(reader, embedded=embedded) as engine:
            return engine.run(sql, bounds=Bounds(seconds=seconds)), engine.run(sql)

    def test_one_that_does_not_end_is_stopped_with_the_query(self, serve):
        def endless(context):
            while True:
                context.check_deadline()
                yield {"username": "root"}

        first, second = self.through(serve, endless, seconds=0.5)
        assert GapReason.TIMEOUT in {gap.reason for gap in first.gaps}
        assert GapReason.TIMEOUT in {gap.reason for gap in second.gaps}

    def test_columns_that_it_has_not_are_not_asked_of_it(self, serve):
        seen = []

        def generate(context):
            seen.append(context.columns_used)
            return iter(())

        catalog = {"shadow": {"username": TEXT, "pet": TEXT}}
        answer, _ = self.through(serve, generate, "SELECT pet FROM shadow", tables=catalog)
        assert (answer.tuples, answer.gaps, seen[0]) == ((("cat",),), (), frozenset())


class TestTrust:
    @AS_ROOT
    @pytest.mark.parametrize("kind", ["--mount", "--net"])
    def test_an_osqueryd_that_sees_another_system_is_refused(self, tmp_path, kind):
        """As one in a systemd unit with ProtectHome=, to which home directories are empty; its root directory is ours."""
        path = str(tmp_path / "osquery.em")
        code = (
            f"import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind({path!r}); s.listen(); print(1, flush=True); sys.stdin.read()"
        )
        unshare = shutil.which("unshare")
        if unshare is None or subprocess.run([unshare, kind, "true"], check=False, capture_output=True).returncode:
            pytest.skip("no namespaces can be made here")
        process = subprocess.Popen([unshare, kind, sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        answer = hardaudit("query", "--osquery-socket", path, "SELECT uid FROM users")
        process.communicate("")
        assert answer.returncode == 2
        assert "sees another system than hardaudit" in told(answer)

    def test_an_osqueryd_outside_of_our_container_is_refused(self, serve):
        """Of a peer in a process namespace that is not ours the kernel tells process 0."""
        _, reader = serve({})
        reader.process = 0
        with pytest.raises(SourceError, match="sees another system"):
            find._refuse_other_system(reader)

    def test_another_user_in_the_place_of_one_that_ended_is_not_asked(self, serve):
        server, reader = serve({"users": [{"uid": "0"}]})
        reader.close()  # the idle connections
        reader.user += 1
        with pytest.raises(OsqueryError, match="belongs to another user than it did"):
            list(reader.rows("SELECT `uid` FROM `users`", never))
        assert server.asked == []

    @AS_ROOT
    @pytest.mark.parametrize("name", ["osqueryd", "osqueryi"])
    def test_a_temporary_directory_of_another_user_is_refused(self, tmp_path, place, name):
        """Its owner could put flags there, and osqueryd would load code as root."""
        theirs = place / "t"
        theirs.mkdir()
        os.chown(theirs, 65534, 65534)
        environment = {**os.environ, "TMPDIR": str(theirs)}
        process = hardaudit("query", "--osquery-binary", program(tmp_path, name), "SELECT 1", env=environment)
        assert process.returncode == 2
        assert f"TMPDIR is not used for osquery: {theirs}: user 65534 owns it" in told(process)
        assert list(theirs.iterdir()) == []

    def test_a_temporary_directory_that_flags_cannot_name_is_not_used(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", "/nonexistent,b")
        record = tmp_path / "arguments"
        reader = ShellReader(script(tmp_path, "osqueryi", f'printf "%s\\n" "$@" > {record}; printf "[\\n]\\n"'), is_daemon=False)
        list(reader.rows("SELECT 1", never))
        reader.close()
        assert "," not in record.read_text()

    def test_no_temporary_directory_is_one_line(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
        with pytest.raises(SourceError, match="no temporary directory for osquery can be made: No such file or directory; set TMPDIR"):
            ShellReader(script(tmp_path, "osqueryi", "exit 0"), is_daemon=False)


class TestPrograms:
    def test_a_statement_that_is_not_taken_is_not_waited_for(self, tmp_path):
        answer = r"""
            read first; read second
            id=$(echo "$second" | sed "s/SELECT '\([0-9a-f]*\)'.*/\1/")
            printf '[\n  {"here":"there"}\n]\n[\n  {"hardaudit_end":"%s"}\n]\n' "$id"
            exec sleep 600
        """
        reader = ShellReader(script(tmp_path, "osqueryi", answer), is_daemon=False)

        class TooLateError(Exception):
            pass

        deadline = time.monotonic() + 1

        def waiting():
            if time.monotonic() > deadline:
                raise TooLateError

        with pytest.raises(TooLateError):
            list(reader.rows("SELECT '" + "x" * 300_000 + "'", waiting))
        reader.close()
        assert time.monotonic() - deadline < 5

    def test_a_log_without_end_is_not_followed_for_ever(self, tmp_path, monkeypatch):
        noisy = Program([script(tmp_path, "noisy", "exec sleep 600")], "/")
        monkeypatch.setattr("hardaudit.osquery.process.os.read", lambda *_: b"W1127 13:00:00.1 1 a.cpp:1] x\n" * 100)
        assert len(noisy.take_errors()) == 500
        noisy.stop()
        assert gone(noisy.pid)

    def test_the_end_of_a_child_is_seen_though_its_signal_is_ignored(self, tmp_path):
        """As nohup-like parents leave it; then a failure would look like success."""
        binary = script(tmp_path, "osqueryd", "exit 1")
        process = subprocess.run(
            [sys.executable, "-m", "hardaudit", "query", "--osquery-binary", binary, "SELECT 1"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        )
        assert process.returncode == 2
        assert "ended at once: it says nothing" in told(process)

    def test_an_interrupt_while_it_is_stopped_ends_it_at_once(self, tmp_path, monkeypatch):
        stubborn = Program([script(tmp_path, "stubborn", "trap '' TERM; echo ready >&2; while :; do sleep 1; done")], "/")
        while stubborn.take_errors() != ["ready"]:
            time.sleep(0.01)

        def interrupted(_seconds):
            raise KeyboardInterrupt

        monkeypatch.setattr("hardaudit.osquery.process.time.sleep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stubborn.stop()
        monkeypatch.undo()
        assert gone(stubborn.pid)

    def test_an_interrupt_while_osqueryi_is_greeted_leaves_nothing(self, tmp_path, place, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(place))

        def interrupted(*_arguments, **_options):
            raise KeyboardInterrupt

        monkeypatch.setattr(ShellReader, "_talk", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ShellReader(script(tmp_path, "osqueryi", "exit 0"), is_daemon=False)
        assert list(place.iterdir()) == []

    def test_what_osqueryi_started_ends_with_it(self, tmp_path):
        record = tmp_path / "child"
        text = f"sleep 600 >/dev/null 2>&1 & echo $! > {record}; printf '[\\n]\\n'"
        reader = ShellReader(script(tmp_path, "osqueryi", text), is_daemon=False)
        assert list(reader.rows("SELECT 1", never)) == []
        reader.close()
        assert gone(int(record.read_text()))


class TestChoice:
    def test_what_is_passed_over_is_said_also_when_another_osquery_is_used(self, tmp_path, monkeypatch):
        server = Server(str(tmp_path / "osquery.em"), Canned(real_catalog(), {}))
        monkeypatch.setattr(find, "PLACES", str(tmp_path))
        monkeypatch.setattr(find, "SOCKETS", (server.path,))
        monkeypatch.setattr(find, "bindings_installed", lambda: False)
        program(tmp_path, "osqueryi")
        with open_source(SourceRequest(), {}, root=None) as source:
            assert source.name == "osquery"
            assert ["pip install 'hardaudit[osquery]'" in reason for reason in source.passed_over] == [True]
        server.close()
