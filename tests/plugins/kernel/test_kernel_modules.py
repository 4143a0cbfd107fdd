"""`kernel_modules` against /proc/modules."""

import os
import subprocess

import pytest

from hardaudit.model.gap import GapReason

MODULES = "nf_nat 61440 2 nft_chain_nat,nft_masq, Live 0xffffffffc0a2f000\nvbox 1 0 - Loading 0x0 (OE)\nbroken line\n"


@pytest.mark.real
def test_this_host(query, require_tool):
    answer = query("SELECT name, size FROM kernel_modules")
    if not os.path.exists("/proc/modules"):
        assert not os.path.exists("/proc/sys/kernel/modules_disabled")
        assert (answer.rows, answer.gaps) == ([], ())
        return
    lines = subprocess.run([require_tool("lsmod")], capture_output=True, text=True, check=True).stdout.split("\n")[1:]
    assert {(row["name"], row["size"]) for row in answer.rows} == {(line.split()[0], int(line.split()[1])) for line in lines if line}


def test_rows_and_a_line_that_is_none(fake_host, root):
    root.write("/proc/sys/kernel/modules_disabled", "0\n")
    root.write("/proc/modules", MODULES)
    answer = fake_host("SELECT * FROM kernel_modules ORDER BY name")
    assert answer.rows == [
        {"name": "nf_nat", "size": 61440, "used_by": "nft_chain_nat,nft_masq", "status": "Live", "address": "0xffffffffc0a2f000"},
        {"name": "vbox", "size": 1, "used_by": "-", "status": "Loading", "address": "0x0"},
    ]
    assert [gap.detail for gap in answer.gaps] == ["/proc/modules:3: is not a module's line"]


def test_missing_in_a_kernel_with_modules_is_a_gap(fake_host, root):
    root.write("/proc/sys/kernel/modules_disabled", "0\n")
    answer = fake_host("SELECT * FROM kernel_modules")
    assert [gap.reason for gap in answer.gaps] == [GapReason.MISSING_SOURCE]


def test_a_kernel_without_modules(fake_host):
    answer = fake_host("SELECT * FROM kernel_modules")
    assert (answer.rows, answer.gaps) == ([], ())
