"""`iptables` against what iptables(8) of the legacy kind put into a network namespace of the test's own."""

import struct

import pytest

from hardaudit_plugins.network import ip_tables, nf_tables

real = pytest.mark.real

RULES = """
iptables-legacy -P INPUT DROP
iptables-legacy -N own
iptables-legacy -N a-chain
iptables-legacy -A INPUT -i lo -j ACCEPT
iptables-legacy -A INPUT -p tcp -m conntrack --ctstate NEW -m tcp ! --dport 22:25 -s 10.0.0.0/8 -j own
iptables-legacy -A INPUT -p udp --sport 53 ! -i eth+ -d 192.0.2.1 -j LOG
iptables-legacy -A INPUT
iptables-legacy -A own ! -s 10.1.2.3 -o eth0 -j REJECT
iptables-legacy -A own -j a-chain
iptables-legacy -A own -j RETURN
iptables-legacy -t nat -A POSTROUTING -p tcp -j MASQUERADE
"""


@pytest.fixture
def legacy(require_tool):
    return require_tool("iptables-legacy")


@real
def test_the_rules_that_iptables_made(query_in_namespace, legacy):
    columns = "chain, policy, target, protocol, src_port, dst_port, src_ip, src_mask, iniface, dst_ip, dst_mask, outiface"
    rows, gaps = query_in_namespace(f"SELECT {columns} FROM iptables WHERE filter_name = 'filter'", RULES)
    anywhere, everyone = ("0.0.0.0", "0.0.0.0"), ("255.255.255.255",)
    nothing = (None,) * 10
    assert [tuple(row.values()) for row in rows] == [
        ("INPUT", "DROP", "ACCEPT", 0, "", "", *anywhere, "lo", *anywhere, "all"),
        ("INPUT", "DROP", "own", 6, "0:65535", "!22:25", "10.0.0.0", "255.0.0.0", "all", *anywhere, "all"),
        ("INPUT", "DROP", "LOG", 17, "53:53", "0:65535", *anywhere, "!eth+", "192.0.2.1", *everyone, "all"),
        ("INPUT", "DROP", "", 0, "", "", *anywhere, "all", *anywhere, "all"),
        ("INPUT", "DROP", *nothing),
        ("FORWARD", "ACCEPT", *nothing),
        ("OUTPUT", "ACCEPT", *nothing),
        ("a-chain", "", *nothing),
        ("own", "", "REJECT", 0, "", "", "!10.1.2.3", *everyone, "all", *anywhere, "eth0"),
        ("own", "", "a-chain", 0, "", "", *anywhere, "all", *anywhere, "all"),
        ("own", "", "RETURN", 0, "", "", *anywhere, "all", *anywhere, "all"),
        ("own", "", *nothing),
    ]
    assert gaps == []


@real
def test_masks_of_interfaces_and_tables(query_in_namespace, legacy):
    rows, _ = query_in_namespace("SELECT DISTINCT filter_name, iniface_mask, outiface_mask FROM iptables WHERE match = 'yes'", RULES)
    assert sorted(tuple(row.values()) for row in rows) == sorted(
        [("filter", "FFFFFF", ""), ("filter", "", ""), ("filter", "", "FFFFFFFFFF"), ("nat", "", "")]
    )


@real
def test_packets_that_the_policy_decided(query_in_namespace, legacy):
    send = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x' * 100, ('127.0.0.1', 9))"
    script = f'ip link set lo up\niptables-legacy -P OUTPUT ACCEPT\n"$PYTHON" -c "{send}"'
    rows, _ = query_in_namespace("SELECT policy, packets, bytes FROM iptables WHERE chain = 'OUTPUT' AND filter_name = 'filter'", script)
    assert rows[0]["policy"] == "ACCEPT"
    assert rows[0]["packets"] >= 1
    assert rows[0]["bytes"] >= 128  # with the headers of IP and UDP


@real
def test_an_inverted_protocol_is_null_and_one_gap(query_in_namespace, legacy):
    script = "iptables-legacy -A INPUT ! -p tcp -j DROP\niptables-legacy -A INPUT ! -p udp -j DROP"
    rows, gaps = query_in_namespace("SELECT protocol FROM iptables WHERE target = 'DROP'", script)
    assert rows == [{"protocol": None}, {"protocol": None}]
    assert [(reason, "rule 1 and 1 more" in detail) for _, reason, detail in gaps] == [("unsupported", True)]


@real
def test_without_rules_there_is_nothing(query_in_namespace):
    assert query_in_namespace("SELECT * FROM iptables") == ([], [])


@real
def test_rules_of_nf_tables_are_a_gap(query_in_namespace, require_tool):
    require_tool("iptables-nft")
    rows, gaps = query_in_namespace("SELECT * FROM iptables", "iptables-nft -A INPUT -p tcp --dport 22 -j ACCEPT")
    assert rows == []
    assert [(reason, "nf_tables holds ip filter" in detail) for _, reason, detail in gaps] == [("unsupported", True)]


@real
def test_rules_for_ipv6_alone_are_no_gap(query_in_namespace, require_tool):
    require_tool("ip6tables-nft")
    assert query_in_namespace("SELECT * FROM iptables", "ip6tables-nft -A INPUT -j ACCEPT") == ([], [])


@real
def test_another_user_gets_gaps(query_in_namespace, legacy):
    rows, gaps = query_in_namespace("SELECT * FROM iptables", RULES, USER_ID="65534")
    assert rows == []
    assert {reason for _, reason, _ in gaps} == {"permission_denied"}


def test_a_root_directory_has_none(query, root):
    answer = query("SELECT * FROM iptables", root)
    assert answer.rows == []
    assert answer.gaps


INFO = struct.pack("=32sI5I5III", b"filter", 0, *[0] * 10, 0, 0)


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        b"\0" * 112,  # a rule of no length
        b"\0" * 88 + struct.pack("=HH", 112, 400) + b"\0" * 60,  # longer than what is there
        b"\0" * 88 + struct.pack("=HH", 200, 152) + b"\0" * 60,  # its target lies outside
        b"\0" * 88 + struct.pack("=HH", 116, 152) + b"\0" * 60,  # a match that is too short for a name
    ],
)
def test_an_answer_of_another_layout_is_an_error(content):
    with pytest.raises(ip_tables.LayoutError):
        ip_tables.parse_table(INFO, content)


def test_a_chain_that_is_not_there_is_an_error():
    with pytest.raises(ip_tables.LayoutError):
        ip_tables.parse_table(struct.pack("=32sI5I5III", b"filter", 2, 0, 8, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0), b"")


def test_attributes_of_no_length_are_an_error():
    with pytest.raises(OSError, match="rotocol"):
        list(nf_tables.attributes(b"\0" * 8))


class Files:
    """Stands for a target with these files."""

    def __init__(self, **files):
        self._files = {"/proc/sys/kernel/osrelease": "6.1.0\n", **{f"/{name.replace('__', '/')}": text for name, text in files.items()}}

    def read_text(self, path):
        if path == "/lib/modules/6.1.0/modules.builtin":
            path = "/builtin"
        if path not in self._files:
            raise FileNotFoundError(path)
        return self._files[path]


@pytest.mark.parametrize(
    ("target", "present"),
    [
        (Files(), True),
        (Files(proc__modules="nf_tables 1 0 - Live 0x0\n"), True),
        (Files(proc__modules="x 1 0 - Live 0x0\n", builtin="kernel/net/netfilter/nf_tables.ko\n"), True),
        (Files(proc__modules="x 1 1 nf_tables, Live 0x0\n", builtin="kernel/net/ipv4/x.ko\n"), False),
        (Files(proc__modules=""), None),
    ],
)
def test_nf_tables_is_asked_only_where_it_is_loaded(target, present):
    assert nf_tables.is_present(target) is present
