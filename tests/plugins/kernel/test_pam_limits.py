"""`pam_limits` against PAM itself."""

import os
import subprocess

import pytest

from hardaudit.model.gap import GapReason

LIMITS = """\
# comment
*  soft core 0
* \t HARD  CORE 100 extra words
@dev - nofile UNLIMITED # why
alice -
bob hard
  root hard core 7
"""
DROP_INS = {"20-b.conf": "* - core 300\n", "10-a.conf": "* hard core 200\n* hard core 250\n", "30-c.txt": "* hard core 400\n"}
EFFECTIVE = "SELECT value FROM pam_limits WHERE domain = '*' AND type IN ('hard', '-') AND item = 'core' ORDER BY position DESC LIMIT 1"


@pytest.fixture
def limited(root):
    root.write("/etc/security/limits.conf", LIMITS)
    for name, content in DROP_INS.items():
        root.write(f"/etc/security/limits.d/{name}", content)
    root.write("/etc/pam.d/sshd", "#session required pam_limits.so\n@include common-session\nsession    required     pam_limits.so\n")
    return root


def test_rows(query, limited):
    answer = query("SELECT domain, type, item, value, line, path FROM pam_limits ORDER BY position", limited)
    assert [tuple(row.values()) for row in answer.rows] == [
        ("*", "soft", "core", "0", 2, "/etc/security/limits.conf"),
        ("*", "hard", "core", "100", 3, "/etc/security/limits.conf"),
        ("@dev", "-", "nofile", "unlimited", 4, "/etc/security/limits.conf"),
        ("alice", "-", None, None, 5, "/etc/security/limits.conf"),
        ("root", "hard", "core", "7", 7, "/etc/security/limits.conf"),
        ("*", "hard", "core", "200", 1, "/etc/security/limits.d/10-a.conf"),
        ("*", "hard", "core", "250", 2, "/etc/security/limits.d/10-a.conf"),
        ("*", "-", "core", "300", 1, "/etc/security/limits.d/20-b.conf"),
    ]
    assert not answer.gaps


@pytest.mark.parametrize(
    ("path", "line", "applied"),
    [
        ("/etc/pam.d/sshd", "session required pam_limits.so", 1),
        ("/etc/pam.d/sshd", "-session\toptional /lib/security/pam_limits.so set_all", 1),
        ("/usr/lib/pam.d/sshd", "session required pam_limits.so", 1),
        ("/etc/pam.conf", "sshd session required pam_limits.so", 1),
        ("/etc/pam.d/sshd", "#session required pam_limits.so", 0),
        ("/etc/pam.d/sshd", "auth required pam_limits.so", 0),
        ("/etc/pam.d/sshd", "session required pam_limits.so conf=/etc/other.conf", 0),
        ("/etc/pam.d/sshd", "", 0),
    ],
)
def test_applied(query, root, path, line, applied):
    root.write("/etc/security/limits.conf", "* hard core 0\n")
    root.write(path, f"{line}\n")
    answer = query("SELECT applied FROM pam_limits", root)
    assert (answer.rows, answer.gaps) == ([{"applied": applied}], ())


def test_what_cannot_be_read_is_a_gap(query, limited):
    os.mkfifo(f"{limited.path}/etc/security/limits.d/40.conf")
    answer = query("SELECT path FROM pam_limits", limited)
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


def test_no_configuration_is_no_gap(query, root):
    answer = query("SELECT * FROM pam_limits", root)
    assert (answer.rows, answer.gaps) == ([], ())


@pytest.mark.real
@pytest.mark.parametrize("removed", [(), ("20-b.conf",), ("20-b.conf", "10-a.conf"), tuple(DROP_INS)])
def test_the_last_line_is_the_one_that_pam_applies(query, limited, require_root, require_tool, removed):
    """In a mount namespace of its own, with the fixture's files over the machine's."""
    for name in removed:
        (limited.directory / "etc/security/limits.d" / name).unlink()
    script = f"mount --bind {limited.path}/etc/security /etc/security && exec {require_tool('runuser')} -u nobody -- sh -c 'ulimit -Hc'"
    done = subprocess.run([require_tool("unshare"), "--mount", "sh", "-c", script], capture_output=True, text=True, check=True)
    blocks = int(done.stdout)
    assert query(EFFECTIVE, limited).rows == [{"value": str(blocks * 512 // 1024)}]
