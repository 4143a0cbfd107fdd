"""Requests that `proxy_pass` hands to another server block of the same nginx.

Source: ngx_http_proxy_module.c (the URI and the Host header of the new request).
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.nginx.exchange import Fixed, Visitor
from hardaudit_plugins.web.nginx.listen import Listen, listens
from hardaudit_plugins.web.nginx.values import names
from hardaudit_plugins.web.verdict import HandedOn, Verdict, best

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit_plugins.web.nginx.exchange import Exchange
    from hardaudit_plugins.web.nginx.scope import Scope
    from hardaudit_plugins.web.nginx.tree import Directive

_DEEPEST = 3


def hand_on(exchange: Exchange, directive: Directive, serve: Callable[[Fixed, str], Verdict]) -> Verdict:
    """The verdict on the request that is made of this one; None where it goes to a server that is not this nginx."""
    written = directive.args[0]
    url = exchange.text(exchange.expand(written), "the address that proxy_pass hands to")
    scheme, _, rest = url.partition("://")
    if rest.startswith("unix:"):
        host, _, uri = rest.partition(":/")[2].partition(":")
        host = f"unix:/{host}"
    else:
        host, slash, uri = rest.partition("/")
        uri = slash + uri
    members = exchange.fixed.http.tables.servers_of(host)
    reason = f"{directive} of {directive.place}: another server answers, which is not known"
    verdicts = []
    for member in [host] if members is None else members:
        if exchange.fixed.fpm.pool_at(member) is not None:
            nothing = f"{directive} speaks HTTP to PHP-FPM, which answers nothing"
            verdicts.append(Verdict(executes=False, reason=nothing, place=directive.place))
            continue
        reached = _server_at(exchange, member, "443" if scheme == "https" else "80", _host_header(exchange, host))
        header = _host_header(exchange, host)
        if reached is None or exchange.fixed.hops >= _DEEPEST:
            address = member if ":" in member else f"{member}:{443 if scheme == 'https' else 80}"
            on = HandedOn(address, header, _path(exchange, uri, variable=bool(names(written))))
            verdicts.append(Verdict(None, reason, None, directive.place, on))
            continue
        server, listen = reached
        request = replace(
            exchange.fixed.request, path=_path(exchange, uri, variable=bool(names(written))), host=_host_header(exchange, host)
        )
        visitor = Visitor("unix:") if member.startswith("unix:") else Visitor(ipaddress.ip_address("127.0.0.1"))
        fixed = replace(exchange.fixed, server=server, request=request, listen=listen, visitor=visitor, hops=exchange.fixed.hops + 1)
        verdicts.append(serve(fixed, request.path))
    return best(verdicts)


def _path(exchange: Exchange, uri: str, *, variable: bool) -> str:
    if not uri:
        return exchange.uri if exchange.internal else exchange.fixed.request.path
    if variable:
        return uri.partition("?")[0]
    location: Scope | None = exchange.scope
    while location is not None and location.match is None:
        location = location.parent
    length = len(location.match.text) if location is not None and location.match is not None and exchange.valid_location else 0
    return uri + exchange.uri[length:]


def _host_header(exchange: Exchange, host: str) -> str:
    value = host
    for header in exchange.scope.values("proxy_set_header"):
        if len(header.args) == 2 and header.args[0].lower() == "host":
            value = exchange.text(exchange.expand(header.args[1].replace("$proxy_host", host)), "the Host header")
    return value.partition(":")[0].lower()


def _server_at(exchange: Exchange, address: str, default_port: str, host: str) -> tuple[Scope, Listen] | None:
    """The server block at an address of this host, where this nginx listens there and nothing else can be meant."""
    addresses = exchange.fixed.http.addresses
    if address.startswith("unix:"):
        keys = [(address, 0)]
    else:
        name, _, port = address.partition(":")
        name = "127.0.0.1" if name == "localhost" else name
        number = int(port or default_port) if (port or default_port).isdigit() else 0
        keys = [(name, number), ("*", number)] if name.startswith("127.") else [(name, number)]
    for key in keys:
        found = addresses.get(key)
        server = found.server_for(host) if found is not None else None
        if server is not None:
            return server, next(listen for listen in listens(server) if (listen.host, listen.port) == key)
    return None
