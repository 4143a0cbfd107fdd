"""Settings as the lines that `sshd -T` prints, each with the line of the configuration that it comes from."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, NamedTuple

from hardaudit_plugins.ssh.sshd_keywords import KEYWORDS
from hardaudit_plugins.ssh.sshd_patterns import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hardaudit_plugins.ssh.sshd_effective import Entry

_PENALTIES = ("crash", "authfail", "noauth", "grace-exceeded", "refuseconnection", "max", "min", "max-sources4", "max-sources6")


class Printed(NamedTuple):
    """A line of `sshd -T`: the keyword's value and where it is set; path and line are None for a compiled default."""

    value: str
    path: str | None
    line: int | None


def printed(settings: Mapping[str, list[Entry]], name: str) -> Iterator[Printed]:
    """The lines of a keyword; none when it is not set, or part of it is not known."""
    if name == "listenaddress":
        yield from _listen_addresses(settings)
    elif name == "subsystem":
        yield from (_one(entry) for setting, entries in settings.items() if setting.startswith("subsystem.") for entry in entries)
    elif name in _COMPOUND:
        yield from _compound(settings, name)
    elif any(entry.value is None for entry in settings.get(name, [])):
        return
    elif KEYWORDS[name].lines:
        yield from (_one(entry) for entry in settings.get(name, []))
    elif entries := settings.get(name, []):
        yield Printed(" ".join(entry.value or "" for entry in entries), entries[0].path, entries[0].line)


def _one(entry: Entry) -> Printed:
    return Printed(entry.value or "", entry.path, entry.line)


_COMPOUND: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "rekeylimit": ("{} {}", ("rekeylimit", "rekeylimit.interval")),
    "maxstartups": ("{}:{}:{}", ("maxstartups", "maxstartups.rate", "maxstartups.full")),
    "persourcenetblocksize": ("{}:{}", ("persourcenetblocksize", "persourcenetblocksize.ipv6")),
    "persourcepenalties": (
        " ".join(f"{name}:{{}}" for name in (*_PENALTIES, "overflow", "overflow6")),
        tuple(f"persourcepenalties.{name}" for name in (*_PENALTIES, "overflow", "overflow6")),
    ),
}
"""How the settings of one keyword are printed together."""


def _compound(settings: Mapping[str, list[Entry]], name: str) -> Iterator[Printed]:
    enabled = settings.get("persourcepenalties.enabled") if name == "persourcepenalties" else None
    if enabled and enabled[0].value == "no":
        yield _one(enabled[0])
        return
    layout, parts = _COMPOUND[name]
    found = [settings.get(part) or settings.get(part.removesuffix("6")) for part in parts]
    entries = [entries[0] for entries in found if entries]
    if len(entries) == len(parts):
        origin = next((entry for entry in entries if entry.path is not None), entries[0])
        yield Printed(layout.format(*(entry.value for entry in entries)), origin.path, origin.line)


def _listen_addresses(settings: Mapping[str, list[Entry]]) -> Iterator[Printed]:
    """Every address with every port it is listened on; names stay names, they are resolved when sshd starts."""
    ports, family = settings.get("port"), settings.get("addressfamily")
    if not ports or not family:
        return
    if "listenaddress" not in settings:
        wildcards = {"any": ("[::]", "0.0.0.0"), "inet": ("0.0.0.0",), "inet6": ("[::]",)}[family[0].value or "any"]  # noqa: S104  not bound, printed
        origin = next((entry for entry in (*ports, *family) if entry.path is not None), ports[0])
        for port in ports:
            yield from (Printed(f"{address}:{port.value}", origin.path, origin.line) for address in wildcards)
        return
    domains: dict[str, list[Printed]] = {}
    for entry in settings["listenaddress"]:
        name, own_port, rdomain = (entry.value or "\t\t").split("\t")
        suffix = f" rdomain {rdomain}" if rdomain else ""
        numbers = [own_port] if own_port != "0" else [port.value or "" for port in ports]
        found = domains.setdefault(rdomain, [])
        found.extend(Printed(f"{_spelled(name)}:{number}{suffix}", entry.path, entry.line) for number in numbers)
    for found in domains.values():  # sshd keeps a list for each routing domain
        yield from found


def _spelled(name: str) -> str:
    address = parse_address(name)
    if isinstance(address, ipaddress.IPv6Address):
        zone = f"%{address.scope_id}" if address.scope_id else ""
        return f"[{socket.inet_ntop(socket.AF_INET6, address.packed)}{zone}]"
    return name if address is None else str(address)
