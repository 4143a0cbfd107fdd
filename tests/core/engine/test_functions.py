"""osquery's SQL functions, with osquery's semantics."""

from __future__ import annotations

import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardaudit.engine.engine import Engine
from hardaudit.engine.versions import compare_dpkg, compare_rpm, compare_segments
from hardaudit.errors import QueryError
from hardaudit.target.target import Target


@pytest.fixture(scope="module")
def engine():
    with Target.live_host() as target, Engine(target, []) as made:
        yield made


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("regex_match('a-12-b', '([0-9]+)', 1)", "12"),
        ("regex_match('a-12-b', '([0-9]+)', 0)", "12"),
        ("regex_match('a-12-b', '([0-9]+)', 2)", None),
        ("regex_match('abc', '(x)|b', 1)", ""),
        ("regex_match('ab' || char(10), 'b$', 0)", None),
        ("regex_match('ab', 'b$', 0)", "b"),
        ("regex_match('a$', '[$]|\\$', 0)", "$"),
        ("regex_match('abc', 'x', 0)", None),
        ("regex_match(NULL, 'x', 0)", None),
        ("regex_match(12, '2', 0)", "2"),
        ("regex_match('abc', 'b', '0')", "b"),
        ("regex_match('caf\u00e9-1', '\\w+', 0)", "caf"),
        ("regex_split('a1b2c', '[0-9]', 1)", "b"),
        ("regex_split('1b', '[0-9]', 0)", ""),
        ("regex_split('a1', '[0-9]', 1)", None),
        ("regex_split('abc', 'x', 0)", "abc"),
        ("split('a.b.c', '.', 1)", "b"),
        ("split('192.168.0.1', '.0', 2)", "1"),
        ("split(' a , b ', ',', 1)", "b"),
        ("split('..a', '.', 0)", "a"),
        ("split('a, ' || char(9) || 'b' || char(160) || ' ', ',', 1)", "b\u00a0"),
        ("split('a', '.', 1)", None),
        ("split('a', '.', -1)", None),
        ("split('a]b^c', ']^', 2)", "c"),
        ("concat('a', NULL, 'b', 1)", "ab1"),
        ("concat()", None),
        ("concat_ws('-', 'a', NULL, 'b')", "a-b"),
        ("concat_ws('-', 'a', NULL)", "a-"),
        ("concat_ws(NULL, 'a', 'b')", "ab"),
        ("in_cidr_block('10.0.0.0/8', '10.1.2.3')", 1),
        ("in_cidr_block('10.0.0.0/8', '11.1.2.3')", 0),
        ("in_cidr_block('10.0.0.0/8', '10.0.0.0')", 0),
        ("in_cidr_block('10.1.2.3/32', '10.1.2.3')", 1),
        ("in_cidr_block('fd00::/8', 'fd12::1')", 1),
        ("in_cidr_block('fd00::/8', 'fe80::1')", 0),
        ("inet_aton('1.2.3.4')", 16909060),
        ("inet_aton('x')", None),
        ("to_base64('abc')", "YWJj"),
        ("from_base64('YWJj')", "abc"),
        ("from_base64('YWI=')", "ab"),
        ("from_base64('YWI')", "ab"),
        ("from_base64('YW' || char(13, 10) || 'Jj' || char(10))", "abc"),
        ("from_base64('YWJjZ')", ""),
        ("from_base64('YW Jj')", ""),
        ("from_base64('')", ""),
        ("from_base64('!')", ""),
        ("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("md5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
        ("version_compare('1.10', '1.9')", 1),
        ("version_compare('2.0', '2.0')", 0),
        ("version_compare('1.0', '1.0.1')", -1),
        ("version_compare('1.01', '1.1')", 1),
        ("version_compare('1.02', '1.1')", 1),
        ("version_compare('1.2.0', '1.3')", -1),
        ("version_compare('1.10.5', '1.9.10')", 1),
        ("version_compare('8.1p1', '8.10')", 1),
        ("version_compare('1.0a1', '1.0b')", 1),
        ("version_compare('1.0a', '1.0b')", -1),
        ("version_compare('1.0~rc1', '1.0')", 1),
        ("version_compare('1:1.0', '2.0')", -1),
        ("version_compare('1-0', '1.0')", 0),
        ("version_compare('', '1')", -1),
        ("version_compare('a', '\u00e9')", -1),
        ("version_compare('ab', '\u00e9')", 1),
        ("version_compare('1.0~rc1', '1.0', 'DPKG')", -1),
        ("version_compare('1:1.0', '2.0', 'DPKG')", 1),
        ("version_compare(NULL, '1')", None),
    ],
)
def test_values(engine, expression, value):
    assert engine.run(f"SELECT {expression}").tuples == ((value,),)


@pytest.mark.parametrize(
    "expression",
    [
        "regex_match('a', '(', 0)",
        f"regex_match('a', '{'a' * 257}', 0)",
        "regex_split('a', '', 0)",
        "split('a', '', 0)",
        "in_cidr_block('x', '10.0.0.1')",
        "in_cidr_block('fd00::/8', '10.0.0.1')",
        "in_cidr_block('10.0.0.0/8', NULL)",
        "version_compare('1', '2', 'NONE')",
        "concat_ws()",
    ],
)
def test_errors(engine, expression):
    with pytest.raises(QueryError):
        engine.run(f"SELECT {expression}")


def test_a_pattern_that_backtracks_for_ever_is_stopped(engine):
    started = time.monotonic()
    with pytest.raises(QueryError, match="longer than 2 s"):
        engine.run("SELECT regex_match(:text, '(a|aa|aaa|a?)+$', 0)", {"text": "a" * 5000 + "!"})
    assert time.monotonic() - started < 60


versions = st.from_regex(r"([0-9]:)?[0-9][a-z0-9.+~]{0,6}(-[a-z0-9.+~]{1,5})?", fullmatch=True)


@pytest.mark.real
@settings(max_examples=150, deadline=None)
@given(left=versions, right=versions)
def test_dpkg_agrees(left, right):
    order = compare_dpkg(left, right)
    for relation, holds in (("lt", order < 0), ("eq", order == 0), ("gt", order > 0)):
        done = subprocess.run(["dpkg", "--compare-versions", left, relation, right], check=False, stderr=subprocess.DEVNULL)
        assert (done.returncode == 0) == holds, (left, relation, right)


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("1.0", "1.0", 0),
        ("1.0", "2.0", -1),
        ("1.0.1", "1.0", 1),
        ("5.5p1", "5.5p2", -1),
        ("5.5p10", "5.5p1", 1),
        ("10xyz", "10.1xyz", -1),
        ("xyz10", "xyz10.1", -1),
        ("xyz.4", "8", -1),
        ("1.0~rc1", "1.0", -1),
        ("1.0~rc1", "1.0~rc2", -1),
        ("1.0^", "1.0", 1),
        ("1.0^git1", "1.0.1", -1),
        ("1.0^git1", "1.0^git2", -1),
        ("1:1.0", "2.0", 1),
        ("1.0-1", "1.0-2", -1),
        ("1.0", "1.0-2", 0),
        ("1.05", "1.5", 0),
    ],
)
def test_rpm_order(left, right, order):
    """From rpm's own test-suite (rpmvercmp.at) and documentation."""
    assert compare_rpm(left, right) == order
    assert compare_rpm(right, left) == -order


@given(versions, versions, versions)
def test_orders_are_orders(one, two, three):
    for compare in (compare_segments, compare_dpkg, compare_rpm):
        assert compare(one, one) == 0
        assert compare(one, two) == -compare(two, one)
        if compare(one, two) <= 0 and compare(two, three) <= 0 and compare is not compare_rpm:
            assert compare(one, three) <= 0
