"""The formats of /proc/PID."""

import pytest

from hardaudit_plugins.processes import process_files
from hardaudit_plugins.processes.procfs import _hidden_processes

STAT = b"77 (%s) S 1 77 78 0 -1 4194304 901 0 5 0 250 30 7 8 20 -5 3 0 123456 1000 20 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"


@pytest.mark.parametrize("name", [b"sshd", b"a b", b") R 9 9 9 (", b"\n", b"\xff"])
def test_stat_counts_fields_from_the_last_parenthesis(name):
    stat = process_files.parse_stat(STAT % name)
    assert (stat.state, stat.parent, stat.group, stat.user_time, stat.system_time, stat.nice, stat.threads, stat.start_time) == (
        "S",
        1,
        77,
        250,
        30,
        -5,
        3,
        123456,
    )
    assert not stat.is_kernel_thread


def test_a_kernel_thread_is_known_by_its_flag():
    assert process_files.parse_stat(STAT.replace(b"4194304", b"2129984")).is_kernel_thread


@pytest.mark.parametrize("content", [b"", b"77 (x", b"77 (x) S 1 2", b"77 (x) " + b"S x" * 30])
def test_stat_of_another_form_is_none(content):
    assert process_files.parse_stat(content) is None


def test_status():
    status = b"Name:\tkworker/0:1-events\nTgid:\t9\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nVmSize:\t    2000 kB\nVmRSS:\t     123 kB\n"
    assert process_files.row_of_status(status) == {
        "name": "kworker/0:1-events",
        "uid": 1,
        "euid": 2,
        "suid": 3,
        "gid": 5,
        "egid": 6,
        "sgid": 7,
        "resident_size": 123000,
        "total_size": 2000000,
    }


def test_what_status_does_not_say_is_null():
    row = process_files.row_of_status(b"Name:\tx\nUid:\t1\t2\n")
    assert row["name"] == "x"
    assert {value for key, value in row.items() if key != "name"} == {None}


def test_io():
    content = b"rchar: 9\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 1000\n"
    assert process_files.row_of_io(content) == {"disk_bytes_read": 4096, "disk_bytes_written": 7192}
    assert process_files.row_of_io(b"") == {"disk_bytes_read": None, "disk_bytes_written": None}
    assert process_files.row_of_io(b"read_bytes: 99999999999999999999999\n")["disk_bytes_read"] == 2**63 - 1


@pytest.mark.parametrize(
    ("content", "path"),
    [("0::/system.slice/a:b.service\n", "/system.slice/a:b.service"), ("2:cpu:/x\n1:name=systemd:/y\n", "/x"), ("", ""), ("odd\n", "")],
)
def test_control_group(content, path):
    assert process_files.cgroup_path(content) == path


def test_command_line():
    assert process_files.command_line("a\0b c\0\0") == "a b c"


def test_boot_time():
    assert process_files.boot_time(b"cpu 1 2\nbtime 1700000000\n") == 1700000000
    assert process_files.boot_time(b"cpu 1 2\nbtime x\n") is None


def test_namespace_inode():
    assert process_files.namespace_inode("net:[4026531840]", "net") == "4026531840"
    assert process_files.namespace_inode("", "net") is None
    assert process_files.namespace_inode("mnt:[4026531840]", "net") is None


MOUNT = "22 1 0:21 / /proc rw,nosuid - proc proc rw,%s\n"
NO_CAPABILITIES, ALL_CAPABILITIES = b"CapEff:\t0000000000000000\n", b"CapEff:\t000001ffffffffff\n"


@pytest.mark.parametrize("level", ["2", "invisible", "1", "ptraceable"])
def test_hidepid_is_missing_evidence(level):
    (missing,) = _hidden_processes(MOUNT % f"hidepid={level}", NO_CAPABILITIES)
    assert level in missing.detail


@pytest.mark.parametrize(
    ("mounts", "status"),
    [
        (MOUNT % "hidepid=invisible", ALL_CAPABILITIES),
        (MOUNT % "relatime", NO_CAPABILITIES),
        (MOUNT % "hidepid=off", NO_CAPABILITIES),
        (MOUNT % "hidepid=2" + MOUNT % "relatime", NO_CAPABILITIES),
        ((MOUNT % "hidepid=2").replace(" /proc ", " /chroot/proc "), NO_CAPABILITIES),
    ],
)
def test_what_hides_nothing(mounts, status):
    assert _hidden_processes(mounts, status) == ()
