"""Virtual tables held against the same rows in an ordinary SQLite table: any WHERE, JOIN, OR, IN or LIKE must return the same rows."""

from __future__ import annotations

from collections import Counter

import apsw
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sql_statements import COLUMNS, NAMES, ROWS, statements

from hardaudit.engine import engine as engine_module
from hardaudit.engine.engine import Engine
from hardaudit.engine.errors import TableDefectError
from hardaudit.errors import QueryError
from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit.target.target import Target

SPEC = TableSpec("facts", "rows of the test", "the test", COLUMNS, ())
sqlite = apsw.Connection(":memory:")
random_queries = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def narrowing(rows):
    """A generator that narrows by everything it is told, as strictly as a real one would, and leaves out columns that nobody reads."""

    def generate(context):
        for row in rows:
            record = dict(zip(NAMES, row, strict=True))
            if _wanted(context.constraints, record):
                yield {name: value for name, value in record.items() if name in context.columns_used}

    return generate


_COMPARE = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


def _wanted(constraints, record):
    return (
        all(constraints.permits(name, value) for name, value in record.items())
        and all(
            record[name] is not None and _COMPARE[bound.operator](record[name], bound.value)
            for name in NAMES
            for bound in constraints.bounds(name)
        )
        and all(sqlite.execute("SELECT ? LIKE ?", (record[name], pattern)).get for name in NAMES for pattern in constraints.patterns(name))
    )


def ordinary(rows):
    connection = apsw.Connection(":memory:")
    connection.execute(
        f"CREATE TABLE facts ({', '.join(f'{c.name} {c.type.value}' + (f' COLLATE {c.collate}' if c.collate else '') for c in COLUMNS)})"
    )
    connection.executemany(f"INSERT INTO facts VALUES ({', '.join('?' * len(NAMES))})", rows)
    return connection


def in_an_ordinary_table(rows, sql):
    return Counter(map(repr, ordinary(rows).execute(sql)))


def answer(sql, generate):
    """The engine's answer; a number is no constraint on a text that the generator must know, and the engine says so."""
    with Target.live_host() as target, Engine(target, [Table(SPEC, generate)]) as engine:
        try:
            return engine.run(sql)
        except QueryError as error:
            assume("facts.extra is TEXT and is looked up by" not in str(error))
            raise


@random_queries
@given(rows=ROWS, sql=statements())
def test_same_rows_as_an_ordinary_table(rows, sql):
    found = answer(sql, narrowing(rows))
    assert found.gaps == ()
    assert Counter(map(repr, found.tuples)) == in_an_ordinary_table(rows, sql)


@random_queries
@given(rows=ROWS, sql=statements(), kept=st.sampled_from([0, 50, 60, 120]), reserve=st.sampled_from([0, 30, 1000]))
def test_whatever_is_kept_the_rows_are_the_same_or_a_gap_is_told(monkeypatch, rows, sql, kept, reserve):
    monkeypatch.setattr(engine_module, "_KEPT_VALUES", kept)
    monkeypatch.setattr(engine_module, "_RESERVED_VALUES", reserve)
    found = answer(sql, narrowing(rows))
    assert {gap.reason for gap in found.gaps} <= {GapReason.TRUNCATED}
    assert found.gaps or Counter(map(repr, found.tuples)) == in_an_ordinary_table(rows, sql)


@random_queries
@given(rows=ROWS, sql=statements(), after=st.integers(0, 4), raises=st.booleans())
def test_whatever_goes_wrong_while_a_table_is_read_is_told(rows, sql, after, raises):
    reached = []

    def faulty(context):
        for number, row in enumerate(narrowing(rows)(context)):
            if number == after:
                fault(context)
            yield row
        fault(context)

    def fault(context):
        reached.append(True)
        if raises:
            raise RuntimeError("a fault")
        context.gap(GapReason.PERMISSION_DENIED, "a fault")

    try:
        told = [gap.detail for gap in answer(sql, faulty).gaps] == ["a fault"]
    except TableDefectError:
        told = True
    assert told == bool(reached)


@pytest.mark.parametrize(
    ("rows", "sql"),
    [
        ([(1, "01")], "SELECT a.n FROM facts a JOIN facts b ON a.n = b.t"),
        ([(1, "01")], "SELECT n FROM facts WHERE t IN (SELECT n FROM facts)"),
        ([(1, "22")], "SELECT n FROM facts WHERE t IN (SELECT value FROM json_each('[22]'))"),
        ([(-(2**63), "x")], "SELECT n FROM facts WHERE n = -9223372036854775808.0"),
        ([(1, "x")], f"SELECT n FROM facts WHERE n = '{'0' * 500}1'"),
        ([(-1, "x"), (-2, "x")], "SELECT n FROM facts WHERE n = -1 OR (n = -2 AND t = 'x')"),
        ([(0, "x"), (2**61 - 1, "x")], "SELECT b.n FROM facts a RIGHT JOIN facts b ON b.n = 0"),
    ],
)
def test_values_that_are_equal_only_to_sqlite_or_only_to_python(rows, sql):
    rows = [(n, t, None, None, None, None, None) for n, t in rows]
    assert Counter(map(repr, answer(sql, narrowing(rows)).tuples)) == in_an_ordinary_table(rows, sql)


class TestRequiredColumns:
    SPEC = TableSpec(
        "files",
        "needs a path or a directory",
        "the test",
        (
            Column("path", TEXT, "path", required=True, like=True),
            Column("directory", TEXT, "directory", required=True),
            Column("size", BIGINT, "bytes"),
        ),
        (),
    )

    def engine(self, asked):
        def generate(context):
            asked.append(context.constraints)
            for path in context.constraints.texts("path") or []:
                yield {"path": path, "directory": path.rpartition("/")[0], "size": len(path)}
            for directory in context.constraints.texts("directory") or []:
                yield {"path": f"{directory}/x", "directory": directory, "size": 1}
            for pattern in context.constraints.patterns("path"):
                yield {"path": pattern.replace("%", "z"), "directory": "", "size": 0}

        def names(context):
            yield from ({"name": name} for name in ("/a/b", "/c/d"))

        name_spec = TableSpec("names", "names", "the test", (Column("name", TEXT, "name"),), ())
        return Engine(Target.live_host(), [Table(self.SPEC, generate), Table(name_spec, names)])

    def test_without_one_is_an_error_that_says_what_is_wanted(self):
        with pytest.raises(QueryError, match="files needs WHERE path = or LIKE … or directory = …"):
            self.engine([]).run("SELECT * FROM files WHERE size > 1")

    @pytest.mark.parametrize(
        ("where", "paths"),
        [
            ("path = '/a/b'", ["/a/b"]),
            ("path IN ('/a/b', '/c', '/c')", ["/a/b", "/c"]),
            ("path LIKE '/a%'", ["/az"]),
            ("path = '/a/b' OR directory = '/q'", ["/a/b", "/q/x"]),
            ("path = '/a/b' OR directory = '/a'", ["/a/b", "/a/x"]),
            ("path = '/a/b' AND path = '/c/d'", []),
            ("path = '/a/b' AND path IN ('/a/b', '/z')", ["/a/b"]),
            ("path IN (SELECT name FROM names)", ["/a/b", "/c/d"]),
            ("directory = NULL", []),
            ("path = x'2f61'", []),
            ("path LIKE NULL", []),
            ("path LIKE 12", ["12"]),
            ("(path, size) = ('/a/b', 4)", ["/a/b"]),
            ("(path, size) IN (VALUES ('/a/b', 4), ('/c/d', 5))", ["/a/b"]),
        ],
    )
    def test_forms(self, where, paths):
        assert sorted(row["path"] for row in self.engine([]).run(f"SELECT path FROM files WHERE {where}").rows) == paths

    @pytest.mark.parametrize(
        "where",
        ["path = 5", "path = 1.5", "path LIKE 1.5", "path LIKE x'2f'", "path IN (SELECT value FROM json_each('[5]'))", "directory = 5"],
    )
    def test_a_value_that_the_generator_cannot_be_told_is_an_error_not_no_rows(self, where):
        with pytest.raises(QueryError, match=r"files\.(path|directory) is TEXT and is looked up by"):
            self.engine([]).run(f"SELECT * FROM files WHERE {where}")

    @pytest.mark.parametrize(
        "where", ["path LIKE '/a%' ESCAPE '!'", "path = '/a' COLLATE NOCASE", "path IS '/a'", "path > '/a'", "path GLOB '/*'"]
    )
    def test_a_constraint_of_another_kind_does_not_count(self, where):
        with pytest.raises(QueryError, match="files needs WHERE path"):
            self.engine([]).run(f"SELECT * FROM files WHERE {where}")

    def test_a_joined_tables_column_is_a_constraint_whatever_the_order(self):
        for sql in (
            "SELECT f.path FROM names n JOIN files f ON f.path = n.name",
            "SELECT f.path FROM files f JOIN names n ON f.path = n.name",
            "SELECT f.path FROM files f, names n WHERE n.name = f.path AND f.size > 0",
        ):
            assert [row["path"] for row in self.engine([]).run(sql).rows] == ["/a/b", "/c/d"]

    def test_in_asks_the_generator_for_one_value_at_a_time(self):
        asked = []
        self.engine(asked).run("SELECT * FROM files WHERE path IN ('/a', '/b', '/a')")
        assert [constraints.texts("path") for constraints in asked] == [["/a"], ["/b"]]


def test_equal_rows_are_all_returned_by_or():
    spec = TableSpec("twins", "equal rows", "the test", (Column("n", BIGINT, "n", index=True), Column("t", TEXT, "t", index=True)), ())

    def generate(context):
        yield from [{"n": 1, "t": "a"}] * 3

    with Engine(Target.live_host(), [Table(spec, generate)]) as engine:
        assert engine.run("SELECT * FROM twins WHERE n = 1 OR t = 'a'").tuples == ((1, "a"),) * 3


def test_columns_used_reach_the_generator():
    used = []
    spec = TableSpec("wide", "d", "s", tuple(Column(name, TEXT, name) for name in "abc"), ())

    def generate(context):
        used.append(context.columns_used)
        yield {"a": "1", "b": "2", "c": "3"}

    with Engine(Target.live_host(), [Table(spec, generate)]) as engine:
        engine.run("SELECT a FROM wide WHERE c = '3'")
        engine.run("SELECT a FROM wide")
        engine.run("SELECT b FROM wide")
    assert used == [{"a", "c"}, {"b"}]


def test_columns_beyond_sqlites_mask_reach_the_generator():
    spec = TableSpec("wide", "d", "s", tuple(Column(f"c{number}", TEXT, "d") for number in range(80)), ())

    def generate(context):
        yield {name: name for name in context.columns_used}

    with Engine(Target.live_host(), [Table(spec, generate)]) as engine:
        assert engine.run("SELECT c5, c62, c63, c79 FROM wide").tuples == (("c5", "c62", "c63", "c79"),)


def test_arguments_of_a_table_are_its_hidden_columns():
    columns = (
        Column("name", TEXT, "name"),
        Column("root", TEXT, "where", required=True, hidden=True),
        Column("depth", BIGINT, "levels", additional=True, hidden=True),
    )

    def generate(context):
        (root,), depth = context.constraints.texts("root"), context.constraints.integers("depth")
        yield {"name": f"{root} {depth}", "root": root, "depth": depth and depth[0]}

    with Engine(Target.live_host(), [Table(TableSpec("tree", "d", "s", columns, ()), generate)]) as engine:
        assert engine.run("SELECT name FROM tree('/')").tuples == (("/ None",),)
        assert engine.run("SELECT * FROM tree('/', '2')").tuples == (("/ [2]",),)
        assert sorted(engine.run('SELECT a.value, name FROM json_each(\'["/b", "/c"]\') a, tree(a.value)').tuples) == [
            ("/b", "/b None"),
            ("/c", "/c None"),
        ]
        with pytest.raises(QueryError, match="tree needs WHERE root"):
            engine.run("SELECT * FROM tree")


class TestArguments:
    """Hidden columns that change what is generated: a plan that does not tell their value finds nothing, so it is no plan."""

    SPEC = TableSpec(
        "settings",
        "for a user",
        "the test",
        (Column("value", TEXT, "value"), Column("user", TEXT, "user", additional=True, hidden=True)),
        (),
    )

    def engine(self):
        def generate(context):
            users = context.constraints.texts("user")
            yield from ({"value": f"of {user}", "user": user} for user in users or [None])

        def names(context):
            yield from ({"name": name} for name in ("alice", "bob"))

        return Engine(
            Target.live_host(), [Table(self.SPEC, generate), Table(TableSpec("names", "n", "s", (Column("name", TEXT, "n"),), ()), names)]
        )

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT s.value FROM names n JOIN settings s ON s.user = n.name",
            "SELECT s.value FROM settings s JOIN names n ON s.user = n.name",
            "SELECT s.value FROM settings s, names n WHERE n.name = s.user",
            "SELECT value FROM settings WHERE user IN ('alice', 'bob')",
            "SELECT value FROM settings WHERE user IN (SELECT name FROM names)",
            "SELECT value FROM settings('alice') UNION ALL SELECT value FROM settings('bob')",
        ],
    )
    def test_their_value_is_told_in_every_order(self, sql):
        assert sorted(self.engine().run(sql).tuples) == [("of alice",), ("of bob",)]

    def test_without_one_the_table_has_its_own_rows(self):
        assert self.engine().run("SELECT value FROM settings").tuples == (("of None",),)

    def test_a_comparison_that_cannot_be_told_is_an_error(self):
        with pytest.raises(QueryError, match="settings needs WHERE user = …"):
            self.engine().run("SELECT value FROM settings WHERE user = 'ALICE' COLLATE NOCASE")
