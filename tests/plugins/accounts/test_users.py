"""`users`"""

import pwd

import pytest

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash
big:x:4294967294:65534::/:/bin/sh
bob:x:1001:1001::/home/bob:
"""


@pytest.fixture
def accounts(root):
    root.write("/etc/passwd", PASSWD)
    return root


def test_columns(query, accounts):
    answer = query("SELECT * FROM users WHERE username = 'big'", accounts)
    assert answer.rows == [
        {
            "uid": 4294967294,
            "gid": 65534,
            "uid_signed": -2,
            "gid_signed": 65534,
            "username": "big",
            "description": "",
            "directory": "/",
            "shell": "/bin/sh",
            "uuid": None,
        }
    ]
    assert answer.gaps == ()


def test_order_and_constraints(query, accounts):
    assert [row["username"] for row in query("SELECT username FROM users", accounts).rows] == ["root", "alice", "big", "bob"]
    assert query("SELECT username FROM users WHERE uid IN (0, 1001)", accounts).rows == [{"username": "root"}, {"username": "bob"}]
    assert query("SELECT username FROM users WHERE uid = '1000'", accounts).rows == [{"username": "alice"}]
    assert query("SELECT username FROM users WHERE uid = -2", accounts).rows == []


def test_lines_that_the_system_ignores_are_gaps(query, accounts):
    accounts.write("/etc/passwd", PASSWD + "# comment\n\n   \nbroken\nneg:x:-1:0:::\n")
    answer = query("SELECT username FROM users", accounts)
    assert len(answer.rows) == 4
    assert [(gap.table, gap.reason.value, gap.detail.split(": ")[0]) for gap in answer.gaps] == [
        ("users", "unsupported", "/etc/passwd:8"),
        ("users", "unsupported", "/etc/passwd:9"),
    ]


def test_a_nul_byte_is_a_gap_and_ends_the_line_for_the_system(query, accounts):
    accounts.write("/etc/passwd", b"a:x:0:0:g\0:/h:/bin/sh\n\0hidden:x:0:0:::\n")
    answer = query("SELECT username, description, shell FROM users", accounts)
    assert answer.rows == [{"username": "a", "description": "g", "shell": ""}]
    assert [gap.reason.value for gap in answer.gaps] == ["undecidable", "undecidable"]


def test_many_bad_lines_do_not_flood_the_report(query, accounts):
    accounts.write("/etc/passwd", "broken\n" * 5000)
    answer = query("SELECT username FROM users", accounts)
    assert len(answer.gaps) == 21
    assert any("4980 more lines" in gap.detail for gap in answer.gaps)


def test_a_line_of_a_million_fields(query, accounts):
    accounts.write("/etc/passwd", PASSWD + "many:x:0:0" + ":x" * 1_000_000 + "\nlast:x:5:5:::\n")
    answer = query("SELECT username, length(shell) AS n FROM users WHERE username IN ('many', 'last') ORDER BY uid", accounts)
    assert answer.rows == [{"username": "many", "n": 1_999_995}, {"username": "last", "n": 0}]


def test_a_sparse_file_of_a_gibibyte_is_a_gap(query, accounts):
    with accounts.write("/etc/passwd").open("r+b") as file:
        file.truncate(2**30)
    answer = query("SELECT username FROM users", accounts)
    assert answer.rows == []
    assert [gap.reason.value for gap in answer.gaps] == ["truncated"]


def test_more_entries_than_any_system_has_are_a_gap(query, accounts):
    accounts.write("/etc/passwd", "u:x:1:1\n" * 300_001)
    answer = query("SELECT count(*) AS n FROM users", accounts)
    assert answer.rows == [{"n": 300_000}]
    assert [gap.reason.value for gap in answer.gaps] == ["truncated"]


def test_names_that_are_not_utf_8_can_be_asked_for(query, accounts):
    accounts.write("/etc/passwd", b"caf\xe9:x:1:1:::\n")
    name = query("SELECT username FROM users", accounts).rows[0]["username"]
    assert query("SELECT uid FROM users WHERE username = :name", accounts, {"name": name}).rows == [{"uid": 1}]


def test_no_passwd_is_a_gap(query, root):
    answer = query("SELECT * FROM users", root)
    assert answer.rows == []
    assert [gap.reason.value for gap in answer.gaps] == ["missing_source"]


def test_entries_of_nis_are_shown(query, accounts):
    accounts.write("/etc/passwd", "+alice\n-bob:::::/h:\n")
    answer = query("SELECT username, uid, directory FROM users", accounts)
    assert answer.rows == [{"username": "+alice", "uid": 0, "directory": None}, {"username": "-bob", "uid": 0, "directory": "/h"}]
    assert answer.gaps == ()
    accounts.write("/etc/nsswitch.conf", "passwd: compat\n")
    assert [gap.detail for gap in query("SELECT username FROM users", accounts).gaps] == [
        "/etc/passwd:1: takes accounts from NIS, which is not read"
    ]


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("passwd: files ldap", "ldap"),
        ("passwd:\tfiles [NOTFOUND=return] nis", "nis"),
        ("passwd: files # ldap", "ldap"),  # the C library reads on
        ("  passwd files ldap", "ldap"),
        ("passwd: files [!SUCCESS=continue]winbind", "winbind"),
        ("passwd : db files", "db"),
        ("passwd: files systemd\npasswd: files extrausers", "extrausers"),
    ],
)
def test_accounts_from_elsewhere_are_a_gap(query, accounts, line, source):
    accounts.write("/etc/nsswitch.conf", f"# passwd: nothing\n{line}\ngroup: files\n")
    answer = query("SELECT username FROM users", accounts)
    assert len(answer.rows) == 4
    assert [gap.reason.value for gap in answer.gaps] == ["unsupported"]
    assert repr(source) in answer.gaps[0].detail


@pytest.mark.parametrize("line", ["passwd: files systemd", "passwd: files", "passwd: sss files", "# passwd: ldap", "group: ldap", ""])
def test_ordinary_sources_are_no_gap(query, accounts, line):
    accounts.write("/etc/nsswitch.conf", line + "\n")
    assert query("SELECT username FROM users", accounts).gaps == ()


@pytest.mark.parametrize("line", ["passwd: " + "[ " * 500_000, "passwd: " + "a b " * 500_000])
def test_a_line_of_sources_that_nobody_writes_is_a_gap(query, accounts, line):
    accounts.write("/etc/nsswitch.conf", line)
    assert [gap.reason.value for gap in query("SELECT username FROM users", accounts).gaps] == ["truncated"]


def test_sssd_counts_once_it_is_configured(query, accounts):
    accounts.write("/etc/nsswitch.conf", "passwd: files sss\n")
    accounts.write("/etc/sssd/conf.d/domain.conf", "[sssd]\n")
    assert ["'sss'" in gap.detail for gap in query("SELECT username FROM users", accounts).gaps] == [True]


def test_records_of_systemd_are_a_gap(query, accounts):
    accounts.write("/etc/nsswitch.conf", "passwd: files systemd\n")
    accounts.write("/etc/userdb/eve.user", '{"userName": "eve", "uid": 0}')
    assert ["/etc/userdb/eve.user" in gap.detail for gap in query("SELECT username FROM users", accounts).gaps] == [True]


def test_accounts_of_the_network_are_never_read(query, accounts):
    answer = query("SELECT username FROM users WHERE include_remote = 1", accounts)
    assert len(answer.rows) == 4
    assert [gap.reason.value for gap in answer.gaps] == ["unsupported"]
    assert query("SELECT username FROM users WHERE include_remote = 0", accounts).gaps == ()
    assert query("SELECT username FROM users WHERE pid_with_namespace = 1", accounts).gaps


@pytest.mark.real
def test_this_host(query):
    ours = {
        (row["username"], row["uid"], row["gid"], row["description"], row["directory"], row["shell"])
        for row in query("SELECT * FROM users").rows
    }
    theirs = {(e.pw_name, e.pw_uid, e.pw_gid, e.pw_gecos, e.pw_dir, e.pw_shell) for e in pwd.getpwall()}
    assert ours <= theirs
    assert ("root", 0) in {entry[:2] for entry in ours}
