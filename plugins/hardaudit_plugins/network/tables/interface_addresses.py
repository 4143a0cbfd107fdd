"""`interface_addresses`: the host's own addresses."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import psutil

from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="interface_addresses",
    description="IPv4 and IPv6 addresses of the network interfaces, in the network namespace of the auditor.",
    source="getifaddrs(3)",
    columns=(
        Column("interface", TEXT, "Name of the interface, or the label of the address, such as eth0:1"),
        Column("address", TEXT, "Address; a link-local IPv6 address ends in % and the interface"),
        Column("mask", TEXT, "Network mask, written as an address"),
        Column("broadcast", TEXT, "Broadcast address; NULL without one"),
        Column("point_to_point", TEXT, "Address of the other end, on the loopback interface the address itself; NULL where there is none"),
        Column("type", TEXT, "Always `unknown` on Linux"),
    ),
    examples=("SELECT interface, address, mask FROM interface_addresses WHERE address NOT LIKE '127.%'",),
    live_only=True,
    osquery=True,
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each address."""
    try:
        interfaces = psutil.net_if_addrs()
    except OSError as error:
        context.gap_for(error, "getifaddrs")
        return
    for interface, addresses in sorted(interfaces.items()):
        for address in addresses:
            if address.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            # The kernel gives each IPv4 address a far end, equal to it where there is none; psutil drops that, osquery shows it.
            itself = address.address if address.family == socket.AF_INET and not address.broadcast else None
            yield {
                "interface": interface,
                "address": address.address,
                "mask": address.netmask,
                "broadcast": address.broadcast,
                "point_to_point": address.ptp or itself,
                "type": "unknown",
            }


TABLE = Table(SPEC, generate)
