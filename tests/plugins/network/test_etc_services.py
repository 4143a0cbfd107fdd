"""`etc_services` and `etc_protocols`; ordinary files are held against rows of a real osquery in tests/conformance."""

import pytest

from hardaudit.model.gap import GapReason


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("ssh 22/tcp", ("ssh", 22, "tcp", "", None)),
        ("\tssh\t22/tcp\ta  b\t# one # two", ("ssh", 22, "tcp", "a b", "one # two")),
        ("ssh 22/tcp#c", ("ssh", 22, "tcp", "", "c")),
        ("ssh 22/tcp ## c", ("ssh", 22, "tcp", "", "c")),
        ("ssh 22/tcp #", ("ssh", 22, "tcp", "", None)),
        ("ssh 22/tcp # ", ("ssh", 22, "tcp", "", None)),
        ("ssh 22/tcp # # ", ("ssh", 22, "tcp", "", "")),
        ("ssh 22//tcp\r", ("ssh", 22, "tcp", "", None)),
        ("odd 0x16/sctp", ("odd", 22, "sctp", "", None)),
        ("odd 022/sctp", ("odd", 18, "sctp", "", None)),
        ("odd abc/tcp", ("odd", None, "tcp", "", None)),
        ("odd 99999999999/tcp", ("odd", None, "tcp", "", None)),
    ],
)
def test_a_service(query, root, line, row):
    root.write("/etc/services", f"# head\n\n{line}\n")
    answer = query("SELECT * FROM etc_services", root)
    assert [tuple(found.values()) for found in answer.rows] == [row]
    assert [(gap.reason, "/etc/services:3" in gap.detail) for gap in answer.gaps] == [(GapReason.UNDECIDABLE, True)] * line.startswith(
        "odd"
    )


@pytest.mark.parametrize("line", ["ssh", "ssh 22", "ssh 22/", "ssh 22/tcp/udp", "ssh # 22/tcp"])
def test_a_line_that_is_no_service_is_a_gap(query, root, line):
    root.write("/etc/services", f"{line}\nhttp 80/tcp\n")
    answer = query("SELECT name FROM etc_services", root)
    assert answer.rows == [{"name": "http"}]
    assert [(gap.reason, gap.detail) for gap in answer.gaps] == [
        (GapReason.UNDECIDABLE, "/etc/services:1: not of the form `name port/protocol`")
    ]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("tcp 6 TCP", ("tcp", 6, "TCP", None)),
        ("ip 0 IP other # internet # protocol", ("ip", 0, "IP", "internet # protocol")),
        ("\tx\t255\r", ("x", 255, None, None)),
        ("odd six SIX", ("odd", None, "SIX", None)),
    ],
)
def test_a_protocol(query, root, line, row):
    root.write("/etc/protocols", f"# head\n{line}")
    answer = query("SELECT * FROM etc_protocols", root)
    assert [tuple(found.values()) for found in answer.rows] == [row]
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNDECIDABLE] * line.startswith("odd")


def test_a_line_that_is_no_protocol_is_a_gap(query, root):
    root.write("/etc/protocols", "tcp\n")
    answer = query("SELECT * FROM etc_protocols", root)
    assert (answer.rows, [gap.reason for gap in answer.gaps]) == ([], [GapReason.UNDECIDABLE])


@pytest.mark.parametrize("table", ["etc_services", "etc_protocols"])
def test_no_file(query, root, table):
    assert [gap.reason for gap in query(f"SELECT * FROM {table}", root).gaps] == [GapReason.MISSING_SOURCE]
