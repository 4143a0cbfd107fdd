"""`uptime` against the kernel."""

import time

import pytest


@pytest.mark.real
def test_this_host(query):
    row = query("SELECT * FROM uptime").rows[0]
    assert abs(row["total_seconds"] - time.clock_gettime(time.CLOCK_BOOTTIME)) <= 2
    assert ((row["days"] * 24 + row["hours"]) * 60 + row["minutes"]) * 60 + row["seconds"] == row["total_seconds"]
    assert max(row["hours"] // 24, row["minutes"] // 60, row["seconds"] // 60) == 0


def test_a_disk_image_has_none(query, root):
    answer = query("SELECT * FROM uptime", root)
    assert answer.rows == []
    assert answer.gaps
