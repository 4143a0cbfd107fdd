"""The verdict on a request: through each address that reaches the server, for each kind of visitor."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.nginx.evaluation import evaluate
from hardaudit_plugins.web.nginx.exchange import Fixed, Visitor
from hardaudit_plugins.web.nginx.listen import Listen, listens, names_of
from hardaudit_plugins.web.nginx.values import UndecidedRequestError
from hardaudit_plugins.web.verdict import Verdict, best

if TYPE_CHECKING:
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.nginx.http import Http
    from hardaudit_plugins.web.nginx.scope import Scope
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.site import Request

_SLASHES = re.compile("//+")


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A server block, of a whole configuration, and the pools that it may hand requests to."""

    http: Http
    server: Scope
    fpm: Fpm


def judge(block: Block, request: Request, files: Files, choices: Choices) -> Verdict:
    """What nginx does with a request: one that runs PHP through one of its addresses, for one of its visitors, is enough."""
    http, server = block.http, block.server
    verdicts: list[Verdict] = []
    for listen in dict.fromkeys(listens(server)):
        address = http.addresses[listen.host, listen.port]
        try:
            by_pattern = request.host.startswith("~") and request.host in names_of(server)  # some name that fits, which nobody knows
            reached = server if by_pattern else address.server_for(request.host)
            if reached is not server:
                other = "another server" if reached is None else str(reached.directive.place)
                reason = f"requests for {request.host or 'no name'} go to {other}"
                verdicts.append(Verdict(executes=False, reason=reason, place=server.directive.place))
                continue
            if listen.tls and (certificate := _certificate(server)) is not None:
                verdicts.append(certificate)
                continue
            default = address.default or server  # its settings count while the name is not read yet
            uri = normalised(request.path, merge_slashes=default.is_on("merge_slashes", default=True))
            verdict, is_same = _by_visitors(Fixed(http, server, request, files, choices, block.fpm, listen, Visitor(None)), uri)
        except UndecidedRequestError as error:
            verdict, is_same = Verdict(None, error.reason, None, server.directive.place), False
        verdicts.append(verdict)
        if is_same or verdict.executes:
            break
    return best(verdicts)


def _by_visitors(fixed: Fixed, uri: str) -> tuple[Verdict, bool]:
    """The verdict over those who can ask; and whether it is the same for everyone through every address."""
    verdicts: list[Verdict] = []
    for visitor in visitors(fixed.listen):
        verdicts.append(evaluate(replace(fixed, visitor=visitor), uri))
        if verdicts[-1].executes or "visitor" not in fixed.asked:
            break
    return best(verdicts), not fixed.asked and not verdicts[0].executes


def _certificate(server: Scope) -> Verdict | None:
    """What a server refuses before it reads a request: visitors without a certificate, or everyone."""
    for name, value, reason in (
        ("ssl_verify_client", "on", "asks for a client certificate"),
        ("ssl_reject_handshake", "on", "takes no connection"),
    ):
        directive = server.value(name)
        if directive is not None and directive.args == (value,):
            return Verdict(executes=False, reason=f"{directive} {reason}", place=directive.place)
    return None


def normalised(path: str, *, merge_slashes: bool) -> str:
    """The path without `.` and `..` and, unless `merge_slashes` is off, double slashes (ngx_http_parse_complex_uri)."""
    if merge_slashes:
        path = _SLASHES.sub("/", path)
    parts: list[str] = []
    *above, last = path.split("/")[1:]
    for part in above:
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    if last in (".", ".."):
        parts = parts[:-1] if last == ".." else parts
        last = ""
    return "/" + "".join(f"{part}/" for part in parts) + last


def visitors(listen: Listen) -> list[Visitor]:
    """Who can ask at an address: anyone, and the host itself."""
    if listen.host.startswith("unix:"):
        return [Visitor("unix:")]
    ip = listen.ip
    if ip is None:
        return [Visitor(None)]
    if ip.is_unspecified:
        return [Visitor(None), Visitor(ipaddress.ip_address("::1" if ip.version == 6 else "127.0.0.1"))]
    return [Visitor(ip)] if ip.is_loopback else [Visitor(None), Visitor(ip)]
