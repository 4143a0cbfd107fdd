"""`time`: formats, and the auditor's clock on every target."""

import datetime as dt
import time

from hardaudit_plugins.base.tables.time import row_at


def test_formats():
    row = row_at(1_700_000_007)
    assert {name: row[name] for name in ("weekday", "year", "month", "day", "hour", "minutes", "seconds", "timezone", "unix_time")} == {
        "weekday": "Tuesday",
        "year": 2023,
        "month": 11,
        "day": 14,
        "hour": 22,
        "minutes": 13,
        "seconds": 27,
        "timezone": "UTC",
        "unix_time": 1_700_000_007,
    }
    assert row["timestamp"] == "Tue Nov 14 22:13:27 2023 UTC"
    assert row["datetime"] == row["iso_8601"] == "2023-11-14T22:13:27Z"


def test_the_day_is_padded_as_asctime_does():
    assert row_at(0)["timestamp"] == "Thu Jan  1 00:00:00 1970 UTC"


def test_now_on_a_root_directory(query, root):
    answer = query("SELECT unix_time, iso_8601, local_timezone FROM time", root)
    row = answer.rows[0]
    assert abs(row["unix_time"] - time.time()) < 10
    assert dt.datetime.fromisoformat(row["iso_8601"].replace("Z", "+00:00")).timestamp() == row["unix_time"]
    assert row["local_timezone"] == time.localtime().tm_zone
    assert not answer.gaps
