"""Virtual tables held against the same rows in an ordinary SQLite table: any WHERE, JOIN, OR, IN or LIKE must return the same rows."""

from __future__ import annotations

from collections import Counter

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardaudit.engine.engine import Engine
from hardaudit.errors import QueryError
from hardaudit.model.table import BIGINT, DOUBLE, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit.target.target import Target

COLUMNS = (
    Column("n", BIGINT, "a number, pushed down", index=True, ranges=True),
    Column("t", TEXT, "a text, pushed down", index=True, like=True),
    Column("plain", TEXT, "a text, left to SQLite"),
    Column("folded", TEXT, "compared without case", collate="nocase", index=True),
    Column("small", INTEGER, "a number, left to SQLite"),
    Column("real", DOUBLE, "a real number", index=True, ranges=True),
)
NAMES = [column.name for column in COLUMNS]
SPEC = TableSpec("facts", "rows of the test", "the test", COLUMNS, ())

texts = st.sampled_from(["", "a", "A", "ab", "b", "1", "01", "1.0", "%", "_", "é", "a\nb", "\ue080"])
numbers = st.one_of(st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63)]))
reals = st.sampled_from([0.0, 1.0, 1.5, -2.0, 1e300])
rows = st.lists(
    st.tuples(st.none() | numbers, st.none() | texts, st.none() | texts, st.none() | texts, st.none() | numbers, st.none() | reals),
    max_size=12,
)
literals = st.one_of(
    st.just("NULL"),
    st.sampled_from(
        ["1", "-1", "'1'", "' 1 '", "1.0", "1.5", "'1.0'", "'a'", "'A'", "''", "'%'", "'é'", "x'61'", "'x'", "9223372036854775807", "1e300"]
    ),
)
columns = st.sampled_from(NAMES)


def comparison(prefix: str = "") -> st.SearchStrategy[str]:
    name = columns.map(lambda column: f"{prefix}{column}")
    return st.one_of(
        st.builds("{} {} {}".format, name, st.sampled_from(["=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT"]), literals),
        st.builds(lambda column, values: f"{column} IN ({', '.join(values)})", name, st.lists(literals, max_size=4)),
        st.builds("{} LIKE {}".format, name, st.sampled_from(["'a%'", "'%'", "'_'", "'A'", "'1%'", "NULL", "1"])),
        st.builds("{} = {} COLLATE NOCASE".format, name, literals),
        st.builds("{} BETWEEN {} AND {}".format, name, literals, literals),
        st.builds("{} IN (SELECT {} FROM facts)".format, name, columns),
    )


def condition(prefix: str = "") -> st.SearchStrategy[str]:
    return st.recursive(
        comparison(prefix),
        lambda inner: st.one_of(
            st.builds("({} AND {})".format, inner, inner),
            st.builds("({} OR {})".format, inner, inner),
            st.builds("NOT ({})".format, inner),
        ),
        max_leaves=5,
    )


def statements() -> st.SearchStrategy[str]:
    everything = ", ".join(f"a.{name}" for name in NAMES)
    return st.one_of(
        st.builds("SELECT * FROM facts WHERE {}".format, condition()),
        st.builds("SELECT count(*), min(n), max(t) FROM facts WHERE {}".format, condition()),
        st.builds(f"SELECT {everything}, b.n FROM facts a JOIN facts b ON a.n = b.n WHERE {{}}".format, condition("a.")),
        st.builds(
            f"SELECT {everything}, b.t FROM facts a LEFT JOIN facts b ON a.t = b.t AND {{}} WHERE {{}}".format,
            condition("b."),
            condition("a."),
        ),
        st.builds("SELECT * FROM facts a, facts b WHERE a.t = b.plain OR {}".format, condition("a.")),
        st.builds("WITH w AS (SELECT * FROM facts WHERE {}) SELECT * FROM w WHERE {}".format, condition(), condition()),
        st.builds("SELECT * FROM facts a WHERE EXISTS (SELECT 1 FROM facts b WHERE b.n = a.n AND {})".format, condition("b.")),
        st.builds("SELECT DISTINCT t, n FROM facts WHERE {} GROUP BY t, n".format, condition()),
    )


def narrowing(rows_):
    """A generator that narrows by everything it is told, as strictly as a real one would."""

    def generate(context):
        constraints = context.constraints
        for row in rows_:
            record = dict(zip(NAMES, row, strict=True))
            if all(constraints.permits(name, value) for name, value in record.items()) and _in_ranges(constraints, record):
                yield record

    return generate


def _in_ranges(constraints, record):
    compare = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
    return all(
        record[name] is not None and compare[bound.operator](record[name], bound.value)
        for name in NAMES
        for bound in constraints.bounds(name)
    )


def ordinary(rows_):
    connection = apsw.Connection(":memory:")
    connection.execute(
        f"CREATE TABLE facts ({', '.join(f'{c.name} {c.type.value}' + (f' COLLATE {c.collate}' if c.collate else '') for c in COLUMNS)})"
    )
    connection.executemany(f"INSERT INTO facts VALUES ({', '.join('?' * len(NAMES))})", rows_)
    return connection


@settings(max_examples=600, deadline=None)
@given(rows=rows, sql=statements())
def test_same_rows_as_an_ordinary_table(rows, sql):
    with Target.live_host() as target, Engine(target, [Table(SPEC, narrowing(rows))]) as engine:
        found = Counter(engine.run(sql).tuples)
    assert found == Counter(ordinary(rows).execute(sql))


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
        ],
    )
    def test_forms(self, where, paths):
        assert sorted(row["path"] for row in self.engine([]).run(f"SELECT path FROM files WHERE {where}").rows) == paths

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
