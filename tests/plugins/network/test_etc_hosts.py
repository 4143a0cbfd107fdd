"""`etc_hosts`; an ordinary file is held against rows of a real osquery in tests/conformance."""

import pytest

from hardaudit.model.gap import GapReason


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("127.0.0.1 localhost", ("127.0.0.1", "localhost")),
        ("\t ::1\t  a\t b   ", ("::1", "a b")),
        ("10.0.0.1 a #b c", ("10.0.0.1", "a")),
        ("10.0.0.1 a#b c", ("10.0.0.1", "a#b c")),
        ("10.0.0.1 # none", ("10.0.0.1", "")),
        ("10.0.0.1", ("10.0.0.1", None)),
        ("10.0.0.1 dos\r", ("10.0.0.1", "dos")),
        ("fe80::1%eth0 link", ("fe80::1%eth0", "link")),
        ("no-address name", ("no-address", "name")),
    ],
)
def test_a_line(query, root, line, row):
    root.write("/etc/hosts", line)
    assert [tuple(found.values()) for found in query("SELECT address, hostnames FROM etc_hosts", root).rows] == [row]


@pytest.mark.parametrize("text", ["", "\n\n", "# 1.2.3.4 x\n", "  # x\n", " \t \n", "\r\n"])
def test_no_entry(query, root, text):
    root.write("/etc/hosts", text)
    answer = query("SELECT * FROM etc_hosts", root)
    assert (answer.rows, answer.gaps) == ([], ())


def test_what_is_not_utf_8_or_looks_like_a_line_end_survives(query, root):
    root.write("/etc/hosts", b"10.0.0.1 a\xff b\xe2\x80\xa8c\n10.0.0.1 d\n")
    assert [row["hostnames"] for row in query("SELECT hostnames FROM etc_hosts", root).rows] == ["a\uefff b\u2028c", "d"]


def test_no_file(query, root):
    assert [gap.reason for gap in query("SELECT * FROM etc_hosts", root).gaps] == [GapReason.MISSING_SOURCE]


def test_hidden_columns(query, root):
    root.write("/etc/hosts", "127.0.0.1 localhost\n")
    assert query("SELECT pid_with_namespace FROM etc_hosts", root).rows == [{"pid_with_namespace": 0}]
    answer = query("SELECT * FROM etc_hosts WHERE pid_with_namespace = 7", root)
    assert (answer.rows, [gap.reason for gap in answer.gaps]) == ([], [GapReason.UNSUPPORTED])
