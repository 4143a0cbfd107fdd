"""FastCGI addresses, as web servers and FPM's pools write them, made comparable."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

_PORT = re.compile(r"[0-9]{1,5}\Z")
_ANY_HOST = frozenset({"", "*", "0.0.0.0", "::", "0:0:0:0:0:0:0:0"})  # noqa: S104 an address to compare with, not to listen on
_LOOPBACK = re.compile(r"(?:localhost|127\.[0-9.]+|::1|ip6-localhost|localhost\.localdomain)\Z")


@dataclass(frozen=True, slots=True)
class Address:
    """A Unix socket's path, or a TCP host and port; the other fields are empty."""

    path: str = ""
    host: str = ""
    port: str = ""


def parse_address(text: str) -> Address:
    """`unix:/path`, `/path`, `host:port`, `[v6]:port`, `port`; an `fcgi://` before it and a path after it are left out."""
    text = text.strip()
    if text.startswith("fcgi://"):
        text = text[7:].partition("/")[0] or text
    if text.startswith("unix:"):
        return Address(path=_normal(text[5:].partition("|")[0].rstrip(":")))
    if text.startswith("/"):
        return Address(path=_normal(text))
    if _PORT.match(text):
        return Address(port=text.lstrip("0") or "0")
    host, colon, port = text.rpartition(":")
    if not colon or not _PORT.match(port):
        return Address(host=text.strip("[]").lower(), port="9000" if not colon else port)
    return Address(host=host.strip("[]").lower(), port=port.lstrip("0") or "0")


def _normal(path: str) -> str:
    """Without `.`, `..`, double slashes, and with /run for /var/run, which is a link to it."""
    path = posixpath.normpath(f"/{path.lstrip('/')}")
    return path.removeprefix("/var") if path.startswith("/var/run/") else path


def may_reach(address: Address, listening: Address) -> bool | None:
    """Whether what is sent to a TCP `address` arrives at `listening`; None where that depends on the host's names and addresses."""
    if address.port != listening.port:
        return False
    if address.host == listening.host:
        return True
    if not _is_local(address.host):
        return None if listening.host in _ANY_HOST or not (_is_number(address.host) and _is_number(listening.host)) else False
    if not _is_local(listening.host):
        return False if _is_number(listening.host) else None
    if address.host in _ANY_HOST or listening.host in _ANY_HOST:
        return True
    families = _family(address.host), _family(listening.host)
    return None if 0 in families and 6 in families else 0 in families


def _is_local(host: str) -> bool:
    return host in _ANY_HOST or _LOOPBACK.match(host) is not None


def _is_number(host: str) -> bool:
    return ":" in host or re.fullmatch(r"[0-9.]+", host) is not None


def _family(host: str) -> int:
    """4 or 6; 0 for a name or an address of either."""
    if ":" in host:
        return 6
    return 4 if re.fullmatch(r"[0-9.]+", host) else 0
