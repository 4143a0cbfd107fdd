"""The table posix_acls, held against setfacl(1) and getfacl(1)."""

from __future__ import annotations

import errno
import os
import struct
import subprocess

import pytest

from hardaudit.model.gap import GapReason
from hardaudit_plugins.filesystem.tables.posix_acls import parse_acl

SQL = "SELECT type, tag, id, readable || writable || executable FROM posix_acls WHERE path = "


def list_of(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_a_mask_limits_users_and_groups_but_not_owner_and_others():
    content = list_of((1, 7, 2**32 - 1), (2, 7, 33), (4, 6, 2**32 - 1), (8, 3, 900), (16, 4, 2**32 - 1), (32, 2, 2**32 - 1))
    assert parse_acl(content) == [
        ("user_obj", None, 7),
        ("user", 33, 4),
        ("group_obj", None, 4),
        ("group", 900, 0),
        ("mask", None, 4),
        ("other", None, 2),
    ]


@pytest.mark.parametrize("content", [b"", b"\2\0\0", list_of((1, 7, 0))[:-1], b"\3\0\0\0" + list_of((1, 7, 0))[4:], list_of((64, 7, 0))])
def test_a_list_that_the_kernel_does_not_write_is_refused(content):
    with pytest.raises(ValueError, match=r"^(is|has) "):
        parse_acl(content)


@pytest.fixture
def set_list(root, require_tool):
    tool = require_tool("setfacl")

    def put(path, *arguments):
        done = subprocess.run([tool, *arguments, root.directory / path[1:]], check=False, capture_output=True, text=True)
        if "not supported" in done.stderr:
            pytest.skip("the file system of temporary files has no access control lists")
        assert done.returncode == 0, done.stderr

    return put


@pytest.mark.real
def test_lists_of_files_directories_and_through_links(root, query, set_list):
    root.write("/etc/secret", "x", mode=0o640)
    root.mkdir("/etc/place", mode=0o755)
    root.symlink("/etc/link", "/etc/secret")
    set_list("/etc/secret", "-m", "u:33:r,g:900:rw")
    set_list("/etc/place", "-m", "u:33:rwx,d:u:34:rwx")
    expected = {
        ("access", "user_obj", None, "110"),
        ("access", "user", 33, "100"),
        ("access", "group_obj", None, "100"),
        ("access", "group", 900, "110"),
        ("access", "mask", None, "110"),
        ("access", "other", None, "000"),
    }
    assert set(query(SQL + "'/etc/secret'", root).tuples) == expected
    assert set(query(SQL + "'/etc/link'", root).tuples) == expected
    rows = set(query(SQL + "'/etc/place'", root).tuples)
    assert {("access", "user", 33, "111"), ("default", "user", 34, "111")} <= rows


@pytest.mark.real
def test_the_mask_counts(root, query, set_list):
    root.write("/etc/secret", "x")
    set_list("/etc/secret", "-m", "u:33:rwx,m::r")
    assert query(SQL + "'/etc/secret' AND tag = 'user'", root).tuples == (("access", "user", 33, "100"),)


@pytest.mark.real
def test_a_fifo_has_a_list_and_is_not_opened(root, query, set_list):
    os.mkfifo(root.directory / "etc/pipe")
    set_list("/etc/pipe", "-m", "u:33:r")
    answer = query(SQL + "'/etc/pipe' AND tag = 'user'", root)
    assert (answer.tuples, answer.gaps) == ((("access", "user", 33, "100"),), ())


def test_no_list_no_file_no_row_and_no_gap(root, query):
    root.write("/etc/plain", "x")
    root.symlink("/etc/out", "/nowhere/at/all")
    for path in ("/etc/plain", "/etc/none", "/etc/plain/below", "/etc/out", "relative"):
        answer = query(SQL + f"'{path}'", root)
        assert (answer.tuples, answer.gaps) == ((), ())


def test_the_root_directory(root, query):
    answer = query(SQL + "'/'", root)
    assert (answer.tuples, answer.gaps) == ((), ())


def test_a_loop_of_links_leads_to_no_list(root, query):
    root.symlink("/etc/loop", "loop")
    answer = query(SQL + "'/etc/loop'", root)
    assert (answer.tuples, answer.gaps) == ((), ())


def test_a_place_that_may_not_be_looked_into_is_a_gap(root, query, monkeypatch):
    root.write("/etc/secret", "x")

    def refuse(*_args, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "getxattr", refuse)
    answer = query(SQL + "'/etc/secret'", root)
    assert [gap.reason for gap in answer.gaps] == [GapReason.PERMISSION_DENIED]
