"""Patterns of the host: PCRE2's meaning, in bounded time and memory."""

from __future__ import annotations

import time

import pytest

from hardaudit_plugins.web.apache.patterns import UndecidedError, matches


def test_a_dollar_matches_at_the_very_end_only():
    assert matches(r"\.php$", "x.php")
    assert not matches(r"\.php$", "x.php\n")
    assert matches(r"\.php\Z", "x.php\n")


def test_groups_are_numbered_and_one_that_took_no_part_is_none():
    found = matches("(a)|(b)", "xbz")
    assert found
    assert (found.groups, found.before, found.after) == (("b", None, "b"), "x", "z")
    assert (found.group(1), found.group(2), found.group(9)) == ("", "b", "")


def test_case_counts_unless_told_otherwise():
    assert not matches("php", "PHP")
    assert matches("php", "PHP", ignore_case=True)
    assert matches("(?i)php", "PHP")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("[[a]", "[", True),  # a bracket in a class is itself
        ("^[a&&b]+$", "&", True),  # no operations on sets
        ("a{,2}", "a{,2}", True),  # no repeat
        ("a{e<=1}", "b", False),  # no fuzzy matching
        (r"^\h$", "\t", True),
        (r"\Q.*\E", "x.*", True),
        (r"^[[:alpha:]_]+$", "ab_", True),
        ("^.$", "é", False),  # text is bytes: two of them
        (r"^\w+$", "é", False),
        ("^(?<dir>a+)/\\k<dir>$", "aa/aa", True),
    ],
)
def test_a_pattern_means_what_pcre_means_by_it(pattern: str, text: str, expected: bool):
    assert bool(matches(pattern, text)) is expected


@pytest.mark.parametrize("pattern", ["(", "a)", "(?R)", "(*ACCEPT)", "(?m)^a", r"\p{L}", "[a", r"\y", "a**", "(?(1)a|b)"])
def test_what_pcre_refuses_or_may_understand_differently_is_undecided(pattern: str):
    with pytest.raises(UndecidedError, match="pattern"):
        matches(pattern, "a")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^(a|aa)+$", "a" * 60 + "b"),
        ("(a?){5000}a{5000}", "a" * 5000),
        ("(((a{1000}){1000}){1000}){1000}", "a"),
        ("(" * 300 + "a" + ")" * 300, "a"),
        ("a" * 10_000, "a"),
        ("a", "b" * 100_000),
    ],
)
def test_a_hostile_pattern_ends_undecided_in_bounded_time(pattern: str, text: str):
    start = time.monotonic()
    with pytest.raises(UndecidedError):
        matches(pattern, text)
    assert time.monotonic() - start < 30
