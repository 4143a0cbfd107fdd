"""`sudoers`"""

import json
import os
import subprocess

import pytest

SUDOERS = """\
# a comment
Defaults\tenv_reset
   Defaults:alice   !authenticate
User_Alias ADMINS = alice, \\
    bob
root\tALL=(ALL:ALL) ALL
#1000 ALL=(ALL) ALL
#-1 ALL = /bin/true
%sudo ALL=(ALL:ALL) \\

  ALL
#includes are comments
#include
@includedir /etc/sudoers.d
"""


def rows_of(answer):
    return [tuple(row.values()) for row in answer.rows]


def reasons(answer):
    return [gap.reason.value for gap in answer.gaps]


def test_lines(query, root):
    root.write("/etc/sudoers", SUDOERS)
    root.write("/etc/sudoers.d/shop", "www-data ALL=(root) NOPASSWD: /bin/deploy # why\r\n")
    root.write("/etc/sudoers.d/10-other", "carol ALL=ALL\n")
    root.write("/etc/sudoers.d/ignored.bak", "bob ALL=ALL\n")
    root.write("/etc/sudoers.d/also~", "bob ALL=ALL\n")
    root.write("/etc/sudoers.d/.hidden", "bob ALL=ALL\n")
    root.mkdir("/etc/sudoers.d/directory")
    answer = query("SELECT source, header, rule_details FROM sudoers", root)
    main, shop = "/etc/sudoers", "/etc/sudoers.d/shop"
    assert rows_of(answer) == [
        (main, "Defaults", "env_reset"),
        (main, "Defaults:alice", "!authenticate"),
        (main, "User_Alias", "ADMINS = alice, bob"),
        (main, "root", "ALL=(ALL:ALL) ALL"),
        (main, "#1000", "ALL=(ALL) ALL"),
        (main, "#-1", "ALL = /bin/true"),
        (main, "%sudo", "ALL=(ALL:ALL) ALL"),
        (main, "@includedir", "/etc/sudoers.d"),
        ("/etc/sudoers.d/10-other", "carol", "ALL=ALL"),
        (shop, "www-data", "ALL=(root) NOPASSWD: /bin/deploy # why"),
    ]
    assert answer.gaps == ()


def test_includes_are_found_as_sudo_finds_them(query, root):
    root.write(
        "/etc/sudoers",
        '#include local\n@include "with blank"\n@include with\\ escape # why\n#includedir more\n@includedir /nowhere\nlast ALL=ALL\n',
    )
    root.write("/etc/local", "a ALL=ALL\n@include deeper/file\n")
    root.write("/etc/deeper/file", "b ALL=ALL\n@include next\n")
    root.write("/etc/deeper/next", "c ALL=ALL\n")
    root.write("/etc/with blank", "d ALL=ALL\n")
    root.write("/etc/with escape", "e ALL=ALL\n")
    root.write("/etc/more/one", "f ALL=ALL\n")
    answer = query("SELECT header FROM sudoers WHERE header NOT LIKE '%include%'", root)
    assert [row["header"] for row in answer.rows] == ["a", "b", "c", "d", "e", "f", "last"]
    assert answer.gaps == ()


def test_a_linked_directory_is_named_by_where_it_leads(query, root):
    root.write("/etc/sudoers", "@includedir /etc/sudoers.d\n")
    root.write("/srv/rules/one", "a ALL=ALL\n")
    root.symlink("/etc/sudoers.d", "../srv/rules")
    assert rows_of(query("SELECT source FROM sudoers WHERE header = 'a'", root)) == [("/srv/rules/one",)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("@include /etc/missing", "missing_source"),
        ("@include /etc/sudoers.%h", "unsupported"),
        ('@include "/etc/x', "unsupported"),
        ("@include /etc/a b", "unsupported"),
        ("@include " + "x" * 10_000, "unsupported"),
        ("no rule at all", "unsupported"),
        ("word", "unsupported"),
        ("Defaultsevil nothing", "unsupported"),
    ],
)
def test_what_cannot_be_followed_is_a_gap(query, root, line, reason):
    root.write("/etc/sudoers", f"root ALL=ALL\n{line}\n")
    answer = query("SELECT * FROM sudoers", root)
    assert len(answer.rows) == 2
    assert reasons(answer) == [reason]


@pytest.mark.parametrize("comment", ["#1 rule for the shop", "#2024-01-01 added", "#1000"])
def test_a_comment_that_begins_with_a_digit_has_no_row_and_is_a_gap(query, root, comment):
    """sudo refuses such a line: it takes the digits for a user ID. osquery takes it for a comment."""
    root.write("/etc/sudoers", f"{comment}\nroot ALL=ALL\n")
    answer = query("SELECT header FROM sudoers", root)
    assert rows_of(answer) == [("root",)]
    assert reasons(answer) == ["unsupported"]


def test_no_sudoers_is_a_gap(query, root):
    assert reasons(query("SELECT * FROM sudoers", root)) == ["missing_source"]


def test_a_fifo_among_the_rules_is_a_gap_and_not_opened(query, root):
    root.write("/etc/sudoers", "@includedir /etc/sudoers.d\n")
    root.mkdir("/etc/sudoers.d")
    os.mkfifo(root.directory / "etc/sudoers.d/fifo")
    root.symlink("/etc/sudoers.d/nowhere", "/gone")
    assert sorted(reasons(query("SELECT * FROM sudoers", root))) == ["missing_source", "unsupported"]


def test_a_file_that_includes_itself_ends_where_osquery_ends(query, root):
    root.write("/etc/sudoers", "a ALL=ALL\n@include /etc/sudoers\n")
    answer = query("SELECT header FROM sudoers WHERE header = 'a'", root)
    assert len(answer.rows) == 128
    assert reasons(answer) == ["truncated"]


def test_files_that_include_each_other_over_and_over_come_to_an_end(query, root):
    root.write("/etc/sudoers", "@includedir /etc/sudoers.d\n")
    for name in "abcd":
        root.write(f"/etc/sudoers.d/{name}", "u ALL=ALL\n@includedir /etc/sudoers.d\n")
    answer = query("SELECT count(*) AS n FROM sudoers", root)
    assert answer.rows[0]["n"] <= 4_000
    assert set(reasons(answer)) == {"truncated"}
    assert len(answer.gaps) <= 10


def test_two_hundred_files_of_a_directory_are_not_too_deep(query, root):
    root.write("/etc/sudoers", "@includedir /etc/sudoers.d\n")
    for number in range(200):
        root.write(f"/etc/sudoers.d/{number}", f"u{number} ALL=ALL\n")
    answer = query("SELECT count(*) AS n FROM sudoers WHERE header LIKE 'u%'", root)
    assert answer.rows == [{"n": 200}]
    assert answer.gaps == ()


def test_continuations_of_one_character(query, root):
    root.write("/etc/sudoers", "alice \\\nALL=\\\nALL\nbob\\\nALL=ALL\ncarol ALL=ALL \\")
    assert rows_of(query("SELECT header, rule_details FROM sudoers", root)) == [
        ("alice", "ALL=ALL"),
        ("bob", "ALL=ALL"),
        ("carol", "ALL=ALL \\"),
    ]


@pytest.mark.parametrize("content", ["a\\\n" * 500_000, "@include /etc/sudoers\n" * 200_000, "\n" * 5_000_000])
def test_hostile_files_take_no_longer_than_their_length(query, root, content):
    root.write("/etc/sudoers", content)
    answer = query("SELECT count(*) FROM sudoers", root, seconds=20)
    assert "timeout" not in reasons(answer)


def test_rules_in_a_directory_service_are_a_gap(query, root):
    root.write("/etc/sudoers", "root ALL=ALL\n")
    root.write("/etc/nsswitch.conf", "sudoers: files ldap\n")
    assert reasons(query("SELECT * FROM sudoers", root)) == ["unsupported"]


@pytest.mark.real
def test_the_same_rules_as_sudo_sees(query, root, require_tool):
    """cvtsudoers(1) reads the files as sudo does: which are included, which lines are rules, for whom."""
    root.write(
        "/etc/sudoers",
        "Defaults env_reset\nUser_Alias ADMINS = alice, \\\n  bob\nroot ALL=(ALL:ALL) ALL\n#1000 ALL=ALL\n%sudo ALL=(ALL) NOPASSWD: \\\n\t/bin/ls\n"
        '# comment\n@include local # why\n@include "a b"\n@include c\\ d\n#includedir sudoers.d\n@includedir not-there\n@include deeper/e\n',
    )
    for path, user in {
        "/etc/local": "u1",
        "/etc/a b": "u2",
        "/etc/c d": "u3",
        "/etc/sudoers.d/x": "u4",
        "/etc/sudoers.d/x.y": "u5",
        "/etc/sudoers.d/x~": "u6",
        "/etc/sudoers.d/~x": "u7",
        "/etc/sudoers.d/.z": "u8",
        "/etc/deeper/e": "u9",
    }.items():
        root.write(path, f"{user} ALL=ALL\n")
    root.mkdir("/etc/sudoers.d/directory")
    printed = subprocess.run(
        [require_tool("cvtsudoers"), "-c", "/dev/null", "-f", "json", "etc/sudoers"],
        cwd=root.path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    users = [member for spec in json.loads(printed)["User_Specs"] for member in spec["User_List"]]
    theirs = sorted(str(next(iter(user.values()))) for user in users)
    ours = query("SELECT header FROM sudoers WHERE header NOT LIKE '%include%' AND header NOT IN ('Defaults', 'User_Alias')", root)
    assert sorted(row["header"].lstrip("%#") for row in ours.rows) == theirs
    assert ours.gaps == ()
