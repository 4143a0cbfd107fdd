"""Legacy ip_tables, read from the kernel as iptables(8) of that kind does: getsockopt(2) on a raw socket, linux/netfilter_ipv4/ip_tables.h.

Only tables that /proc/net/ip_tables_names lists are asked for: asking for another would make the kernel load its module.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import socket
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_SO_GET_INFO, _SO_GET_ENTRIES = 64, 65
_NAME_LENGTH = 32
_SIZE_LIMIT = 64 * 2**20  # bytes of a table's rules; a rule has some 200
_TRIES = 5  # a table that is replaced between the two calls is asked for again

_INFO = struct.Struct(f"={_NAME_LENGTH}sI5I5III")
_HEADER_OF_ENTRIES = 40  # name, size, and padding to 8 bytes
_IP = struct.Struct("=4s4s4s4s16s16s16s16sHBB")
_ENTRY = struct.Struct("=84sIHHIQQ")
_EXTENSION = struct.Struct("=H29sB")  # of a match or target; its own content follows
_NUMBER = struct.Struct("=i")
_PORTS = struct.Struct("=HHHH")

_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_VERDICTS = {-1: "DROP", -2: "ACCEPT", -4: "QUEUE", -5: "RETURN"}
_TCP, _UDP = 6, 17
_INVERTED_FLAGS_AT = {b"tcp": 11, b"udp": 8}
_INVERTED_SOURCE, _INVERTED_DESTINATION = 1, 2

INVERTED_IN, INVERTED_OUT, INVERTED_SOURCE, INVERTED_DESTINATION, INVERTED_PROTOCOL = 0x01, 0x02, 0x08, 0x10, 0x40


class LayoutError(ValueError):
    """The kernel's answer is not laid out as expected."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a rule's tcp or udp match, first and last, and whether it asks for any other instead."""

    source: tuple[int, int]
    destination: tuple[int, int]
    source_inverted: bool
    destination_inverted: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. `target` is empty for one that only counts; `inverted` has the INVERTED_ flags; masks of interfaces are in hexadecimal."""

    target: str
    protocol: int
    source: str
    source_mask: str
    destination: str
    destination_mask: str
    in_interface: str
    in_interface_mask: str
    out_interface: str
    out_interface_mask: str
    inverted: int
    ports: Ports | None


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; `policy` is None for a user's chain, and the counters then are 0."""

    name: str
    policy: str | None
    packets: int
    bytes: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    offset: int
    end: int
    ip: tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, int, int, int]
    matches: tuple[tuple[bytes, bytes], ...]
    target: bytes
    target_content: bytes
    packets: int
    bytes: int

    @property
    def verdict(self) -> int:
        """The verdict of a standard target: negative, or the offset of the rule that is jumped to."""
        if len(self.target_content) < _NUMBER.size:
            raise LayoutError("a standard target without a verdict")
        return int(_NUMBER.unpack_from(self.target_content)[0])


def read_table(name: str) -> list[Chain]:
    """The chains of a table. Raises OSError, PermissionError without CAP_NET_ADMIN and CAP_NET_RAW, and LayoutError."""
    if sys.maxsize < 2**32:
        raise LayoutError("a 32-bit program cannot read the kernel's tables")
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for _ in range(_TRIES):
            info = _ask(raw, _SO_GET_INFO, name, _INFO.pack(name.encode(), 0, *[0] * 10, 0, 0))
            size = _INFO.unpack(info)[-1]
            if size > _SIZE_LIMIT:
                raise LayoutError(f"{size:,} bytes of rules are more than the limit of {_SIZE_LIMIT:,}")
            request = struct.pack(f"={_NAME_LENGTH}sI4x{size}x", name.encode(), size)
            try:
                return parse_table(info, _ask(raw, _SO_GET_ENTRIES, name, request)[_HEADER_OF_ENTRIES:])
            except BlockingIOError:
                continue
    raise OSError(errno.EAGAIN, "the table changes again and again", name)


def _ask(raw: socket.socket, option: int, name: str, request: bytes) -> bytes:
    """getsockopt(2) with an argument that is read and written, which Python's own does not do."""
    buffer = ctypes.create_string_buffer(request, len(request))
    length = ctypes.c_uint32(len(request))
    if ctypes.CDLL(None, use_errno=True).getsockopt(raw.fileno(), socket.IPPROTO_IP, option, buffer, ctypes.byref(length)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return buffer.raw


def parse_table(info: bytes, content: bytes) -> list[Chain]:
    """The chains of what the kernel answered to IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES: built-in ones by hook, then others by name."""
    fields = _INFO.unpack(info)
    valid, hooks, underflows = fields[1], fields[2:7], fields[7:12]
    entries = list(_entries(content))
    built_in = [(_HOOKS[hook], hooks[hook], underflows[hook]) for hook in range(len(_HOOKS)) if valid >> hook & 1]
    of_users = sorted(_chains_of_users(entries))
    names = {start: name for name, start, _ in (*built_in, *of_users)}
    rules = [_rule(entry, names) for entry in entries]
    index = {entry.offset: number for number, entry in enumerate(entries)}
    chains = []
    for number, (name, start, end) in enumerate((*built_in, *of_users)):
        if not (start in index and end in index and start <= end):
            raise LayoutError(f"chain {name} reaches from {start} to {end}")
        last, own_rules = entries[index[end]], tuple(rules[index[start] : index[end]])
        if number < len(built_in):
            chains.append(Chain(name, _VERDICTS.get(last.verdict, ""), last.packets, last.bytes, own_rules))
        else:
            chains.append(Chain(name, None, 0, 0, own_rules))
    return chains


def _entries(content: bytes) -> Iterator[_Entry]:
    offset = 0
    while offset < len(content):
        try:
            ip, _, target_offset, length, _, packets, size = _ENTRY.unpack_from(content, offset)
            if not _ENTRY.size <= target_offset <= length - _EXTENSION.size or offset + length > len(content):
                raise LayoutError(f"a rule of {length} bytes with its target at {target_offset}")
            matches = tuple(_matches(content[offset + _ENTRY.size : offset + target_offset]))
            _, target, _ = _EXTENSION.unpack_from(content, offset + target_offset)
            target_content = content[offset + target_offset + _EXTENSION.size : offset + length]
        except struct.error as error:
            raise LayoutError(str(error)) from error
        yield _Entry(offset, offset + length, _IP.unpack(ip), matches, _string(target), target_content, packets, size)
        offset += length


def _matches(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each match of a rule."""
    offset = 0
    while offset < len(content):
        length, name, _ = _EXTENSION.unpack_from(content, offset)
        if length < _EXTENSION.size:
            raise LayoutError(f"a match of {length} bytes")
        yield _string(name), content[offset + _EXTENSION.size : offset + length]
        offset += length


def _string(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _chains_of_users(entries: list[_Entry]) -> Iterator[tuple[str, int, int]]:
    """Name, offset of the first rule, and offset of the RETURN at the end, of each chain between entries with the target ERROR."""
    heads = [index for index, entry in enumerate(entries) if entry.target == b"ERROR"]
    for head, following in itertools.pairwise(heads):
        yield host_text.decode(_string(entries[head].target_content)), entries[head].end, entries[following - 1].offset


def _rule(entry: _Entry, chains: dict[int, str]) -> Rule:
    source, destination, source_mask, destination_mask, into, out, into_mask, out_mask, protocol, _, inverted = entry.ip
    return Rule(
        target=_target(entry, chains),
        protocol=protocol,
        source=socket.inet_ntoa(source),
        source_mask=socket.inet_ntoa(source_mask),
        destination=socket.inet_ntoa(destination),
        destination_mask=socket.inet_ntoa(destination_mask),
        in_interface=host_text.decode(_string(into)),
        in_interface_mask=_string(into_mask).hex().upper(),
        out_interface=host_text.decode(_string(out)),
        out_interface_mask=_string(out_mask).hex().upper(),
        inverted=inverted,
        ports=_ports(entry),
    )


def _target(entry: _Entry, chains: dict[int, str]) -> str:
    if entry.target:
        return host_text.decode(entry.target)
    if entry.verdict < 0:
        return _VERDICTS.get(entry.verdict, "")
    return "" if entry.verdict == entry.end else chains.get(entry.verdict, "")


def _ports(entry: _Entry) -> Ports | None:
    """The rule's tcp or udp match; None without one, which is any port."""
    for name, content in entry.matches:
        if name in _INVERTED_FLAGS_AT and len(content) > _INVERTED_FLAGS_AT[name]:
            first_source, last_source, first, last = _PORTS.unpack_from(content)
            flags = content[_INVERTED_FLAGS_AT[name]]
            return Ports((first_source, last_source), (first, last), bool(flags & _INVERTED_SOURCE), bool(flags & _INVERTED_DESTINATION))
    return None
