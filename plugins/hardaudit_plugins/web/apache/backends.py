"""The programs that run PHP for Apache: which file runs once a handler is chosen.

Source: sapi/apache2handler/sapi_apache2.c of PHP; modules/proxy/mod_proxy_fcgi.c, modules/mappers/mod_actions.c, modules/generators/
mod_cgi.c of httpd 2.4; modules/fcgid of mod_fcgid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit_plugins.web.apache.sections import Scope
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.verdict import Place

_FCGI_PORT = 8000  # of mod_proxy_fcgi, where the URL names none


@dataclass(frozen=True, slots=True)
class FcgiUrl:
    """`fcgi://…` of a proxy line, taken apart: the address as FPM's pools are looked up by, and the path behind it."""

    address: str
    path: str
    shown: str


def fcgi_url(url: str) -> FcgiUrl | None:
    """`unix:/run/php.sock|fcgi://localhost/path` or `fcgi://host:port/path`, with or without `proxy:` before it; None for others."""
    text = url.removeprefix("proxy:")
    socket = ""
    if text.lower().startswith("unix:") and "|" in text:
        socket, _, text = text.partition("|")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() != "fcgi":
        return None
    authority, slash, path = rest.partition("/")
    if not socket:
        host, _, port = authority.rpartition(":") if ":" in authority.rpartition("]")[2] else (authority, "", "")
        return FcgiUrl(f"{host}:{port or _FCGI_PORT}", slash + path, f"fcgi://{authority}")
    return FcgiUrl(socket[:5].lower() + socket[5:], slash + path, socket)


def balancer_members(name: str, scopes: Sequence[Scope]) -> list[str]:
    """The URLs of a balancer's members: `BalancerMember` in `<Proxy balancer://name>`, or with two arguments outside of it."""
    wanted = f"balancer://{name.lower()}"
    members: list[str] = []
    for scope in scopes:
        for section in scope.proxies:
            if section.pattern.lower().rstrip("/") == wanted:
                members += [
                    directive.words()[0]
                    for directive in section.layer.directives
                    if directive.name == "balancermember" and directive.words()
                ]
        for directive in scope.layer.directives:
            words = directive.words() if directive.name == "balancermember" else []
            if len(words) > 1 and words[0].lower().rstrip("/") == wanted:
                members.append(words[1])
    return members


def by_module(filename: str, script: str, place: Place | None, files: Files) -> Verdict:
    """mod_php runs the file that the URL is mapped to."""
    if files.real(filename) != files.real(script):
        return Verdict(False, f"PHP runs {filename} instead", "mod_php", place)
    return Verdict(True, "mod_php runs it", "mod_php", place)


def by_fpm(  # noqa: PLR0913 what PHP-FPM is asked with
    fpm: Fpm, url: FcgiUrl, parameters: dict[str, str], script: str, place: Place | None, files: Files
) -> Verdict:
    """PHP-FPM runs what the parameters lead it to."""
    answer = fpm.answer(url.address, parameters, files)
    handler = f"fpm {url.shown}"
    if answer.undecided:
        return Verdict(None, answer.reason, handler, answer.place or place)
    if answer.script is None:
        return Verdict(False, answer.reason, handler, answer.place or place)
    if files.real(answer.script) != files.real(script):
        return Verdict(False, f"PHP runs {answer.script} instead", handler, place)
    return Verdict(True, f"PHP-FPM runs it through {url.shown}", handler, place)
