"""The checks over real files: each finds what it is for, and nothing on a host that is as it should be."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest

import hardaudit_plugins.filesystem
from hardaudit.audit.verdict import decide
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.model.policy import Selection
from hardaudit.model.result import State
from hardaudit.plugin.discover import tables_in
from hardaudit.policy.check_file import load_check
from hardaudit.target.target import Target
from hardaudit_plugins.accounts.tables import groups, users

CHECKS = Path(hardaudit_plugins.filesystem.__file__).parent / "checks"
TABLES = [*tables_in("hardaudit_plugins.filesystem.tables"), groups.TABLE, users.TABLE]

pytestmark = pytest.mark.usefixtures("require_root")


@pytest.fixture
def host(root):
    """A small host that is as it should be."""
    root.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n", uid=0, gid=0)
    root.write("/etc/group", "root:x:0:\nshadow:x:42:\nwww-data:x:33:\ncrontab:x:101:\n", uid=0, gid=0)
    root.write("/etc/shadow", "root:*::::::\n", mode=0o640, uid=0, gid=42)
    root.write("/etc/crontab", "", uid=0, gid=0)
    root.write("/etc/cron.d/php", "", uid=0, gid=0)
    root.mkdir("/var/spool/cron/crontabs", mode=0o1730, uid=0, gid=101)
    root.write("/usr/bin/sudo", mode=0o4755, uid=0, gid=0)
    root.write("/usr/bin/bash", mode=0o755, uid=0, gid=0)
    root.write("/var/lib/dpkg/info/sudo.list", "/usr/bin/sudo\n", uid=0, gid=0)
    root.mkdir("/tmp", mode=0o1777, uid=0, gid=0)
    root.mkdir("/var/www/shop/images", mode=0o750, uid=33, gid=33)
    for directory in ("/", "/etc", "/usr", "/usr/bin", "/var", "/var/www"):
        (root.directory / directory.lstrip("/")).chmod(0o755)
    return root


@pytest.fixture
def verdict(host):
    def run(name: str, **params):
        check = load_check(str(CHECKS / f"{name}.yaml"))
        selection = Selection(severity=check.severity, params={**check.defaults, **params})
        with Target.directory(host.path) as target, Engine(target, TABLES) as engine:
            return decide(check, selection, engine, Bounds())

    return run


ON_A_ROOT = sorted(path.stem for path in CHECKS.glob("*.yaml") if not path.stem.endswith("_mount_options"))


@pytest.mark.parametrize("name", ON_A_ROOT)
def test_a_host_that_is_as_it_should_be_passes(verdict, name):
    result = verdict(name)
    assert (result.state, result.gaps) == (State.PASS, ())


@pytest.mark.parametrize("name", ["tmp_mount_options", "var_tmp_mount_options", "dev_shm_mount_options"])
def test_mounts_are_not_looked_for_on_a_disk(verdict, name):
    assert verdict(name).state is State.NOT_CHECKED


def break_host(host) -> None:
    host.mkdir("/srv/drop", mode=0o777, uid=0, gid=0)
    host.write("/srv/open.conf", mode=0o666, uid=0, gid=0)
    host.write("/srv/lost", uid=4711, gid=0)
    host.write("/var/www/shop/images/.x", mode=0o4711, uid=0, gid=0)
    host.write("/usr/local/bin/mailer", mode=0o2755, uid=0, gid=33)
    (host.directory / "usr/bin/bash").chmod(0o4755)
    (host.directory / "etc/shadow").chmod(0o644)
    os.chown(host.directory / "etc/group", 33, 0)
    (host.directory / "etc/cron.d/php").chmod(0o664)
    os.chown(host.directory / "etc/cron.d/php", 0, 33)
    host.mkdir("/var/www/shop/cache", mode=0o1777, uid=33, gid=33)
    (host.directory / "var").chmod(0o775)
    os.chown(host.directory / "var", 0, 33)
    (host.directory / "usr/bin").chmod(0o777)
    host.write("/usr/bin/deployed", mode=0o755, uid=33, gid=0)


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        ("world_writable_directories", ["/srv/drop", "/usr/bin"]),
        ("world_writable_files", ["/srv/open.conf"]),
        ("unowned_files", ["/srv/lost"]),
        ("unpackaged_setuid", ["/usr/bin/bash", "/usr/local/bin/mailer", "/var/www/shop/images/.x"]),
        ("setuid_interpreters", ["/usr/bin/bash"]),
        ("account_files_permissions", ["/etc/group", "/etc/shadow"]),
        ("cron_permissions", ["/etc/cron.d/php"]),
        ("upload_directories_world_writable", ["/var/www/shop/cache"]),
        ("writable_parents", ["/usr/bin", "/var"]),
        ("program_owners", ["/usr/bin/deployed"]),
    ],
)
def test_what_is_wrong_is_found(host, verdict, name, subjects):
    break_host(host)
    result = verdict(name)
    assert result.state is State.FAIL
    assert [finding.subject for finding in result.findings] == subjects
    assert verdict(name, ignore=subjects).state is State.PASS


@pytest.mark.parametrize(
    "name", ["world_writable_directories", "world_writable_files", "unowned_files", "unpackaged_setuid", "setuid_interpreters"]
)
def test_containers_images_are_left_out_unless_they_are_asked_for(host, verdict, name):
    layer = "/var/lib/docker/overlay2/abc/diff"
    host.write(f"{layer}/bin/bash", mode=0o4777, uid=4711, gid=4711)
    host.mkdir(f"{layer}/open", mode=0o777)
    assert verdict(name).state is State.PASS
    assert verdict(name, skip=[]).state is State.FAIL


def test_findings_survive_hostile_names(host, verdict):
    name = b"evil\n\xff\x1b[31m'); DROP TABLE kept; --"
    place = os.path.join(os.fsencode(host.path), b"srv", name)
    os.makedirs(os.path.dirname(place))
    os.close(os.open(place, os.O_CREAT))
    os.chmod(place, 0o666)
    [finding] = verdict("world_writable_files").findings
    assert finding.subject == "/srv/evil\n\uefff\x1b[31m'); DROP TABLE kept; --"


def test_without_packages_setuid_programs_are_not_judged(host, verdict):
    (host.directory / "var/lib/dpkg/info/sudo.list").unlink()
    assert verdict("unpackaged_setuid").state is State.UNKNOWN


def test_without_accounts_owners_are_not_judged(host, verdict):
    (host.directory / "etc/passwd").unlink()
    assert verdict("unowned_files").state is State.UNKNOWN


@pytest.fixture
def run_tool(host, require_tool):
    """Run a tool on a path of the host; skip where the file system of temporary files cannot do it."""

    def run(name: str, *arguments: str) -> None:
        *options, path = arguments
        done = subprocess.run(
            [require_tool(name), *options, host.directory / path.lstrip("/")], check=False, capture_output=True, text=True
        )
        if "not supported" in done.stderr:
            pytest.skip(f"{name}: not supported by the file system of temporary files")
        assert done.returncode == 0, done.stderr

    return run


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "path", "grant", "fails"),
    [
        ("account_files_permissions", "/etc/shadow", "u:33:r", True),
        ("account_files_permissions", "/etc/shadow", "g:42:r", False),
        ("account_files_permissions", "/etc/passwd", "u:33:r", False),
        ("cron_permissions", "/etc/cron.d", "u:33:rwx", True),
        ("cron_permissions", "/etc/crontab", "u:33:rw", True),
        ("cron_permissions", "/etc/crontab", "u:33:r", False),
        ("writable_parents", "/usr/bin", "g:33:rwx", True),
        ("writable_parents", "/usr/bin", "g:33:rx", False),
    ],
)
def test_access_lists_count(verdict, run_tool, name, path, grant, fails):
    run_tool("setfacl", "-m", grant, path)
    result = verdict(name)
    assert (result.state is State.FAIL) is fails
    assert {finding.subject for finding in result.findings} == ({path} if fails else set())


@pytest.mark.real
def test_a_capability_is_a_gift_too(host, verdict, run_tool):
    host.write("/usr/bin/python3.11", "\x7fELF", mode=0o755)
    host.write("/usr/bin/node", "\x7fELF", mode=0o755)
    run_tool("setcap", "cap_setuid+ep", "/usr/bin/python3.11")
    run_tool("setcap", "cap_net_bind_service+ep", "/usr/bin/node")
    assert [finding.subject for finding in verdict("setuid_interpreters").findings] == ["/usr/bin/python3.11"]


def test_copies_of_the_hashes(host, verdict):
    host.write("/etc/shadow.bak", mode=0o644, uid=0, gid=0)
    host.write("/etc/.gshadow.swp", mode=0o644, uid=0, gid=0)
    host.write("/var/backups/shadow.bak", mode=0o600, uid=0, gid=0)
    host.mkdir("/etc/shadow-maint")
    assert [finding.subject for finding in verdict("account_files_permissions").findings] == ["/etc/.gshadow.swp", "/etc/shadow.bak"]


def test_links_of_cron(host, verdict):
    host.mkdir("/home/ann", uid=1001, gid=1001)
    host.write("/home/ann/job", mode=0o755, uid=0, gid=0)
    host.write("/usr/share/job", mode=0o755, uid=0, gid=0)
    host.symlink("/etc/cron.daily/dangling", "/tmp/later")
    host.symlink("/etc/cron.daily/elsewhere", "../../home/ann/job")
    host.symlink("/etc/cron.daily/fine", "/usr/share/job")
    host.symlink("/etc/cron.daily/loop", "loop")
    assert {finding.subject for finding in verdict("cron_permissions").findings} == {
        f"/etc/cron.daily/{name}" for name in ("dangling", "elsewhere", "loop")
    }


def test_a_link_on_the_way_to_a_system_directory(host, verdict):
    host.mkdir("/opt/pam", uid=0, gid=0)
    host.mkdir("/opt", mode=0o777, uid=0, gid=0)
    host.symlink("/etc/pam.d", "../opt/pam")
    assert [finding.subject for finding in verdict("writable_parents").findings] == ["/etc/../opt"]


def test_a_site_behind_a_link_of_the_document_root(host, verdict):
    host.mkdir("/home/ann/shop/images", mode=0o1777, uid=1001, gid=1001)
    host.symlink("/var/www/site", "/home/ann/shop")
    host.symlink("/var/www/self", ".")
    assert [finding.subject for finding in verdict("upload_directories_world_writable").findings] == ["/home/ann/shop/images"]


def test_devices_and_sockets_that_are_the_whole_host(host, verdict, monkeypatch):
    for name, kind, number in (("dev/sda", stat.S_IFBLK, (8, 0)), ("opt/.m", stat.S_IFCHR, (1, 1)), ("dev/null", stat.S_IFCHR, (1, 3))):
        place = host.directory / name
        place.parent.mkdir(exist_ok=True)
        try:
            os.mknod(place, kind | 0o666, os.makedev(*number))
        except PermissionError:
            pytest.skip("devices cannot be made here")
        place.chmod(0o666)
    monkeypatch.chdir(host.mkdir("/run"))  # a socket's path is short
    for name in ("docker.sock", "other.sock"):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(name)
        Path(name).chmod(0o666)
    assert {finding.subject for finding in verdict("world_writable_files").findings} == {"/dev/sda", "/opt/.m", "/run/docker.sock"}
