"""nginx's tables from one text to another: `map`, `geo` and `split_clients`; and its `upstream` groups.

Source: ngx_http_map_module.c, ngx_http_geo_module.c, ngx_http_split_clients_module.c, ngx_http_upstream.c.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit_plugins.web.nginx.tree import Directive
    from hardaudit_plugins.web.verdict import Place


@dataclass(frozen=True, slots=True)
class Map:
    """`map SOURCE $name { … }`: exact texts (without regard to case), host name patterns, regexes in order, default."""

    source: str
    place: Place
    exact: dict[str, str]
    wildcards: tuple[tuple[str, str], ...]
    regexes: tuple[tuple[str, bool, str], ...]
    default: str

    def values(self) -> list[str]:
        """Everything that it can come to."""
        return [*self.exact.values(), *(value for _, value in self.wildcards), *(value for _, _, value in self.regexes), self.default]

    def exact_or_wildcard(self, text: str) -> str | None:
        """The value for a text without the regexes."""
        key = text.lower()
        if key in self.exact:
            return self.exact[key]
        for pattern, value in self.wildcards:
            if pattern.startswith("*") and key.endswith(pattern[1:]) and len(key) > len(pattern) - 1:
                return value
        for pattern, value in self.wildcards:
            if pattern.endswith("*") and key.startswith(pattern[:-1]) and len(key) > len(pattern) - 1:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Geo:
    """`geo [$address] $name { … }`: networks to values, the longest prefix first. `understood` is False for what is not read here."""

    source: str
    place: Place
    networks: tuple[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str], ...]
    default: str
    understood: bool

    def value_for(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> str:
        """The value for an address; None is one that no network names, except one of all addresses."""
        for network, value in self.networks:
            if network.prefixlen == 0 if address is None else (address.version == network.version and address in network):
                return value
        return self.default


@dataclass(slots=True)
class Tables:
    """Those of the http block, by the variable's name without `$`; upstreams by name."""

    maps: dict[str, Map] = field(default_factory=dict)
    geos: dict[str, Geo] = field(default_factory=dict)
    splits: dict[str, Directive] = field(default_factory=dict)
    upstreams: dict[str, Directive] = field(default_factory=dict)

    def add(self, directive: Directive) -> None:
        """Take a directive of the http block, if it is one of these."""
        args = directive.args
        if directive.block is None or not args:
            return
        if directive.name == "map" and len(args) == 2:
            self.maps[args[1].lstrip("$")] = _map(directive)
        elif directive.name == "geo":
            self.geos[args[-1].lstrip("$")] = _geo(directive)
        elif directive.name == "split_clients":
            self.splits[args[-1].lstrip("$")] = directive
        elif directive.name == "upstream":
            self.upstreams.setdefault(args[0], directive)

    def servers_of(self, upstream: str) -> list[str] | None:
        """The addresses of an upstream's servers that are in use, or None when there is no such upstream."""
        directive = self.upstreams.get(upstream)
        if directive is None:
            return None
        servers = [inner for inner in directive.block or () if inner.name == "server" and inner.args]
        return [inner.args[0] for inner in servers if "down" not in inner.args[1:]]


def _map(directive: Directive) -> Map:
    exact: dict[str, str] = {}
    wildcards: list[tuple[str, str]] = []
    regexes: list[tuple[str, bool, str]] = []
    default = ""
    entries = directive.block or ()
    host_names = any(entry.name == "hostnames" and not entry.args for entry in entries)
    for entry in entries:
        key = entry.name
        if not entry.args:
            continue
        value = entry.args[0]
        if key == "default":
            default = value
        elif key.startswith("~"):
            ignore_case = key.startswith("~*")
            regexes.append((key[2 if ignore_case else 1 :], ignore_case, value))
        elif host_names and key.startswith("."):
            exact[key[1:].lower()] = value
            wildcards.append((f"*{key.lower()}", value))
        elif host_names and "*" in key:
            wildcards.append((key.lower(), value))
        else:
            exact[key.removeprefix("\\").lower()] = value
    wildcards.sort(key=lambda pair: -len(pair[0]))
    return Map(directive.args[0], directive.place, exact, tuple(wildcards), tuple(regexes), default)


def _geo(directive: Directive) -> Geo:
    networks: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]] = []
    default, understood = "", True
    for entry in directive.block or ():
        if entry.name == "default" and entry.args:
            default = entry.args[0]
        elif entry.name in ("ranges", "proxy", "proxy_recursive", "delete"):
            understood = False
        elif entry.args:
            try:
                networks.append((ipaddress.ip_network(entry.name, strict=False), entry.args[0]))
            except ValueError:
                understood = False
    networks.sort(key=lambda pair: -pair[0].prefixlen)
    source = directive.args[0] if len(directive.args) == 2 else "$remote_addr"
    return Geo(source, directive.place, tuple(networks), default, understood)
