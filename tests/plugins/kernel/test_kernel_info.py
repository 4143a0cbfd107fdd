"""`kernel_info` against uname(2)."""

import os

import pytest


@pytest.mark.real
def test_this_host(query):
    row = query("SELECT version, arguments FROM kernel_info").rows[0]
    assert row["version"] == os.uname().release
    with open("/proc/cmdline") as cmdline:
        words = cmdline.read().split()
    assert row["arguments"].split() == [word for word in words if not word.startswith(("BOOT_IMAGE=", "root="))]


def test_arguments(fake_host, root):
    root.write("/proc/cmdline", "BOOT_IMAGE=/vmlinuz-6.1 root=UUID=1-2 ro  quiet\n")
    root.write("/proc/version", "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) #1 SMP\n")
    answer = fake_host("SELECT * FROM kernel_info")
    assert answer.rows == [{"version": "6.1.0-18-amd64", "arguments": "ro quiet", "path": "/vmlinuz-6.1", "device": "UUID=1-2"}]
    assert not answer.gaps


def test_what_is_missing_is_a_gap(fake_host, root):
    root.write("/proc/version", "something else\n")
    answer = fake_host("SELECT version, arguments FROM kernel_info")
    assert answer.rows == [{"version": None, "arguments": None}]
    assert len(answer.gaps) == 2
