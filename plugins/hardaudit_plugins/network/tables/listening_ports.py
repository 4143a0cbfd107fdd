"""`listening_ports`: where the host takes connections and datagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.network import proc_net
from hardaudit_plugins.network.sockets import sockets_of_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.network.proc_net import Socket
    from hardaudit_plugins.network.sockets import Holder

SPEC = TableSpec(
    name="listening_ports",
    description=(
        "TCP, UDP, raw and ICMP sockets without a peer, Unix sockets with a path and packet sockets, of every network namespace, "
        "a row for each process that holds one."
    ),
    source="/proc/PID/net, /proc/PID/ns/net and /proc/PID/fd, proc(5)",
    columns=(
        Column("pid", INTEGER, "Process that holds the socket; -1 when none does, as with the kernel's own, or when it may not be seen"),
        Column("port", INTEGER, "Port, or the IP protocol of a raw socket; 0 for Unix and packet sockets"),
        Column("protocol", INTEGER, "Protocol: 6 TCP, 17 UDP, 136 UDP-Lite, 1 ICMP, 255 raw; of a packet socket the Ethernet protocol"),
        Column("family", INTEGER, "Address family: 1 Unix, 2 IPv4, 10 IPv6, 17 packet"),
        Column("address", TEXT, "Address it is bound to: 0.0.0.0 and :: are every one; NULL for Unix sockets, empty for packet sockets"),
        Column("fd", BIGINT, "The process' file descriptor, the highest if it has several; -1 without a process"),
        Column("socket", BIGINT, "Inode of the socket; 0 for Unix sockets"),
        Column("path", TEXT, "Path of a Unix socket, NULL for others; an abstract name begins with @"),
        Column("net_namespace", TEXT, "Inode of the network namespace; a container's differs from that of process 1"),
    ),
    examples=("SELECT pid, port, protocol, address FROM listening_ports WHERE family IN (2, 10)",),
    live_only=True,
    osquery=True,
    notes="As of `process_open_sockets`: each process that shares a socket has a row, and the path of a Unix socket is whole.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each listening socket and holder."""
    sockets = sockets_of_run(context)
    for reason, detail in sockets.missing:
        context.gap(reason, detail)
    for found in sockets.without_peer:
        context.check_deadline()
        for holder in sockets.holders_of(found):
            yield _row(found, holder)


def _row(found: Socket, holder: Holder) -> Row:
    is_unix = found.family == proc_net.AF_UNIX
    return {
        "pid": holder.pid,
        "port": proc_net.port(found.local),
        "protocol": found.protocol,
        "family": found.family,
        "address": None if is_unix else proc_net.address(found.local),
        "fd": holder.descriptor,
        "socket": 0 if is_unix else found.inode,
        "path": host_text.decode(found.path) if is_unix else None,
        "net_namespace": found.namespace,
    }


TABLE = Table(SPEC, generate)
