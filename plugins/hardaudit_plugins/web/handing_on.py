"""Requests that one web server of the host hands on to another one: nginx in front of Apache, most often."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.verdict import Verdict, best

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.site import Request, Site

_MOST_HOPS = 3
_EVERY = frozenset({"", "*", "0.0.0.0", "::"})  # noqa: S104 compared, not listened on


def followed(  # noqa: PLR0913 what a verdict takes, and how far it went
    site: Site, request: Request, files: Files, choices: Choices, sites: Sequence[Site], hops: int = 0
) -> Verdict:
    """The verdict of a site, or where it hands the request on to another of `sites`, theirs.

    Every site at the address is asked, whichever the Host header leads to; where none listens there, it stays undecided.
    """
    verdict = site.verdict(request, files, choices)
    on = verdict.handed_on
    if verdict.executes is not None or on is None or hops >= _MOST_HOPS:
        return verdict
    behind = [other for other in sites if other is not site and _listens_at(other, on.address)]
    if not behind:
        return verdict
    further = replace(request, path=on.path.partition("?")[0], host=on.host)
    return best(followed(other, further, files, choices, sites, hops + 1) for other in behind)


def _listens_at(site: Site, address: str) -> bool:
    """Whether a site listens at an address of this host: a loopback address, or one that it names."""
    host, port = _split(address)
    for listen in site.listen:
        own_host, own_port = _split(listen)
        if own_port == port and (host == own_host or (_is_loopback(host) and (own_host in _EVERY or _is_loopback(own_host)))):
            return True
    return False


def _split(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return host.strip("[]").lower(), port


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
