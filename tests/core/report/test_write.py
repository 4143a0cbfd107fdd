"""A report is written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from hardaudit.errors import UsageError
from hardaudit.report import write
from hardaudit.report.write import check_destination, write_report


def test_a_file_is_replaced_and_only_its_owner_may_read_it(tmp_path):
    place = tmp_path / "report.json"
    place.write_text("old")
    write_report("new ü\n", str(place))
    assert place.read_bytes() == "new ü\n".encode()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_planted_link_is_replaced_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (tmp_path / "report").symlink_to(victim)
    write_report("new", str(tmp_path / "report"))
    assert victim.read_text() == "keep"
    assert not (tmp_path / "report").is_symlink()


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_old_report_and_nothing_else(tmp_path, monkeypatch, failing):
    place = tmp_path / "report"
    place.write_text("old")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.os, failing, fail)
    with pytest.raises(UsageError, match="No space left on device; nothing was left half-written"):
        write_report("new", str(place))
    assert place.read_text() == "old"
    assert os.listdir(tmp_path) == ["report"]


@pytest.mark.real
def test_a_full_disk_leaves_the_old_report(tmp_path, require_root, require_tool):
    script = f"""
    set -e
    mount -t tmpfs -o size=64k tmpfs {tmp_path}
    echo old > {tmp_path}/report
    {sys.executable} - <<'EOF'
from hardaudit.errors import UsageError
from hardaudit.report.write import write_report
try:
    write_report("x" * 1000000, "{tmp_path}/report")
except UsageError as error:
    print(error)
EOF
    ls -A {tmp_path}; cat {tmp_path}/report
    """
    done = subprocess.run([require_tool("unshare"), "-m", "sh", "-c", script], capture_output=True, text=True, check=True)
    message, *rest = done.stdout.splitlines()
    assert "No space left on device" in message
    assert rest == ["report", "old"]


def test_a_missing_directory_is_the_users_error(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        write_report("x", str(tmp_path / "no" / "report"))


def test_a_device_is_written_to():
    write_report("x", "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_planted_pipe_or_link_to_a_device_is_replaced_not_written_to(tmp_path, require_root):
    """In a directory where everyone may write, such as /tmp: the reader of the pipe would get the report."""
    tmp_path.chmod(0o1777)
    os.mkfifo(tmp_path / "pipe")
    os.chown(tmp_path / "pipe", 1000, 1000)
    (tmp_path / "link").symlink_to("/dev/full")
    os.chown(tmp_path / "link", 1000, 1000, follow_symlinks=False)
    for name in ("pipe", "link"):
        write_report("new", str(tmp_path / name))
        assert stat.S_ISREG((tmp_path / name).lstat().st_mode)
        assert (tmp_path / name).read_text() == "new"


def test_ones_own_pipe_is_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "read", "wb") as read, subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=read):
        write_report("new" * 100_000, str(tmp_path / "pipe"))
    assert (tmp_path / "read").read_text() == "new" * 100_000


def test_a_directory_that_is_exchanged_meanwhile_does_not_lead_elsewhere(tmp_path, monkeypatch):
    """Whoever owns the directory puts a link to another in its place while the report is written."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("keep")
    sync = os.fsync

    def exchange(fd):
        if not (tmp_path / "moved").exists():
            (tmp_path / "theirs").rename(tmp_path / "moved")
            (tmp_path / "theirs").symlink_to(tmp_path / "etc")
        sync(fd)

    monkeypatch.setattr(write.os, "fsync", exchange)
    write_report("new", str(tmp_path / "theirs/passwd"))
    assert (tmp_path / "etc/passwd").read_text() == "keep"
    assert (tmp_path / "moved/passwd").read_text() == "new"


def test_places_that_cannot_be_written_are_known_before_the_work(tmp_path):
    check_destination(str(tmp_path / "report"))
    check_destination("/dev/stderr")
    check_destination("-")
    for place, problem in (("", "empty"), (str(tmp_path), "is a directory"), (str(tmp_path / "no/report"), "there is no directory")):
        with pytest.raises(UsageError, match=problem):
            check_destination(place)


def test_a_directory_that_may_not_be_written_is_known_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(write.os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="cannot be written"):
        check_destination(str(tmp_path / "report"))
