"""The formats of /proc/net, as kernels have written them."""

import pytest

from hardaudit_plugins.network import proc_net
from hardaudit_plugins.network.proc_net import FILES, UnreadableLineError, parse

BY_NAME = {file.name: file for file in FILES}
INET = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTEN = (
    b"   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 23456 1 0000000000000000 100 0 0 10 0\n"
)
TIME_WAIT = b"   2: 0F02000A:9C40 2E0A0A0A:01BB 06 00000000:00000000 03:00000F5D 00000000     0        0 0 3 0000000000000000\n"
LISTEN6 = (
    b"   0: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000"
    b"     0        0 777 1 0000000000000000 100 0 0 10 0\n"
)
UNIX = b"Num       RefCount Protocol Flags    Type St Inode Path\n"
PACKET = b"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"


def sockets(name, *lines):
    return list(parse(lines, BY_NAME[name], "1"))


def test_tcp():
    listening, waiting = sockets("tcp", INET, LISTEN, TIME_WAIT)
    assert (proc_net.address(listening.local), proc_net.port(listening.local), listening.inode) == ("127.0.0.1", 3306, 23456)
    assert (proc_net.state_name(listening), listening.listens) == ("LISTEN", True)
    assert (proc_net.address(waiting.remote), proc_net.port(waiting.remote), waiting.inode) == ("10.10.10.46", 443, 0)
    assert (proc_net.state_name(waiting), waiting.listens) == ("TIME_WAIT", False)


def test_tcp6():
    (found,) = sockets("tcp6", INET, LISTEN6)
    assert proc_net.address(found.local) == "::ffff:127.0.0.1"
    assert proc_net.address(found.remote) == "::"


def test_only_tcp_has_a_state():
    assert [proc_net.state_name(found) for found in sockets("udp", INET, LISTEN)] == [""]
    assert [proc_net.state_name(found) for found in sockets("tcp", INET, LISTEN.replace(b" 0A ", b" 0C "))] == ["UNKNOWN"]


def test_unix():
    lines = [
        b"0000000000000000: 00000002 00000000 00010000 0001 01 20 /run/a b/x.sock\n",
        b"ffff000000000000: 00000003 00000000 00000000 0001 03 21\n",
        b"0000000000000000: 00000002 00000000 00000000 0002 01 22 @/abstract@\n",
    ]
    found = sockets("unix", UNIX, *lines)
    assert [(one.inode, one.path, one.listens) for one in found] == [
        (20, b"/run/a b/x.sock", True),
        (21, b"", False),
        (22, b"@/abstract@", True),
    ]


def test_a_line_feed_in_a_unix_path_belongs_to_the_path():
    found = sockets("unix", UNIX, b"0000000000000000: 00000002 00000000 00010000 0001 01 20 /tmp/a\n", b"not a socket\n", b"\n")
    assert [one.path for one in found] == [b"/tmp/a\nnot a socket\n"]


def test_packet():
    (found,) = sockets("packet", PACKET, b"0000000000000000 3      3    88cc   2     1 0      0      999\n")
    assert (found.family, found.protocol, found.inode, proc_net.state_name(found), found.listens) == (17, 0x88CC, 999, "NONE", True)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("tcp", []),
        ("tcp", [b"something else\n"]),
        ("tcp", [INET, b"   0: 0100007F:0CEA 00000000:0000 0A\n"]),
        ("tcp", [INET, LISTEN.replace(b"23456", b"x")]),
        ("tcp", [INET, LISTEN.replace(b":0CEA", b"")]),
        ("unix", [UNIX, b"nothing before it\n"]),
        ("packet", [PACKET, b"1 2 3\n"]),
    ],
)
def test_another_format_is_an_error_not_silence(name, lines):
    with pytest.raises(UnreadableLineError):
        sockets(name, *lines)


@pytest.mark.parametrize("field", [b"", b":", b"xyz:12", b"01:0050", b"0100007F"])
def test_what_is_no_address_is_empty(field):
    assert proc_net.address(field) in ("", "127.0.0.1")
    assert proc_net.port(field) in (0, 80)
