"""The domain's checks on whole root directories: a hardened one passes, and each thing that is changed in it fails the check for it."""

import os
import time

import pytest

from hardaudit.audit.registry import Registry
from hardaudit.audit.verdict import decide
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.model.policy import Selection
from hardaudit.plugin.discover import checks_in
from hardaudit.policy.check_file import load_check
from hardaudit.target.target import Target

CHECKS = {check.id.partition("/")[2]: check for check in map(load_check, checks_in("hardaudit_plugins.accounts.checks"))}
TABLES = tuple(Registry().tables.values())
TODAY = int(time.time() // 86_400)
HASH = "$y$j9T$salt$hash"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0kpq3qV3yDbkkT7mG0W8q1t1J2mQm1s5o0cQe7Xn1a alice\n"

pytestmark = pytest.mark.usefixtures("require_root")


@pytest.fixture
def hardened(root):
    root.write(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/bash\n",
    )
    root.write("/etc/group", "root:x:0:\nwww-data:x:33:\nsudo:x:27:alice\nalice:x:1000:\ndocker:x:999:\n")
    root.write("/etc/shadow", f"root:!:{TODAY}:0:365:7:::\nwww-data:*:{TODAY}:0:99999:7:::\nalice:{HASH}:{TODAY}:0:365:7:::\n", mode=0o640)
    root.write("/etc/login.defs", "PASS_MAX_DAYS 365\nENCRYPT_METHOD YESCRYPT\nUID_MIN 1000\n")
    root.write("/etc/pam.d/common-auth", "auth required pam_faillock.so preauth\nauth required pam_unix.so\n")
    root.write("/etc/pam.d/common-password", "password requisite pam_pwquality.so\npassword required pam_unix.so yescrypt\n")
    root.write("/etc/security/pwquality.conf", "minlen = 14\n")
    root.write(
        "/etc/sudoers", "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n", mode=0o440
    )
    root.mkdir("/etc/sudoers.d")
    root.mkdir("/root", mode=0o700)
    root.mkdir("/home/alice", mode=0o750, uid=1000, gid=1000)
    root.mkdir("/home/alice/.ssh", mode=0o700, uid=1000, gid=1000)
    root.write("/home/alice/.ssh/authorized_keys", KEY, mode=0o600, uid=1000, gid=1000)
    return root


def verdict(name, place):
    check = CHECKS[name]
    with Target.directory(place.path) as target, Engine(target, TABLES) as engine:
        result = decide(check, Selection(severity=check.severity, params=dict(check.defaults)), engine, Bounds(seconds=30))
    return result.state.value, [finding.subject for finding in result.findings]


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_hardened_system_passes(hardened, name):
    assert verdict(name, hardened) == ("pass", [])


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_an_empty_directory_passes_nothing(tmp_path, name):
    class Empty:
        path = str(tmp_path)

    assert verdict(name, Empty)[0] == "unknown"


def append(place, path, text):
    with (place.directory / path.lstrip("/")).open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


TAMPERING = {
    "second_uid_zero": (lambda r: append(r, "/etc/passwd", "toor:x:0:0::/root:/bin/sh\n"), ["toor"]),
    "empty_password": (lambda r: append(r, "/etc/passwd", "eve::1001:1001::/nonexistent:/bin/sh\n"), ["eve"]),
    "weak_password_hash": (
        lambda r: (
            append(r, "/etc/passwd", "eve:x:1001:1001::/nonexistent:/bin/sh\n"),
            append(r, "/etc/shadow", f"eve:$1$a$b:{TODAY}::::::\n"),
        ),
        None,
    ),
    "system_account_login": (lambda r: append(r, "/etc/passwd", f"games:{HASH}:5:5::/nonexistent:/bin/sh\n"), ["games"]),
    "password_age": (lambda r: r.write("/etc/shadow", f"root:!:0:0:365:7:::\nalice:{HASH}:{TODAY - 366}:0:365:7:::\n"), ["alice"]),
    "home_directory_writable": (lambda r: (r.directory / "home/alice").chmod(0o777), ["alice: /home/alice"]),
    "authorized_keys_writable": (
        lambda r: (r.directory / "home/alice/.ssh/authorized_keys").chmod(0o606),
        ["/home/alice/.ssh/authorized_keys"],
    ),
    "nopasswd_sudo": (
        lambda r: r.write("/etc/sudoers.d/x", "www-data ALL = NOPASSWD: /bin/sh\n", mode=0o440),
        ["www-data ALL = NOPASSWD: /bin/sh"],
    ),
    "sudo_all_commands": (lambda r: append(r, "/etc/sudoers", "#33 ALL=ALL\n"), ["#33 ALL=ALL"]),
    "sudoers_writable": (lambda r: (r.directory / "etc/sudoers.d").chmod(0o777), ["/etc/sudoers.d"]),
    "legacy_plus_entries": (lambda r: append(r, "/etc/passwd", "+::::::\n"), ["/etc/passwd: +"]),
    "duplicate_user_ids": (lambda r: append(r, "/etc/passwd", "eve:x:1000:1000::/nonexistent:/bin/sh\n"), ["1000"]),
    "duplicate_names": (lambda r: append(r, "/etc/group", "wheel:x:27:eve\n"), ["group ID 27"]),
    "password_aging_policy": (lambda r: append(r, "/etc/login.defs", "PASS_MAX_DAYS 99999\n"), ["PASS_MAX_DAYS"]),
    "password_hash_method": (lambda r: r.write("/etc/pam.d/common-password", "password required pam_unix.so md5\n"), ["common-password"]),
    "password_quality": (lambda r: r.write("/etc/security/pwquality.conf", "minlen = 8\n"), ["common-password"]),
    "failed_login_lockout": (lambda r: r.write("/etc/pam.d/common-auth", "auth required pam_unix.so\n"), ["common-auth"]),
    "privileged_group_members": (lambda r: r.write("/etc/group", "root:x:0:\ndocker:x:999:alice\n"), ["docker: alice"]),
    "root_authorized_keys": (lambda r: r.write("/root/.ssh/authorized_keys", KEY), None),
    "unencrypted_private_keys": (
        lambda r: r.write(
            "/home/alice/.ssh/id",
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n",
        ),
        ["/home/alice/.ssh/id"],
    ),
}


def test_every_check_is_tampered_with():
    assert TAMPERING.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", sorted(TAMPERING))
def test_tampering_is_found(hardened, name):
    tamper, subjects = TAMPERING[name]
    tamper(hardened)
    state, found = verdict(name, hardened)
    assert state == "fail"
    assert found == subjects if subjects is not None else len(found) == 1


GROUP_WRITABLE = [
    ("alice:x:1000:1000::/home/alice:/bin/bash\n", "alice:x:1000:\n", "pass"),
    ("alice:x:1000:1000::/home/alice:/bin/bash\n", "alice:x:1000:alice\n", "pass"),
    ("alice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1000::/nonexistent:/bin/sh\n", "alice:x:1000:\n", "fail"),
    ("alice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/nonexistent:/bin/sh\n", "alice:x:1000:bob\n", "fail"),
    ("alice:x:1000:1000::/home/alice:/bin/bash\n", "alice:x:1000:not-an-account\n", "pass"),
]


@pytest.mark.parametrize(("passwd", "group", "state"), GROUP_WRITABLE)
def test_a_private_group_may_write(hardened, passwd, group, state):
    hardened.write("/etc/passwd", "root:x:0:0::/root:/bin/bash\n" + passwd)
    hardened.write("/etc/group", "root:x:0:\n" + group)
    for path in ("home/alice", "home/alice/.ssh", "home/alice/.ssh/authorized_keys"):
        (hardened.directory / path).chmod(0o770)
    assert verdict("home_directory_writable", hardened)[0] == state
    assert verdict("authorized_keys_writable", hardened)[0] == state


def test_an_owner_that_is_somebody_else(hardened):
    os.chown(hardened.directory / "home/alice/.ssh", 33, 33)
    assert verdict("authorized_keys_writable", hardened) == ("fail", ["/home/alice/.ssh"])


def test_a_server_without_sudo(hardened):
    (hardened.directory / "etc/sudoers").unlink()
    for name in ("nopasswd_sudo", "sudo_all_commands", "sudoers_writable"):
        assert verdict(name, hardened)[0] == "not_applicable"


@pytest.mark.parametrize("name", ["second_uid_zero", "empty_password", "weak_password_hash", "duplicate_user_ids"])
def test_garbage_in_the_account_files_never_passes(hardened, name):
    append(hardened, "/etc/passwd", b"\xff\xfe\0:\x1b[31m\n")
    assert verdict(name, hardened)[0] == "unknown"
