"""nf_tables, asked for over netlink(7), linux/netfilter/nf_tables.h."""

from __future__ import annotations

import errno
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.target import Target

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 10 << 8
_GET_TABLES = 1
_REQUEST, _DUMP, _INTERRUPTED = 0x1, 0x300, 0x10
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_FAMILY = struct.Struct("=BBH")
_NUMBER = struct.Struct("=i")
_ATTRIBUTE = struct.Struct("=HH")
_TYPE_OF_ATTRIBUTE = 0x3FFF  # the bits above are flags
_ANSWER_BYTES = 2**20
_SECONDS = 5.0
_MESSAGE_LIMIT = 100_000
_TRIES = 5
_NAME, _USE = 1, 3

_FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}


@dataclass(frozen=True, slots=True)
class RuleTable:
    """A table of nf_tables: its family, its name, and the number of chains, sets and the like in it."""

    family: str
    name: str
    use: int


def is_present(target: Target) -> bool | None:
    """Whether the running kernel has nf_tables already: asking it would make the kernel load the module. None where that cannot be told."""
    try:
        modules = target.read_text("/proc/modules")
    except FileNotFoundError:
        return True  # a kernel that loads no modules, whatever it is asked
    if any(line.startswith("nf_tables ") for line in modules.split("\n")):
        return True
    release = target.read_text("/proc/sys/kernel/osrelease").strip()
    try:
        return "/nf_tables.ko\n" in target.read_text(f"/lib/modules/{release}/modules.builtin")
    except FileNotFoundError:
        return None


def tables() -> list[RuleTable]:
    """The tables of this network namespace. Raises OSError, PermissionError without CAP_NET_ADMIN."""
    found = []
    for family, attributes in _dump(_GET_TABLES):
        use = attributes.get(_USE, b"")
        name = host_text.decode(attributes.get(_NAME, b"").rstrip(b"\0"))
        found.append(RuleTable(_FAMILIES.get(family, str(family)), name, int.from_bytes(use, "big")))
    return found


def _dump(request: int) -> list[tuple[int, dict[int, bytes]]]:
    """Family and attributes of everything of a kind; asked for again when it changed meanwhile."""
    for sequence in range(1, _TRIES + 1):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as netlink:
            netlink.settimeout(_SECONDS)
            length = _HEADER.size + _FAMILY.size
            netlink.send(_HEADER.pack(length, _SUBSYSTEM | request, _REQUEST | _DUMP, sequence, 0) + _FAMILY.pack(0, 0, 0))
            found, is_whole = [], True
            for flags, content in _messages(netlink):
                is_whole = is_whole and not flags & _INTERRUPTED
                found.append((content[0], dict(attributes(content[_FAMILY.size :]))))
            if is_whole:
                return found
    raise OSError(errno.EAGAIN, "nf_tables changes again and again")


def _messages(netlink: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Flags and content of the messages of a dump, up to its end."""
    for _ in range(_MESSAGE_LIMIT):
        answer = netlink.recv(_ANSWER_BYTES)
        offset = 0
        while offset + _HEADER.size <= len(answer):
            length, kind, flags, _, _ = _HEADER.unpack_from(answer, offset)
            content = answer[offset + _HEADER.size : offset + length]
            if kind == _DONE:
                return
            if kind == _ERROR or length < _HEADER.size + _FAMILY.size:
                raise _error(content)
            yield flags, content
            offset += (length + 3) & ~3
    raise OSError(errno.EFBIG, f"more than {_MESSAGE_LIMIT:,} messages")


def _error(content: bytes) -> OSError:
    """The error of a message that is none of a dump."""
    number = -_NUMBER.unpack_from(content)[0] if len(content) >= _NUMBER.size else 0
    number = number if number > 0 else errno.EPROTO
    return OSError(number, os.strerror(number))


def attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each attribute."""
    offset = 0
    while offset + _ATTRIBUTE.size <= len(content):
        length, kind = _ATTRIBUTE.unpack_from(content, offset)
        if length < _ATTRIBUTE.size:
            raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
        yield kind & _TYPE_OF_ATTRIBUTE, content[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
