"""Whether anything in a host's configuration depends on who asks, or by which method: otherwise one request stands for all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.sections import every_directive

if TYPE_CHECKING:
    from hardaudit_plugins.web.apache.host_server import HostServer

_CLIENT = re.compile(r"REMOTE_|CONN_|-R\b|ipmatch|ip\b|host\b|local\b|Remote_|forward-dns|from\s+(?!all\b)", re.IGNORECASE)
_METHOD = re.compile(r"METHOD|THE_REQUEST|method\b", re.IGNORECASE)
_BY_CLIENT = frozenset({"require", "allow", "deny", "rewritecond", "rewriterule", "sethandler"})
_ALWAYS_METHOD = frozenset({"limit", "limitexcept", "script", "allowmethods"})


def asks_client(server: HostServer) -> bool:
    """Whether a line outside of .htaccess files may depend on the client's address."""
    return _any(server, _CLIENT, frozenset())


def asks_method(server: HostServer) -> bool:
    """Whether a line outside of .htaccess files may depend on the request's method."""
    return _any(server, _METHOD, _ALWAYS_METHOD)


def _any(server: HostServer, pattern: re.Pattern[str], names: frozenset[str]) -> bool:
    for scope in server.scopes:
        for directive in every_directive(scope):
            conditional = directive.name in _BY_CLIENT or "if" in directive.name or directive.children is not None
            if directive.name in names or (conditional and pattern.search(directive.arguments)):
                return True
    return False
