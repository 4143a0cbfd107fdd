"""`last` and `logged_in_users`"""

import struct
import subprocess

import pytest

from hardaudit.engine.engine import Engine
from hardaudit.plugin.discover import tables_in
from hardaudit.target.target import Target

X86_64 = struct.Struct("<hxxi32s4s32s256shhiiI16s20s")
ARM64 = struct.Struct("<hxxi32s4s32s256shhqqq16s20s4x")


def record(kind, pid, line, user, host, seconds, layout=X86_64):
    return layout.pack(kind, pid, line, b"id", user, host, 0, 0, pid, seconds, 0, b"", b"")


HISTORY = [
    (2, 0, b"~", b"reboot", b"6.1.0", 1_700_000_000),
    (1, 53, b"~", b"runlevel", b"6.1.0", 1_700_000_001),
    (7, 900, b"pts/0", b"alice", b"192.0.2.7", 1_700_000_100),
    (6, 901, b"tty1", b"LOGIN", b"", 1_700_000_101),
    (7, 902, b"tty1", b"n" * 32, b"", 1_700_000_102),
    (8, 900, b"pts/0", b"", b"", 1_700_000_200),
]
EXPECTED = [
    ("alice", "pts/0", 900, 7, "user-process", 1_700_000_100, "192.0.2.7"),
    ("n" * 32, "tty1", 902, 7, "user-process", 1_700_000_102, ""),
    ("", "pts/0", 900, 8, "dead-process", 1_700_000_200, ""),
]


@pytest.mark.parametrize("layout", [X86_64, ARM64], ids=["384 bytes", "400 bytes"])
def test_logins_and_logouts(query, root, layout):
    root.write("/var/log/wtmp", b"".join(record(*entry, layout) for entry in HISTORY))
    answer = query("SELECT username, tty, pid, type, type_name, time, host FROM last", root)
    assert [tuple(row.values()) for row in answer.rows] == EXPECTED
    assert answer.gaps == ()


def test_bytes_that_are_not_utf_8_survive(query, root):
    root.write("/var/log/wtmp", record(7, 1, b"pts/1", b"caf\xe9", b"h", 1))
    assert len(query("SELECT username FROM last", root).rows[0]["username"]) == 4


def test_an_empty_file_is_no_gap_and_none_is(query, root):
    assert [gap.reason.value for gap in query("SELECT * FROM last", root).gaps] == ["missing_source"]
    root.write("/var/log/wtmp", b"")
    assert query("SELECT * FROM last", root).gaps == ()


@pytest.mark.parametrize(("content", "reason"), [(b"text, not records\n" * 100, "unsupported"), (b"short", "unsupported")])
def test_what_are_no_records(query, root, content, reason):
    root.write("/var/log/wtmp", content)
    answer = query("SELECT * FROM last", root)
    assert answer.rows == []
    assert [gap.reason.value for gap in answer.gaps] == [reason]


def test_a_record_that_is_cut_off(query, root):
    root.write("/var/log/wtmp", b"".join(record(*entry) for entry in HISTORY) + b"\x07\0\0")
    answer = query("SELECT * FROM last", root)
    assert len(answer.rows) == 3
    assert [gap.reason.value for gap in answer.gaps] == ["truncated"]


def test_a_file_longer_than_a_chunk(query, root):
    root.write("/var/log/wtmp", record(7, 1, b"pts/1", b"u", b"", 1) * 10_000)
    answer = query("SELECT count(*) AS n FROM last", root)
    assert answer.rows == [{"n": 10_000}]
    assert answer.gaps == ()


def test_a_sparse_file_of_a_gibibyte(query, root):
    with root.write("/var/log/wtmp").open("r+b") as file:
        file.truncate(2**30)
    assert [gap.reason.value for gap in query("SELECT * FROM last", root).gaps] == ["truncated"]


@pytest.mark.real
def test_records_that_a_system_tool_writes(query, root, require_tool):
    text = (
        "[7] [01234] [ts/3] [alice   ] [pts/3       ] [host.example.org    ] [192.0.2.7      ] [2023-11-14T22:13:20,000000+00:00]\n"
        "[8] [01234] [ts/3] [        ] [pts/3       ] [                    ] [0.0.0.0        ] [2023-11-14T23:13:20,000000+00:00]\n"
    )
    made = subprocess.run([require_tool("utmpdump"), "-r"], input=text.encode(), capture_output=True, check=True).stdout
    root.write("/var/log/wtmp", made)
    rows = query("SELECT username, tty, pid, type, time, host FROM last", root).rows
    assert [tuple(row.values()) for row in rows] == [
        ("alice", "pts/3", 1234, 7, 1_700_000_000, "host.example.org"),
        ("", "pts/3", 1234, 8, 1_700_003_600, ""),
    ]


def test_sessions_of_a_running_system(root):
    root.write("/run/utmp", b"".join(record(*entry) for entry in HISTORY))
    root.symlink("/var/run", "/run")
    with Target(root.path, live=True) as target, Engine(target, tables_in("hardaudit_plugins.accounts.tables")) as engine:
        rows = engine.run("SELECT type, user, tty, host, time, pid FROM logged_in_users").rows
    assert [(row["type"], row["user"], row["pid"]) for row in rows] == [
        ("boot_time", "reboot", 0),
        ("runlevel", "runlevel", 53),
        ("user", "alice", 900),
        ("login", "LOGIN", 901),
        ("user", "n" * 32, 902),
        ("dead", "", 900),
    ]


def test_records_of_process_1_are_left_out(root):
    root.write("/var/run/utmp", record(7, 1, b"x", b"init", b"", 5) + record(9, 2, b"y", b"acct", b"", 6))
    with Target(root.path, live=True) as target, Engine(target, tables_in("hardaudit_plugins.accounts.tables")) as engine:
        assert [row["type"] for row in engine.run("SELECT type FROM logged_in_users").rows] == ["accounting"]


def test_a_disk_image_has_no_sessions(query, root):
    root.write("/var/run/utmp", record(7, 2, b"x", b"u", b"", 5))
    answer = query("SELECT * FROM logged_in_users", root)
    assert answer.rows == []
    assert [gap.reason.value for gap in answer.gaps] == ["unsupported"]
