"""`sshd_settings` on fixture roots: versions, start options, hostile and unreadable configurations. tests/real holds it against sshd itself."""

from __future__ import annotations

import os

import pytest

from hardaudit.audit.registry import Registry
from hardaudit.engine.engine import Engine
from hardaudit.model.gap import GapReason
from hardaudit.target.target import Target

TABLES = tuple(Registry().tables.values())
DEBIAN_12 = """Package: openssh-server
Status: install ok installed
Architecture: amd64
Version: 1:9.2p1-2+deb12u7
Description: secure shell (SSH) server

"""


@pytest.fixture
def server(root):
    """A root with sshd installed from Debian 12's package; the program itself is empty."""
    root.write("/usr/sbin/sshd", "", mode=0o755)
    root.write("/var/lib/dpkg/status", DEBIAN_12)
    root.write("/etc/ssh/sshd_config", "PermitRootLogin no\n")
    return root


@pytest.fixture
def setting(query):
    """The one value of a keyword for connections that no Match block is about, with file and line."""

    def ask(root, keyword, expected_gaps=()):
        answer = query(
            "SELECT value, config_path, config_line FROM sshd_settings WHERE context = '' AND keyword = :keyword",
            root,
            {"keyword": keyword},
        )
        assert [gap.reason for gap in answer.gaps] == list(expected_gaps), answer.gaps
        return [tuple(row.values()) for row in answer.rows]

    return ask


def with_version(root, version):
    root.write("/var/lib/dpkg/status", DEBIAN_12.replace("1:9.2p1-2+deb12u7", version))


def test_a_line_and_a_default(server, setting):
    assert setting(server, "permitrootlogin") == [("no", "/etc/ssh/sshd_config", 1)]
    assert setting(server, "x11forwarding") == [("no", None, None)]


def test_nothing_is_said_where_sshd_is_not_installed(root, query):
    answer = query("SELECT * FROM sshd_settings", root)
    assert (answer.rows, answer.gaps) == ([], ())


def test_a_server_without_its_configuration_is_a_gap(server, query):
    os.unlink(f"{server.path}/etc/ssh/sshd_config")
    answer = query("SELECT * FROM sshd_settings", server)
    assert answer.rows == []
    assert [(gap.reason, "/etc/ssh/sshd_config" in gap.detail) for gap in answer.gaps] == [(GapReason.MISSING_SOURCE, True)]


def test_an_empty_root_is_a_gap(query, tmp_path):
    assert query("SELECT * FROM sshd_settings", str(tmp_path)).gaps


# Versions ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "keyword", "value"),
    [
        ("1:7.4p1-10+deb9u7", "kbdinteractiveauthentication", "yes"),  # because of ChallengeResponseAuthentication
        ("1:8.4p1-5+deb11u3", "pubkeyacceptedkeytypes", None),
        ("1:9.2p1-2", "permitrootlogin", "without-password"),
        ("1:9.2p1-2", "requiredrsasize", "1024"),
        ("1:10.0p1-7", "persourcepenalties", None),
    ],
)
def test_the_package_s_version_decides_the_defaults(server, setting, version, keyword, value):
    server.write("/etc/ssh/sshd_config", "")
    with_version(server, version)
    rows = setting(server, keyword)
    assert len(rows) == 1
    assert value is None or rows == [(value, None, None)]


def test_default_algorithms_by_version(server, setting):
    def names(version, keyword):
        with_version(server, version)
        return setting(server, keyword)[0][0].split(",")

    assert "diffie-hellman-group14-sha1" in names("1:7.9p1-10", "kexalgorithms")
    assert "diffie-hellman-group14-sha1" not in names("1:8.4p1-5", "kexalgorithms")
    assert names("1:9.6p1-3ubuntu13", "kexalgorithms")[0] == "sntrup761x25519-sha512@openssh.com"
    assert not [name for name in names("1:10.0p1-7", "kexalgorithms") if name.startswith("diffie")]
    assert "ssh-rsa" in names("1:8.7p1-1", "pubkeyacceptedalgorithms")
    assert "ssh-rsa" not in names("1:8.8p1-1", "pubkeyacceptedalgorithms")


def test_keywords_that_the_version_does_not_have(server, setting):
    server.write("/etc/ssh/sshd_config", "RequiredRSASize 3072\nPermitRootLogin no\n")
    with_version(server, "1:9.0p1-1")
    assert setting(server, "permitrootlogin", [GapReason.UNDECIDABLE]) == [("no", "/etc/ssh/sshd_config", 2)]
    with_version(server, "1:9.1p1-1")
    assert setting(server, "permitrootlogin") == [("no", "/etc/ssh/sshd_config", 2)]


def test_words_before_8_7(server, setting):
    server.write("/etc/ssh/sshd_config", "AllowUsers a 'b c' d#e\n")
    with_version(server, "1:8.4p1-5")
    assert [row[0] for row in setting(server, "allowusers")] == ["a", "'b", "c'", "d"]
    with_version(server, "1:8.7p1-1")
    assert [row[0] for row in setting(server, "allowusers")] == ["a", "b c", "d#e"]


def test_an_unknown_version_matters_only_for_what_it_decides(server, setting):
    os.unlink(f"{server.path}/var/lib/dpkg/status")
    assert setting(server, "permitrootlogin") == [("no", "/etc/ssh/sshd_config", 1)]
    assert setting(server, "x11forwarding") == [("no", None, None)]
    assert setting(server, "ciphers", [GapReason.UNDECIDABLE]) == []
    server.write("/etc/ssh/sshd_config", "Ciphers +aes128-cbc\nMACs hmac-sha2-256\n")
    assert setting(server, "macs", [GapReason.UNDECIDABLE]) == [("hmac-sha2-256", "/etc/ssh/sshd_config", 2)]  # the gap is that of Ciphers
    assert setting(server, "permitrootlogin", [GapReason.UNDECIDABLE] * 2) == []


def test_red_hat_s_root_login_before_8_is_not_known(server, setting, monkeypatch):
    from hardaudit_plugins.ssh import sshd_server
    from hardaudit_plugins.ssh.sshd_build import Build

    server.write("/etc/ssh/sshd_config", "")
    monkeypatch.setattr(sshd_server, "installed_build", lambda *_: Build((7, 4), "OpenSSH_7.4p1", "rpm"))
    assert setting(server, "permitrootlogin", [GapReason.UNDECIDABLE]) == []
    assert setting(server, "maxauthtries") == [("6", None, None)]


# What comes before the configuration --------------------------------------------------------------------------------------------------


def test_options_of_debian_s_environment_file(server, setting):
    unit = "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStartPre=/usr/sbin/sshd -t\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n"
    server.write("/lib/systemd/system/ssh.service", unit)
    server.write("/etc/default/ssh", "# options\nSSHD_OPTS=\"-o 'PermitRootLogin yes' -oMaxAuthTries=2\"\n")
    assert setting(server, "permitrootlogin") == [("yes", "/etc/default/ssh", 2)]
    assert setting(server, "maxauthtries") == [("2", "/etc/default/ssh", 2)]


def test_a_match_block_still_replaces_an_option(server, query):
    server.write("/etc/ssh/sshd_config", "Match User bob\nPermitRootLogin yes\n")
    server.write("/etc/default/ssh", "SSHD_OPTS=-oPermitRootLogin=no\n")
    rows = query("SELECT context, value FROM sshd_settings WHERE keyword = 'permitrootlogin'", server).rows
    assert [tuple(row.values()) for row in rows] == [("", "no"), ("User bob", "yes")]


def test_another_configuration_file(server, setting):
    server.write("/etc/systemd/system/sshd.service", "[Service]\nExecStart=/usr/sbin/sshd -D \\\n  -f /srv/sshd.conf -p 2222\n")
    server.write("/srv/sshd.conf", "Port 22\nPermitRootLogin forced-commands-only\n")
    assert setting(server, "permitrootlogin") == [("forced-commands-only", "/srv/sshd.conf", 2)]
    assert [row[0] for row in setting(server, "port")] == ["2222"]


def test_a_drop_in_replaces_the_command(server, setting):
    server.write("/lib/systemd/system/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n")
    server.write(
        "/etc/systemd/system/ssh.service.d/override.conf",
        "[Service]\nEnvironment=EXTRA=-oX11Forwarding=yes\nExecStart=\nExecStart=/usr/sbin/sshd -D $EXTRA ${NOT_SET}\n",
    )
    assert setting(server, "x11forwarding") == [("yes", "/etc/systemd/system/ssh.service.d/override.conf", 2)]


def test_red_hat_s_crypto_policy(server, setting):
    server.write(
        "/usr/lib/systemd/system/sshd.service",
        "[Service]\nEnvironmentFile=-/etc/crypto-policies/back-ends/opensshserver.config\nEnvironmentFile=-/etc/sysconfig/sshd\n"
        "ExecStart=/usr/sbin/sshd -D $OPTIONS $CRYPTO_POLICY\n",
    )
    policy = "/etc/crypto-policies/back-ends/opensshserver.config"
    server.write(policy, "CRYPTO_POLICY='-oCiphers=aes256-gcm@openssh.com,aes256-ctr -oMACs=hmac-sha2-256'\n")
    server.write("/etc/ssh/sshd_config", "Ciphers 3des-cbc\n")
    assert setting(server, "ciphers") == [("aes256-gcm@openssh.com,aes256-ctr", policy, 1)]


def test_services_that_differ_are_a_gap(server, setting):
    server.write("/lib/systemd/system/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n")
    server.write("/lib/systemd/system/ssh@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i -oPermitRootLogin=yes\n")
    assert setting(server, "permitrootlogin", [GapReason.UNDECIDABLE])


def test_options_that_cannot_be_followed_are_a_gap(server, setting):
    server.write("/etc/default/ssh", "SSHD_OPTS='-Z --what'\n")
    assert setting(server, "permitrootlogin", [GapReason.UNDECIDABLE]) == [("no", "/etc/ssh/sshd_config", 1)]


@pytest.mark.usefixtures("require_root")
@pytest.mark.parametrize(
    ("process", "namespace", "reasons"),
    [
        (b"sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups\0\0", "mnt:[1]", []),
        (b"sshd: /usr/sbin/sshd -D -o PermitRootLogin=yes [listener] 0 of 10-100 startups\0", "mnt:[1]", [GapReason.UNDECIDABLE]),
        (b"/usr/sbin/sshd\0-f\0/tmp/sshd.conf\0", "mnt:[1]", [GapReason.UNDECIDABLE]),
        (b"sshd: /usr/sbin/sshd -D -f /x [listener] 0 of 10-100 startups\0", "mnt:[2]", []),  # in a container
        (b"sshd: bob [priv]\0", "mnt:[1]", []),
    ],
)
def test_a_running_daemon_with_other_options_is_a_gap(server, process, namespace, reasons):
    server.write("/proc/77/comm", "sshd\n")
    server.write("/proc/77/cmdline", process)
    server.symlink("/proc/77/ns/mnt", namespace)
    server.symlink("/proc/self/ns/mnt", "mnt:[1]")
    with Target(server.path, live=True) as target, Engine(target, TABLES) as engine:
        answer = engine.run("SELECT value FROM sshd_settings WHERE keyword = 'permitrootlogin'")
    assert [row["value"] for row in answer.rows] == ["no"]
    assert [gap.reason for gap in answer.gaps] == reasons, answer.gaps


# Match and Include ------------------------------------------------------------------------------------------------------------------


def test_a_block_has_rows_for_what_it_sets(server, query):
    server.write("/etc/ssh/sshd_config", 'PermitRootLogin no\nMatch user "alice,bob" address 10.0.0.0/8 # why\n  X11Forwarding yes\n')
    rows = query("SELECT context, keyword, value, config_line FROM sshd_settings WHERE context <> ''", server).rows
    assert [tuple(row.values()) for row in rows] == [("user alice,bob address 10.0.0.0/8", "x11forwarding", "yes", 3)]


def test_a_connection_can_be_asked_for_in_a_join(server, query):
    server.write("/etc/ssh/sshd_config", "Match User alice\nPermitRootLogin yes\nMatch Group staff\nPermitRootLogin no\n")
    server.write("/etc/passwd", "alice:x:1:1::/:\nbob:x:2:5::/:\ncarol:x:3:3::/:\n")
    server.write("/etc/group", "staff:x:5:carol\nother:x:3:\n")
    sql = "SELECT u.username, s.value FROM users u CROSS JOIN sshd_settings s ON s.user = u.username WHERE s.keyword = 'permitrootlogin' ORDER BY 1"
    answer = query(sql, server)
    assert not answer.gaps
    assert [tuple(row.values()) for row in answer.rows] == [("alice", "yes"), ("bob", "no"), ("carol", "no")]


def test_the_origin_of_an_included_value(server, setting):
    server.write("/etc/ssh/sshd_config", "Include sshd_config.d/*.conf\nPermitRootLogin yes\n")
    server.write("/etc/ssh/sshd_config.d/50-cloud.conf", "\n# comment\nPermitRootLogin no\n")
    server.write("/etc/ssh/sshd_config.d/.hidden.conf", "PermitRootLogin forced-commands-only\n")
    assert setting(server, "permitrootlogin") == [("no", "/etc/ssh/sshd_config.d/50-cloud.conf", 3)]


# What cannot be read, and what is meant to do harm -------------------------------------------------------------------------------------


def test_what_stands_behind_an_unreadable_file_is_not_known(server, query):
    server.write("/etc/ssh/sshd_config", "MaxAuthTries 3\nInclude secret.conf\nPermitRootLogin no\nMatch User bob\nX11Forwarding yes\n")
    os.mkfifo(f"{server.path}/etc/ssh/secret.conf")
    answer = query(
        "SELECT context, keyword FROM sshd_settings WHERE keyword IN ('maxauthtries', 'permitrootlogin', 'x11forwarding', 'port')", server
    )
    assert [tuple(row.values()) for row in answer.rows] == [("User bob", "x11forwarding")]
    assert ["secret.conf" in gap.detail for gap in answer.gaps] == [True]


def test_a_dangling_include_keeps_sshd_from_starting(server, query):
    server.write("/etc/ssh/sshd_config", "Include gone.conf\nPermitRootLogin no\n")
    assert not query("SELECT * FROM sshd_settings", server).gaps
    server.symlink("/etc/ssh/gone.conf", "/nowhere")
    assert [gap.reason for gap in query("SELECT * FROM sshd_settings", server).gaps] == [GapReason.MISSING_SOURCE]


def test_an_included_link_does_not_leave_the_root(server, setting, tmp_path):
    (tmp_path / "outside").write_text("PermitRootLogin yes\n")
    server.write("/etc/ssh/sshd_config", "Include *.inc\nPermitRootLogin no\n")
    server.symlink("/etc/ssh/a.inc", f"../../../../../../..{tmp_path}/outside")
    assert setting(server, "maxsessions", [GapReason.MISSING_SOURCE]) == []


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("Include sshd_config\n", "/etc/ssh/sshd_config:1: "),
        ("Include sshd_config\nInclude sshd_config\n" * 50, "levels deep"),
        (b"PermitRootLogin no\0yes\nPort 22\n", "/etc/ssh/sshd_config:1: the line has a NUL byte"),
        (b"\nBanner " + b"x" * 300_000 + b"\n", "/etc/ssh/sshd_config:2: the line has more than"),
        (b"\n" * 250_000, "more than 200000 lines"),
        (b"Include /" + b"*/" * 3000 + b"\n", "/etc/ssh/sshd_config:1: Include has a pattern that is too long"),
        (b"Match User " + b"," * 100_000 + b"\nPermitRootLogin yes\nMatch \xff\xfe\n", "/etc/ssh/sshd_config:3: "),
        ("Nonsense\n" * 5_000, "more than 50 problems"),
        (b"PermitRootLogin \xff\n", "/etc/ssh/sshd_config:1: "),
    ],
    ids=["loop", "loops", "NUL", "line", "lines", "pattern", "bytes", "problems", "value"],
)
def test_hostile_configurations_end_in_a_gap(server, query, content, part):
    server.write("/etc/ssh/sshd_config", content)
    answer = query("SELECT * FROM sshd_settings", server, seconds=30)
    assert any(part in gap.detail for gap in answer.gaps), answer.gaps
    assert len(answer.gaps) <= 53
    assert not [gap for gap in answer.gaps if gap.reason is GapReason.TIMEOUT]


def test_many_directories_and_wildcards(server, query):
    for first in "abcdef":
        for second in "abcdef":
            server.write(f"/etc/ssh/{first}/{second}/x.conf", "PermitRootLogin no\n")
    server.write("/etc/ssh/sshd_config", "Include */*/*\nInclude *a*a*a*a*a*a*/*\nInclude [a-c]/[!a]/x*\n")
    rows = query("SELECT config_path FROM sshd_settings WHERE keyword = 'permitrootlogin'", server).rows
    assert rows == [{"config_path": "/etc/ssh/a/a/x.conf"}]


def test_names_in_invalid_utf_8(server, query):
    with open(f"{server.path}/etc/ssh/".encode() + b"\xff.inc", "w", encoding="ascii") as file:
        file.write("X11Forwarding yes\n")
    server.write("/etc/ssh/sshd_config", b"Include \xff*\nMatch User \xfe\nX11Forwarding no\n")
    rows = query("SELECT context, config_path FROM sshd_settings WHERE keyword = 'x11forwarding'", server).rows
    assert [tuple(row.values()) for row in rows] == [("", "/etc/ssh/\uefff.inc"), ("User \ueffe", "/etc/ssh/sshd_config")]


def test_many_blocks_end_in_time(server, query):
    server.write("/etc/ssh/sshd_config", "".join(f"Match User u{number}\nX11Forwarding yes\n" for number in range(5_000)))
    answer = query("SELECT COUNT(*) AS n FROM sshd_settings WHERE keyword = 'x11forwarding'", server, seconds=30)
    assert (answer.rows, answer.gaps) == ([{"n": 5_001}], ())


def test_an_sshd_that_was_built_by_hand_is_a_gap(root, query):
    root.write("/usr/local/sbin/sshd", "", mode=0o755)
    answer = query("SELECT * FROM sshd_settings", root)
    assert (answer.rows, [gap.reason for gap in answer.gaps]) == ([], [GapReason.UNSUPPORTED])
