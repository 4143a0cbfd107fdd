"""Values as SQL literals, and statements inside others."""

from __future__ import annotations

import math

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hardaudit.export.sql_text import CannotExportError, embeddable, literal, with_values
from hardaudit.model.check import sql_value

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-(10**7), 10**7).map(lambda number: number / 64)  # which every SQLite reads exactly
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    | st.text("';-*/():p\"`[]\n\\", max_size=12)
)
VALUES = SCALARS | st.lists(SCALARS, max_size=4) | st.dictionaries(st.text("a'\"", max_size=3), SCALARS, max_size=3)

QUERY = """
SELECT typeof(:p), quote(:p), quote(-:p), quote(1-:p), x, x=:p AS same, :p IS NULL, coalesce(:p,'none') -- :p is said ':p'
FROM (SELECT 1 AS x UNION ALL SELECT -5 UNION ALL SELECT '1' UNION ALL SELECT 'it''s :p' UNION ALL SELECT 2.5 UNION ALL SELECT NULL)
WHERE x = :p OR x<:p OR :other /* :p ' */ AND x IN(:p,:other)
LIMIT:limit
"""


@given(value=VALUES, other=SCALARS)
@example(value="-1'); ATTACH 'x' AS y; --", other=-1)
@example(value=-(2**63), other=True)
@example(value=["it's", {"a": [None, 1.5, False]}], other="")
def test_a_literal_is_what_the_parameter_was(value, other):
    values = {"p": sql_value(value), "other": sql_value(other), "limit": 5}
    connection = apsw.Connection(":memory:")
    bound = connection.execute(QUERY, values).fetchall()
    assert connection.execute(with_values(QUERY, values)).fetchall() == bound


@given(values=st.lists(SCALARS, max_size=5))
def test_lists_come_through_json_each(values):
    sql, connection = "SELECT value, type FROM json_each(:list) WHERE:on", apsw.Connection(":memory:")
    parameters = {"list": sql_value(values), "on": 1}
    assert connection.execute(with_values(sql, parameters)).fetchall() == connection.execute(sql, parameters).fetchall()


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 2**63, "a\0b", "\ud800"])
def test_what_has_no_literal_is_refused(value):
    with pytest.raises(CannotExportError):
        literal(value)


@pytest.mark.parametrize("sql", ["SELECT :q", "SELECT ?", "SELECT @p", "SELECT $p"])
def test_a_parameter_without_a_value_is_refused(sql):
    with pytest.raises(CannotExportError, match="has no value"):
        with_values(sql, {"p": 1})


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 AS a", [(1,)]),
        ("  SELECT 1 AS a ; -- the end\n;/* and more */ ", [(1,)]),
        ("SELECT 1 AS a -- a comment; with a semicolon", [(1,)]),
        ("SELECT ';--' AS a;", [(";--",)]),
        ("-- first\nWITH t AS (SELECT 1 AS a UNION SELECT 2) SELECT a FROM t ORDER BY a DESC LIMIT 1", [(2,)]),
        ("SELECT 1 AS a UNION ALL SELECT 2 EXCEPT SELECT 1 ORDER BY 1", [(2,)]),
        ("VALUES (7)", [(7,)]),
        ("SELECT /* open at the end", None),
        ("SELECT 1; SELECT 2", None),
        (" ; -- nothing\n", None),
    ],
)
def test_a_statement_inside_another(sql, expected):
    if expected is None:
        with pytest.raises((CannotExportError, apsw.SQLError)):
            apsw.Connection(":memory:").execute(f"SELECT * FROM (\n{embeddable(sql)}\n)")
    else:
        assert apsw.Connection(":memory:").execute(f"SELECT * FROM (\n{embeddable(sql)}\n)").fetchall() == expected
