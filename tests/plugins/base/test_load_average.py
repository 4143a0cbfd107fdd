"""`load_average` against the C library."""

import os

import pytest


@pytest.mark.real
def test_this_host(query):
    rows = query("SELECT period, average FROM load_average").rows
    assert [row["period"] for row in rows] == ["1m", "5m", "15m"]
    for row, expected in zip(rows, os.getloadavg(), strict=True):
        assert abs(float(row["average"]) - expected) < 0.5
        assert len(row["average"].partition(".")[2]) == 6
