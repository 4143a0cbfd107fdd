"""The table hash: digests as other programs compute them, bounds, and files that are none."""

from __future__ import annotations

import hashlib
import os
import subprocess

import pytest

from hardaudit.model.gap import GapReason
from hardaudit_plugins.filesystem.tables import hash as hash_table


def test_digests_of_a_path_a_link_and_a_directory(root, query):
    root.write("/srv/a", "hello\n")
    root.write("/srv/.b", "")
    root.mkdir("/srv/c")
    root.symlink("/srv/link", "/srv/a")
    root.symlink("/srv/out", "/nowhere")
    os.mkfifo(root.directory / "srv/fifo")
    hello = (hashlib.md5(b"hello\n").hexdigest(), hashlib.sha1(b"hello\n").hexdigest(), hashlib.sha256(b"hello\n").hexdigest())
    empty = (hashlib.md5(b"").hexdigest(), hashlib.sha1(b"").hexdigest(), hashlib.sha256(b"").hexdigest())
    sql = "SELECT path, directory, md5, sha1, sha256 FROM hash WHERE "
    answer = query(sql + "directory = '/srv/' ORDER BY path", root)
    assert answer.tuples == (("/srv/.b", "/srv/", *empty), ("/srv/a", "/srv/", *hello), ("/srv/link", "/srv/", *hello))
    assert not answer.gaps
    answer = query(sql + "path IN ('/srv/a', '/srv/c', '/srv/fifo', '/srv/out', '/srv/none', 'srv/a') ORDER BY path", root)
    assert answer.tuples == (("/srv/a", "/srv", *hello),)
    assert not answer.gaps
    assert query(sql + "path LIKE '/%/%k'", root).tuples == (("/srv/link", "/srv", *hello),)
    assert query(sql + "directory LIKE '/sr%' AND md5 = :md5 ORDER BY path", root, {"md5": hello[0]}).tuples == (
        ("/srv/a", "/srv/", *hello),
        ("/srv/link", "/srv/", *hello),
    )


def test_a_join_takes_each_path_from_the_file_table(root, query):
    root.write("/srv/a", "1")
    root.write("/srv/b", "2")
    root.mkdir("/srv/c")
    answer = query("SELECT f.path, h.sha256 FROM file f JOIN hash h USING (path) WHERE f.directory = '/srv' ORDER BY path", root)
    assert answer.tuples == (("/srv/a", hashlib.sha256(b"1").hexdigest()), ("/srv/b", hashlib.sha256(b"2").hexdigest()))


def test_digests_compare_without_regard_to_case(root, query):
    root.write("/srv/a", "1")
    wanted = hashlib.sha256(b"1").hexdigest().upper()
    assert query("SELECT path FROM hash WHERE path = '/srv/a' AND sha256 = :wanted", root, {"wanted": wanted}).tuples == (("/srv/a",),)


def test_a_file_above_the_limit_is_a_gap(root, query):
    root.write("/srv/small", b"x" * 4096)
    with open(root.write("/srv/sparse"), "wb") as file:
        file.truncate(2**30)
    answer = query("SELECT path, sha256 FROM hash WHERE directory = '/srv' ORDER BY path", root)
    assert [(row["path"], row["sha256"] is None) for row in answer.rows] == [("/srv/small", False), ("/srv/sparse", True)]
    assert [(gap.reason, gap.detail.split(":")[0]) for gap in answer.gaps] == [(GapReason.TRUNCATED, "/srv/sparse")]


@pytest.mark.parametrize("size", [50 * 2**20, 50 * 2**20 + 1])
def test_the_limit_is_osquerys(root, query, size):
    with open(root.write("/srv/file"), "wb") as file:
        file.truncate(size)
    answer = query("SELECT md5 FROM hash WHERE path = '/srv/file'", root)
    within = size == 50 * 2**20
    assert (answer.rows[0]["md5"] is not None, len(answer.gaps)) == (within, 0 if within else 1)


def test_a_file_that_grows_while_it_is_read_stays_within_the_limit(query, monkeypatch):
    """Files of /proc have size 0 and content all the same, like one that has grown since it was looked at."""
    monkeypatch.setattr(hash_table, "READ_LIMIT", 10)
    answer = query("SELECT path, md5 FROM hash WHERE path = '/proc/self/status'")
    assert answer.tuples == (("/proc/self/status", None),)
    assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]


def test_a_file_is_not_opened_for_digests_that_nobody_reads(root, query_as_nobody):
    root.write("/srv/file", "x", mode=0o600)
    assert query_as_nobody("SELECT path FROM hash WHERE directory = '/srv'", root) == ([["/srv/file"]], [])
    rows, gaps = query_as_nobody("SELECT path, md5 FROM hash WHERE directory = '/srv'", root)
    assert rows == [["/srv/file", None]]
    assert gaps == [["permission_denied", "/srv/file: Permission denied"]]


def test_a_fifo_that_takes_a_files_place_is_not_opened(root, engine_over, monkeypatch):
    root.write("/srv/a", "1")
    root.write("/srv/b", "2")
    with engine_over(root) as engine:
        found = engine.query("SELECT path, md5 FROM hash WHERE path IN ('/srv/a', '/srv/b')")
        assert next(iter(found.rows))[0] == "/srv/a"
        original = engine.target.open

        def swapped(path):
            os.unlink(root.directory / path[1:])
            os.mkfifo(root.directory / path[1:])
            return original(path)

        monkeypatch.setattr(engine.target, "open", swapped)
        assert list(found.rows) == []
        assert [gap.reason for gap in found.gaps] == [GapReason.UNDECIDABLE]


def test_a_file_that_vanishes_before_it_is_read_has_no_row(root, engine_over, monkeypatch):
    root.write("/srv/a", "1")
    with engine_over(root) as engine:
        original = engine.target.open

        def vanished(path):
            os.unlink(root.directory / path[1:])
            return original(path)

        monkeypatch.setattr(engine.target, "open", vanished)
        answer = engine.run("SELECT md5 FROM hash WHERE path = '/srv/a'")
        assert (answer.tuples, answer.gaps) == ((), ())


@pytest.mark.real
@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_digests_agree_with_coreutils(query, require_tool, algorithm):
    program = require_tool(f"{algorithm}sum")
    shown = subprocess.run([program, program, "/etc/passwd"], check=True, capture_output=True, text=True).stdout
    rows = query(f"SELECT {algorithm}, path FROM hash WHERE path IN (:program, '/etc/passwd')", parameters={"program": program}).tuples
    assert sorted(rows) == sorted(tuple(line.split()) for line in shown.splitlines())
