"""Differences: a pass needs the whole history since the query's first run."""

from __future__ import annotations

import pytest
from fleet_logs import HOUR, NOW, UPLOADS, batch, event, read, result_of, snapshot, state, subjects, verdict

X, Y = {"subject": "/x"}, {"subject": "/y"}


def added(at, row, counter=0, epoch=0, host="a"):
    return event(host, UPLOADS, at, "added", row, counter=counter, epoch=epoch)


def removed(at, row, counter, epoch=0, host="a"):
    return event(host, UPLOADS, at, "removed", row, counter=counter, epoch=epoch)


class TestTheFirstRun:
    def test_without_it_a_removed_row_shows_no_pass(self, tmp_path):
        logs = read(tmp_path, removed(NOW - 60, X, 4))
        assert verdict(logs, "a", UPLOADS) == ("unknown", "missing_source")

    def test_without_it_an_added_row_is_a_failure(self, tmp_path):
        assert state(read(tmp_path, added(NOW - 60, X, 4))) == "fail"

    def test_without_it_a_row_added_and_removed_leaves_the_rest_unknown(self, tmp_path):
        assert state(read(tmp_path, added(NOW - 60, X, 4), removed(NOW - 30, X, 5))) == "unknown"

    def test_counter_0_voids_what_was_known(self, tmp_path):
        logs = read(tmp_path, added(NOW - 90, X), added(NOW - 60, Y), removed(NOW - 30, Y, 1))
        assert state(logs) == "pass"

    def test_has_all_lines_of_one_time(self, tmp_path):
        logs = read(tmp_path, added(NOW - 90, X), added(NOW - 90, Y), removed(NOW - 60, Y, 2))
        assert subjects(logs) == ["/x"]

    def test_a_new_epoch_voids_what_was_known(self, tmp_path):
        logs = read(tmp_path, added(NOW - 90, X, 0, 1), added(NOW - 60, Y, 0, 2))
        assert subjects(logs) == ["/y"]

    def test_a_new_epoch_that_does_not_begin_with_counter_0_is_not_known_whole(self, tmp_path):
        logs = read(tmp_path, added(NOW - 90, X, 0, 1), added(NOW - 60, Y, 3, 2), removed(NOW - 30, Y, 4, 2))
        assert verdict(logs, "a", UPLOADS)[0] == "unknown"
        assert "/x" not in str(result_of(logs))

    def test_a_batch_without_rows_and_with_counter_0_is_a_first_run(self, tmp_path):
        assert state(read(tmp_path, batch("a", UPLOADS, NOW - 60))) == "pass"


class TestContradictions:
    @pytest.mark.parametrize(
        "lines",
        [
            [added(NOW - 90, X), removed(NOW - 60, X, 5), removed(NOW - 30, Y, 6)],
            [added(NOW - 90, X), removed(NOW - 60, X, 5), added(NOW - 50, Y, 4), removed(NOW - 40, Y, 5)],
            [added(NOW - 90, X), removed(NOW - 30, X, 5), added(NOW - 60, Y, 6)],
        ],
        ids=["removed but never added", "counter goes back", "time goes back"],
    )
    def test_are_no_pass(self, tmp_path, lines):
        assert verdict(read(tmp_path, *lines), "a", UPLOADS) == ("unknown", "undecidable")

    def test_end_with_the_next_first_run(self, tmp_path):
        lines = [added(NOW - 90, X), removed(NOW - 80, Y, 6), added(NOW - 60, X), removed(NOW - 30, X, 1)]
        assert state(read(tmp_path, *lines)) == "pass"

    def test_leave_a_failure_a_failure(self, tmp_path):
        logs = read(tmp_path, added(NOW - 90, X), removed(NOW - 60, Y, 6))
        assert state(logs) == "fail"
        assert [gap.reason.value for gap in result_of(logs).gaps] == ["undecidable"]


class TestLostParts:
    def test_a_rotated_file_that_is_missing_may_hold_what_was_added(self, tmp_path):
        files = {
            "osqueryd.results.log.3": added(NOW - 90, X) + "\n" + removed(NOW - 80, X, 1) + "\n" + snapshot("b", "other", NOW - 80) + "\n",
            "osqueryd.results.log.1": "",
            "osqueryd.results.log": added(NOW - 40, X, 5) + "\n" + removed(NOW - 30, X, 6) + "\n",
        }
        logs = read(tmp_path, files=files)
        assert verdict(logs, "a", UPLOADS) == ("unknown", "missing_source")
        assert [file.follows_gap for file in logs.reading.files] == [False, True, False]

    def test_a_line_of_nobody_may_hold_it_too(self, tmp_path):
        lines = [added(NOW - 90, X), removed(NOW - 80, X, 1), snapshot("b", UPLOADS, NOW - 80), '":"x"}}']
        logs = read(tmp_path, *lines)
        assert state(logs, "a") == "unknown"
        assert state(logs, "b") == "pass"  # a snapshot is whole

    def test_a_first_run_after_it_is_whole_again(self, tmp_path):
        lines = [snapshot("b", UPLOADS, NOW - 90), '":"x"}}', added(NOW - 80, X), removed(NOW - 70, X, 1)]
        assert state(read(tmp_path, *lines)) == "pass"


def test_differences_that_say_nothing_new_grow_stale(tmp_path):
    assert state(read(tmp_path, added(NOW - 3 * HOUR, X))) == "fail"
    assert verdict(read(tmp_path, added(NOW - 3 * HOUR - 1, X)), "a", UPLOADS) == ("unknown", "stale_data")


def test_a_snapshot_takes_the_place_of_differences(tmp_path):
    logs = read(tmp_path, added(NOW - 90, X), snapshot("a", UPLOADS, NOW - 60))
    assert state(logs) == "pass"
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 90), added(NOW - 60, X, 3), removed(NOW - 30, X, 4))
    assert state(logs) == "unknown"
