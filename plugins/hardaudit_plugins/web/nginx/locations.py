"""Which location a URI falls into.

Source: ngx_http_core_find_location(), ngx_http_core_find_static_location().
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from hardaudit_plugins.web.nginx.scope import UPSTREAM_HANDLERS

if TYPE_CHECKING:
    from hardaudit_plugins.web.nginx.exchange import Exchange
    from hardaudit_plugins.web.nginx.scope import Scope


class Found(Enum):
    """What the search ended with; `REDIRECT`: the URI without the slash at the end of a location that hands requests on."""

    EXACT = "exact"
    PREFIX = "prefix"
    NOTHING = "nothing"
    REDIRECT = "redirect"


def find(exchange: Exchange) -> Found:
    """Set the exchange's scope to the location of its URI. Raises UndecidedRequestError when a regex cannot be run."""
    around = exchange.scope
    found, location = _static(around, exchange.uri)
    no_regex = False
    if location is not None:
        exchange.scope = location
    if found is Found.PREFIX and location is not None and location.match is not None:
        no_regex = location.match.kind == "^~"
        found = find(exchange)
    if found in (Found.EXACT, Found.REDIRECT):
        return found
    if not no_regex:
        for candidate in around.locations:
            match = candidate.match
            if match is None or match.kind not in ("~", "~*"):
                continue
            if exchange.match(match.text, exchange.uri, ignore_case=match.kind == "~*", place=candidate.directive.place):
                exchange.scope = candidate
                find(exchange)
                return Found.EXACT
    return found


def _static(around: Scope, uri: str) -> tuple[Found, Scope | None]:
    """The exact location, or the longest prefix, or one that only lacks the slash."""
    best: Scope | None = None
    best_length = -1
    redirect: Scope | None = None
    for location in around.locations:
        match = location.match
        if match is None:
            continue
        if match.kind == "=":
            if match.text == uri:
                return Found.EXACT, location
        elif match.kind not in ("", "^~"):
            continue
        elif uri.startswith(match.text) and len(match.text) > best_length:
            best, best_length = location, len(match.text)
        if match.text == uri + "/" and _hands_on(location) and (redirect is None or match.kind == "="):
            redirect = location
    if redirect is not None and best_length < len(uri):
        return Found.REDIRECT, redirect
    return (Found.NOTHING, None) if best is None else (Found.PREFIX, best)


def _hands_on(location: Scope) -> bool:
    return location.handler is not None and location.handler.name in UPSTREAM_HANDLERS
