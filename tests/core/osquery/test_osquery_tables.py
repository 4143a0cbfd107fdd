"""Tables read through an osquery: constraints told, types restored, whatever is not whole a gap."""

from __future__ import annotations

import json
import threading
import time

import pytest
from false_osquery import FailedError, engine_over
from installed_tables import builtin_tables

from hardaudit.errors import QueryError, SourceError
from hardaudit.model.gap import GapReason
from hardaudit.osquery.catalog import read_catalog

USERS = [
    {"uid": "0", "gid": "0", "username": "root", "directory": "/root", "description": "", "uuid": ""},
    {"uid": "1000", "gid": "1000", "username": "o'hara", "directory": "/home/o'hara", "description": "", "uuid": ""},
]
NO_EMBEDDED = {"things": {"name": ("TEXT", False), "count": ("INTEGER", False), "share": ("DOUBLE", False), "secret": ("TEXT", True)}}


def reasons(answer):
    return [(gap.table, gap.reason.value) for gap in answer.gaps]


class TestTypes:
    def test_numbers_are_numbers_and_empty_ones_null(self, ask):
        rows = [
            {"name": "a", "count": "10", "share": "0.5"},
            {"name": "", "count": "", "share": ""},
            {"name": "c", "count": "-3", "share": "-1e3"},
        ]
        answer, _ = ask("SELECT name, count, share FROM things", {"things": rows}, NO_EMBEDDED)
        assert answer.tuples == (("a", 10, 0.5), ("", None, None), ("c", -3, -1000.0))
        assert answer.gaps == ()

    def test_a_text_compares_with_a_number_as_in_osquery(self, ask):
        answer, _ = ask("SELECT name FROM things WHERE count = '10'", {"things": [{"name": "a", "count": "10"}]}, NO_EMBEDDED)
        assert answer.tuples == (("a",),)

    @pytest.mark.parametrize("text", ["abc", "1.5", "9223372036854775808", "1" * 5000, "0x10", "1e400"])
    def test_what_is_no_number_of_64_bits_is_null_and_a_gap(self, ask, text):
        answer, _ = ask("SELECT count FROM things", {"things": [{"name": "a", "count": text}]}, NO_EMBEDDED)
        assert (answer.tuples, reasons(answer)) == (((None,),), [("things", "unsupported")])

    def test_a_row_without_a_column_is_a_gap(self, ask):
        answer, _ = ask("SELECT name, count FROM things", {"things": [{"count": "1"}]}, NO_EMBEDDED)
        assert (answer.tuples, reasons(answer)) == (((None, 1),), [("things", "unsupported")])

    def test_more_columns_than_asked_do_no_harm(self, ask):
        answer, _ = ask("SELECT name FROM things", {"things": [{"name": "a", "other": "x"}]}, NO_EMBEDDED)
        assert (answer.tuples, answer.gaps) == ((("a",),), ())


class TestAsked:
    def test_only_the_columns_that_are_used_are_asked_for(self, ask):
        _, asked = ask("SELECT name FROM things", {"things": []}, NO_EMBEDDED)
        assert asked == ["SELECT `name` FROM `things`"]

    def test_counting_asks_for_no_column(self, ask):
        answer, asked = ask("SELECT count(*) FROM things", {"things": [{"one": "1"}, {"one": "1"}]}, NO_EMBEDDED)
        assert (answer.tuples, asked) == (((2,),), ["SELECT 1 AS one FROM `things`"])

    def test_constraints_are_told_with_quotes_in_order(self, ask):
        answer, asked = ask("SELECT uid FROM users WHERE username = 'o''hara'", {"users": USERS})
        assert asked == ["SELECT `uid`, `username` FROM `users` WHERE `username` = 'o''hara'"]
        assert answer.tuples == ((1000,),)

    def test_like_and_hostile_text(self, ask):
        pattern = "/srv/it''s %; DROP TABLE users; --"
        _, asked = ask(f"SELECT path FROM file WHERE path LIKE '{pattern}'", {"file": []})
        assert asked == [f"SELECT `path` FROM `file` WHERE `path` LIKE '{pattern}'"]

    def test_bytes_that_are_no_utf_8_are_told_as_they_are(self, ask):
        answer, asked = ask("SELECT size FROM file WHERE path = '/srv/bad-\uefff'", {"file": [{"path": "/srv/bad-\udcff", "size": "5"}]})
        assert asked == ["SELECT `path`, `size` FROM `file` WHERE `path` = '/srv/bad-\udcff'"]
        assert answer.tuples == ((5,),)

    def test_a_nul_character_cannot_be_told_and_is_a_gap(self, ask):
        answer, asked = ask("SELECT size FROM file WHERE path = '/srv/a' || char(0)", {"file": [{"path": "/srv/a", "size": "5"}]})
        assert (answer.tuples, asked, reasons(answer)) == ((), [], [("file", "undecidable")])

    def test_a_required_column_is_demanded_here(self, ask):
        with pytest.raises(QueryError, match="file needs WHERE path"):
            ask("SELECT path FROM file", {"file": []})

    def test_a_required_column_of_a_table_that_only_osquery_has(self, ask):
        with pytest.raises(QueryError, match="curl needs WHERE url"):
            ask("SELECT response_code FROM curl", {}, {"curl": {"url": ("TEXT", False), "response_code": ("INTEGER", False)}})

    def test_tables_of_a_single_user_are_asked_of_all(self, ask):
        rows = [{"uid": "0", "key": "A"}, {"uid": "1000", "key": "B"}]
        answer, asked = ask("SELECT key FROM authorized_keys", {"authorized_keys": rows})
        assert asked == ["SELECT `key` FROM `authorized_keys` WHERE uid IN (SELECT uid FROM users)"]
        assert answer.tuples == (("A",), ("B",))

    def test_of_a_user_that_is_named_that_one(self, ask):
        _, asked = ask("SELECT key FROM authorized_keys WHERE uid = 1000", {"authorized_keys": []})
        assert asked == ["SELECT `uid`, `key` FROM `authorized_keys` WHERE `uid` = 1000"]

    def test_a_join_across_both_sources(self, ask):
        answer, _ = ask(
            "SELECT u.username, w.value FROM users AS u JOIN (SELECT 0 AS uid, value FROM json_each('[7]')) AS w USING (uid)",
            {"users": USERS},
        )
        assert answer.tuples == (("root", 7),)

    def test_a_join_asks_while_the_outer_table_is_still_read(self, ask):
        def files(sql):
            path = sql.split("`path` = '")[1].rstrip("'").replace("''", "'")
            return [{"path": path, "mode": "0755"}]

        answer, asked = ask(
            "SELECT f.path, f.mode FROM users AS u CROSS JOIN file AS f ON f.path = u.directory", {"users": USERS, "file": files}
        )
        assert answer.tuples == (("/root", "0755"), ("/home/o'hara", "0755"))
        assert len(asked) == 3

    def test_or_loses_no_row(self, ask):
        def users(sql):
            return [row for row in USERS if "= 0" not in sql or row["uid"] == "0"]

        answer, _ = ask("SELECT username FROM users WHERE uid = 0 OR username = 'o''hara'", {"users": users})
        assert sorted(answer.tuples) == [("o'hara",), ("root",)]


class TestReleases:
    def test_a_column_that_is_missing_is_a_gap_where_it_is_used(self, serve):
        _, reader = serve({"users": USERS}, {"users": {"uid": ("BIGINT", False), "username": ("TEXT", False)}})
        with engine_over(reader) as engine:
            used, unused = engine.run("SELECT username, shell FROM users"), engine.run("SELECT username FROM users")
        assert [(gap.reason, gap.detail) for gap in used.gaps] == [
            (GapReason.MISSING_SOURCE, "osquery 5.23.1 has no column shell in this table")
        ]
        assert used.tuples == (("root", None), ("o'hara", None))
        assert unused.gaps == ()

    def test_a_constraint_that_it_does_not_know_is_a_gap(self, serve):
        _, reader = serve({"users": USERS}, {"users": {"uid": ("BIGINT", False), "username": ("TEXT", False)}})
        with engine_over(reader) as engine:
            answer = engine.run("SELECT username FROM users WHERE include_remote = 1")
        assert ("users", GapReason.MISSING_SOURCE) in {(gap.table, gap.reason) for gap in answer.gaps}

    def test_a_newer_release_s_columns_can_be_asked(self, serve):
        _, reader = serve({"users": [{**USERS[0], "pet": "cat"}]}, {"users": {"uid": ("BIGINT", False), "pet": ("TEXT", False)}})
        with engine_over(reader) as engine:
            assert engine.run("SELECT pet FROM users").tuples == (("cat",),)

    def test_hidden_columns_stay_hidden(self, ask):
        answer, _ = ask("SELECT * FROM things", {"things": [{"name": "a", "count": "1", "share": "2"}]}, NO_EMBEDDED)
        assert answer.columns == ("name", "count", "share")

    def test_an_sqlite_without_table_valued_pragmas(self, serve):
        server, reader = serve({})
        canned = server.manager.answer

        def old(sql):
            if "pragma_table_xinfo" in sql:
                raise FailedError("no such table: pragma_table_xinfo")
            if "osquery_registry" in sql:
                return [{"name": "users"}, {"name": "bad name; --"}]
            if sql == "PRAGMA table_xinfo(`users`)":
                raise FailedError("Authorizer denied action")
            if sql == "PRAGMA table_info(`users`)":
                return [{"name": "uid", "type": "BIGINT"}, {"name": "username", "type": "TEXT"}]
            return canned(sql)

        server.manager.answer = old
        catalog = read_catalog(reader)
        assert {name: list(columns) for name, columns in catalog.tables.items()} == {"users": ["uid", "username"]}

    def test_what_does_not_answer_as_an_osquery_is_refused(self, serve):
        server, reader = serve({})
        server.manager.answer = lambda sql: []
        with pytest.raises(SourceError, match="not as an osquery does"):
            read_catalog(reader)

    def test_units_are_read_from_files_where_no_systemd_runs(self, serve):
        server, reader = serve({"systemd_units": []})
        with engine_over(reader, has_systemd=False) as engine:
            engine.run("SELECT id FROM systemd_units")
        assert not any("systemd_units" in sql for sql in server.asked if "xinfo" not in sql)


class TestSilence:
    """osquery answers with nothing, and no error, when it could not read."""

    @pytest.mark.parametrize("table", ["users", "processes", "shadow", "mounts", "system_controls"])
    def test_no_row_of_what_every_host_has_is_a_gap(self, ask, table):
        answer, _ = ask(f"SELECT count(*) FROM {table}", {table: []})
        assert reasons(answer) == [(table, "missing_source")]

    def test_no_row_where_the_query_narrows_is_an_answer(self, ask):
        answer, _ = ask("SELECT uid FROM users WHERE username = 'nobody-here'", {"users": []})
        assert (answer.tuples, answer.gaps) == ((), ())

    def test_what_hardaudit_cannot_read_itself_is_a_gap(self, serve, monkeypatch):
        def denied(context):
            context.gap(GapReason.PERMISSION_DENIED, "/etc/shadow: Permission denied")
            return iter(())

        import dataclasses

        embedded = [dataclasses.replace(table, generate=denied) if table.spec.name == "shadow" else table for table in builtin_tables()]
        _, reader = serve({"shadow": [{"username": "root", "password_status": "active"}]})
        with engine_over(reader, embedded=embedded) as engine:
            answer = engine.run("SELECT username FROM shadow")
        assert answer.tuples == (("root",),)
        assert [(gap.reason, gap.detail) for gap in answer.gaps] == [(GapReason.PERMISSION_DENIED, "/etc/shadow: Permission denied")]

    def test_an_osquery_that_is_not_root(self, serve):
        _, reader = serve({"processes": [{"pid": "1"}], "users": USERS, "iptables": []})
        reader.user = 1000 if reader.user != 1000 else 1001
        with engine_over(reader) as engine:
            processes, users = engine.run("SELECT pid FROM processes"), engine.run("SELECT uid FROM users")
        assert reasons(processes) == [("processes", "permission_denied")]
        assert users.gaps == ()


class TestLog:
    def test_a_warning_while_a_table_is_read_is_its_gap(self, serve):
        log = []
        _, reader = serve({"things": []}, NO_EMBEDDED, log=lambda: [log.pop(0) for _ in tuple(log)])
        with engine_over(reader, embedded=[]) as engine:
            log += [
                "I1127 13:00:00.1 1 virtual_table.cpp:9] information",
                "W1127 13:00:00.1 1 extensions.cpp:9] Will not autoload extension",
                "not of glog's form",
                "E1127 13:00:00.123456  1234 sudoers.cpp:60] couldn't open sudoers file: /etc/sudoers",
            ]
            first = engine.run("SELECT name FROM things")
            second = engine.run("SELECT count FROM things")
        assert [gap.detail for gap in first.gaps] == ["osquery warns: couldn't open sudoers file: /etc/sudoers"]
        assert second.gaps == ()


class TestFailures:
    def test_an_error_is_a_gap_and_nothing_else(self, ask):
        def failing(_sql):
            raise FailedError("vtable constructor failed: things")

        answer, _ = ask("SELECT name FROM things", {"things": failing}, NO_EMBEDDED)
        assert (answer.tuples, reasons(answer)) == ((), [("things", "unsupported")])

    def test_a_table_that_went_away(self, ask):
        def failing(_sql):
            raise FailedError("no such table: things")

        answer, _ = ask("SELECT name FROM things", {"things": failing}, NO_EMBEDDED)
        assert reasons(answer) == [("things", "missing_source")]

    def test_an_osquery_that_is_slow_is_not_waited_for(self, ask):
        release = threading.Event()

        def slow(_sql):
            release.wait(30)
            return []

        started = time.monotonic()
        answer, _ = ask("SELECT name FROM things", {"things": slow}, NO_EMBEDDED, seconds=0.5)
        release.set()
        assert time.monotonic() - started < 10
        assert {gap.reason for gap in answer.gaps} == {GapReason.TIMEOUT}

    def test_an_osquery_that_ends_is_a_gap_for_each_table(self, serve):
        server, reader = serve({"things": [{"name": "a"}]}, NO_EMBEDDED)
        with engine_over(reader, embedded=[]) as engine:
            server.close()
            reader.close()  # idle connections
            answer = engine.run("SELECT name FROM things")
        assert (answer.tuples, reasons(answer)) == ((), [("things", "missing_source")])

    def test_a_query_that_wants_one_row_gives_its_connection_back(self, serve):
        _, reader = serve({"things": [{"name": str(number)} for number in range(150)], "users": USERS}, NO_EMBEDDED)
        with engine_over(reader, embedded=[]) as engine:
            for number in range(30):
                assert len(engine.run(f"SELECT name FROM things WHERE length(name) < {number + 5} LIMIT 1").tuples) == 1
                assert engine.run(f"SELECT EXISTS (SELECT 1 FROM users WHERE uid < {number})").tuples
            assert len(reader._idle) == 1

    def test_a_hundred_thousand_rows_are_not_held_in_memory(self, ask):
        answer, _ = ask("SELECT count(*), sum(count) FROM things", {"things": [{"name": "x" * 40, "count": "1"}] * 100_000}, NO_EMBEDDED)
        assert answer.tuples == ((100_000, 100_000),)


class TestRecorded:
    """The rows that a real osquery returned, given by the false one: the same come out, typed."""

    def test_every_recorded_table(self, shared, serve):
        recorded = json.loads((shared / "osquery/conformance/rows.json").read_text())
        tried = 0
        for name, item in recorded.items():
            sql, rows = item["query"], item["rows"]
            if " JOIN " in sql or " FROM " not in sql or not rows:
                continue
            table = sql.split(" FROM ")[1].split()[0]
            _, reader = serve({table: rows})
            with engine_over(reader, embedded=[table for table in builtin_tables() if not table.spec.osquery]) as engine:
                answer = engine.run(sql)
            if any("without the column" in gap.detail for gap in answer.gaps):
                continue  # the query narrows by a column that was not recorded
            plain = [{key: "" if value is None else str(value) for key, value in row.items()} for row in answer.rows]
            want = [
                {key: value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for key, value in row.items()} for row in rows
            ]
            got = [
                {key: "".join("\ufffd" if "\uef80" <= c <= "\uefff" else c for c in value) for key, value in row.items()} for row in plain
            ]
            assert sorted(map(sorted, map(dict.items, got))) == sorted(map(sorted, map(dict.items, want))), name
            assert answer.gaps == (), name
            tried += 1
        assert tried > 25
