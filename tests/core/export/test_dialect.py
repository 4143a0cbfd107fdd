"""What an osquery of some version runs, and what it would run wrongly."""

from __future__ import annotations

import json

import pytest

from hardaudit.export.dialect import Dialect
from hardaudit.export.sql_text import CannotExportError
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.osquery.schema import load_schema

OWN = TableSpec(
    "own_facts",
    "of the extension",
    "the test",
    (
        Column("name", TEXT, "a"),
        Column("n", BIGINT, "b"),
        Column("place", TEXT, "c", required=True, like=True),
        Column("depth", BIGINT, "an argument", hidden=True, additional=True),
        Column("rules", TEXT, "an argument", hidden=True, additional=True),
        Column("release", TEXT, "d", collate="version_dpkg"),
        Column("label", TEXT, "e", collate="nocase"),
    ),
    (),
)
PLAIN = TableSpec("plain_facts", "of the extension", "the test", (Column("name", TEXT, "a"), Column("n", BIGINT, "b")), ())


@pytest.fixture(scope="module")
def osquery():
    return Dialect(load_schema(), [OWN, PLAIN])


def test_what_a_statement_reads(osquery):
    reading = osquery.read("SELECT u.username AS subject, p.n, count(*) FROM users u JOIN plain_facts p ON p.name = u.username GROUP BY 1")
    assert reading.columns == ("subject", "n", "count(*)")
    assert reading.tables == ("plain_facts", "users")
    assert reading.extension == ("plain_facts",)
    assert osquery.read("SELECT reason, detail FROM hardaudit_gaps WHERE table_name = 'x'").extension == ("hardaudit_gaps",)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT", "SQL: incomplete input"),
        ("SELECT * FROM no_such", "SQL: no such table: no_such"),
        ("SELECT no_such FROM users", "no such column: no_such; the columns are those of osquery 5.23"),
        ("SELECT * FROM users WHERE uid = :uid", "the parameter :uid has no value"),
        ("ATTACH 'x' AS y", "ATTACH is not allowed"),
        ("PRAGMA table_info(users)", "PRAGMA is not allowed"),
        ("DELETE FROM users", "may not be modified"),
        ("SELECT * FROM sqlite_schema", "sqlite_master is not a table of facts"),
        ("SELECT octet_length(username) FROM users", "the function octet_length is not one that every osquery has"),
        ("SELECT log(uid) FROM users", "the function log is not one that every osquery has, or means something else there"),
        ("SELECT string_agg(username, ',') FROM users", "the function string_agg"),
        ("SELECT group_concat(username, ',' ORDER BY uid) FROM users", "ORDER BY within an aggregate"),
        ("SELECT 1_000 FROM users", "1_000"),
        ("SELECT username FROM users ORDER BY username COLLATE reverse", "no such collation sequence: reverse"),
        ("SELECT path FROM file", "table file: osquery may read it before the query tells it path or directory"),
        ("SELECT path FROM file WHERE size > 5", "table file"),
        ("SELECT path FROM file WHERE path GLOB '/etc/*'", "table file"),
        ("SELECT path FROM file WHERE path > '/etc'", "table file"),
        ("SELECT u.username FROM users u LEFT JOIN file f ON f.uid = u.uid", "table file"),
        ("SELECT name FROM own_facts WHERE n = 3", "table own_facts: osquery may read it before the query tells it place"),
        ("SELECT username FROM users WHERE uid = 0 AND username = 'x' OR gid = 5 AND EXISTS (SELECT 1 FROM hash)", "table hash"),
        ("SELECT reason FROM hardaudit_gaps", "told only where it names them by `table_name`"),
        ("SELECT path FROM file WHERE path = '/ETC/Passwd' COLLATE NOCASE", "table file: it is told a value of path, and gives no row"),
        ("SELECT uid FROM users WHERE username = 'Root' COLLATE NOCASE", "table users: it is told a value of username"),
        ("SELECT name FROM own_facts WHERE place = '/' AND name = 'x ' COLLATE RTRIM", "table own_facts: it is told a value of name"),
        ("SELECT name FROM own_facts WHERE place = '/' AND release = 'A' COLLATE NOCASE", "table own_facts: it is told a value of release"),
        *[
            (sql, "which osquery loses: write COLLATE behind the column (own_facts.release version_dpkg, own_facts.label nocase)")
            for sql in (
                "SELECT name FROM own_facts WHERE place = '/' AND label = 'x'",
                "SELECT name FROM own_facts WHERE place = '/' AND 'x' <> label",
                "SELECT name FROM own_facts WHERE place = '/' AND label IN ('x', 'y')",
                "SELECT uid FROM users WHERE uid IN (SELECT n FROM own_facts WHERE place = '/' AND label = 'x')",
                "SELECT max(release) FROM own_facts WHERE place = '/'",
                "SELECT DISTINCT label FROM own_facts WHERE place = '/'",
                "SELECT name FROM own_facts WHERE place = '/' ORDER BY release LIMIT 1",
                "SELECT count(*) FROM own_facts WHERE place = '/' GROUP BY label",
                "SELECT u.uid FROM users u LEFT JOIN own_facts o ON o.label = u.username AND o.place = '/'",
                "SELECT CASE label WHEN 'x' THEN 1 END FROM own_facts WHERE place = '/'",
                "SELECT label FROM own_facts WHERE place = '/' UNION SELECT username FROM users",
            )
        ],
        (
            "SELECT pid FROM process_open_sockets WHERE pid = 5 AND local_port = 1 OR pid = 5 AND local_port = 2 OR pid = 6 AND fd = 1",
            "an OR",
        ),
    ],
)
def test_what_osquery_would_not_run_or_not_wholly(osquery, sql, reason):
    with pytest.raises(CannotExportError) as caught:
        osquery.read(sql)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT path FROM file WHERE path = '/etc/passwd'",
        "SELECT path FROM file WHERE path LIKE '/etc/%' AND size > 5",
        "SELECT f.path FROM users u CROSS JOIN file f ON f.path = u.directory",
        "SELECT path FROM file WHERE directory IN (SELECT value FROM json_each('[\"/etc\"]'))",
        "SELECT path FROM file WHERE path LIKE '/a/%' OR path LIKE '/b/%'",
        "SELECT name FROM own_facts WHERE place = '/' AND depth = 3",
        "SELECT name FROM plain_facts WHERE n = 3 OR name = 'x'",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION SELECT n + 1 FROM c WHERE n < 3) SELECT n, username FROM c, users",
        "SELECT regex_match(username, 'a', 0), version_compare('1', '2'), sqrt(uid), username ->> '$' FROM users",
        "SELECT row_number() OVER (PARTITION BY gid ORDER BY uid) FROM users ORDER BY username COLLATE NOCASE",
        "SELECT group_concat(username) FROM (SELECT username FROM users ORDER BY uid)",
        "SELECT name FROM deb_packages WHERE version < '1.2' COLLATE version_dpkg",
        "SELECT name FROM own_facts WHERE place = '/' AND label = 'x' COLLATE NOCASE AND name = 'X' COLLATE NOCASE",
        "SELECT name FROM own_facts WHERE place = '/' AND label COLLATE NOCASE IN ('x', 'y') AND release = '1' COLLATE version_dpkg",
        "SELECT max(release COLLATE version_dpkg), label FROM own_facts WHERE place = '/' AND lower(label) = 'x'",
        "SELECT name FROM deb_packages WHERE version = '1.2'",
    ],
)
def test_what_osquery_runs(osquery, sql):
    assert osquery.read(sql).tables


def test_other_releases_have_other_tables_and_columns(tmp_path):
    published = [
        {
            "name": "users",
            "platforms": ["linux"],
            "columns": [{"name": "uid", "type": "bigint", "index": True}, {"name": "username", "type": "text"}],
        }
    ]
    path = tmp_path / "5.2.3.json"
    path.write_text(json.dumps(published))
    users = TableSpec("users", "d", "s", (Column("uid", BIGINT, "u"), Column("shell", TEXT, "s")), (), osquery=True)
    mounts = TableSpec("mounts", "d", "s", (Column("path", TEXT, "p"),), (), osquery=True)
    old = Dialect(load_schema(str(path)), [users, mounts, PLAIN])
    assert old.read("SELECT username FROM users").tables == ("users",)
    with pytest.raises(CannotExportError, match=r"no such column: shell; the columns are those of osquery 5\.2\.3"):
        old.read("SELECT shell FROM users")
    with pytest.raises(CannotExportError, match=r"osquery 5\.2\.3 has no table mounts"):
        old.read("SELECT path FROM mounts")


def test_whether_a_statement_looks_into_a_table(osquery):
    assert osquery.asks("SELECT username FROM users WHERE uid = 0")
    assert osquery.asks("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM users)")
    assert not osquery.asks("SELECT username FROM users WHERE 1 = 0")
    assert not osquery.asks("SELECT path FROM json_each('[]') AS p CROSS JOIN file ON file.path = p.value")


@pytest.mark.parametrize(
    ("sql", "empty"),
    [
        ("SELECT name FROM own_facts WHERE place = '/' AND rules = ''", True),
        ("SELECT name FROM own_facts WHERE place = '/' AND rules = '/etc/rules'", False),
        ("SELECT name FROM own_facts WHERE place = '/'", False),
        ("SELECT a.name FROM own_facts a, own_facts b WHERE a.place = '/' AND b.place = '/' AND a.rules = '' AND b.rules = 'x'", False),
        # The second is not made over empty tables, so nobody knows what it is told.
        (
            "SELECT a.name FROM own_facts a CROSS JOIN own_facts b WHERE a.place = '/' AND b.place = '/' AND a.rules = '' AND b.rules = a.name",
            False,
        ),
    ],
)
def test_arguments_that_are_told_the_empty_text_alone(osquery, sql, empty):
    assert osquery.read(sql).empty_arguments == ((("own_facts", "rules"),) if empty else ())
