"""The domain's checks on whole root directories: a hardened server passes, and each thing that is changed in it fails the check for it."""

from __future__ import annotations

import os

import pytest

from hardaudit.audit.registry import Registry
from hardaudit.audit.verdict import decide
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.model.policy import Selection
from hardaudit.plugin.discover import checks_in
from hardaudit.policy.check_file import load_check
from hardaudit.target.target import Target

CHECKS = {check.id.partition("/")[2]: check for check in map(load_check, checks_in("hardaudit_plugins.ssh.checks"))}
TABLES = tuple(Registry().tables.values())
PACKAGE = """Package: openssh-server
Status: install ok installed
Architecture: amd64
Version: 1:9.2p1-2+deb12u7
Description: secure shell (SSH) server

"""
HARDENED = """Include /etc/ssh/sshd_config.d/*.conf
UsePAM yes
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxAuthTries 3
LoginGraceTime 30
AllowGroups ssh-users
AllowAgentForwarding no
AllowTcpForwarding no
MACs -hmac-sha1*,umac-64*
Match Group sftp-only
    ForceCommand internal-sftp
    AllowTcpForwarding no
"""


@pytest.fixture
def hardened(root):
    root.write("/usr/sbin/sshd", "", mode=0o755)
    root.write("/var/lib/dpkg/status", PACKAGE)
    root.write("/etc/ssh/sshd_config", HARDENED)
    root.mkdir("/etc/ssh/sshd_config.d")
    return root


def verdict(name, place):
    check = CHECKS[name]
    with Target.directory(place.path) as target, Engine(target, TABLES) as engine:
        result = decide(check, Selection(severity=check.severity, params=dict(check.defaults)), engine, Bounds(seconds=30))
    return result.state.value, [finding.subject for finding in result.findings]


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_hardened_server_passes(hardened, name):
    assert verdict(name, hardened) == ("pass", [])


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_no_server_is_not_applicable(root, name):
    assert verdict(name, root) == ("not_applicable", [])


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_without_its_configuration_nothing_is_known(hardened, name):
    os.unlink(f"{hardened.path}/etc/ssh/sshd_config")
    assert verdict(name, hardened) == ("unknown", [])


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_file_that_cannot_be_read_may_say_anything(hardened, name):
    os.mkfifo(f"{hardened.path}/etc/ssh/sshd_config.d/00-secret.conf")
    assert verdict(name, hardened) == ("unknown", [])


@pytest.mark.parametrize(
    ("name", "line", "subjects"),
    [
        ("root_login", "PermitRootLogin prohibit-password", ["permitrootlogin"]),
        ("password_login", "PasswordAuthentication yes", ["passwordauthentication"]),
        ("password_login", "ChallengeResponseAuthentication yes", ["kbdinteractiveauthentication"]),
        ("empty_passwords", "PermitEmptyPasswords yes", ["permitemptypasswords"]),
        ("max_auth_tries", "MaxAuthTries 12", ["maxauthtries"]),
        ("login_grace_time", "LoginGraceTime 1h", ["logingracetime"]),
        ("x11_forwarding", "x11forwarding=YES", ["x11forwarding"]),
        ("agent_forwarding", "AllowAgentForwarding yes", ["allowagentforwarding"]),
        ("tcp_forwarding", "AllowTcpForwarding all", ["allowtcpforwarding"]),
        ("user_environment", "PermitUserEnvironment LD_*", ["permituserenvironment"]),
        ("strict_modes", "StrictModes no", ["strictmodes"]),
        ("log_level", "LogLevel QUIET", ["loglevel"]),
        ("host_based_login", "HostbasedAuthentication yes", ["hostbasedauthentication"]),
        ("weak_ciphers", "Ciphers ^aes128-cbc", ["aes128-cbc"]),
        (
            "weak_macs",
            "MACs +hmac-md5",
            ["hmac-md5", "hmac-sha1", "hmac-sha1-etm@openssh.com", "umac-64-etm@openssh.com", "umac-64@openssh.com"],
        ),
        ("weak_key_exchange", "KexAlgorithms +diffie-hellman-group14-sha1", ["diffie-hellman-group14-sha1"]),
        (
            "weak_signature_algorithms",
            "PubkeyAcceptedKeyTypes +ssh-rsa*",
            ["pubkeyacceptedalgorithms: ssh-rsa", "pubkeyacceptedalgorithms: ssh-rsa-cert-v01@openssh.com"],
        ),
        ("match_reopens", "Match Address 192.0.2.0/24\nPermitRootLogin yes", ["Match Address 192.0.2.0/24: permitrootlogin"]),
        ("match_reopens", "Match all\nMatch User bob\nAllowTcpForwarding local", ["Match User bob: allowtcpforwarding"]),
    ],
)
def test_one_line_of_a_drop_in_fails_the_check(hardened, name, line, subjects):
    hardened.write("/etc/ssh/sshd_config.d/10-local.conf", f"{line}\n")
    state, found = verdict(name, hardened)
    assert (state, sorted(found)) == ("fail", subjects)


def test_without_a_list_everyone_may_log_in(hardened):
    hardened.write("/etc/ssh/sshd_config", HARDENED.replace("AllowGroups", "#AllowGroups"))
    assert verdict("access_list", hardened) == ("fail", ["allowgroups"])


def test_a_drop_in_that_comes_too_late_changes_nothing(hardened):
    hardened.write("/etc/ssh/sshd_config", "PermitRootLogin no\nInclude sshd_config.d/*\n")
    hardened.write("/etc/ssh/sshd_config.d/10-local.conf", "PermitRootLogin yes\n")
    assert verdict("root_login", hardened) == ("pass", [])


def test_match_all_opens_for_everyone(hardened):
    hardened.write("/etc/ssh/sshd_config", f"{HARDENED}Match all\nPermitRootLogin yes\n")
    assert verdict("root_login", hardened) == ("fail", ["permitrootlogin"])


def test_two_factors_are_no_password_login(hardened):
    methods = "AuthenticationMethods publickey,keyboard-interactive:pam"
    hardened.write("/etc/ssh/sshd_config.d/10-local.conf", f"KbdInteractiveAuthentication yes\n{methods}\n")
    assert verdict("password_login", hardened) == ("pass", [])
