"""The socket lists of /proc/PID/net, proc(5): one set of files for each network namespace."""

from __future__ import annotations

import re
import socket
import struct
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hardaudit.model import host_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

AF_UNIX, AF_INET, AF_INET6, AF_PACKET = 1, 2, 10, 17
IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_RAW = 1, 6, 17, 136, 255

_STATES = (
    *("UNKNOWN", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2"),
    *("TIME_WAIT", "CLOSED", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"),
)
_UNIX = re.compile(rb"[0-9a-f]+: [0-9A-F]{8} ([0-9A-F]{8}) [0-9A-F]{8} [0-9A-F]{4} [0-9A-F]{2} +([0-9]+)(?: (.*))?", re.DOTALL)


class Socket(NamedTuple):
    """A socket as a line of /proc/PID/net says it; addresses and ports are still the kernel's hexadecimal, `address:port`.

    `inode` is 0 for a socket that no process holds any more; `path` is that of a Unix socket, with `@` for each NUL byte.
    """

    family: int
    protocol: int
    inode: int
    namespace: str
    local: bytes = b""
    remote: bytes = b""
    state: bytes = b""
    path: bytes = b""

    @property
    def listens(self) -> bool:
        """Whether it belongs in `listening_ports`: it has no peer's port, or is a Unix socket with a path, or a packet socket."""
        if self.family == AF_UNIX:
            return bool(self.path)
        return self.family == AF_PACKET or self.remote.endswith(b":0000")


class UnreadableLineError(ValueError):
    """A line that is not of the file's format."""


@dataclass(frozen=True, slots=True)
class SocketFile:
    """A file of /proc/PID/net. `essential`: every kernel with networking has it, so that its absence is missing evidence."""

    name: str
    family: int
    protocol: int
    essential: bool = False


FILES = (
    SocketFile("icmp", AF_INET, IPPROTO_ICMP),
    SocketFile("icmp6", AF_INET6, IPPROTO_ICMP),
    SocketFile("tcp", AF_INET, IPPROTO_TCP, essential=True),
    SocketFile("tcp6", AF_INET6, IPPROTO_TCP),
    SocketFile("udp", AF_INET, IPPROTO_UDP, essential=True),
    SocketFile("udp6", AF_INET6, IPPROTO_UDP),
    SocketFile("udplite", AF_INET, IPPROTO_UDPLITE),
    SocketFile("udplite6", AF_INET6, IPPROTO_UDPLITE),
    SocketFile("raw", AF_INET, IPPROTO_RAW),
    SocketFile("raw6", AF_INET6, IPPROTO_RAW),
    SocketFile("unix", AF_UNIX, 0, essential=True),
    SocketFile("packet", AF_PACKET, 0),
)


def parse(lines: Iterable[bytes], file: SocketFile, namespace: str) -> Iterator[Socket]:
    """The sockets of a file's lines, the heading first. Raises UnreadableLineError for a heading or line of another format."""
    rest = iter(lines)
    heading = next(rest, b"").lstrip()
    wanted = (b"Num",) if file.family == AF_UNIX else (b"sl", b"sk")
    if not heading.startswith(wanted):
        raise UnreadableLineError(f"its heading is {host_text.decode(heading)[:40]!r}")
    if file.family == AF_UNIX:
        yield from _unix_sockets(rest, namespace)
    else:
        one = _packet_socket if file.family == AF_PACKET else _inet_socket
        for line in rest:
            yield one(line, file, namespace)


def _inet_socket(line: bytes, file: SocketFile, namespace: str) -> Socket:
    fields = line.split(None, 10)
    if len(fields) < 10 or fields[1].count(b":") != 1 or fields[2].count(b":") != 1 or not fields[9].isdigit():
        raise UnreadableLineError(f"line {host_text.decode(line)[:80]!r}")
    state = fields[3] if file.protocol == IPPROTO_TCP else b""
    return Socket(file.family, file.protocol, int(fields[9]), namespace, fields[1], fields[2], state)


def _packet_socket(line: bytes, _file: SocketFile, namespace: str) -> Socket:
    fields = line.split()
    if len(fields) < 9 or not fields[8].isdigit():
        raise UnreadableLineError(f"line {host_text.decode(line)[:80]!r}")
    return Socket(AF_PACKET, int(fields[3], 16), int(fields[8]), namespace)


def _unix_sockets(lines: Iterator[bytes], namespace: str) -> Iterator[Socket]:
    """A path may hold line feeds, which the kernel prints as they are: a line of no socket goes on the path before it."""
    found: Socket | None = None
    for line in lines:
        match = _UNIX.fullmatch(line.removesuffix(b"\n"))
        if match:
            if found:
                yield found
            found = Socket(AF_UNIX, int(match[1], 16), int(match[2]), namespace, path=match[3] or b"")
        elif found:
            found = found._replace(path=found.path + b"\n" + line.removesuffix(b"\n"))
        else:
            raise UnreadableLineError(f"line {host_text.decode(line)[:80]!r}")
    if found:
        yield found


def state_name(found: Socket) -> str:
    """The state: a name for TCP, NONE for packet sockets, empty for others."""
    if found.family == AF_PACKET:
        return "NONE"
    if found.protocol != IPPROTO_TCP or not found.state:
        return ""
    number = int(found.state, 16)
    return _STATES[number] if number < len(_STATES) else _STATES[0]


@lru_cache(maxsize=4096)
def address(field: bytes) -> str:
    """The address of `address:port`, written as inet_ntop(3) does; empty when there is none."""
    digits = field.partition(b":")[0]
    try:
        words = struct.unpack(f">{len(digits) // 8}I", bytes.fromhex(digits.decode("ascii")))
        packed = struct.pack(f"{'<' if sys.byteorder == 'little' else '>'}{len(words)}I", *words)
        return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
    except (ValueError, struct.error, OSError):
        return ""


def port(field: bytes) -> int:
    """The port of `address:port`; 0 when there is none."""
    digits = field.partition(b":")[2]
    return int(digits, 16) if len(digits) == 4 else 0
