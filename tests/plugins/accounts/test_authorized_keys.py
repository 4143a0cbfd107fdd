"""`authorized_keys`, `known_hosts` and `ssh_configs`"""

import os
import pathlib
import subprocess
import tempfile

import pytest

ED = "AAAAC3NzaC1lZDI1NTE5AAAAIJ0kpq3qV3yDbkkT7mG0W8q1t1J2mQm1s5o0cQe7Xn1a"
PASSWD = """\
root:x:0:0::/root:/bin/bash
alice:x:1000:1000::/home/alice:/bin/bash
bob:x:1001:1001::/home/bob/:/bin/sh
toor:x:0:0::/root:/bin/sh
nohome:x:1002:1002::/nonexistent:/bin/false
empty:x:1003:1003:::/bin/sh
device:x:1004:1004::/dev/null:/bin/sh
"""
JOINED = "SELECT u.username, k.algorithm, k.key, k.options, k.comment, k.key_file FROM users u JOIN authorized_keys k USING (uid)"


@pytest.fixture
def accounts(root):
    root.write("/etc/passwd", PASSWD)
    root.write("/dev/null", "")
    return root


def rows_of(answer):
    return [tuple(row.values()) for row in answer.rows]


def keys_of(query, accounts, text):
    accounts.write("/home/alice/.ssh/authorized_keys", text)
    return query("SELECT algorithm, key, options, comment FROM authorized_keys WHERE uid = 1000", accounts)


def test_keys(query, accounts):
    answer = keys_of(
        query,
        accounts,
        f"# comment\n\n  ssh-ed25519 {ED} alice@laptop\nssh-ed25519\t{ED}\n"
        f'from="10.0.0.0/8",command="/bin/echo a b" ecdsa-sha2-nistp256 {ED}  two words\r\n',
    )
    assert rows_of(answer) == [
        ("ssh-ed25519", ED, None, "alice@laptop"),
        ("ssh-ed25519", ED, None, None),
        ("ecdsa-sha2-nistp256", ED, 'from="10.0.0.0/8",command="/bin/echo a b"', "two words"),
    ]
    assert answer.gaps == ()


def test_types_that_osquery_leaves_out(query, accounts):
    answer = keys_of(
        query,
        accounts,
        f"ssh-dss {ED} old\nrestrict sk-ssh-ed25519@openssh.com {ED} token\nssh-ed25519-cert-v01@openssh.com {ED}\n"
        f'sk-ecdsa-sha2-nistp256-cert-v01@openssh.com {ED}\nzos-key-ring-label="A/B"\n',
    )
    assert rows_of(answer) == [
        ("ssh-dss", ED, None, "old"),
        ("sk-ssh-ed25519@openssh.com", ED, "restrict", "token"),
        ("ssh-ed25519-cert-v01@openssh.com", ED, None, None),
        ("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", ED, None, None),
        (None, None, 'zos-key-ring-label="A/B"', None),
    ]
    assert answer.gaps == ()


@pytest.mark.parametrize("line", ["not a key", "ssh-rsa", "ssh-new-type AAAA", "ssh-ed25519AAAA x", "1024 35 1234567 old", '"ssh-rsa AAAA'])
def test_what_is_no_key_is_a_gap(query, accounts, line):
    answer = keys_of(query, accounts, f"{line}\n")
    assert len(answer.rows) == (1 if line.startswith('"') else 0)
    assert [gap.detail.split(" ")[0] for gap in answer.gaps] == ["/home/alice/.ssh/authorized_keys:1:"]


def test_a_type_in_the_comment_is_read_as_osquery_does_with_a_gap(query, accounts):
    answer = keys_of(query, accounts, f"ssh-ed25519 {ED} my ssh-rsa key\n")
    assert rows_of(answer) == [("ssh-rsa", "key", f"ssh-ed25519 {ED} my", None)]
    assert [gap.reason.value for gap in answer.gaps] == ["undecidable"]


def test_whose_keys(query, accounts):
    accounts.write("/root/.ssh/authorized_keys", f"ssh-ed25519 {ED} r\n")
    accounts.write("/home/bob/.ssh/authorized_keys2", f"ssh-ed25519 {ED} b\n")
    accounts.write("/.ssh/authorized_keys", f"ssh-ed25519 {ED} e\n")
    rows = [(row[0], row[-1]) for row in rows_of(query(JOINED, accounts))]
    # root and toor share user ID and home: the table has the key twice, and each of the two accounts joins with both
    assert sorted(rows) == [
        ("bob", "/home/bob/.ssh/authorized_keys2"),
        ("empty", "/.ssh/authorized_keys"),
        *[("root", "/root/.ssh/authorized_keys")] * 2,
        *[("toor", "/root/.ssh/authorized_keys")] * 2,
    ]
    assert query(JOINED, accounts).gaps == ()
    assert query("SELECT uid FROM authorized_keys WHERE uid = 1001", accounts).rows == [{"uid": 1001}]
    assert len(query("SELECT uid FROM authorized_keys", accounts).rows) == 4


def test_an_entry_of_nis_has_no_home(query, accounts):
    accounts.write("/etc/passwd", "+nis\n")
    accounts.write("/.ssh/authorized_keys", f"ssh-ed25519 {ED} r\n")
    answer = query("SELECT uid FROM authorized_keys", accounts)
    assert answer.rows == []
    assert answer.gaps == ()


def test_files_that_cannot_be_read_are_gaps(query, accounts):
    accounts.mkdir("/home/alice/.ssh/authorized_keys")
    (accounts.directory / "home/alice/.ssh/authorized_keys2").symlink_to("loop")
    (accounts.directory / "home/alice/.ssh/loop").symlink_to("authorized_keys2")
    answer = query("SELECT * FROM authorized_keys", accounts)
    assert answer.rows == []
    assert len(answer.gaps) == 2


def test_a_link_out_of_the_root_stays_inside(query, accounts, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text(f"ssh-ed25519 {ED} outside\n")
    accounts.mkdir("/home/alice/.ssh")
    accounts.symlink("/home/alice/.ssh/authorized_keys", str(outside))
    assert query("SELECT * FROM authorized_keys", accounts).rows == []


@pytest.mark.real
def test_an_unreadable_home_is_a_gap(query, require_root):
    tables = ("authorized_keys", "known_hosts", "ssh_configs", "user_ssh_keys")
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place)
        root.chmod(0o755)
        (root / "etc").mkdir()
        (root / "etc/passwd").write_text("alice:x:1000:1000::/home/alice:/bin/bash\n")
        (root / "home/alice").mkdir(parents=True)
        (root / "home/alice").chmod(0o700)
        assert [query(f"SELECT * FROM {table}", place).gaps for table in tables] == [()] * 4
        os.seteuid(65534)
        try:
            answers = [query(f"SELECT * FROM {table}", place) for table in tables]
        finally:
            os.seteuid(0)
    for answer in answers:
        assert {gap.reason.value for gap in answer.gaps} == {"permission_denied"}


@pytest.mark.real
def test_the_lines_that_openssh_takes_for_keys(query, accounts, require_tool):
    keygen = require_tool("ssh-keygen")
    place = accounts.mkdir("/home/alice/.ssh")
    for number, kind in enumerate(("ed25519", "ecdsa", "rsa")):
        subprocess.run([keygen, "-q", "-t", kind, "-N", "", "-C", f"key {number}", "-f", str(place / kind)], check=True)
    public = [(place / f"{kind}.pub").read_text().strip() for kind in ("ed25519", "ecdsa", "rsa")]
    text = "\n".join(
        [
            "# c",
            public[0],
            f'from="a b",restrict {public[1]}',
            f'command="echo \\"x y\\"" {public[2]}',
            "junk line",
            f"  no-pty {public[0]}",
            "",
        ]
    )
    answer = keys_of(query, accounts, text)
    printed = subprocess.run(
        [keygen, "-l", "-f", str(place / "authorized_keys")], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    assert len(printed) == 4
    assert [(row["key"], row["comment"]) for row in answer.rows] == [
        (line.split()[1], line.split(" ", 2)[2]) for line in (public[0], public[1], public[2], public[0])
    ]
    assert [gap.detail.split(" ")[0] for gap in answer.gaps] == ["/home/alice/.ssh/authorized_keys:5:"]


def test_known_hosts(query, accounts):
    accounts.write(
        "/home/alice/.ssh/known_hosts", f"db,10.0.0.5 ssh-ed25519 {ED}\n# comment\n \t \n|1|a=|b= ssh-rsa AAAA\r\n@revoked * x\n"
    )
    answer = query("SELECT uid, key, key_file FROM known_hosts", accounts)
    path = "/home/alice/.ssh/known_hosts"
    assert rows_of(answer) == [
        (1000, f"db,10.0.0.5 ssh-ed25519 {ED}", path),
        (1000, "|1|a=|b= ssh-rsa AAAA", path),
        (1000, "@revoked * x", path),
    ]
    assert answer.gaps == ()


def test_ssh_configs(query, accounts):
    accounts.write(
        "/home/alice/.ssh/config",
        "Compression Yes\nHost *\n  ForwardAgent yes\n\tHost=x\nMatch user Bob\n  # comment\n  SendEnv LANG ÄÖ\nHost\ttabbed\n User X\n",
    )
    accounts.write("/etc/ssh/ssh_config", "Host *\n    HashKnownHosts yes\n")
    answer = query("SELECT uid, block, option, ssh_config_file FROM ssh_configs", accounts)
    mine, system = "/home/alice/.ssh/config", "/etc/ssh/ssh_config"
    assert rows_of(answer) == [
        (1000, "", "compression yes", mine),
        (1000, "host *", "forwardagent yes", mine),
        (1000, "host *", "host=x", mine),
        (1000, "match user bob", "sendenv lang ÄÖ", mine),
        (1000, "match user bob", "host\ttabbed", mine),
        (1000, "match user bob", "user x", mine),
        (0, "host *", "hashknownhosts yes", system),
    ]
    assert answer.gaps == ()
    assert {row["uid"] for row in query("SELECT uid FROM ssh_configs WHERE uid = 1000", accounts).rows} == {1000}


def test_files_that_ssh_configs_include_are_a_gap_when_there_are_any(query, accounts):
    accounts.write("/etc/ssh/ssh_config", "Include /etc/ssh/ssh_config.d/*.conf\nInclude more\nInclude /etc/*/x.conf\n")
    assert [gap.detail for gap in query("SELECT 1 FROM ssh_configs", accounts).gaps] == [
        "/etc/ssh/ssh_config:3: includes /etc/*/x.conf, which is not read"
    ]
    accounts.write("/etc/ssh/ssh_config.d/x.conf", "User x\n")
    accounts.write("/etc/ssh/more", "User x\n")
    assert len(query("SELECT 1 FROM ssh_configs", accounts).gaps) == 3


def test_hostile_lines_take_no_longer_than_their_length(query, accounts):
    for name, text in {"authorized_keys": '"' * 500_000, "known_hosts": "a" * 500_000, "config": "include " + "* " * 500_000}.items():
        accounts.write(f"/home/alice/.ssh/{name}", text)
    for table in ("authorized_keys", "known_hosts", "ssh_configs", "user_ssh_keys"):
        answer = query(f"SELECT count(*) FROM {table}", accounts, seconds=10)
        assert "timeout" not in {gap.reason.value for gap in answer.gaps}


def test_no_users_is_a_gap_everywhere(query, root):
    for table in ("authorized_keys", "known_hosts", "ssh_configs", "user_ssh_keys"):
        answer = query(f"SELECT * FROM {table}", root)
        assert answer.rows == []
        assert [gap.reason.value for gap in answer.gaps] == ["missing_source"]
