"""`process_open_sockets`: every socket, and who holds it."""

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
    name="process_open_sockets",
    description="The sockets of every network namespace, a row for each process that holds one, as they were when the run first looked.",
    source="/proc/PID/net, /proc/PID/ns/net and /proc/PID/fd, proc(5)",
    columns=(
        Column(
            "pid",
            INTEGER,
            "Process that holds the socket; -1 when none does, as with the kernel's own, or it may not be seen",
            additional=True,
        ),
        Column("fd", BIGINT, "The process' file descriptor, the highest if it has several; -1 without a process"),
        Column("socket", BIGINT, "Inode of the socket; 0 when the connection outlived it"),
        Column("family", INTEGER, "Address family: 1 Unix, 2 IPv4, 10 IPv6, 17 packet"),
        Column("protocol", INTEGER, "Protocol: 6 TCP, 17 UDP, 136 UDP-Lite, 1 ICMP, 255 raw; of a packet socket the Ethernet protocol"),
        Column("local_address", TEXT, "Address it is bound to; empty for Unix and packet sockets"),
        Column("remote_address", TEXT, "Address of the peer"),
        Column("local_port", INTEGER, "Port it is bound to, or the IP protocol of a raw socket"),
        Column("remote_port", INTEGER, "Port of the peer; 0 without one"),
        Column("path", TEXT, "Path of a Unix socket; an abstract name begins with @"),
        Column("state", TEXT, "State of a TCP socket, such as LISTEN; NONE for packet sockets"),
        Column("net_namespace", TEXT, "Inode of the network namespace"),
    ),
    examples=("SELECT pid, local_address, local_port FROM process_open_sockets WHERE state = 'LISTEN'",),
    live_only=True,
    osquery=True,
    notes=(
        "osquery names one of the processes that share a socket, here each has a row. The path of a Unix socket is whole, where osquery "
        "cuts it at a space. A namespace that no process is in is not seen."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each socket and holder that the query asks for."""
    sockets = sockets_of_run(context)
    for reason, detail in (*sockets.missing, *sockets.missing_with_peer):
        context.gap(reason, detail)
    pids = context.constraints.integers("pid")
    wanted = sockets.held() if pids is None else (one for pid in pids for one in sockets.held_by(pid))
    for found, holder in wanted:
        context.check_deadline()
        yield _row(found, holder)


def _row(found: Socket, holder: Holder) -> Row:
    return {
        "pid": holder.pid,
        "fd": holder.descriptor,
        "socket": found.inode,
        "family": found.family,
        "protocol": found.protocol,
        "local_address": proc_net.address(found.local),
        "remote_address": proc_net.address(found.remote),
        "local_port": proc_net.port(found.local),
        "remote_port": proc_net.port(found.remote),
        "path": host_text.decode(found.path),
        "state": proc_net.state_name(found),
        "net_namespace": found.namespace,
    }


TABLE = Table(SPEC, generate)
