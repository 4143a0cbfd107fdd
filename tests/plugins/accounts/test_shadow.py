"""`shadow` and `account_passwords`"""

import pytest

SECRET = "S3cr3tHashOfSomebody"
SHADOW = f"""\
root:$y$j9T$salt${SECRET}:19700:0:99999:7:::
daemon:*:19600:0:99999:7:::
bob::19801:0:99999:7:::
old:$1$salt${SECRET}:15000:0:99999:7:14:20500:3
locked:!$6$salt${SECRET}:19802:0:99999:7:::
unset:!!:::::::
x:x:1:2:3
des:abJnggxhB/yWI:1:2:3:4:5:6:
argon:$argon2id$v=19${SECRET}:1:2:3:4:5:6:
sun:$md5,rounds=5$x${SECRET}:1:2:3:4:5:6:
+
"""
PASSWD_NAMES = ("root", "daemon", "bob", "old", "locked", "unset", "x", "des", "argon", "sun", "nobody")
PASSWD = (
    "".join(f"{name}:x:{uid}:{uid}:::\n" for uid, name in enumerate(PASSWD_NAMES))
    + f"inline:$6$salt${SECRET}:50:50:::\nopen::51:51:::\nstar:*:52:52:::\nnothing:none:53:53:::\nroot:x:54:54:::\nc2:##c2:55:55:::\n+::::::\n"
)


@pytest.fixture
def accounts(root):
    root.write("/etc/passwd", PASSWD)
    root.write("/etc/shadow", SHADOW, mode=0o640)
    return root


def test_states(query, accounts):
    rows = query("SELECT username, password_status, hash_alg FROM shadow", accounts).rows
    assert [tuple(row.values()) for row in rows] == [
        ("root", "active", "y"),
        ("daemon", "locked", None),
        ("bob", "empty", None),
        ("old", "active", "1"),
        ("locked", "locked", None),
        ("unset", "not_set", None),
        ("x", "locked", None),
        ("des", "active", None),
        ("argon", "active", "argon2id"),
        ("sun", "active", None),
        ("+", "empty", None),
    ]


def test_ageing(query, accounts):
    sql = "SELECT last_change, min, max, warning, inactive, expire, flag FROM shadow WHERE username = "
    assert list(query(sql + "'old'", accounts).rows[0].values()) == [15000, 0, 99999, 7, 14, 20500, 3]
    assert list(query(sql + "'root'", accounts).rows[0].values()) == [19700, 0, 99999, 7, -1, -1, None]
    assert list(query(sql + "'unset'", accounts).rows[0].values()) == [-1, -1, -1, -1, -1, -1, None]
    assert list(query(sql + "'x'", accounts).rows[0].values()) == [1, 2, 3, -1, -1, -1, None]


def test_effective_passwords(query, accounts):
    rows = query("SELECT username, uid, status, algorithm, last_change, source, line FROM account_passwords", accounts).rows
    assert [tuple(row.values()) for row in rows] == [
        ("root", 0, "usable", "yescrypt", 19700, "/etc/shadow", 1),
        ("daemon", 1, "locked", None, 19600, "/etc/shadow", 2),
        ("bob", 2, "empty", None, 19801, "/etc/shadow", 3),
        ("old", 3, "usable", "md5", 15000, "/etc/shadow", 4),
        ("locked", 4, "locked", None, 19802, "/etc/shadow", 5),
        ("unset", 5, "locked", None, None, "/etc/shadow", 6),
        ("x", 6, "invalid", None, 1, "/etc/shadow", 7),
        ("des", 7, "usable", "des", 1, "/etc/shadow", 8),
        ("argon", 8, "usable", "unknown", 1, "/etc/shadow", 9),
        ("sun", 9, "usable", "sunmd5", 1, "/etc/shadow", 10),
        ("nobody", 10, "missing", None, None, "/etc/shadow", None),
        ("inline", 50, "usable", "sha512", None, "/etc/passwd", 12),
        ("open", 51, "empty", None, None, "/etc/passwd", 13),
        ("star", 52, "locked", None, None, "/etc/passwd", 14),
        ("nothing", 53, "invalid", None, None, "/etc/passwd", 15),
        ("root", 54, "usable", "yescrypt", 19700, "/etc/shadow", 1),
        ("c2", 55, "missing", None, None, "/etc/shadow", None),
    ]


def test_the_first_entry_of_a_name_counts(query, accounts):
    accounts.write("/etc/shadow", f"root:!:1:2:3:4:5:6:\nroot:$6$s${SECRET}:1:2:3:4:5:6:\n")
    rows = query("SELECT DISTINCT status FROM account_passwords WHERE username = 'root'", accounts).rows
    assert rows == [{"status": "locked"}]
    assert len(query("SELECT * FROM shadow WHERE username = 'root'", accounts).rows) == 2


def test_hashes_are_never_shown(query, accounts):
    accounts.write("/etc/shadow", SHADOW + f"broken:{SECRET}\nbad:{SECRET}:one:2:3:::\nnul:{SECRET}\0:1:2:3:::\n")
    for table in ("shadow", "account_passwords"):
        answer = query(f"SELECT * FROM {table}", accounts)
        assert len(answer.gaps) == 4
        assert SECRET not in repr(answer)


def test_no_shadow_file_is_a_gap_and_its_entries_are_not_missing(query, root):
    root.write("/etc/passwd", "root:x:0:0:::\n")
    assert [gap.reason.value for gap in query("SELECT * FROM shadow", root).gaps] == ["missing_source"]
    answer = query("SELECT username, status FROM account_passwords", root)
    assert answer.rows == [{"username": "root", "status": None}]
    assert [gap.reason.value for gap in answer.gaps] == ["missing_source"]


def test_passwords_in_a_directory_are_a_gap(query, accounts):
    accounts.write("/etc/nsswitch.conf", "passwd: files\nshadow: files ldap\n")
    for table in ("shadow", "account_passwords"):
        assert ["'ldap'" in gap.detail for gap in query(f"SELECT * FROM {table}", accounts).gaps] == [True]


@pytest.mark.real
def test_schemes_of_real_hashes(query, root, require_tool):
    """openssl passwd makes hashes as crypt(3) does."""
    import subprocess

    openssl = require_tool("openssl")
    made = {
        option: subprocess.run([openssl, "passwd", option, "secret"], check=True, capture_output=True, text=True).stdout.strip()
        for option in ("-1", "-5", "-6")
    }
    root.write("/etc/passwd", "".join(f"u{option}:{text}:1:1:::\n" for option, text in made.items()))
    root.write("/etc/shadow", "")
    rows = query("SELECT username, status, algorithm FROM account_passwords", root).rows
    assert [tuple(row.values()) for row in rows] == [("u-1", "usable", "md5"), ("u-5", "usable", "sha256"), ("u-6", "usable", "sha512")]
