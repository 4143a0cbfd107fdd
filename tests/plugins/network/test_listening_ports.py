"""`listening_ports` and `process_open_sockets` against sockets of the test's own, and ss(8)."""

import contextlib
import os
import socket
import subprocess
import sys

import pytest

pytestmark = pytest.mark.real

OURS = f"pid = {os.getpid()}"


@contextlib.contextmanager
def bound(family, kind, address, *, listen=True):
    with socket.socket(family, kind) as made:
        try:
            made.bind(address)
        except OSError as error:
            pytest.skip(f"{address}: {error}")
        if listen:
            made.listen()
        yield made


def inode(made):
    return os.fstat(made.fileno()).st_ino


@pytest.mark.parametrize(
    ("family", "kind", "address", "number", "protocol"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1", 2, 6),
        (socket.AF_INET6, socket.SOCK_STREAM, "::1", 10, 6),
        (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1", 2, 17),
        (socket.AF_INET6, socket.SOCK_DGRAM, "::1", 10, 17),
    ],
)
def test_a_socket_of_our_own(query, family, kind, address, number, protocol):
    with bound(family, kind, (address, 0), listen=kind == socket.SOCK_STREAM) as made:
        port = made.getsockname()[1]
        (row,) = query(f"SELECT * FROM listening_ports WHERE port = {port} AND {OURS}").rows
        namespace = os.readlink("/proc/self/ns/net").removeprefix("net:[").removesuffix("]")
        assert row == {
            "pid": os.getpid(),
            "port": port,
            "protocol": protocol,
            "family": number,
            "address": address,
            "fd": made.fileno(),
            "socket": inode(made),
            "path": None,
            "net_namespace": namespace,
        }
        (full,) = query(f"SELECT * FROM process_open_sockets WHERE socket = {inode(made)}").rows
        assert full == {
            "pid": os.getpid(),
            "fd": made.fileno(),
            "socket": inode(made),
            "family": number,
            "protocol": protocol,
            "local_address": address,
            "local_port": port,
            "remote_port": 0,
            "path": "",
            "net_namespace": namespace,
            "remote_address": "0.0.0.0" if family == socket.AF_INET else "::",
            "state": "LISTEN" if kind == socket.SOCK_STREAM else "",
        }


def test_a_connection_is_open_but_not_listening(query):
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        rows = query(f"SELECT local_port, remote_address, remote_port, state FROM process_open_sockets WHERE socket = {inode(client)}").rows
        assert rows == [
            {
                "local_port": client.getsockname()[1],
                "remote_address": "127.0.0.1",
                "remote_port": server.getsockname()[1],
                "state": "ESTABLISHED",
            }
        ]
        assert query(f"SELECT 1 FROM listening_ports WHERE socket = {inode(client)}").rows == []


def test_unix_sockets(query, tmp_path):
    named, abstract = str(tmp_path / "a b.sock"), f"\0hardaudit {os.getpid()}\n"
    with bound(socket.AF_UNIX, socket.SOCK_STREAM, named), bound(socket.AF_UNIX, socket.SOCK_DGRAM, abstract, listen=False):
        rows = query(f"SELECT path, port, address, socket FROM listening_ports WHERE family = 1 AND {OURS}").rows
    unaddressed = {"port": 0, "address": None, "socket": 0}
    assert {"path": named, **unaddressed} in rows
    assert {"path": f"@hardaudit {os.getpid()}\n", **unaddressed} in rows


def test_a_packet_socket(query, require_root):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5)) as made:
        (row,) = query(f"SELECT pid, port, protocol, family, address, path FROM listening_ports WHERE socket = {inode(made)}").rows
        assert row == {"pid": os.getpid(), "port": 0, "protocol": 0x88B5, "family": 17, "address": "", "path": None}


def test_each_process_that_shares_a_socket_has_a_row(query):
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as made:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[made.fileno()])
        try:
            sql = f"SELECT pid, fd FROM listening_ports WHERE socket = {inode(made)} ORDER BY pid"
            assert [row["pid"] for row in query(sql).rows] == sorted([os.getpid(), child.pid])
            (row,) = query(f"SELECT fd, socket FROM process_open_sockets WHERE pid = {child.pid} AND family = 2").rows
            assert row == {"fd": made.fileno(), "socket": inode(made)}
        finally:
            child.communicate(b"\n")


def test_a_constraint_on_the_process_only_narrows(query):
    """The same rows as when SQLite filters them, also those that no process holds."""
    everything = query("SELECT pid, socket, fd FROM process_open_sockets WHERE family = 2 AND pid + 0 IN (-1, 1)").rows
    narrowed = query("SELECT pid, socket, fd FROM process_open_sockets WHERE family = 2 AND pid IN (-1, 1)").rows
    assert sorted(map(str, everything)) == sorted(map(str, narrowed))


def test_a_socket_that_the_kernel_holds_has_no_process(query_in_namespace, require_tool):
    """WireGuard's and VXLAN's sockets are the kernel's own."""
    script = "ip link add vx type vxlan id 7 dstport 4789 local 127.0.0.1 && ip link set lo up && ip link set vx up || echo 'no vxlan' >&2"
    rows, _ = query_in_namespace("SELECT pid, fd, protocol, port FROM listening_ports WHERE port = 4789 AND family = 2", script)
    if not rows:
        pytest.skip("this kernel has no VXLAN, or does not show its socket")
    assert rows == [{"pid": -1, "fd": -1, "protocol": 17, "port": 4789}]


def test_the_same_listeners_as_ss(query, require_tool):
    with (
        bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        bound(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
        bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0), listen=False),
    ):
        text = subprocess.run([require_tool("ss"), "-H", "-lntu"], capture_output=True, text=True, check=True).stdout
        namespace = os.readlink("/proc/self/ns/net")[5:-1]
        rows = query(
            f"SELECT DISTINCT protocol, address, port FROM listening_ports WHERE family IN (2, 10) AND net_namespace = '{namespace}'"
        ).rows
    ss = set()
    for line in text.splitlines():
        kind, _, _, _, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        ss.add(({"tcp": 6, "udp": 17}[kind], address.strip("[]").partition("%")[0].replace("*", "::"), int(port)))
    assert len(ss) >= 3
    assert ss == {(row["protocol"], row["address"], row["port"]) for row in rows if row["protocol"] in (6, 17)}


def test_a_containers_listener_is_seen_in_its_namespace(query, require_root, require_tool):
    program = "import socket; s = socket.socket(); s.bind(('0.0.0.0', 3306)); s.listen(); print('ready', flush=True); input()"
    child = subprocess.Popen(
        [require_tool("unshare"), "--net", sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "ready\n"
        rows = query(f"SELECT address, port, protocol, net_namespace FROM listening_ports WHERE pid = {child.pid}").rows
        namespace = os.readlink(f"/proc/{child.pid}/ns/net")[5:-1]
    finally:
        child.communicate("\n")
    assert rows == [{"address": "0.0.0.0", "port": 3306, "protocol": 6, "net_namespace": namespace}]
    assert namespace != os.readlink("/proc/self/ns/net")[5:-1]


def test_what_another_user_may_not_see_is_a_gap(query_in_namespace):
    """Sockets are still listed, so that no listener is missed, but not who holds them."""
    listener = '"$PYTHON" -c \'import socket, time; s = socket.socket(); s.bind(("0.0.0.0", 8080)); s.listen(); time.sleep(5)\' > /dev/null 2>&1 & sleep 1'
    rows, gaps = query_in_namespace("SELECT pid, address, port FROM listening_ports WHERE port = 8080", listener, USER_ID="65534")
    assert rows == [{"pid": -1, "address": "0.0.0.0", "port": 8080}]
    assert {reason for _, reason, _ in gaps} == {"permission_denied"}
    assert any("/fd" in detail and "run as root" in detail for _, _, detail in gaps)
    assert any("/ns/net" in detail for _, _, detail in gaps)


def test_too_many_sockets_are_a_gap(query, monkeypatch):
    monkeypatch.setattr("hardaudit_plugins.network.sockets.SOCKET_LIMIT", 1)
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)), bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)):
        answer = query("SELECT pid FROM listening_ports")
    assert "truncated" in {gap.reason.value for gap in answer.gaps}


def test_too_many_holders_are_a_gap(query, monkeypatch):
    monkeypatch.setattr("hardaudit_plugins.network.sockets.HOLDER_LIMIT", 1)
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)), bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)):
        answer = query("SELECT pid FROM listening_ports")
    assert [gap.detail for gap in answer.gaps if gap.reason.value == "truncated"] == [
        "more than 1 sockets of processes: who else holds them is left out"
    ]
