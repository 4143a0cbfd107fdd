"""Who is let in: `allow` and `deny`, `auth_basic`, `auth_request` and `satisfy`.

Source: ngx_http_access_module.c, ngx_http_auth_basic_module.c, ngx_http_core_access_phase().
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Literal

from hardaudit_plugins.web.nginx import doubts
from hardaudit_plugins.web.nginx.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit_plugins.web.nginx.exchange import Exchange
    from hardaudit_plugins.web.nginx.tree import Directive


def check(exchange: Exchange, subrequest: Callable[[str], int | None]) -> Status | None:
    """The status that refuses the request, or None where it is let in.

    `subrequest` answers the status of a URI, None where that is not known.
    """
    if exchange.is_subrequest:
        return None
    if (directive := doubts.access(exchange.scope)) is not None:
        key = f"{directive} of {directive.place}"
        if not exchange.fixed.choices.undecidable(key, f"{key}: whom it lets in"):
            return Status(403, f"{directive} refuses", directive.place)
    any_suffices = (found := exchange.scope.value("satisfy")) is not None and found.args[:1] == ("any",)
    refused: Status | None = None
    for ask in (_addresses, _login, lambda exchange: _request(exchange, subrequest)):
        answer = ask(exchange)
        if answer is None:
            continue
        if answer is True:
            if any_suffices:
                return None
            continue
        if not any_suffices or answer.code not in (401, 403):
            return answer
        if refused is None or refused.code != 401:
            refused = answer
    return refused


def _addresses(exchange: Exchange) -> Status | Literal[True] | None:
    rules = next((rules for scope in exchange.scope.chain() if (rules := _rules(scope.directive, scope.own))), [])
    for rule in rules:
        if not rule.args or not _covers(exchange, rule):
            continue
        if rule.name == "allow":
            return True
        allowed = ", ".join(" ".join(other.args) for other in rules if other.name == "allow")
        return Status(403, f"{rule} refuses everyone but {allowed}" if allowed else f"{rule} refuses the request", rule.place)
    return None


def _rules(block: Directive, own: dict[str, list[Directive]]) -> list[Directive]:
    """The rules of one block, in the order that they are written in."""
    if "allow" not in own and "deny" not in own:
        return []
    kept = {id(rule) for name in ("allow", "deny") for rule in own.get(name, ())}
    return [inner for inner in block.block or () if id(inner) in kept]


def _covers(exchange: Exchange, rule: Directive) -> bool:
    who, visitor = rule.args[0], exchange.fixed.visitor
    if who == "all":
        return True
    exchange.fixed.asked.add("visitor")
    key = f"{rule} of {rule.place}"
    if who == "unix:":
        return visitor.address == "unix:"
    try:
        network = ipaddress.ip_network(who, strict=False)
    except ValueError:
        return exchange.fixed.choices.undecidable(key, f"{key}: no network")
    if visitor.address is None:
        covers = network.prefixlen == 0
    elif isinstance(visitor.address, str):
        covers = False
    else:
        covers = visitor.address.version == network.version and visitor.address in network
    if exchange.scope.values("set_real_ip_from"):
        return exchange.fixed.choices.client(key, covers, f"{key}: the address may come from a header (set_real_ip_from)")
    return covers


def _login(exchange: Exchange) -> Status | None:
    realm = exchange.scope.value("auth_basic")
    if realm is None or not realm.args or not exchange.scope.values("auth_basic_user_file"):
        return None
    if exchange.decide(f"{realm} of {realm.place} is off", exchange.expand(realm.args[0]), lambda text: text == "off"):
        return None
    return Status(401, f"{realm} asks for a login", realm.place)


def _request(exchange: Exchange, subrequest: Callable[[str], int | None]) -> Status | Literal[True] | None:
    directive = exchange.scope.value("auth_request")
    if directive is None or not directive.args or directive.args[0] == "off":
        return None
    status = subrequest(directive.args[0])
    if status is None:
        key = f"{directive} of {directive.place}"
        if exchange.fixed.choices.undecidable(key, f"{key}: what it answers"):
            return True
        return Status(403, f"{directive} refuses", directive.place)
    if 200 <= status < 300:
        return True
    if status in (401, 403):
        return Status(status, f"{directive} refuses", directive.place)
    return Status(500, f"{directive} fails", directive.place)
