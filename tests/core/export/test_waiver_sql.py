"""Waivers in SQL: the same subjects as `subject_glob`, until the end of their last day."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import apsw
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hardaudit.engine import functions
from hardaudit.export.sql_text import CannotExportError
from hardaudit.export.waiver_sql import reason_of, waived
from hardaudit.model.policy import Waiver
from hardaudit.model.subject_glob import matches

FAR = date(2999, 12, 31)
CONNECTION = apsw.Connection(":memory:")
functions.register(CONNECTION, lambda: None)


def waiver(subject=None, glob=None, expires=FAR, reason="agreed"):
    return Waiver("a/b", subject, glob, reason, "ops", expires)


def covers(given_waiver, subject):
    """What the condition says of a row with this subject: 0 or 1."""
    return CONNECTION.execute(f'SELECT {waived(given_waiver)} FROM (SELECT ? AS "subject")', (subject,)).get


TRICKY = "a/b*?[].^$\\(){}|+'\n:Aé😀"


@given(
    pattern=st.text("a/*?[é\n", min_size=1, max_size=9) | st.text(TRICKY, min_size=1, max_size=12),
    subject=st.text("ab/*?[éA\n\0", max_size=9),
)
@example(pattern="/srv/*/cache/**", subject="/srv/a/cache/b/c")
@example(pattern="a*/**", subject="a/b\n")
@example(pattern="*", subject="a\0/")
@example(pattern="?", subject="😀")
@example(pattern="[::]:443", subject="[::]:443")
def test_a_glob_covers_the_same_subjects(pattern, subject):
    try:
        covered = covers(waiver(glob=pattern), subject)
    except CannotExportError:
        assert "**" in pattern
        assume(False)
    assert covered == (matches(pattern, subject) and "\0" not in subject)


@given(subject=st.text(TRICKY, min_size=1, max_size=8), other=st.text(TRICKY, max_size=8))
def test_an_exact_subject_covers_itself_alone(subject, other):
    assert covers(waiver(subject=subject), subject) == 1
    assert covers(waiver(subject=subject), other) == (subject == other)


@pytest.mark.parametrize(
    ("given_waiver", "subject", "expected"),
    [
        (waiver(subject="22"), 22, 1),
        (waiver(glob="*"), None, 1),
        (waiver(subject="x"), None, 0),
        (waiver(subject="1.5"), 1.5, 0),
        (waiver(glob="**"), b"blob", 0),
        (waiver(subject="/SRV"), "/srv", 0),
        (waiver(glob="/SRV*"), "/srv1", 0),
    ],
)
def test_numbers_null_and_case(given_waiver, subject, expected):
    assert covers(given_waiver, subject) == expected


def test_a_collation_of_the_column_does_not_count():
    CONNECTION.execute("CREATE TABLE t(subject TEXT COLLATE nocase); INSERT INTO t VALUES ('ABC')")
    assert CONNECTION.execute(f"SELECT {waived(waiver(subject='abc'))} FROM t").get == 0


def test_it_ends_after_its_last_day():
    today = datetime.now(timezone.utc).date()
    for days, expected in ((-1, 0), (0, 1), (1, 1)):
        assert covers(waiver(subject="x", expires=today + timedelta(days=days)), "x") == expected


def test_the_reason_of_the_first_that_covers():
    waivers = [
        waiver(subject="a", reason="it's old", expires=date(2020, 1, 1)),
        waiver(glob="a*", reason="it's agreed"),
        waiver(glob="*", reason="last"),
    ]
    expression = reason_of([(one, waived(one)) for one in waivers])
    found = [CONNECTION.execute(f"SELECT {expression} FROM (SELECT ? AS subject)", (subject,)).get for subject in ("a", "b", "a/b")]
    assert found == ["it's agreed", "last", None]


@pytest.mark.parametrize("pattern", ["/*/?/**", "/*/**/" + "x" * 240])
def test_what_osquery_cannot_say_is_refused(pattern):
    with pytest.raises(CannotExportError, match="pattern"):
        waived(waiver(glob=pattern))


def test_a_pattern_at_the_limit_of_osquerys_expressions():
    fixed = len(r"^[^/]*[\s\S]*(?![\s\S])")
    pattern = "*" + "x" * (256 - fixed) + "**"
    assert covers(waiver(glob=pattern), pattern.strip("*")) == 1
    with pytest.raises(CannotExportError, match="too long"):
        waived(waiver(glob="x" + pattern))
