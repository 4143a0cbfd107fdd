"""The main server and the virtual hosts: on which addresses each is asked, and by which names.

Source: server/vhost.c and server/listen.c of httpd 2.4; https://httpd.apache.org/docs/2.4/vhosts/details.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.sections import Scope, scope_of
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardaudit_plugins.web.apache.directive import Directive


@dataclass(frozen=True, slots=True)
class Address:
    """An address and port. `host` is `*` for every one, or an address without brackets; `port` 0 stands for every one."""

    host: str
    port: int

    def __str__(self) -> str:
        """As Apache writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port or '*'}"

    def takes(self, other: Address) -> bool:
        """Whether a virtual host with this address is asked where the server listens on `other`."""
        return (self.port in (0, other.port)) and (self.host == "*" or other.host == "*" or self.host.lower() == other.host.lower())


@dataclass(frozen=True, slots=True)
class Host:
    """A virtual host, or the main server. `listen`: the addresses on which requests reach it. `names`: ServerName, then ServerAlias.

    `is_default`: on one of the addresses it is the first, to which requests for names that nobody has come.
    """

    scopes: tuple[Scope, ...]
    listen: tuple[Address, ...]
    names: tuple[str, ...]
    place: Place
    is_default: bool = True


def hosts_of(directives: Sequence[Directive], config_path: str) -> tuple[Host, ...]:
    """The hosts that a request can reach, the main server first if it is one of them."""
    main = scope_of(directives, "the main server")
    listens = _listens(main.layer.directives)
    virtual = [(section, [_address(word) for word in section.words()]) for section in main.hosts]
    taken = [address for _, addresses in virtual for address in addresses]
    hosts: list[Host] = []
    served: set[Address] = set()
    own = tuple(listen for listen in listens if not any(address.takes(listen) for address in taken))
    if own:
        hosts.append(Host((main,), own, tuple(_names(main.layer.directives)), Place(config_path, 1)))
    for section, addresses in virtual:
        scope = scope_of(section.children or (), f"<VirtualHost {section.arguments}>", section.place)
        reached = tuple(listen for listen in listens if any(address.takes(listen) for address in addresses))
        reached = tuple(listen for listen in reached if not _more_specific(listen, addresses, taken))
        if reached:
            is_default = not set(reached) <= served
            served.update(reached)
            names = tuple(_names(scope.layer.directives))
            hosts.append(Host((main, scope), reached, names, section.place, is_default=is_default))
    return tuple(hosts)


def _more_specific(listen: Address, ours: Sequence[Address], taken: Sequence[Address]) -> bool:
    """Whether another virtual host takes every request to an address: one that names it, where we have a wildcard."""
    if listen.host == "*" or any(address.host != "*" and address.takes(listen) for address in ours):
        return False
    return any(address.host != "*" and address.takes(listen) for address in taken)


def _listens(directives: Iterable[Directive]) -> list[Address]:
    found: list[Address] = []
    for directive in directives:
        words = directive.words() if directive.name == "listen" else []
        if words:
            address = _address(words[0] if not words[0].isdecimal() else f"*:{words[0]}")
            if address not in found:
                found.append(address)
    return found


def _address(text: str) -> Address:
    """`80`, `*:80`, `_default_:80`, `192.0.2.1`, `[::1]:80`, `*`."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    host = "*" if host.lower() in ("", "*", "_default_", "0.0.0.0", "::") else host  # noqa: S104
    return Address(host, int(port) if port.isdecimal() else 0)


def _names(directives: Iterable[Directive]) -> Iterable[str]:
    """ServerName without scheme and port, the last one that is set; then the aliases."""
    name = ""
    aliases: list[str] = []
    for directive in directives:
        words = directive.words() if directive.name in ("servername", "serveralias") else []
        if directive.name == "servername" and words:
            name = words[0].rpartition("//")[2].partition(":")[0]
        elif words:
            aliases += words
    return [*([name] if name or aliases else []), *aliases]
