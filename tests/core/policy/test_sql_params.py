"""The parameters that SQL names, as SQLite itself finds them."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardaudit.policy.sql_params import named_in

FRAGMENTS = ["':a'", "'it''s :b'", '":c"', "`:d`", "[:e]", "-- :f\n", "/* :g */", "/* ' */", "-- '\n", ":h", ":i9_x", "@j", "$k", "?", "?7", "x", "1", "'", '"',
             "(", ")", "||", "->>", "'$.l'", ",", "\n", " ", "a$m", "x'00'", ":é", "/", "*", "-", "="]  # fmt: skip


class Asked(dict):
    """Every name SQLite asks a value for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __missing__(self, name: str) -> int:
        self.names.append(name)
        return 1


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT :a, ':b', \":c\", x FROM t WHERE y = :a AND z IN (SELECT value FROM json_each(:list))", [":a", ":list"]),
        ("SELECT 1 -- :a\n/* :b\n:c */ WHERE :d", [":d"]),
        ("SELECT 'it''s :a' || :b", [":b"]),
        ("SELECT ?, ?12, @x, $y", ["?", "?12", "@x", "$y"]),
        ("SELECT json_extract(x, '$.a'), [odd:name], `q:r`", []),
        ("SELECT 'open :a", []),
        ("SELECT /* open :a", []),
    ],
)
def test_named_in(sql, names):
    assert named_in(sql) == names


@given(parts=st.lists(st.sampled_from(FRAGMENTS), max_size=12), space=st.booleans())
def test_agrees_with_sqlite(parts, space):
    sql = "SELECT " + (" " if space else "").join(parts)
    asked = Asked()
    try:
        with sqlite3.connect(":memory:") as connection:
            connection.execute(sql, asked)
    except sqlite3.Error:
        return
    assert [name[1:] for name in named_in(sql)] == asked.names


def test_a_long_statement_costs_linear_time():
    assert named_in("'" * 200_001) == []
    assert named_in("SELECT " + "('" * 100_000) == []
