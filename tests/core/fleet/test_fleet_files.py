"""Files: rotated, compressed, cut, in directories, and in any order."""

from __future__ import annotations

import gzip

import pytest
from fleet_logs import NOW, REGISTRY, ROOT, TLS, UPLOADS, make_policy, read, snapshot, state, verdict

from hardaudit.errors import UsageError
from hardaudit.fleet import log_files, reading
from hardaudit.fleet.log_files import find_logs
from hardaudit.fleet.score import FleetLogs, Question

X = {"subject": "/x"}


def names(place, *places):
    return [[file.path.removeprefix(f"{place}/") for file in files] for files in find_logs([str(one) for one in places or (place,)])]


def write(place, *files):
    for name in files:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


class TestOrder:
    def test_rotated_files_come_oldest_first(self, tmp_path):
        write(tmp_path, *(f"name.log{end}" for end in ("", ".1", ".2", ".10.gz", ".9.gz")))
        assert names(tmp_path) == [["name.log.10.gz", "name.log.9.gz", "name.log.2", "name.log.1", "name.log"]]

    def test_dated_files_come_by_their_dates(self, tmp_path):
        write(tmp_path, "name.log-20261127", "name.log-20261031.gz", "name.log-20261101", "name.log")
        assert names(tmp_path) == [["name.log-20261031.gz", "name.log-20261101", "name.log-20261127", "name.log"]]

    def test_logs_come_by_the_time_of_their_first_lines(self, tmp_path):
        (tmp_path / "a.log").write_text(snapshot("a", UPLOADS, NOW) + "\n")
        (tmp_path / "z.log").write_text(snapshot("a", UPLOADS, NOW - 50, X) + "\n")
        (tmp_path / "m.gz").write_bytes(gzip.compress(snapshot("a", UPLOADS, NOW - 20, X).encode()))
        assert names(tmp_path) == [["z.log"], ["m.gz"], ["a.log"]]
        assert state(FleetLogs([str(tmp_path)], make_policy(), REGISTRY, Question(as_of=NOW))) == "pass"

    def test_directories_are_searched_whole_for_names_of_logs(self, tmp_path):
        write(
            tmp_path,
            "h1/osqueryd.results.log",
            "h2/deep/osqueryd.results.log.1",
            "h2/x.json.gz",
            "osqueryd.INFO.1",
            "notes.txt",
            "x.log.bak",
        )
        (tmp_path / "link.log").symlink_to("/etc/passwd")
        assert sorted(name for files in names(tmp_path) for name in files) == [
            "h1/osqueryd.results.log",
            "h2/deep/osqueryd.results.log.1",
            "h2/x.json.gz",
        ]

    def test_a_file_is_read_once_and_plain_before_compressed(self, tmp_path):
        write(tmp_path, "name.log", "name.log.1", "name.log.1.gz")
        found = names(tmp_path, tmp_path, tmp_path / "name.log", f"{tmp_path}/../{tmp_path.name}/name.log.1")
        assert found == [["name.log.1", "name.log"]]

    @pytest.mark.parametrize("place", ["missing", "empty"])
    def test_what_is_no_log_is_refused(self, tmp_path, place):
        (tmp_path / "empty").mkdir()
        with pytest.raises(UsageError, match=r"there is no such file|no file of this directory"):
            find_logs([str(tmp_path / place)])

    def test_the_last_word_is_in_the_newest_file(self, tmp_path):
        files = {
            "osqueryd.results.log.2.gz": gzip.compress((snapshot("a", UPLOADS, NOW - 90) + "\n").encode()),
            "osqueryd.results.log.1": snapshot("a", UPLOADS, NOW - 60) + "\n",
            "osqueryd.results.log": snapshot("a", UPLOADS, NOW - 30, X) + "\n",
        }
        logs = read(tmp_path, files=files)
        assert (state(logs), logs.reading.lines) == ("fail", 3)


class TestCutLines:
    def cut(self, tmp_path, text, *after):
        return read(
            tmp_path, snapshot("a", UPLOADS, NOW - 90), snapshot("a", ROOT, NOW - 90), snapshot("b", UPLOADS, NOW - 90), text, *after
        )

    def test_of_which_host_and_check_can_be_told_leave_that_check_unknown(self, tmp_path):
        logs = self.cut(tmp_path, snapshot("a", UPLOADS, NOW - 60, X)[40:])  # rows and name, cut before them
        logs = self.cut(tmp_path, '{"name":"pack_hardaudit_web/uploads","hostIdentifier":"a","calendarTime":"","unixTime":' + str(NOW - 60))
        assert verdict(logs, "a", UPLOADS) == ("unknown", "undecidable")
        assert (state(logs, "a", ROOT), state(logs, "b")) == ("pass", "pass")
        assert (logs.reading.files[0].cut, logs.reading.files[0].unattributed) == (1, 0)

    def test_of_which_the_host_can_be_told_leave_every_check_of_it_unknown(self, tmp_path):
        logs = self.cut(tmp_path, '{"snapshot":[],"hostIdentifier":"a","unix')
        assert [state(logs, "a", UPLOADS), state(logs, "a", ROOT), state(logs, "b")] == ["unknown", "unknown", "pass"]

    def test_of_nobody_are_counted(self, tmp_path):
        logs = self.cut(tmp_path, '{"snapshot":[{"subject":"/')
        assert (logs.reading.files[0].cut, logs.reading.files[0].unattributed) == (1, 1)
        assert [state(logs, "a"), state(logs, "b")] == ["pass", "pass"]

    def test_of_nobody_in_the_log_of_one_host_are_that_hosts(self, tmp_path):
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 90), '{"snapshot":[{"subject":"/')
        assert verdict(logs, "a", UPLOADS) == ("unknown", "missing_source")

    def test_are_made_good_by_newer_results(self, tmp_path):
        logs = self.cut(tmp_path, snapshot("a", UPLOADS, NOW - 60, X)[:200], snapshot("a", UPLOADS, NOW - 30))
        assert state(logs) == "pass"
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 90), '{"snap', snapshot("a", UPLOADS, NOW - 30))
        assert state(logs) == "pass"

    def test_leave_a_failure_a_failure(self, tmp_path):
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 90, X), snapshot("a", UPLOADS, NOW - 60)[:150])
        assert state(logs) == "fail"

    def test_cannot_name_another_host_from_within_a_text(self, tmp_path):
        name = '{"hostIdentifier":"b","name":"web/uploads"'
        logs = self.cut(tmp_path, snapshot("a", UPLOADS, NOW - 60, {"subject": name})[:-30])
        assert [state(logs, "a"), state(logs, "b")] == ["unknown", "pass"]

    def test_of_another_query_change_nothing(self, tmp_path):
        head = '{"name":"pack_x_processes","hostIdentifier":"a","columns":{"name":"ngi'
        logs = self.cut(tmp_path, head)
        assert (state(logs), logs.reading.files[0].cut) == ("pass", 1)

    def test_two_lines_run_together_are_both_lost(self, tmp_path):
        first, second = snapshot("a", UPLOADS, NOW - 60, X), snapshot("b", UPLOADS, NOW - 60, X)
        logs = self.cut(tmp_path, first[:180] + second)
        assert [state(logs, "a"), state(logs, "b")] == ["unknown", "unknown"]


class TestFilesThatMoveWhileTheyAreRead:
    """Between the listing and the reading of one file and the next."""

    def read(self, place, monkeypatch, move):
        """Each file is moved on once the oldest is being read."""
        opened = []

        def lines_of(stream):
            if not opened:
                move()
            opened.append(stream)
            yield from log_files.lines_of(stream)

        monkeypatch.setattr(reading, "lines_of", lines_of)
        return FleetLogs([str(place)], make_policy(UPLOADS), REGISTRY, Question(as_of=NOW))

    def test_a_log_that_is_rotated_loses_nothing(self, tmp_path, monkeypatch):
        log = tmp_path / "x.log"

        def rotate():
            (tmp_path / "x.log.1").rename(tmp_path / "x.log.2")
            log.rename(tmp_path / "x.log.1")
            log.write_text("")

        (tmp_path / "x.log.1").write_text(snapshot("a", UPLOADS, NOW - 120) + "\n")
        log.write_text(snapshot("a", UPLOADS, NOW - 60, X) + "\n")
        logs = self.read(tmp_path, monkeypatch, rotate)
        assert (state(logs), logs.reading.lines) == ("fail", 2)

    def test_a_log_that_was_rotated_since_it_was_listed_is_read_once(self, tmp_path, monkeypatch):
        log = tmp_path / "x.log"
        (tmp_path / "x.log.1").write_text(snapshot("a", UPLOADS, NOW - 120, X) + "\n")
        log.write_text(snapshot("a", UPLOADS, NOW - 60) + "\n")
        found = find_logs([str(tmp_path)])
        (tmp_path / "x.log.1").unlink()
        (tmp_path / "x.log.1").hardlink_to(log)
        monkeypatch.setattr("hardaudit.fleet.score.find_logs", lambda _: found)
        logs = FleetLogs([str(tmp_path)], make_policy(UPLOADS), REGISTRY, Question(as_of=NOW))
        assert (state(logs), logs.reading.lines) == ("pass", 1)

    def test_a_log_that_is_cut_leaves_the_fleet_incomplete(self, tmp_path, monkeypatch):
        log = tmp_path / "x.log"
        (tmp_path / "x.log.1").write_text(snapshot("a", UPLOADS, NOW - 120) + "\n")
        log.write_text(snapshot("a", UPLOADS, NOW - 60) + "\n")
        monkeypatch.setattr(log_files, "_was_cut", lambda file, _: file.name == str(log))
        logs = FleetLogs([str(tmp_path)], make_policy(UPLOADS), REGISTRY, Question(as_of=NOW))
        assert logs.reading.files[1].error == "it was cut while it was read: read it again"
        assert logs.score().gate.state.value == "incomplete"

    def test_what_is_cut_is_shorter_than_what_was_read(self, tmp_path):
        path = tmp_path / "x.log"
        path.write_bytes(b"one\ntwo\n")
        with log_files.open_log(str(path)) as stream:
            lines = log_files.lines_of(stream)
            assert next(lines) == b"one\n"
            path.write_bytes(b"new\n")
            with pytest.raises(OSError, match="cut while it was read"):
                list(lines)


class TestDamage:
    def test_a_compressed_file_that_is_cut_is_read_as_far_as_it_goes(self, tmp_path):
        whole = "".join(snapshot(f"h{number}", UPLOADS, NOW - 60) + "\n" for number in range(3000)).encode()
        logs = read(tmp_path, files={"osqueryd.results.log.1.gz": gzip.compress(whole)[:-2000]})
        assert logs.reading.files[0].error == "Compressed file ended before the end-of-stream marker was reached"
        assert 0 < logs.reading.lines < 3000
        assert logs.score().gate.state.value == "incomplete"
        assert "1 file could not be read to the end" in logs.score().gate.reasons

    def test_a_compressed_file_that_is_damaged_is_no_traceback(self, tmp_path):
        whole = bytearray(gzip.compress("".join(snapshot(f"h{n}", UPLOADS, NOW) + "\n" for n in range(3000)).encode()))
        for at in (12, 400, len(whole) // 2, len(whole) - 6):
            damaged = bytearray(whole)
            damaged[at] ^= 0xFF
            logs = read(tmp_path, files={"osqueryd.results.log.1.gz": bytes(damaged)})
            assert logs.reading.files[0].error or logs.reading.files[0].unusable

    def test_what_is_not_readable_is_said(self, tmp_path, monkeypatch):
        def refuse(path):
            raise PermissionError(13, "Permission denied", path)

        monkeypatch.setattr(log_files, "open_log", refuse)
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW))
        assert logs.reading.files[0].error == "Permission denied"
        assert logs.score().gate.state.value == "incomplete"

    def test_a_line_that_is_too_long_is_skipped_and_its_check_unknown(self, tmp_path, monkeypatch):
        monkeypatch.setattr(log_files, "LINE_LIMIT", 2000)
        long = (
            '{"snapshot":['
            + ",".join(['{"subject":"/x"}'] * 5000)
            + '],"action":"snapshot","name":"web/uploads","hostIdentifier":"a","unixTime":1}'
        )
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 60), long, snapshot("a", ROOT, NOW - 60), snapshot("a", TLS, NOW))
        assert logs.reading.files[0].too_long == 1
        assert verdict(logs, "a", UPLOADS) == ("unknown", "truncated")
        assert state(logs, "a", ROOT) == "pass"

    def test_a_last_line_without_its_end_counts_if_it_is_whole(self, tmp_path):
        assert state(read(tmp_path, files={"x.log": snapshot("a", UPLOADS, NOW)})) == "pass"
