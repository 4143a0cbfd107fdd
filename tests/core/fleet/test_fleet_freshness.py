"""Time: what is too old, what is of the future, what is out of order."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fleet_logs import HOUR, NOW, TLS, UPLOADS, read, result_of, snapshot, state, verdict

from hardaudit.fleet import score

X = {"subject": "/x"}


@pytest.fixture
def now(monkeypatch):
    """The clock of this machine says NOW."""
    monkeypatch.setattr(score, "time", SimpleNamespace(time=lambda: NOW + 0.5))


def test_a_result_counts_for_three_intervals(tmp_path):
    assert state(read(tmp_path, snapshot("a", UPLOADS, NOW - 3 * HOUR))) == "pass"
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 3 * HOUR - 1, X))
    assert verdict(logs, "a", UPLOADS) == ("unknown", "stale_data")
    assert result_of(logs).gaps[0].detail == "the newest result, which had rows, is of 2027-01-15 04:59:59 UTC, older than 3 h"


def test_interval_and_number_can_be_told(tmp_path):
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 100), interval=60, stale_after=1.5)
    assert verdict(logs, "a", UPLOADS) == ("unknown", "stale_data")
    assert state(read(tmp_path, snapshot("a", UPLOADS, NOW - 100), interval=60, stale_after=2)) == "pass"


def test_the_time_is_this_machines_unless_told(tmp_path, now):
    assert state(read(tmp_path, snapshot("a", UPLOADS, NOW - 3 * HOUR), as_of=None)) == "pass"
    assert state(read(tmp_path, snapshot("a", UPLOADS, NOW - 3 * HOUR - 1), as_of=None)) == "unknown"


class TestTheFuture:
    def test_a_little_of_it_is_allowed(self, tmp_path, now):
        assert state(read(tmp_path, snapshot("a", UPLOADS, NOW + 300), as_of=None)) == "pass"

    def test_a_result_of_it_is_no_evidence(self, tmp_path, now):
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW + 301), as_of=None)
        assert verdict(logs, "a", UPLOADS) == ("unknown", "undecidable")
        assert (logs.reading.future_results, logs.reading.hosts["a"].heard) == (1, 0)

    def test_it_leaves_what_was_known_in_doubt_until_a_newer_result(self, tmp_path, now):
        lines = [snapshot("a", UPLOADS, NOW - 60), snapshot("a", UPLOADS, NOW + 10**6, X)]
        assert state(read(tmp_path, *lines, as_of=None)) == "unknown"
        assert state(read(tmp_path, *lines, snapshot("a", UPLOADS, NOW - 30), as_of=None)) == "pass"

    def test_what_is_after_the_time_asked_for_is_left_out(self, tmp_path):
        lines = [snapshot("a", UPLOADS, NOW - 60), snapshot("a", UPLOADS, NOW + 10, X)]
        logs = read(tmp_path, *lines, as_of=NOW)
        assert (state(logs), logs.reading.future_results) == ("pass", 1)


class TestDisorder:
    def test_the_newest_time_counts_between_logs(self, tmp_path):
        files = {
            "a.log": snapshot("b", UPLOADS, NOW - 99) + "\n" + snapshot("a", UPLOADS, NOW) + "\n",
            "b.log": snapshot("a", UPLOADS, NOW - 60, X) + "\n",
        }
        assert state(read(tmp_path, files=files)) == "pass"

    def test_in_one_log_a_failure_dated_back_is_not_passed_over(self, tmp_path):
        lines = [snapshot("a", UPLOADS, NOW - 30), snapshot("a", UPLOADS, NOW - 60, X)]
        assert verdict(read(tmp_path, *lines), "a", UPLOADS) == ("unknown", "undecidable")
        assert state(read(tmp_path, *lines, snapshot("a", UPLOADS, NOW - 10))) == "pass"

    def test_nor_that_the_check_does_apply(self, tmp_path):
        lines = [snapshot("a", f"{TLS}:applies", NOW - 30, {"applies": "0"}), snapshot("a", f"{TLS}:applies", NOW - 60, {"applies": "1"})]
        assert state(read(tmp_path, *lines), "a", TLS) == "unknown"

    def test_a_line_twice_changes_nothing(self, tmp_path):
        lines = [snapshot("a", UPLOADS, NOW - 60), snapshot("a", UPLOADS, NOW - 30), snapshot("a", UPLOADS, NOW - 60)]
        assert state(read(tmp_path, *lines)) == "pass"

    def test_of_two_results_of_one_second_the_worse_counts(self, tmp_path):
        for lines in (
            [snapshot("a", UPLOADS, NOW), snapshot("a", UPLOADS, NOW, X)],
            [snapshot("a", UPLOADS, NOW, X), snapshot("a", UPLOADS, NOW)],
        ):
            assert state(read(tmp_path, *lines)) == "fail"
