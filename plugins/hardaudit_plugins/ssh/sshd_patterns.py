"""OpenSSH's patterns: wildcards, comma-separated lists with negation, and lists of addresses (PATTERNS in ssh_config(5))."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TypeAlias

from hardaudit_plugins.ssh.sshd_lexer import RefusedError, lower

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_LONGEST = 1023  # a longer pattern of a list makes the whole list match nothing
_LONGEST_ADDRESS = 63
_OLD_STYLE = re.compile("[0-9a-fA-FxX.]+")
_MASK = re.compile("[0-9]{1,9}")


def matches(text: str, pattern: str) -> bool:
    """Whether a pattern with `*` and `?` describes the whole text. Time: at most the product of the two lengths."""
    here = there = 0
    star, resume = -1, 0
    while here < len(text):
        if there < len(pattern) and pattern[there] == "*":
            star, resume = there, here
            there += 1
        elif there < len(pattern) and pattern[there] in ("?", text[here]):
            here += 1
            there += 1
        elif star >= 0:
            resume += 1
            here, there = resume, star + 1
        else:
            return False
    return not pattern[there:].strip("*")


def matches_list(text: str, patterns: str, *, ignore_case: bool = False) -> int:
    """-1 when a negated pattern of the list matches, 1 when another one does, else 0."""
    found = 0
    for item in (lower(patterns) if ignore_case else patterns).split(","):
        pattern = item.removeprefix("!")
        if len(pattern) >= _LONGEST:
            return 0
        if matches(text, pattern):
            if item.startswith("!"):
                return -1
            found = 1
    return found


def parse_address(text: str) -> Address | None:
    """An address as getaddrinfo(3) with AI_NUMERICHOST reads it, shortened forms like `10.1` among them; None when it is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        if not _OLD_STYLE.fullmatch(text):
            return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text))
    except OSError:
        return None


def _network(item: str) -> Network | None:
    """The network an item of an address list stands for; None when it is a wildcard pattern.

    Raises RefusedError for bits outside the mask.
    """
    if len(item) > _LONGEST_ADDRESS:
        return None
    text, slash, mask = item.partition("/")
    if slash and not (_MASK.fullmatch(mask) and int(mask) <= 128):
        return None
    address = parse_address(text)
    if address is None:
        return None
    try:
        return ipaddress.ip_network(f"{str(address).partition('%')[0]}/{mask if slash else address.max_prefixlen}")
    except ValueError as error:
        raise RefusedError(f"{item} has a mask that does not fit its address") from error


def _address_items(patterns: str) -> list[tuple[bool, str, Network | None]]:
    """The items of an address list: whether negated, the text, the network. Raises RefusedError for an item sshd does not accept."""
    items = []
    for item in patterns.split(","):
        text = item.removeprefix("!")
        if not text:
            raise RefusedError("a list of addresses has an empty item")
        items.append((item.startswith("!"), text, _network(text)))
    return items


def check_addresses(patterns: str) -> None:
    """Raise RefusedError when sshd does not accept the list of addresses."""
    _address_items(patterns)


def matches_addresses(text: str, patterns: str) -> int:
    """-1 when a negated item matches the address, 1 when another one does, else 0. Raises RefusedError as `check_addresses`."""
    address = parse_address(text)
    if address is None:
        return 0
    found = 0
    for negated, item, network in _address_items(patterns):
        if (address in network) if network is not None else matches(text, item):
            if negated:
                return -1
            found = 1
    return found
