"""The table suid_bin."""

from __future__ import annotations

import os
import subprocess

import pytest

SQL = "SELECT path, username, groupname, permissions FROM suid_bin ORDER BY path"


@pytest.fixture
def system(root, require_root):
    root.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nwww:x:33:33::/:/bin/sh\n")
    root.write("/etc/group", "root:x:0:\nadm:x:0:\nshop:x:2000:\n")
    return root


def test_bits_names_and_places(system, query):
    system.write("/usr/bin/su", mode=0o4755)
    system.write("/usr/local/bin/both", mode=0o6755, uid=33, gid=2000)
    system.write("/usr/sbin/group", mode=0o2755, uid=77, gid=88)
    system.write("/usr/bin/plain", mode=0o755)
    system.write("/tmp/a/.b/deep", mode=0o4000)
    system.write("/opt/elsewhere", mode=0o4755)
    system.mkdir("/usr/bin/directory", mode=0o6755)
    answer = query(SQL, system)
    assert answer.tuples == (
        ("/tmp/a/.b/deep", "root", "root", "S"),
        ("/usr/bin/su", "root", "root", "S"),
        ("/usr/local/bin/both", "www", "shop", "SG"),
        ("/usr/sbin/group", "77", "88", "G"),
    )
    assert not answer.gaps


def test_links_to_files_count_and_links_to_directories_are_followed_only_as_a_place(system, query):
    system.write("/usr/bin/sudo", mode=0o4755)
    system.write("/opt/real/su", mode=0o4755)
    system.symlink("/usr/bin/sudoedit", "sudo")
    system.symlink("/usr/bin/outside", "/opt/real/su")
    system.symlink("/usr/bin/directory", "/opt/real")
    system.symlink("/usr/bin/loop", "loop")
    system.symlink("/usr/bin/out", "/nowhere")
    system.symlink("/bin", "usr/bin")
    names = ("outside", "sudo", "sudoedit")
    answer = query("SELECT path FROM suid_bin ORDER BY path", system)
    assert answer.tuples == tuple((f"{place}/{name}",) for place in ("/bin", "/usr/bin") for name in names)
    assert not answer.gaps


def test_names_are_not_read_for_a_query_that_does_not_ask(root, query):
    root.write("/usr/bin/su", mode=0o4755)
    assert not query("SELECT path FROM suid_bin", root).gaps
    assert {gap.table for gap in query(SQL, root).gaps} == {"users", "groups"}


def test_another_namespace_is_a_gap(root, query):
    root.write("/usr/bin/su", mode=0o4755)
    answer = query("SELECT path FROM suid_bin WHERE pid_with_namespace = 1", root)
    assert (len(answer.rows), len(answer.gaps)) == (0, 1)


def test_a_directory_that_may_not_be_read_is_a_gap(root, query_as_nobody):
    root.write("/usr/bin/su", mode=0o4755)
    root.mkdir("/tmp", mode=0o777)
    root.write("/tmp/closed/file", mode=0o4755)
    os.chmod(root.directory / "tmp/closed", 0o700)
    rows, gaps = query_as_nobody("SELECT path FROM suid_bin", root)
    assert rows == [["/usr/bin/su"]]
    assert gaps == [["permission_denied", "/tmp/closed: Permission denied"]]


@pytest.mark.real
def test_this_host_agrees_with_find(query, require_tool, require_root):
    shown = subprocess.run(
        [require_tool("find"), "/usr/bin/", "/usr/sbin/", "-perm", "/6000", "-type", "f", "-printf", "%p %u %g %m\\n"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    wanted = set()
    for line in shown.splitlines():
        path, user, group, mode = line.split()
        bits = int(mode, 8)
        wanted.add((path, user, group, ("S" if bits & 0o4000 else "") + ("G" if bits & 0o2000 else "")))
    rows = query(
        "SELECT s.path, username, groupname, permissions FROM suid_bin s JOIN file f USING (path) WHERE symlink = 0 AND (s.path LIKE '/usr/bin/%' OR s.path LIKE '/usr/sbin/%')"
    )
    assert wanted
    assert set(rows.tuples) == wanted
