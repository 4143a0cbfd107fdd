"""SQL over the extension's tables as an osqueryd's user writes it, against the same SQL over ordinary tables."""

from __future__ import annotations

import time

import apsw
import pytest
from served_tables import table_of

from hardaudit.engine import functions
from hardaudit.extension import session
from hardaudit.model.table import BIGINT, DOUBLE, INTEGER, TEXT, Column, ColumnType

THINGS = (
    Column("n", INTEGER, "number", index=True),
    Column("t", TEXT, "text", index=True),
    Column("size", BIGINT, "size"),
    Column("share", DOUBLE, "share"),
    Column("name", TEXT, "name", collate="nocase"),
    Column("version", TEXT, "version", collate="version_dpkg"),
    Column("note", TEXT, "note"),
)
ROWS = [
    {"n": 0, "t": "root", "size": 2**40, "share": 0.1 + 0.2, "name": "Root", "version": "1.0", "note": "A Note"},
    {"n": 1, "t": "05", "size": -1, "share": 1.0, "name": "ROOT", "version": "1.0~rc1"},
    {"n": 1, "t": "05", "size": -1, "share": 1.0, "name": "ROOT", "version": "1.0~rc1"},
    {"n": 5, "t": "5", "size": 0, "share": -2.5e300, "name": "5", "version": "5", "note": "a note"},
    {"n": 33, "t": "www-data", "size": 33, "share": 33.0, "name": "www-data", "version": "33"},
    {"n": 1000, "t": "", "size": 1000, "share": float("inf"), "name": "ada", "version": ""},
    {"n": None, "t": None, "size": None, "share": None, "name": None, "version": None},
    {"n": 7, "t": "naïve \x00 \U0001f600 '\"%_", "size": 2**63 - 1, "share": 0.0, "name": "é", "version": "é"},
    {"n": 8, "t": " 5 ", "size": -(2**63), "share": 5e-324, "name": "/etc/x", "version": "0x10"},
    {"n": 10, "t": "1e2", "size": 100, "share": 100.0, "name": "010", "version": "1.00"},
]


def ordinary(connection):
    """The same rows in a table of SQLite's own; a NULL of TEXT is empty, as osquery has it."""
    types = {column.name: "BIGINT" if column.type.is_integer else column.type.value for column in THINGS}
    connection.execute(f"CREATE TABLE things ({', '.join(f'{name} {kind}' for name, kind in types.items())})")
    for row in ROWS:
        values = ["" if row.get(c.name) is None and c.type is ColumnType.TEXT else row.get(c.name) for c in THINGS]
        connection.execute(f"INSERT INTO things VALUES ({', '.join('?' * len(values))})", values)
    connection.execute("CREATE TABLE users (uid BIGINT, username TEXT, directory TEXT, shell TEXT)")
    for row in (0, "root", "/root", "/bin/bash"), (33, "www-data", "/var/www", "/usr/sbin/nologin"), (1000, "ada", "/home/ada", "/bin/sh"):
        connection.execute("INSERT INTO users VALUES (?, ?, ?, ?)", row)


STATEMENTS = [
    "SELECT * FROM things",
    "SELECT count(*) FROM things",
    "SELECT n, t FROM things WHERE n = 1",
    "SELECT n, t FROM things WHERE n = '1'",
    "SELECT n, t FROM things WHERE n = 1.0",
    "SELECT n, t FROM things WHERE n IN (0, 1, 5, NULL, 'x')",
    "SELECT n FROM things WHERE n > 1 AND n <= 33",
    "SELECT n FROM things WHERE n > '1'",
    "SELECT n FROM things WHERE n > 4.5",
    "SELECT n FROM things WHERE n IS NULL",
    "SELECT n FROM things WHERE n IS NOT NULL AND n <> 1",
    "SELECT t FROM things WHERE t = '5'",
    "SELECT t FROM things WHERE t = 5",
    "SELECT t FROM things WHERE t = ''",
    "SELECT t FROM things WHERE t = NULL",
    "SELECT t FROM things WHERE t > '5'",
    "SELECT t FROM things WHERE t LIKE '%'",
    "SELECT t FROM things WHERE t LIKE 'ROOT'",
    "SELECT t FROM things WHERE t GLOB '[0-9]*'",
    "SELECT t FROM things WHERE t = 'naïve ' || char(0) || ' \U0001f600 ''\"%_'",
    "SELECT size FROM things WHERE size = 9223372036854775807",
    "SELECT size FROM things WHERE size = 9223372036854775807.0",
    "SELECT size FROM things WHERE size = -9223372036854775808",
    "SELECT size FROM things WHERE size >= 1099511627776",
    "SELECT share FROM things WHERE share = 0.1 + 0.2",
    "SELECT share FROM things WHERE share = 5e-324",
    "SELECT share FROM things WHERE share > 33",
    "SELECT name FROM things WHERE name = 'root'",
    "SELECT name FROM things WHERE name = 'ROOT'",
    "SELECT name FROM things WHERE name = 'root' COLLATE NOCASE",
    "SELECT note FROM things WHERE note = 'a note' COLLATE NOCASE",
    "SELECT note FROM things WHERE note = 'a note'",
    "SELECT a.n FROM things a CROSS JOIN things b ON b.note = a.note COLLATE NOCASE",
    "SELECT version FROM things WHERE version = '1.0'",
    "SELECT version FROM things WHERE version = '1.0' COLLATE version_dpkg",
    "SELECT version FROM things WHERE version < '1.0'",
    "SELECT n, t FROM things WHERE n = 1 OR t = '05'",
    "SELECT n, t FROM things WHERE n = 1 OR t = '5' OR size = -1",
    "SELECT n FROM things WHERE n IN (1, 5) OR t LIKE 'www%'",
    "SELECT count(*) FROM things WHERE n = 1 OR t = '05'",
    "SELECT DISTINCT n, t FROM things WHERE n = 1",
    "SELECT n, count(*) FROM things GROUP BY n",
    "SELECT n FROM things ORDER BY n DESC LIMIT 3 OFFSET 1",
    "SELECT u.username, t.n FROM users u JOIN things t ON t.n = u.uid",
    "SELECT u.username, t.t FROM users u JOIN things t ON t.t = u.username",
    "SELECT u.username, t.t FROM users u LEFT JOIN things t ON t.t = u.username AND t.n = 0",
    "SELECT u.username, t.t FROM things t LEFT JOIN users u ON t.t = u.username",
    "SELECT a.t AS a, b.t AS b FROM things a JOIN things b ON a.t = b.n",
    "SELECT a.t AS a, b.t AS b FROM things a CROSS JOIN things b ON b.t = a.n",
    "SELECT a.t AS a, b.t AS b FROM things a CROSS JOIN things b ON b.t = a.size",
    "SELECT a.n AS a, b.share AS b FROM things a CROSS JOIN things b ON b.share = a.share",
    "SELECT a.n AS a, b.n AS b FROM things a CROSS JOIN things b ON b.size = a.share",
    "SELECT a.n AS a, b.n AS b FROM things a CROSS JOIN things b ON b.n = a.t",
    "SELECT a.name AS a, b.t AS b FROM things a CROSS JOIN things b ON b.t = a.name",
    "SELECT n FROM things t WHERE EXISTS (SELECT 1 FROM things o WHERE o.n = t.size)",
    "SELECT n FROM things WHERE t IN (SELECT username FROM users)",
    "SELECT n, t FROM things WHERE (n, t) = (1, '05')",
]


@pytest.mark.parametrize("default_index", [True, False])
def test_as_ordinary_tables_of_the_same_rows(osquery, served, default_index):
    osquery.default_index = default_index
    served(table_of("things", THINGS, ROWS))
    connection = apsw.Connection(":memory:")
    functions.register(connection, lambda: None)
    ordinary(connection)
    for sql in STATEMENTS:
        expected = sorted(connection.execute(sql).fetchall(), key=repr)
        assert sorted((tuple(row.values()) for row in osquery.query(sql)), key=repr) == expected, sql


def test_rowids_are_unique(osquery, served):
    served(table_of("things", THINGS, ROWS))
    assert osquery.query("SELECT count(DISTINCT rowid) AS a, min(n) AS b FROM things") == [{"a": len(ROWS), "b": 0}]
    assert osquery.query("SELECT count(DISTINCT rowid) AS a FROM things") == [{"a": len(ROWS)}]


class Recorder:
    """Rows of n = 0 … 99, and every call of the generator."""

    def __init__(self):
        self.seen = []

    def __call__(self, context):
        self.seen.append((dict(context.constraints.equal), dict(context.constraints.like)))
        for n in range(100):
            yield {"n": n, "t": f"t{n % 10}", "size": n * n}

    def table(self, **options):
        columns = (Column("n", INTEGER, "number"), Column("t", TEXT, "text", **options), Column("size", BIGINT, "size"))
        return table_of("numbers", columns, self)


def test_a_join_generates_a_table_once_whatever_it_is_asked_for(osquery, served):
    recorder = Recorder()
    served(recorder.table())
    sql = "SELECT u.username, n.size FROM users u CROSS JOIN numbers n ON n.n = u.uid"
    assert osquery.query(sql) == [{"username": "root", "size": 0}, {"username": "www-data", "size": 1089}]
    assert len(osquery.calls) == 3
    assert recorder.seen == [({}, {})]


def test_a_later_query_sees_fresh_facts(osquery, served, monkeypatch):
    monkeypatch.setattr(session, "_IDLE", 0.1)
    recorder = Recorder()
    served(recorder.table())
    osquery.query("SELECT * FROM numbers")
    osquery.query("SELECT * FROM numbers")
    assert len(recorder.seen) == 1
    time.sleep(0.5)
    osquery.query("SELECT * FROM numbers")
    assert len(recorder.seen) == 2


def test_the_generator_is_told_what_it_understands_and_rows_are_narrowed_by_the_rest(osquery, served):
    recorder = Recorder()
    served(recorder.table(index=True, like=True))
    assert len(osquery.query("SELECT n FROM numbers WHERE t = 't3' AND n = 13")) == 1
    assert len(osquery.query("SELECT n FROM numbers WHERE t LIKE 'T3'")) == 10
    assert recorder.seen == [({"t": frozenset({"t3"})}, {}), ({}, {"t": ("T3",)})]


TREE = (
    Column("root", TEXT, "the table's argument", required=True, hidden=True),
    Column("skip", TEXT, "another", additional=True, hidden=True),
    Column("path", TEXT, "path"),
)


def tree(context):
    for root in context.constraints.texts("root") or ():
        skip = (context.constraints.texts("skip") or [None])[0]
        yield {"root": root, "skip": skip, "path": f"{root}/a{skip or ''}"}


def test_required_and_hidden_columns(osquery, served):
    served(table_of("tree", TREE, tree))
    assert osquery.query("SELECT * FROM tree WHERE root = '/srv'") == [{"path": "/srv/a"}]
    assert osquery.query("SELECT path FROM tree WHERE root IN ('/a', '/b') AND skip = '!'") == [{"path": "/a/a!"}, {"path": "/b/a!"}]
    assert osquery.query("SELECT path FROM tree('/c', '-')") == [{"path": "/c/a-"}]
    assert len(osquery.query("SELECT t.path FROM users u JOIN tree t ON t.root = u.directory")) == 3
    assert osquery.query("SELECT path FROM tree WHERE root = ''") == [{"path": "/a"}]  # osquery does not pass the empty text on
    assert osquery.query("SELECT path FROM tree WHERE root = NULL") == []
    with pytest.raises(apsw.ConstraintError):
        osquery.query("SELECT path FROM tree")
    with pytest.raises(apsw.SQLError, match="tree needs WHERE root = …"):
        osquery.query("SELECT path FROM tree WHERE root GLOB '/*'")


def test_an_argument_that_did_not_arrive_is_a_gap(osquery, served):
    served(table_of("tree", TREE, tree))
    osquery.query("SELECT path FROM tree WHERE root = '/srv'")
    assert osquery.query("SELECT * FROM hardaudit_gaps") == []
    osquery.query("SELECT path FROM tree WHERE root = '/srv' AND skip = 'x'")
    assert osquery.query("SELECT * FROM hardaudit_gaps") == []
    osquery.query("SELECT path FROM tree WHERE root = '/srv' AND skip = ''")
    (gap,) = osquery.query("SELECT table_name, reason, detail FROM hardaudit_gaps")
    assert (gap["table_name"], gap["reason"]) == ("tree", "undecidable")
    assert "skip" in gap["detail"]


def test_columns_and_types_as_osquery_announces_them(osquery, served):
    served(table_of("things", THINGS, ROWS), table_of("tree", TREE, tree))
    (registered,) = osquery.registry.values()
    assert [(route["name"], route["type"], route["op"]) for route in registered["things"]] == [
        ("n", "BIGINT", "1"),
        ("t", "TEXT", "1"),
        ("size", "BIGINT", "0"),
        ("share", "DOUBLE", "0"),
        ("name", "TEXT", "0"),
        ("version", "TEXT", "0"),
        ("note", "TEXT", "0"),
    ]
    assert [(route["name"], route["op"]) for route in registered["tree"]] == [("root", "18"), ("skip", "20"), ("path", "0")]
    assert {route["id"] for table in registered.values() for route in table} == {"column"}


def test_500_rows_of_a_join(osquery, served):
    """Bounds a call's cost, so that a join over the socket stays usable; each is a connection of its own."""
    recorder = Recorder()
    served(recorder.table())
    started = time.monotonic()
    sql = "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 499) SELECT count(*) AS n FROM c CROSS JOIN numbers n ON n.n = c.n"
    assert osquery.query(sql) == [{"n": 100}]
    assert len(osquery.calls) == 500
    assert len(recorder.seen) == 1
    assert time.monotonic() - started < 20
