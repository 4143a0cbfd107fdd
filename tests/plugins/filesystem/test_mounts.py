"""The table mounts."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psutil
import pytest

from hardaudit.model.gap import GapReason
from hardaudit.model.table import Constraints
from hardaudit_plugins.filesystem.tables import mounts


class Context:
    """What the generator uses of a TableContext, over a mount table of our own."""

    def __init__(self, text, columns=("device", "device_alias", "path", "type", "flags")):
        self.columns_used = frozenset(columns)
        self.constraints = Constraints()
        self.gaps = []
        self._text = text

    def read_text(self, path):
        assert path == "/proc/mounts"
        return self._text

    def gap(self, reason, detail):
        self.gaps.append((reason, detail))

    def gap_for(self, error, path):
        self.gaps.append((GapReason.UNSUPPORTED, f"{path}: {error.strerror}"))

    def check_deadline(self):
        pass


def test_escapes_of_the_kernel_are_undone():
    context = Context("we\\040ird\\011x /mnt/a\\012b\\134040\\043 tmpfs rw,nosuid 0 0\n")
    (row,) = mounts.generate(context)
    assert (row["device"], row["path"], row["type"], row["flags"]) == ("we ird\tx", "/mnt/a\nb\\040#", "tmpfs", "rw,nosuid")
    assert row["device_alias"] == row["device"]
    assert not context.gaps


def test_a_line_that_is_none_is_a_gap():
    context = Context("proc /proc proc rw 0 0\nnonsense\n")
    assert [row["path"] for row in mounts.generate(context)] == ["/proc"]
    assert [(reason, detail.split(":")[:2]) for reason, detail in context.gaps] == [(GapReason.UNSUPPORTED, ["/proc/mounts", "2"])]


def test_no_server_is_asked_for_sizes(monkeypatch):
    asked = []
    statvfs = os.statvfs
    monkeypatch.setattr(mounts.os, "statvfs", lambda path: asked.append(path) or statvfs("/"))
    table = """\
/dev/x / ext4 rw 0 0
srv:/export /mnt/nfs nfs4 rw 0 0
tmpfs /mnt/nfs/inner tmpfs rw 0 0
tmpfs /mnt/nfs2 tmpfs rw 0 0
x /home/u/fuse fuse.sshfs rw 0 0
systemd-1 /auto autofs rw 0 0
"""
    context = Context(table, mounts._SIZES)
    rows = {row["path"]: row.get("blocks") for row in mounts.generate(context)}
    assert asked == [b"/", b"/mnt/nfs2"]
    assert {path for path, blocks in rows.items() if blocks is None} == {"/mnt/nfs", "/mnt/nfs/inner", "/home/u/fuse", "/auto"}
    assert [detail.split(":")[0] for _, detail in context.gaps] == ["/mnt/nfs", "/mnt/nfs/inner", "/home/u/fuse"]
    silent = Context(table)
    assert len(list(mounts.generate(silent))) == 6
    assert not silent.gaps


def test_a_root_directory_has_no_mounts(root, query):
    answer = query("SELECT path FROM mounts", root)
    assert not answer.rows
    assert answer.gaps


@pytest.mark.real
def test_this_host_agrees_with_the_c_librarys_reading(query):
    """psutil reads the mount table with getmntent(3)."""
    answer = query("SELECT device, path, type, flags FROM mounts")
    assert sorted(answer.tuples) == sorted(
        (part.device, part.mountpoint, part.fstype, part.opts) for part in psutil.disk_partitions(all=True)
    )
    (root,) = query("SELECT blocks_size, blocks, inodes, path FROM mounts WHERE path = '/' LIMIT 1").rows
    status = os.statvfs("/")
    if root["blocks"] is not None:
        assert (root["blocks_size"], root["blocks"], root["inodes"]) == (status.f_bsize, status.f_blocks, status.f_files)


@pytest.mark.real
def test_a_mount_with_a_hostile_name(tmp_path, require_root, require_tool):
    """In a mount namespace of its own, so that this machine's is left alone."""
    place = tmp_path / "a b\n#\\040\x1b[31m"
    place.mkdir()
    unshare, mount = require_tool("unshare"), require_tool("mount")
    if subprocess.run([unshare, "-m", mount, "-t", "tmpfs", "x", place], check=False, capture_output=True).returncode != 0:
        pytest.skip("this system does not let root mount in a namespace of its own")
    script = f'{mount} -t tmpfs -o nosuid,size=8k "$1" "$2" && exec "$0" -m hardaudit query --format json "$3"'
    sql = "SELECT device, path, blocks, blocks_size, flags FROM mounts WHERE device LIKE 'we ird%'"
    shown = subprocess.run(
        [unshare, "-m", "/bin/sh", "-c", script, sys.executable, "we ird\t\\", place, sql], check=True, capture_output=True, text=True
    ).stdout
    (row,) = json.loads(shown)
    assert (row["device"], row["path"], row["blocks"] * row["blocks_size"]) == ("we ird\t\\", str(place), 8192)
    assert "nosuid" in row["flags"].split(",")
