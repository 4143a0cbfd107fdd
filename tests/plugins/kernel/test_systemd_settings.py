"""`systemd_settings`: main file, drop-ins, masks and the syntax of systemd's files."""

import pytest

COREDUMP = "[Coredump]\n#Storage=external\n  Storage = none \n\n;x\nProcessSizeMax=\n"


def settings(query, root, configuration="coredump.conf"):
    answer = query(f"SELECT section, key, value, path, line FROM systemd_settings WHERE configuration = '{configuration}'", root)
    return [tuple(row.values()) for row in answer.rows], [gap.detail for gap in answer.gaps]


def test_main_file(query, root):
    root.write("/etc/systemd/coredump.conf", COREDUMP)
    path = "/etc/systemd/coredump.conf"
    assert settings(query, root) == ([("Coredump", "Storage", "none", path, 3), ("Coredump", "ProcessSizeMax", "", path, 6)], [])


def test_drop_ins_prevail_by_their_names(query, root):
    root.write("/etc/systemd/coredump.conf", "[Coredump]\nStorage=none\n")
    root.write("/usr/lib/systemd/coredump.conf", "[Coredump]\nStorage=vendor\nCompress=no\n")
    root.write("/usr/lib/systemd/coredump.conf.d/90.conf", "[Coredump]\nStorage=journal\n")
    root.write("/etc/systemd/coredump.conf.d/10.conf", "[Coredump]\nStorage=external\nKeepFree=1G\n")
    root.write("/run/systemd/coredump.conf.d/95.conf", "[Coredump]\nStorage=never\n")
    root.symlink("/etc/systemd/coredump.conf.d/95.conf", "/dev/null")
    rows, gaps = settings(query, root)
    assert [row[:3] for row in rows] == [("Coredump", "Storage", "journal"), ("Coredump", "KeepFree", "1G")]
    assert not gaps


def test_continued_lines(query, root):
    root.write("/etc/systemd/system.conf", "[Manager]\nDefaultEnvironment=A=1 \\\n# between\n  B=2\nDefaultLimitCORE=0\\")
    rows, gaps = settings(query, root, "system.conf")
    assert [row[1:3] + row[4:] for row in rows] == [("DefaultEnvironment", "A=1  B=2", 2), ("DefaultLimitCORE", "0", 5)]
    assert not gaps


def test_a_line_that_is_nothing_is_a_gap(query, root):
    root.write("/etc/systemd/journald.conf", "[Journal]\nStorage\n")
    rows, gaps = settings(query, root, "journald.conf")
    assert (rows, gaps) == ([], ["/etc/systemd/journald.conf:2: is no section, assignment or comment"])


@pytest.mark.parametrize("configuration", ["coredump.conf", "system.conf"])
def test_no_file_is_no_gap(query, root, configuration):
    assert settings(query, root, configuration) == ([], [])


def test_masked_main_file(query, root):
    root.symlink("/etc/systemd/coredump.conf", "/dev/null")
    root.write("/usr/lib/systemd/coredump.conf", "[Coredump]\nStorage=journal\n")
    assert settings(query, root) == ([], [])
