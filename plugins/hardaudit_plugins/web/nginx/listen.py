"""The addresses and names of nginx's servers, and which server a request reaches.

Source: ngx_http_core_listen(), ngx_http_core_server_name(), ngx_http_find_virtual_server(); ngx_hash.c for the order of wildcards.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.patterns import UndecidedError
from hardaudit_plugins.web.nginx.values import UndecidedRequestError, search

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit_plugins.web.nginx.scope import Scope


@dataclass(frozen=True, slots=True)
class Listen:
    """An address that a server is listened for on. `host` is `*`, `[::]`, an address or a socket's path (`port` 0)."""

    host: str
    port: int
    tls: bool
    default: bool

    @property
    def address(self) -> str:
        """As `web_sites` shows it."""
        return self.host if self.host.startswith("unix:") else f"{self.host}:{self.port}"

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The IP address; None for a socket or a name."""
        try:
            return ipaddress.ip_address("0.0.0.0" if self.host == "*" else self.host.strip("[]"))  # noqa: S104 as compared, not bound
        except ValueError:
            return None


def listens(server: Scope) -> tuple[Listen, ...]:
    """The addresses of a server; `*:80` where it names none."""
    found = [_listen(directive.args) for directive in server.own.get("listen", ()) if directive.args]
    return tuple(found) or (Listen("*", 80, tls=server.is_on("ssl"), default=False),)


def _listen(args: tuple[str, ...]) -> Listen:
    text, options = args[0], args[1:]
    tls, default = "ssl" in options or "quic" in options, "default_server" in options or "default" in options
    if text.startswith("unix:"):
        return Listen(text, 0, tls, default)
    if text.startswith("["):
        host, _, port = text.rpartition("]")
        return Listen(_normal(host + "]"), _port(port.lstrip(":")), tls, default)
    if text.partition("-")[0].isdigit():
        return Listen("*", _port(text), tls, default)
    host, _, port = text.partition(":")
    host = {"0.0.0.0": "*", "": "*", "localhost": "127.0.0.1"}.get(host, host)  # noqa: S104 as compared, not bound
    return Listen(host, _port(port), tls, default)


def _port(text: str) -> int:
    first = text.partition("-")[0]
    return int(first) if first.isascii() and first.isdigit() and len(first) <= 5 else 80


def _normal(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host.strip('[]'))}]"
    except ValueError:
        return host


def names_of(server: Scope) -> tuple[str, ...]:
    """The names of a server, in order; an empty one stands for requests without a name."""
    return tuple(name for directive in server.own.get("server_name", ()) for name in directive.args) or ("",)


@dataclass(slots=True)
class Address:
    """One address with the servers that are listened for on it, the default one first."""

    servers: list[tuple[Scope, tuple[str, ...]]] = field(default_factory=list)
    default: Scope | None = None
    _chosen: dict[str, Scope | None] = field(default_factory=dict)

    def server_for(self, host: str) -> Scope | None:
        """The server that answers requests for a host name. Raises UndecidedRequestError when a pattern cannot be run."""
        host = host.lower().rstrip(".")
        if host not in self._chosen:
            self._chosen[host] = self._choose(host)
        return self._chosen[host]

    def _choose(self, host: str) -> Scope | None:
        best: tuple[int, int, Scope] | None = None
        regexes: list[tuple[str, Scope]] = []
        for scope, names in self.servers:
            for name in names:
                if name.startswith("~"):
                    regexes.append((name[1:], scope))
                    continue
                rank = _rank(name.lower(), host)
                if rank is not None and (best is None or rank > best[:2]):
                    best = (*rank, scope)
        if best is not None:
            return best[2]
        for pattern, scope in regexes:
            if matches_name(pattern, host):
                return scope
        return self.default


def matches_name(pattern: str, host: str) -> bool:
    """Whether a `server_name ~pattern` matches; nginx ignores case where the pattern has capitals."""
    try:
        return bool(host) and search(pattern, host, ignore_case=any(letter.isupper() for letter in pattern)) is not None
    except UndecidedError as error:
        raise UndecidedRequestError(f"server_name ~{pattern}: {error.reason}") from error


def _rank(name: str, host: str) -> tuple[int, int] | None:
    """How well a name fits a host: exact names before those that begin with `*` before those that end with it, longer ones first."""
    if host in (name, name.removeprefix(".") or name):
        return 3, 0
    if name.startswith((".", "*.")):
        ending = name.removeprefix("*")
        return (2, len(ending)) if host.endswith(ending) and len(host) > len(ending) else None
    if name.endswith(".*"):
        return (1, len(name) - 1) if host.startswith(name[:-1]) and len(host) > len(name) - 1 else None
    return None


def is_named(server: Scope, host: str) -> bool:
    """Whether a name of the server that is no regex fits a host."""
    return any(_rank(name.lower(), host) is not None for name in names_of(server) if not name.startswith("~"))


def addresses(servers: Iterable[Scope]) -> dict[tuple[str, int], Address]:
    """Every address that nginx listens on."""
    found: dict[tuple[str, int], Address] = {}
    for server in servers:
        names = names_of(server)
        for listen in listens(server):
            address = found.setdefault((listen.host, listen.port), Address())
            address.servers.append((server, names))
            if address.default is None or (listen.default and not _is_default(address.default, listen)):
                address.default = server
    return found


def _is_default(server: Scope, listen: Listen) -> bool:
    return any(other.default and (other.host, other.port) == (listen.host, listen.port) for other in listens(server))
