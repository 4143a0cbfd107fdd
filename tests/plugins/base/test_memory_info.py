"""`memory_info` against free(1)."""

import subprocess

import pytest


@pytest.mark.real
def test_this_host(query, require_tool):
    answer = query("SELECT * FROM memory_info")
    lines = subprocess.run([require_tool("free"), "--bytes"], capture_output=True, text=True, check=True).stdout.split("\n")
    memory, swap = lines[1].split(), lines[2].split()
    row = answer.rows[0]
    assert (row["memory_total"], row["swap_total"]) == (int(memory[1]), int(swap[1]))
    assert abs(row["memory_available"] - int(memory[6])) < 2**29
    assert all(value is not None for value in row.values())
    assert not answer.gaps
