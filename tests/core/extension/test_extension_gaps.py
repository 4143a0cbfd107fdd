"""hardaudit_gaps: what an exported check needs of it, and how long it remembers."""

from __future__ import annotations

import functools
import json
import threading
import time

import apsw
import pytest
from served_tables import table_of, until

from hardaudit.extension import rows as rows_module
from hardaudit.extension import serve as serve_module
from hardaudit.extension.gap_book import GapBook
from hardaudit.extension.session import Session
from hardaudit.model.gap import Gap, GapReason
from hardaudit.model.gap_question import Begins, Ends, Since
from hardaudit.model.table import INTEGER, TEXT, Column

COLUMNS = (Column("n", INTEGER, "number", index=True), Column("t", TEXT, "text"))


def denied(context):
    context.gap(GapReason.PERMISSION_DENIED, f"n = {context.constraints.integers('n')}: denied")
    yield {"n": 1, "t": "one"}


UNCONFIRMED = '{"table":"hardaudit_gaps"}'


def wrapped(query, table, asker="a/check"):
    """An exported check's query."""
    return (
        f"SELECT NULL AS subject, NULL AS hardaudit_gap FROM hardaudit_gaps WHERE table_name = 'begin {asker}' UNION ALL "
        f"SELECT subject, NULL AS hardaudit_gap FROM ({query}) UNION ALL "
        "SELECT NULL, json_object('table', asked.key, 'reason', reason, 'detail', detail) FROM "
        f"""json_each('{{"{table}": "{table} since {asker}"}}') AS asked """
        "CROSS JOIN hardaudit_gaps ON table_name = asked.value UNION ALL "
        f"SELECT NULL, '{UNCONFIRMED}' WHERE NOT EXISTS (SELECT 1 FROM hardaudit_gaps WHERE table_name = 'end {asker}')"
    )


@pytest.mark.parametrize("default_index", [True, False])
def test_an_exported_query_sees_the_gaps_of_the_tables_it_has_just_read(osquery, served, default_index):
    osquery.default_index = default_index
    served(table_of("denied", COLUMNS, denied), table_of("clean", COLUMNS, [{"n": 1}]))
    assert osquery.query(wrapped("SELECT t AS subject FROM denied", "denied")) == [
        {"subject": "one", "hardaudit_gap": None},
        {"subject": None, "hardaudit_gap": '{"table":"denied","reason":"permission_denied","detail":"n = None: denied"}'},
    ]
    assert osquery.query(wrapped("SELECT n AS subject FROM clean", "clean")) == [{"subject": 1, "hardaudit_gap": None}]


def test_gaps_of_every_scan_with_any_constraint_count(osquery, served):
    served(table_of("denied", COLUMNS, denied))
    found = osquery.query(wrapped("SELECT n AS subject FROM denied WHERE n IN (1, 2)", "denied"))
    assert [row["hardaudit_gap"] for row in found if row["subject"] is None] == [
        '{"table":"denied","reason":"permission_denied","detail":"n = [1]: denied"}',
        '{"table":"denied","reason":"permission_denied","detail":"n = [2]: denied"}',
    ]


def test_another_query_s_gaps_are_not_a_query_s_own(osquery, served):
    def denied_for_two(context):
        if context.constraints.equals("n") == [2]:
            context.gap(GapReason.PERMISSION_DENIED, "denied")
        return iter(())

    served(table_of("denied", COLUMNS, denied_for_two))
    one, two = (wrapped(f"SELECT n AS subject FROM denied WHERE n = {n}", "denied", f"a/check_{n}") for n in (1, 2))
    assert [len(osquery.query(sql)) for sql in (one, two, one, two)] == [0, 1, 0, 1]
    assert osquery.query("SELECT detail FROM hardaudit_gaps WHERE table_name = 'denied'") == [{"detail": "denied"}]


def test_an_extension_that_was_started_anew_while_a_query_ran_does_not_confirm_it(osquery, served):
    """The answer would be a pass: what the table could not read, the first one took with it."""
    first = served(table_of("denied", COLUMNS, denied))
    begin, rows, gaps, end = wrapped("SELECT n AS subject FROM denied WHERE n = 9", "denied").split(" UNION ALL ")
    assert osquery.query(begin) == osquery.query(rows) == []
    assert osquery.query(end) == []
    assert osquery.query(begin) == osquery.query(rows) == []
    first.end()
    served(table_of("denied", COLUMNS, denied))
    assert osquery.query(gaps) == []
    assert [list(row.values()) for row in osquery.query(end)] == [[None, UNCONFIRMED]]


def test_a_table_that_osquery_has_from_elsewhere_is_a_gap(osquery, served):
    """One of the same name may be empty for other reasons, and tells no gaps."""
    served(table_of("users", COLUMNS, [{"n": 1}]))
    (row,) = told(osquery, wrapped("", "users").split(" UNION ALL ")[2])[:1]
    gap = json.loads(row["hardaudit_gap"])
    assert (gap["table"], gap["reason"]) == ("users", "undecidable")
    assert gap["detail"].startswith("osquery has a table of this name from elsewhere")


def told(osquery, gaps):
    """The rows of the last of a wrapped query's statements, on its own."""
    return osquery.query(gaps.replace("detail) FROM", "detail) AS hardaudit_gap FROM"))


def test_a_table_has_the_gaps_of_those_that_it_reads(osquery, served):
    def outer(context):
        yield from context.rows("denied")

    served(table_of("denied", COLUMNS, denied), table_of("outer_table", COLUMNS, outer))
    osquery.query("SELECT * FROM outer_table")
    (gap,) = osquery.query("SELECT * FROM hardaudit_gaps")
    assert abs(gap.pop("time") - time.time()) < 60
    assert gap == {"table_name": "outer_table", "reason": "permission_denied", "detail": "denied: n = None: denied"}


@pytest.fixture
def hasty(monkeypatch):
    """Calls have half a second."""
    monkeypatch.setattr(serve_module, "Session", functools.partial(Session, seconds=0.5))


def endless(context):
    while True:
        context.check_deadline()
        yield {"n": 1}


def broken(_context):
    yield {"n": 1}
    raise ValueError("a defect")


@pytest.mark.usefixtures("hasty")
class TestAnAnswerIsWholeOrAnError:
    def failure(self, osquery, table):
        with pytest.raises(apsw.SQLError) as caught:
            osquery.query(f"SELECT n FROM {table}")
        (gap,) = osquery.query(
            "SELECT reason FROM hardaudit_gaps WHERE table_name = '" + table + "' AND detail NOT LIKE '%before the table%'"
        )
        return str(caught.value), gap["reason"]

    def test_too_slow(self, osquery, served, monkeypatch):
        monkeypatch.setattr(rows_module, "MOST_ROWS", 10**9)
        monkeypatch.setattr("hardaudit.extension.session.MOST_ROWS", 10**9)
        served(table_of("slow", COLUMNS, endless))
        message, reason = self.failure(osquery, "slow")
        assert message.startswith("slow: stopped after 0.")
        assert reason == "timeout"

    def test_a_table_that_was_too_slow_once_is_read_anew(self, osquery, served):
        def slow_at_first(context):
            calls.append(context)
            yield {"n": 1}
            while len(calls) == 1:
                context.check_deadline()
            yield {"n": 2}

        calls = []
        served(table_of("slow", COLUMNS, slow_at_first))
        with pytest.raises(apsw.SQLError, match="stopped after"):
            osquery.query("SELECT n FROM slow")
        assert osquery.query("SELECT n FROM slow") == [{"n": 1}, {"n": 2}]

    def test_a_generator_that_never_looks_at_the_clock_keeps_others_waiting_but_not_for_ever(self, osquery, served, monkeypatch):
        def stuck(_context):
            going.wait(20)
            yield {"n": 1}

        going = threading.Event()
        monkeypatch.setattr("hardaudit.extension.session._GRACE", 0.2)
        served(table_of("stuck", COLUMNS, stuck), table_of("clean", COLUMNS, [{"n": 1}]))
        for table in ("stuck", "clean"):
            with pytest.raises(apsw.SQLError, match=f"{table}: not read within 0.5 s, and not stopped by then"):
                osquery.query(f"SELECT n FROM {table}")
        assert osquery.query("SELECT table_name FROM hardaudit_gaps") == [{"table_name": "clean"}, {"table_name": "stuck"}]
        going.set()
        until(lambda: osquery.query("SELECT n FROM clean") == [{"n": 1}])

    def test_too_many_calls_at_once(self, osquery, served, monkeypatch):
        def stuck(_context):
            going.wait(20)
            yield {"n": 1}

        def ask():
            try:
                answers.append(osquery.query("SELECT n FROM stuck"))
            except apsw.SQLError as error:
                answers.append(str(error))

        going, answers = threading.Event(), []
        monkeypatch.setattr(serve_module, "Session", Session)
        served(table_of("stuck", COLUMNS, stuck))
        threads = [threading.Thread(target=ask) for _ in range(25)]
        for thread in threads:
            thread.start()
        until(lambda: len(answers) == 8)
        assert set(answers) == {"stuck: more than 16 queries at once: ask again"}
        going.set()
        for thread in threads:
            thread.join(20)
        assert answers[8:] == [[{"n": 1}]] * 17

    def test_too_many_rows(self, osquery, served, monkeypatch):
        monkeypatch.setattr(rows_module, "MOST_ROWS", 1000)
        served(table_of("many", COLUMNS, [{"n": n} for n in range(1001)]), table_of("enough", COLUMNS, [{"n": n} for n in range(1000)]))
        assert self.failure(osquery, "many") == ("many: more than 1,000 rows: narrow the query", "truncated")
        assert osquery.query("SELECT count(*) AS n FROM enough") == [{"n": 1000}]

    def test_too_much_text(self, osquery, served, monkeypatch):
        monkeypatch.setattr(rows_module, "MOST_BYTES", 2**20)
        served(table_of("long", COLUMNS, [{"t": "x" * 2**20}]))
        with pytest.raises(apsw.SQLError, match="more than 1 MiB: narrow the query"):
            osquery.query("SELECT t FROM long")
        assert osquery.query("SELECT count(*) AS n FROM long") == [{"n": 1}]

    def test_a_defect(self, osquery, served):
        served(table_of("broken", COLUMNS, broken))
        assert self.failure(osquery, "broken") == ("table broken: ValueError: a defect", "undecidable")
        assert self.failure(osquery, "broken")[1] == "undecidable"


class TestMemory:
    """The book with a clock of the test."""

    def setup_method(self):
        self.now = 1000.0
        self.book = GapBook(lambda: self.now)

    def scan(self, table, *details):
        self.book.begin(table)
        self.book.add(table, [Gap(table, GapReason.TRUNCATED, detail) for detail in details])

    def read(self, *tables):
        return [row["detail"] for row in self.book.rows(tables or None)]

    def test_gaps_are_gone_once_they_were_read_and_the_table_is_read_anew_later(self):
        self.scan("t", "a")
        assert self.read("t") == ["a"]
        assert self.read("t") == ["a"]
        self.now += 61
        self.scan("t")
        assert self.read("t") == []

    def test_they_stay_for_the_query_that_has_not_asked_yet_however_slow(self):
        self.scan("t", "a")
        self.now += 600
        self.scan("t", "b")
        assert self.read("t") == ["a", "b"]

    def test_another_query_s_question_a_moment_ago_takes_nothing_away(self):
        self.scan("t", "a")
        self.read("t")
        self.now += 59
        self.scan("t", "b")
        assert self.read("t") == ["a", "b"]

    def test_the_gap_of_a_query_that_never_asks_is_not_kept_for_ever(self):
        for _ in range(10):
            self.now += 500
            self.scan("t", "a" if self.now < 2000 else "b")
        assert self.read("t") == ["b"]

    def ends(self, asker):
        return [row["table_name"] for row in self.book.answer(Ends(asker))] == [f"end {asker}"]

    def since(self, asker, table="t"):
        return [row["detail"] for row in self.book.answer(Since(table, asker))]

    def test_a_query_that_says_when_it_begins_gets_what_was_met_since(self):
        self.scan("t", "old", "again")
        self.now += 1
        self.book.answer(Begins("a"))
        self.scan("t", "again", "own")
        assert (self.since("a"), self.since("a", "u")) == (["again", "own"], [])
        self.now += 1
        self.book.answer(Begins("b"))
        assert self.since("b") == []

    def test_others_that_ask_or_read_meanwhile_take_nothing_away(self):
        self.book.answer(Begins("a"))
        self.scan("t", "own")
        for _ in range(8):
            self.now += 100
            self.book.answer(Begins("b"))
            self.scan("t")
            assert self.read("t") == ([] if self.now > 1100 else ["own"])
        assert self.since("a") == ["own"]

    def test_of_two_of_one_name_at_once_each_gets_what_both_met(self):
        self.book.answer(Begins("a"))
        self.now += 1
        self.scan("t", "first")
        self.now += 1
        self.book.answer(Begins("a"))
        assert self.since("a") == ["first"]
        assert self.ends("a")
        assert self.since("a") == ["first"]
        assert self.ends("a")
        self.book.answer(Begins("a"))
        assert self.since("a") == []

    def test_a_beginning_that_is_not_known_or_too_long_ago_is_not_confirmed(self):
        assert not self.ends("a")
        self.scan("t", "x")
        self.now += 1
        self.book.answer(Begins("a"))
        assert (self.since("a"), self.ends("a"), self.ends("a")) == ([], True, False)
        assert self.since("a") == ["x"]  # nobody knows since when
        self.book.answer(Begins("a"))
        self.now += 901
        assert not self.ends("a")

    def test_beginnings_are_bounded(self):
        for number in range(10_001):
            self.book.answer(Begins(f"a{number}"))
        assert (self.ends("a9999"), self.ends("a10000")) == (True, False)
        self.now += 901
        self.book.answer(Begins("b"))
        assert self.ends("b")

    def test_tables_are_apart(self):
        self.scan("t", "a")
        self.scan("u", "b")
        assert (self.read("t"), self.read("u"), self.read("v"), self.read()) == (["a"], ["b"], [], ["a", "b"])

    def test_it_is_bounded_and_says_so(self):
        for number in range(1000):
            self.scan("t", f"gap {number}", "x" * 100_000)
        assert len(self.read("t")) == 201
        assert self.read("t")[-1] == "more than 200 gaps: only the first are kept"
        assert max(map(len, self.read("t"))) == 5000
