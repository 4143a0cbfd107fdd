"""Which subjects a waiver's pattern matches."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardaudit.model.subject_glob import matches


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("/srv/*", "/srv/drop", True),
        ("/srv/*", "/srv/drop/inner", False),
        ("/srv/**", "/srv/drop/inner", True),
        ("/srv/**", "/srv", False),
        ("/srv/*/in", "/srv/a/in", True),
        ("**/in", "/srv/a/in", True),
        ("*", "", True),
        ("", "", True),
        ("", "x", False),
        ("?", "/", False),
        ("a?c", "abc", True),
        ("[::]:443", "[::]:443", True),
        ("[::]:443", ":", False),
        ("tcp *:80", "tcp 0.0.0.0:80", True),
        ("a.c", "abc", False),
        ("line*", "line\nbreak", True),
        ("/SRV", "/srv", False),
    ],
)
def test_patterns(pattern, subject, expected):
    assert matches(pattern, subject) is expected


@given(pattern=st.text("a/*?b", max_size=10), subject=st.text("ab/*?\n", max_size=12))
def test_the_same_as_the_regular_expression_it_stands_for(pattern, subject):
    parts = {"*": "[^/]*", "?": "[^/]"}
    regex = "".join(".*" if part.startswith("**") else parts.get(part, re.escape(part)) for part in re.findall(r"\*\*+|.", pattern))
    assert matches(pattern, subject) is bool(re.fullmatch(regex, subject, re.DOTALL))


def test_a_hostile_subject_costs_time_linear_in_its_length():
    started = time.perf_counter()
    assert not matches("*a" * 20 + "b", "a" * 4096)
    assert time.perf_counter() - started < 2
