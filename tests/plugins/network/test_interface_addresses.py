"""`interface_addresses` against ip(8)."""

import ipaddress
import json
import subprocess

import pytest

pytestmark = pytest.mark.real


def test_loopback(query):
    rows = query("SELECT * FROM interface_addresses WHERE address = '127.0.0.1'").rows
    assert rows == [
        {
            "interface": "lo",
            "address": "127.0.0.1",
            "mask": "255.0.0.0",
            "broadcast": None,
            "point_to_point": "127.0.0.1",
            "type": "unknown",
        }
    ]


def test_the_same_addresses_as_ip(query, require_tool):
    listed = json.loads(subprocess.run([require_tool("ip"), "-json", "address"], capture_output=True, check=True).stdout)
    expected = {
        (address.get("label", link["ifname"]), address["local"], address["prefixlen"], address.get("broadcast"))
        for link in listed
        for address in link.get("addr_info", ())
        if address["family"] in ("inet", "inet6")
    }
    found = {
        (row["interface"], row["address"].partition("%")[0], prefix(row["mask"]), row["broadcast"])
        for row in query("SELECT * FROM interface_addresses").rows
    }
    assert found == expected


def prefix(mask):
    return bin(int(ipaddress.ip_address(mask))).count("1")


def test_a_far_end_and_a_label(query_in_namespace):
    script = (
        "ip tuntap add dev tun7 mode tun && ip address add 10.9.0.1 peer 10.9.0.2 dev tun7"
        " && ip link add d7 type bridge && ip address add 10.8.0.1/24 brd + dev d7 label d7:web || true"
    )
    rows, _ = query_in_namespace(
        "SELECT interface, address, broadcast, point_to_point FROM interface_addresses WHERE address LIKE '10.%'", script
    )
    if len(rows) < 2:
        pytest.skip("this kernel has no tun or bridge interfaces")
    assert sorted(map(str, rows)) == sorted(
        map(
            str,
            [
                {"interface": "tun7", "address": "10.9.0.1", "broadcast": None, "point_to_point": "10.9.0.2"},
                {"interface": "d7:web", "address": "10.8.0.1", "broadcast": "10.8.0.255", "point_to_point": None},
            ],
        )
    )
