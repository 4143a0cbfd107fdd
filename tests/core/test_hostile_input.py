"""Whole audits of roots that an attacker has prepared: they end, nothing escapes, and nothing passes that was not read."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time

import pytest

from hardaudit.audit.registry import Registry
from hardaudit.audit.run import audit as run_audit
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.target.target import Target


def audit(root, *arguments, policy="baseline", **options):
    command = [sys.executable, "-m", "hardaudit", "run", policy, "--root", getattr(root, "path", root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)


def states(done):
    report = json.loads(done.stdout)
    return {check["id"]: check["state"] for check in report["checks"]}


@pytest.fixture
def host(root):
    """A small, sound system."""
    root.write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n")
    root.write("/etc/group", "root:x:0:\nwww-data:x:33:\nshadow:x:42:\n")
    root.write("/etc/shadow", "root:!:19000:0:99999:7:::\nwww-data:*:19000:0:99999:7:::\n", mode=0o640)
    root.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\n")
    root.write("/etc/os-release", 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\n')
    root.mkdir("/root", mode=0o700)
    return root


def test_an_empty_directory_passes_nothing(tmp_path):
    done = audit(str(tmp_path), "--format", "json")
    assert done.returncode == 1  # the score is 0
    assert set(states(done).values()) <= {"unknown", "not_applicable", "not_checked"}
    assert json.loads(done.stdout)["score"] == 0


def test_a_sparse_gigabyte_as_passwd_is_a_gap(host):
    with open(host.directory / "etc/passwd", "r+b") as file:
        file.truncate(2**30)
    done = audit(host, "--only", "accounts/*", "--format", "json")
    report = json.loads(done.stdout)
    (check,) = [check for check in report["checks"] if check["id"] == "accounts/second_uid_zero"]
    assert (check["state"], check["reason"]) == ("unknown", "truncated")
    assert "larger than the limit" in check["gaps"][0]["detail"]


@pytest.mark.parametrize("name", ["passwd", "group", "shadow", "sudoers", "crontab", "os-release", "login.defs"])
def test_a_fifo_in_the_place_of_a_file_is_not_opened(host, name):
    place = host.directory / "etc" / name
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    started = time.monotonic()
    done = audit(host, "--format", "json")
    assert time.monotonic() - started < 120
    assert done.returncode in (1, 3)


def test_a_line_of_a_million_fields(host):
    host.write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n" + ":" * 1_000_000 + "\n" + "a" * 1_000_000 + ":x:5:5::/:/bin/sh\n")
    done = audit(host, "--only", "accounts/*", "--format", "json")
    assert done.returncode in (1, 3)
    assert states(done)["accounts/second_uid_zero"] != "pass"


NAMES = [b"new\nline", b"\x1b]0;owned\x07\x1b[2J", b"bad-\xff\xfe", b"x" * 255, "\u202egpj.php".encode(), b"back\\slash", b"{subject}%s'\";--"]


def test_names_that_attack_the_report(host):
    directory = os.fsencode(host.path) + b"/srv"
    os.mkdir(directory)
    for name in NAMES:
        with open(directory + b"/" + name, "wb"):
            pass
        os.chmod(directory + b"/" + name, 0o666)
    done = audit(host, "--only", "filesystem/*", "--verbose")
    assert done.returncode == 1
    text = done.stdout
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "new\\nline" in text.replace("\n", "")
    report = json.loads(audit(host, "--only", "filesystem/*", "--format", "json").stdout)
    (check,) = [check for check in report["checks"] if check["id"] == "filesystem/world_writable_files"]
    assert len([finding for finding in check["findings"] if finding["subject"].startswith("/srv/")]) == len(NAMES)


def test_links_that_loop_or_lead_out_end(host, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "open").write_text("x")
    (tmp_path / "outside" / "open").chmod(0o666)
    host.symlink("/srv/loop", "loop")
    host.symlink("/srv/up", "..")
    host.symlink("/srv/out", str(tmp_path / "outside"))
    host.symlink("/srv/relative", "../../outside")
    done = audit(host, "--only", "filesystem/world_writable_files", "--format", "json")
    assert "outside" not in done.stdout


def test_nothing_of_the_running_host_is_read_with_root(host, require_tool):
    """Traced by the kernel: no path outside of the root, the installation and Python's own is opened once the audit runs."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    trace = host.directory.parent / "trace"
    command = [strace, "-f", "-e", "trace=openat,open", "-o", str(trace), sys.executable, "-m", "hardaudit", "run", "--root", host.path]
    subprocess.run(command, capture_output=True, check=False, timeout=300)
    opened = [line.split('"')[1] for line in trace.read_text().splitlines() if "AT_FDCWD" in line and '"' in line and "ENOENT" not in line]
    host_files = [path for path in opened if path in ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/os-release") or path.startswith(("/var/lib/dpkg", "/etc/ssh"))]
    assert host_files == []


def test_what_a_user_may_not_read_is_unknown_never_passed(host, require_root):
    """In a child that gives up root, since the interpreter may lie where nobody else may run it."""
    (host.directory / "etc/shadow").chmod(0o000)
    for place in [host.directory, *host.directory.parents][:-1]:
        place.chmod(place.stat().st_mode | 0o055)
    registry = Registry()
    policy = registry.load_policy("baseline")

    def decide_all():
        with Target.directory(host.path) as target, Engine(target, registry.tables.values()) as engine:
            return {check.id: check.state.value for check in run_audit(policy, registry, engine, Bounds()).checks}

    as_root = decide_all()  # imports what is imported late, too
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(writer, json.dumps(decide_all()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        found = json.loads(pipe.read())
    for check in ("accounts/empty_password", "accounts/weak_password_hash", "accounts/password_age", "filesystem/unpackaged_setuid"):
        assert found[check] == "unknown", check
    assert {check for check, state in found.items() if state == "pass"} <= {check for check, state in as_root.items() if state == "pass"}


def test_memory_stays_bounded(host):
    """Tens of thousands of findings do not blow the process up: it has 300 MiB, and would end without a report."""
    directory = host.directory / "srv"
    directory.mkdir()
    for number in range(20_000):
        os.close(os.open(directory / f"f{number}", os.O_CREAT | os.O_WRONLY))
        os.chmod(directory / f"f{number}", 0o666)
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (300 * 2**20, 300 * 2**20))

    done = audit(host, "--only", "filesystem/world_writable_files", "--format", "json", preexec_fn=limit)
    report = json.loads(done.stdout)
    assert report["checks"][0]["state"] == "fail"
    assert [gap["reason"] for gap in report["checks"][0]["gaps"]].count("truncated") == 1
