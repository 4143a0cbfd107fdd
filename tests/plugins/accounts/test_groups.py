"""`groups`, `group_members` and `user_groups`"""

import grp
import os

import pytest

PASSWD = "root:x:0:0:::\nalice:x:1000:1000:::\nbob:x:1001:27:::\neve:x:1000:1005:::\nbig:x:4294967294:65534:::\n+nis::::::\n"
GROUP = """\
root:x:0:alice
sudo:x:27:alice,bob
sudo2:x:27:alice,eve
alice:x:1000:alice,alice
twice:x:50:alice,alice
large:x:4294967295:alice,+nis
empty:x:60:
 spaces:x:70: alice , bob
"""


@pytest.fixture
def accounts(root):
    root.write("/etc/passwd", PASSWD)
    root.write("/etc/group", GROUP)
    return root


def test_groups_have_each_id_once(query, accounts):
    answer = query("SELECT * FROM groups", accounts)
    assert [(row["gid"], row["gid_signed"], row["groupname"]) for row in answer.rows] == [
        (0, 0, "root"),
        (27, 27, "sudo"),
        (1000, 1000, "alice"),
        (50, 50, "twice"),
        (4294967295, -1, "large"),
        (60, 60, "empty"),
        (70, 70, "spaces"),
    ]
    assert query("SELECT groupname FROM groups WHERE gid = 27", accounts).rows == [{"groupname": "sudo"}]


def test_group_members_have_every_line(query, accounts):
    answer = query("SELECT groupname, username, line FROM group_members WHERE gid IN (27, 50, 60)", accounts)
    assert [tuple(row.values()) for row in answer.rows] == [
        ("sudo", "alice", 2),
        ("sudo", "bob", 2),
        ("sudo2", "alice", 3),
        ("sudo2", "eve", 3),
        ("twice", "alice", 5),
        ("twice", "alice", 5),
        ("empty", None, 7),
    ]


def test_user_groups_as_getgrouplist_gives_them(query, accounts):
    """Recorded from getgrouplist(3) of glibc 2.36 on these very files; only the first account of a user ID is asked."""
    rows = [tuple(row.values()) for row in query("SELECT uid, gid FROM user_groups", accounts).rows]
    assert rows == [
        (0, 0),
        *((1000, gid) for gid in (1000, 0, 27, 27, 50, 4294967295)),
        *((1001, gid) for gid in (27, 70)),
        (-2, 65534),
    ]
    assert query("SELECT gid FROM user_groups WHERE uid = 1001", accounts).rows == [{"gid": 27}, {"gid": 70}]


def test_a_group_that_is_commented_out_still_takes_its_members_in(query, root):
    """Recorded from getgrouplist(3) of glibc 2.36: it reads the lines without knowing comments."""
    root.write("/etc/passwd", PASSWD)
    root.write("/etc/group", "# a comment: of words\n#\n#sudo:x:27:alice\n  # shop:x:50:alice,bob\n#none:x:60:\nbob:x:27:\n")
    rows = [tuple(row.values()) for row in query("SELECT uid, gid FROM user_groups WHERE uid >= 1000", root).rows]
    assert rows == [(1000, 1000), (1000, 27), (1000, 50), (1001, 27), (1001, 50)]
    assert not query("SELECT * FROM user_groups", root).gaps
    assert query("SELECT groupname FROM groups", root).rows == [{"groupname": "bob"}]
    answer = query("SELECT groupname, username FROM group_members", root)
    assert answer.rows == [{"groupname": "bob", "username": None}]
    assert sorted((gap.reason.value, gap.detail.split(" ")[0]) for gap in answer.gaps) == [
        ("undecidable", "/etc/group:3:"),
        ("undecidable", "/etc/group:4:"),
    ]


def test_bad_lines_and_other_sources_are_gaps(query, accounts):
    accounts.write("/etc/group", GROUP + "broken\nbad:x:one:\n")
    accounts.write("/etc/nsswitch.conf", "passwd: files\ngroup: files ldap\n")
    for table in ("groups", "group_members", "user_groups"):
        details = [gap.detail.split(" ")[0] for gap in query(f"SELECT * FROM {table}", accounts).gaps]
        assert details == ["/etc/group:10:", "/etc/group:9:", "/etc/nsswitch.conf:"]


def test_no_group_file_is_a_gap(query, root):
    root.write("/etc/passwd", PASSWD)
    for table in ("groups", "group_members", "user_groups"):
        assert [gap.reason.value for gap in query(f"SELECT * FROM {table}", root).gaps] == ["missing_source"]


def test_gaps_of_passwd_reach_user_groups(query, accounts):
    accounts.write("/etc/passwd", PASSWD + "broken\n")
    assert ["/etc/passwd:7" in gap.detail for gap in query("SELECT * FROM user_groups", accounts).gaps] == [True]


def test_a_group_with_more_members_than_any_system_has(query, accounts):
    accounts.write("/etc/group", "g:x:5:" + "a,b," * 200_000 + "\n")
    assert [gap.reason.value for gap in query("SELECT count(*) FROM user_groups", accounts).gaps] == ["truncated"]
    assert query("SELECT count(*) AS n FROM group_members", accounts).rows == [{"n": 400_000}]


@pytest.mark.real
def test_this_host(query):
    groups = {(row["groupname"], row["gid"]) for row in query("SELECT groupname, gid FROM groups").rows}
    assert groups <= {(entry.gr_name, entry.gr_gid) for entry in grp.getgrall()}
    for user in query("SELECT uid, gid, username FROM users GROUP BY uid").rows:
        ours = [row["gid"] for row in query(f"SELECT gid FROM user_groups WHERE uid = {user['uid']}").rows]
        assert sorted(ours) == sorted(os.getgrouplist(user["username"], user["gid"]))
