"""hardaudit_gaps: what an exported check needs of it, and how long it remembers."""

from __future__ import annotations

import functools
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
from hardaudit.model.table import INTEGER, TEXT, Column

COLUMNS = (Column("n", INTEGER, "number", index=True), Column("t", TEXT, "text"))


def denied(context):
    context.gap(GapReason.PERMISSION_DENIED, f"n = {context.constraints.integers('n')}: denied")
    yield {"n": 1, "t": "one"}


def wrapped(query, table):
    """An exported check's query."""
    return (
        f"SELECT subject, NULL AS hardaudit_gap FROM ({query}) UNION ALL "
        "SELECT NULL, json_object('table', table_name, 'reason', reason, 'detail', detail) AS hardaudit_gap "
        f"FROM hardaudit_gaps WHERE table_name IN ('{table}', 'elsewhere')"
    )


def test_an_exported_query_sees_the_gaps_of_the_tables_it_has_just_read(osquery, served):
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
