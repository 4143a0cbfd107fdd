"""A report is written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from hardaudit.errors import UsageError
from hardaudit.report import write
from hardaudit.report.write import write_report


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

    def fail(*_):
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
