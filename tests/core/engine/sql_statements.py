"""Random SELECTs over one table `facts`: what check authors write, and what they would never."""

from __future__ import annotations

from hypothesis import strategies as st

from hardaudit.model.table import BIGINT, DOUBLE, INTEGER, TEXT, Column

COLUMNS = (
    Column("n", BIGINT, "a number, pushed down", index=True, ranges=True),
    Column("t", TEXT, "a text, pushed down", index=True, like=True, ranges=True),
    Column("plain", TEXT, "a text, left to SQLite"),
    Column("folded", TEXT, "compared without case", collate="nocase", index=True, like=True, ranges=True),
    Column("small", INTEGER, "a number, left to SQLite"),
    Column("real", DOUBLE, "a real number", index=True, ranges=True),
    Column("extra", TEXT, "a text that the generator must know", additional=True),
)
NAMES = [column.name for column in COLUMNS]

_texts = st.sampled_from(
    ["", "a", "A", "ab", "b", "1", "01", "1.0", "1e0", " 1", "-1", "-2", "0", "%", "_", "é", "a\nb", "\ue080", "9223372036854775807"]
)
_numbers = st.one_of(st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63), 2**53, 2**53 + 1, 2**61 - 1]))
_reals = st.sampled_from([0.0, 1.0, 1.5, -2.0, 1e300, float(2**53), float(2**63), float("inf")])
ROWS = st.lists(
    st.tuples(*(st.none() | values for values in (_numbers, _texts, _texts, _texts, _numbers, _reals, _texts))),
    max_size=8,
)

_LITERALS = """
NULL 0 1 -1 -2 1.0 1.5 1e300 1e999 -1e999 '1' ' 1 ' '1.0' '01' '1e0' 'a' 'A' '' '%' 'é' x'61' x'31' 'x' 9223372036854775807 9223372036854775808
-9223372036854775808 -9223372036854775808.0 '9223372036854775808' '-9223372036854775809' 9007199254740993 9007199254740992.0
'9007199254740993.0' CAST('1'\xa0AS\xa0INTEGER) CAST(1\xa0AS\xa0TEXT) 1\xa0COLLATE\xa0NOCASE 'a'\xa0COLLATE\xa0NOCASE
"""
_literals = st.sampled_from(
    [word.replace("\xa0", " ") for word in _LITERALS.replace("' 1 '", "'\xa01\xa0'").split(" ") for word in word.split("\n") if word]
)
_names = st.sampled_from(NAMES)
_operators = st.sampled_from(["=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT", "==", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
_patterns = st.sampled_from(["'a%'", "'%'", "'_'", "'A'", "'1%'", "NULL", "1", "1.5", "x'61'", "''", "'é'", "'%b'"])
_joins = st.sampled_from(["JOIN", "LEFT JOIN", "CROSS JOIN", "RIGHT JOIN", "FULL JOIN"])


def _f(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(form.format, *parts)


def _columns(prefix: str) -> st.SearchStrategy[str]:
    return _names.map(lambda name: f"{prefix}{name}")


def _scalar(prefix: str) -> st.SearchStrategy[str]:
    name = _columns(prefix)
    return st.one_of(
        name,
        _literals,
        _f("+{}", name),
        _f("({} COLLATE NOCASE)", name),
        _f("CAST({} AS TEXT)", name),
        _f("CAST({} AS INTEGER)", name),
        _f("coalesce({}, {})", name, _literals),
        _f("(SELECT max({}) FROM facts)", _names),
        _f("(SELECT {} FROM facts z WHERE z.{} = {} ORDER BY 1 LIMIT 1)", _names, _names, name),
    )


def _membership(name: st.SearchStrategy[str], scalar: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(
            lambda column, no, values: f"{column} {no}IN ({', '.join(values)})",
            name,
            st.sampled_from(["", "NOT "]),
            st.lists(_literals, max_size=4),
        ),
        _f("{} IN (SELECT {} FROM facts)", name, _names),
        _f("{} NOT IN (SELECT {} FROM facts)", name, _names),
        _f("{} IN (SELECT {} FROM facts WHERE {} IS NOT NULL UNION ALL SELECT {})", name, _names, _names, _literals),
        name.map(lambda column: f"""{column} IN (SELECT value FROM json_each('[1, "a", "1", 1.5, null, "01"]'))"""),
        _f("({}, {}) = ({}, {})", name, name, scalar, scalar),
        _f("({}, {}) < ({}, {})", name, name, _literals, _literals),
        _f("({}, {}) IN (VALUES ({}, {}), ({}, {}))", name, name, _literals, _literals, _literals, _literals),
        _f("({}, {}) IN (SELECT {}, {} FROM facts)", name, name, _names, _names),
        _f("({}, {}) = (SELECT {}, {} FROM facts ORDER BY 1, 2 LIMIT 1)", name, name, _names, _names),
        _f("EXISTS (SELECT 1 FROM facts y WHERE y.{} = {})", _names, name),
        _f("NOT EXISTS (SELECT 1 FROM facts y WHERE y.{} = {} AND y.{} > {})", _names, name, _names, _literals),
    )


def _comparison(prefix: str) -> st.SearchStrategy[str]:
    name, scalar = _columns(prefix), _scalar(prefix)
    return st.one_of(
        _f("{} {} {}", name, _operators, scalar),
        _f("{} {} {}", scalar, _operators, name),
        _f("{} BETWEEN {} AND {}", name, scalar, scalar),
        _f("{} NOT BETWEEN {} AND {}", name, _literals, _literals),
        _f("{} LIKE {}", name, _patterns),
        _f("{} LIKE {}", name, name),
        _f("{} NOT LIKE {}", name, _patterns),
        _f("{} LIKE {} ESCAPE 'a'", name, st.sampled_from(["'a%'", "'a_'", "'%'"])),
        _f("{} GLOB {}", name, st.sampled_from(["'a*'", "'*'", "'1'"])),
        _f("{} IS NULL", name),
        _f("CASE WHEN {} = {} THEN {} ELSE {} END", name, _literals, name, _literals),
        _membership(name, scalar),
    )


def _where(prefix: str = "") -> st.SearchStrategy[str]:
    return st.recursive(
        _comparison(prefix),
        lambda inner: st.one_of(
            _f("({} AND {})", inner, inner),
            _f("({} OR {})", inner, inner),
            _f("({} OR {} OR {})", inner, inner, inner),
            _f("NOT ({})", inner),
        ),
        max_leaves=5,
    )


def _every(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in NAMES)


def _joined() -> st.SearchStrategy[str]:
    return st.one_of(
        _f(
            f"SELECT {_every('a')}, {_every('b')} FROM facts a {{}} facts b ON a.{{}} = b.{{}} WHERE {{}}",
            _joins,
            _names,
            _names,
            _where("a."),
        ),
        _f(
            f"SELECT a.n, {_every('b')} FROM facts a {{}} facts b ON a.{{}} = b.{{}} AND {{}} WHERE {{}}",
            _joins,
            _names,
            _names,
            _where("b."),
            _where("b."),
        ),
        _f("SELECT a.t, b.n FROM facts a {} facts b ON {}", _joins, _where("b.")),
        _f(
            "SELECT a.n, b.t, c.plain FROM facts a LEFT JOIN facts b ON a.{} = b.{} {} facts c ON b.{} = c.{} WHERE {}",
            _names,
            _names,
            _joins,
            _names,
            _names,
            _where("c."),
        ),
        _f("SELECT * FROM facts a, facts b WHERE a.t = b.plain OR {}", _where("a.")),
        _f("SELECT * FROM facts a, facts b WHERE {} OR ({} AND a.{} = b.{})", _where("a."), _where("b."), _names, _names),
        _f("SELECT * FROM facts a JOIN facts b USING ({})", _names),
        _f("SELECT * FROM facts a NATURAL LEFT JOIN (SELECT {}, {} AS other FROM facts) b", _names, _names),
    )


def _nested() -> st.SearchStrategy[str]:
    return st.one_of(
        _f("WITH w AS (SELECT * FROM facts WHERE {}) SELECT * FROM w WHERE {}", _where(), _where()),
        _f("WITH w AS MATERIALIZED (SELECT * FROM facts WHERE {}) SELECT * FROM w JOIN facts f ON f.{} = w.{}", _where(), _names, _names),
        _f(
            "WITH RECURSIVE r(x, d) AS (SELECT n, 0 FROM facts WHERE {} UNION SELECT f.small, d + 1 FROM facts f JOIN r ON f.{} = r.x WHERE d < 3) SELECT * FROM r",
            _where(),
            _names,
        ),
        _f(
            "SELECT * FROM (SELECT {} AS x, t FROM facts UNION ALL SELECT {}, plain FROM facts) WHERE x {} {} OR t LIKE {}",
            _names,
            _names,
            _operators,
            _literals,
            _patterns,
        ),
        _f(
            "SELECT n, t FROM facts WHERE {} {} SELECT small, plain FROM facts WHERE {}",
            _where(),
            st.sampled_from(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]),
            _where(),
        ),
        _f("SELECT * FROM facts a WHERE EXISTS (SELECT 1 FROM facts b WHERE b.{} = a.{} AND {})", _names, _names, _where("b.")),
        _f(
            "SELECT * FROM facts a WHERE a.{} = (SELECT max(b.{}) FROM facts b WHERE b.{} = a.{} AND {})",
            _names,
            _names,
            _names,
            _names,
            _where("b."),
        ),
        _f("SELECT n, (SELECT count(*) FROM facts b WHERE b.{} = a.{} AND {}) FROM facts a", _names, _names, _where("b.")),
    )


def statements() -> st.SearchStrategy[str]:
    """Whole statements; the rows of each do not depend on the order in which the table has them."""
    return st.one_of(
        _f("SELECT * FROM facts WHERE {}", _where()),
        _f("SELECT {} FROM facts WHERE {}", _names, _where()),
        _f("SELECT {}, {} FROM facts WHERE {} ORDER BY 1, 2 LIMIT 3", _names, _names, _where()),
        _f(
            "SELECT {}, count(*) FROM facts WHERE {} GROUP BY 1 HAVING count(*) > 0", st.sampled_from(["n", "t", "plain", "real"]), _where()
        ),
        _f("SELECT count(*), min(n), max(t) FROM facts WHERE {}", _where()),
        _f("SELECT DISTINCT t, n FROM facts WHERE {} GROUP BY t, n", _where()),
        _f(f"SELECT n, t, row_number() OVER (PARTITION BY {{}} ORDER BY {', '.join(NAMES)}) FROM facts WHERE {{}}", _names, _where()),
        _joined(),
        _nested(),
    )
