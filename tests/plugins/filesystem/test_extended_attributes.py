"""The table extended_attributes, and file capabilities in libcap's words."""

from __future__ import annotations

import base64
import errno
import os
import random
import struct
import subprocess

import pytest

from hardaudit.model.gap import GapReason
from hardaudit_plugins.filesystem.capabilities import capability_text


@pytest.fixture
def set_attribute(root):
    """Set an attribute, or skip where the file system of temporary files has none."""

    def put(path, name, value):
        try:
            os.setxattr(root.directory / path[1:], name, value)
        except OSError as error:
            if error.errno == errno.ENOTSUP:
                pytest.skip("the file system of temporary files has no extended attributes")
            raise

    return put


@pytest.mark.parametrize(
    ("value", "text", "encoded"),
    [
        (b"hello\0", "hello", 0),
        (b"\0", "", 0),
        (b"hello", base64.b64encode(b"hello").decode(), 1),
        (b"", "", 1),
        (b"\x1b[31m\0", base64.b64encode(b"\x1b[31m").decode(), 1),
        (b"a\0b\0", base64.b64encode(b"a\0b").decode(), 1),
        (b"caf\xc3\xa9\0", base64.b64encode(b"caf\xc3\xa9").decode(), 1),
    ],
)
def test_a_value_is_text_or_base64(root, query, set_attribute, value, text, encoded):
    root.write("/srv/file", "x")
    set_attribute("/srv/file", "user.note", value)
    answer = query("SELECT * FROM extended_attributes WHERE path = '/srv/file' AND key LIKE 'user.%'", root)
    assert answer.tuples == (("/srv/file", "/srv", "user.note", text, encoded),)


def test_directories_links_and_names_that_are_not_utf8(root, query, set_attribute):
    root.write("/srv/file", "x")
    root.mkdir("/srv/dir")
    root.symlink("/srv/link", "file")
    root.symlink("/srv/out", "/nowhere")
    root.symlink("/srv/loop", "loop")
    set_attribute("/srv/file", b"user.\xff\n", b"1\0")
    set_attribute("/srv/dir", "user.d", b"2\0")
    sql = "SELECT path, directory, key, value FROM extended_attributes WHERE key LIKE 'user.%' AND "
    rows = [("/srv/dir", "user.d", "2"), ("/srv/file", "user.\uefff\n", "1"), ("/srv/link", "user.\uefff\n", "1")]
    answer = query(sql + "directory = '/srv' ORDER BY path", root)
    assert answer.tuples == tuple((path, "/srv", key, value) for path, key, value in rows)
    assert not answer.gaps
    answer = query(sql + "path LIKE '/srv/d%'", root)
    assert answer.tuples == (("/srv/dir/", "/srv/dir", "user.d", "2"),)
    assert query(sql + "path IN ('/srv/none', '/srv/out', 'srv/file')", root).tuples == ()


def test_a_fifo_is_not_opened_and_is_a_gap(root, query):
    os.mkfifo(root.mkdir("/srv") / "fifo")
    answer = query("SELECT key FROM extended_attributes WHERE path = '/srv/fifo'", root)
    assert [(gap.reason, gap.detail.startswith("/srv:")) for gap in answer.gaps] == [(GapReason.UNSUPPORTED, True)]


def test_what_may_not_be_read_is_a_gap(root, query_as_nobody):
    root.write("/srv/file", "x", mode=0o600)
    root.mkdir("/srv/dir", mode=0o700)
    rows, gaps = query_as_nobody("SELECT key FROM extended_attributes WHERE directory = '/srv'", root)
    assert rows == []
    assert sorted(gaps) == [["permission_denied", "/srv/dir: Permission denied"], ["permission_denied", "/srv/file: Permission denied"]]


def capability(permitted, inheritable, effective, revision=2, owner=0):
    words = struct.pack(
        "<IIIII", revision << 24 | effective, permitted & 0xFFFFFFFF, inheritable & 0xFFFFFFFF, permitted >> 32, inheritable >> 32
    )
    return words + (struct.pack("<I", owner) if revision == 3 else b"")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (capability(1 << 13, 0, 1), "cap_net_raw=ep"),
        (capability(1 << 13, 0, 1, revision=3, owner=1000), "cap_net_raw=ep"),
        (capability(1 << 12 | 1 << 13, 1 << 10, 1), "cap_net_bind_service=ei cap_net_admin,cap_net_raw+ep"),
        (capability(2**41 - 1, 0, 1), "=ep"),
        (capability(2**40 - 1, 0, 1), "=ep cap_checkpoint_restore-ep"),
        (capability(1 << 41, 0, 1), "= 41+ep"),
        (capability(0, 0, 1), "="),
        (struct.pack("<III", 0x01000001, 1, 0), "cap_chown=ep"),
        (capability(1, 0, 1, revision=4), None),
        (capability(1, 0, 1) + b"\0", None),
        (capability(1, 0, 1)[:-1], None),
        (b"", None),
        (b"\1\0", None),
    ],
)
def test_capabilities_in_words(value, text):
    assert capability_text(value) == text


def test_capabilities_of_a_file_and_raw_when_they_make_no_sense(root, query, set_attribute, require_root):
    root.write("/srv/ping", "x", mode=0o755)
    set_attribute("/srv/ping", "security.capability", capability(1 << 13, 0, 1))
    answer = query("SELECT key, value, base64 FROM extended_attributes WHERE path = '/srv/ping'", root)
    assert ("security.capability", "cap_net_raw=ep", 0) in answer.tuples


@pytest.mark.real
def test_capabilities_agree_with_getcap(root, set_attribute, require_root, require_tool):
    """Random sets of the named capabilities; getcap leaves out a file whose sets are empty."""
    getcap, chance = require_tool("getcap"), random.Random(7)
    place, wanted = str(root.write("/srv/file", "x")), 0
    for _ in range(100):
        sets = [
            chance.choice([0, 1 << chance.randrange(41), chance.getrandbits(41), 2**41 - 1 & ~(1 << chance.randrange(41))])
            for _ in range(2)
        ]
        value = capability(*sets, chance.randrange(2), chance.choice([2, 3]))
        set_attribute("/srv/file", "security.capability", value)
        shown = subprocess.run([getcap, place], check=True, capture_output=True, text=True).stdout.strip()
        if shown:
            wanted += 1
            assert shown == f"{place} {capability_text(value)}"
    assert wanted > 50
