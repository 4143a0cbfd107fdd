"""The FastCGI addresses that a host's configuration hands requests to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.backends import balancer_members, fcgi_url
from hardaudit_plugins.web.apache.sections import every_directive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit_plugins.web.apache.host_server import HostServer
    from hardaudit_plugins.web.verdict import Place

_URL = re.compile(r"(?:unix:[^|\s\"]+\|)?fcgi://[^\s\"]+|balancer://[^\s\"]+", re.IGNORECASE)


def fastcgi_targets(server: HostServer) -> Sequence[tuple[str, Place]]:
    """Addresses as `unix:/path` or `host:port`, each with the first line that names it. Sections about other directories count too."""
    found: dict[str, Place] = {}
    for directive in (directive for scope in server.scopes for directive in every_directive(scope)):
        if directive.name in ("sethandler", "proxypass", "proxypassmatch", "rewriterule"):
            for match in _URL.finditer(directive.resolved):
                for url in _members(match[0], server):
                    fcgi = fcgi_url(url)
                    if fcgi is not None:
                        found.setdefault(fcgi.address, directive.place)
    return list(found.items())


def _members(url: str, server: HostServer) -> list[str]:
    if not url.lower().startswith("balancer://"):
        return [url]
    return balancer_members(url.partition("://")[2].partition("/")[0], server.scopes)
