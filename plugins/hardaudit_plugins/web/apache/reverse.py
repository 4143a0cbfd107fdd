"""From a host's configuration to the URLs that may reach a directory; whether they do, evaluating a request decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.apache.backends import fcgi_url
from hardaudit_plugins.web.apache.urls import aliases_of, located_aliases, user_directories
from hardaudit_plugins.web.apache.virtual_root import virtual_path
from hardaudit_plugins.web.inversion import inverted
from hardaudit_plugins.web.site import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.host_server import HostServer
    from hardaudit_plugins.web.verdict import Place

_MOST_USERS = 1000


def url_mappings(server: HostServer) -> tuple[Mapping, ...]:
    """The document root, aliases, user directories, roots by host name, paths handed to FastCGI, and what RewriteRule maps to files."""
    root = Mapping("/", server.document_root + "/", _place(server.last("documentroot")))
    found = [root]
    if server.has("alias_module"):
        found += _aliases(server)
    if server.has("userdir_module"):
        found += _homes(server)
    if server.has("proxy_module"):
        found += _proxies(server)
    if server.has("rewrite_module"):
        found += _rewrites(server)
    if server.has("vhost_alias_module"):
        found += _virtual_roots(server)
    return tuple(dict.fromkeys(found))


def _place(directive: Directive | None) -> Place | None:
    return None if directive is None else directive.place


def _slashed(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def _aliases(server: HostServer) -> Iterator[Mapping]:
    for alias in [*aliases_of(server.scopes), *located_aliases(server.scopes, None)]:
        target = server.absolute(alias.target)
        if "%{" in alias.target:
            server.evidence.gap(GapReason.UNSUPPORTED, f"{alias.place}: which files an Alias by an expression stands for is not understood")
        elif not alias.keeps_path and "$" not in alias.target:
            yield Mapping(alias.url, target, alias.place)
        elif not alias.is_pattern:
            yield Mapping(_slashed(alias.url), _slashed(target), alias.place)
        else:
            pairs = inverted(alias.url, target)
            if not pairs and "$" in target:
                server.evidence.gap(
                    GapReason.UNSUPPORTED, f"{alias.place}: which URLs the pattern {alias.url} stands for is not understood"
                )
            yield from (Mapping(url, directory, alias.place) for url, directory in pairs)


def _homes(server: HostServer) -> Iterator[Mapping]:
    """`/~user/` for the users of the host, and for whatever has a directory where UserDir names an absolute path."""
    directories = user_directories(server.scopes)
    for place in directories.places:
        if "://" in place:
            continue
        if place.startswith("/"):
            start, star, rest = place.partition("*")
            bases = [(name, f"{start}{name}{rest}" if star else f"{place.rstrip('/')}/{name}") for name in _names_in(server, start)]
        else:
            bases = [(name, f"{home.rstrip('/')}/{place}") for name, home in _users(server)]
        for name, base in bases:
            if directories.is_served(name):
                yield Mapping(f"/~{name}/", _slashed(base), directories.place)


def _names_in(server: HostServer, start: str) -> list[str]:
    names = server.evidence.list_directory(start.rstrip("/") or "/", optional=True)
    if len(names) > _MOST_USERS:
        server.evidence.gap(GapReason.TRUNCATED, f"{start}: more than {_MOST_USERS:,} directories of users: the others are not known")
    return names[:_MOST_USERS]


def _users(server: HostServer) -> list[tuple[str, str]]:
    text = server.evidence.read_text("/etc/passwd") or ""
    users = [(fields[0], fields[5]) for line in text.split("\n") if len(fields := line.split(":")) > 5]
    if len(users) > _MOST_USERS:
        server.evidence.gap(
            GapReason.TRUNCATED, f"/etc/passwd: more than {_MOST_USERS:,} users: the directories of the others are not known"
        )
    return users[:_MOST_USERS]


def _virtual_roots(server: HostServer) -> Iterator[Mapping]:
    """VirtualDocumentRoot for the names that the configuration has."""
    line = server.last("virtualdocumentroot")
    if line is None:
        return
    server.evidence.gap(
        GapReason.UNSUPPORTED, f"{line.place}: VirtualDocumentRoot: which directories it serves depends on the names that are asked for"
    )
    for name in server.host.names:
        yield Mapping("/", _slashed(virtual_path(line.words()[0], name, server.port)), line.place)


def _proxies(server: HostServer) -> Iterator[Mapping]:
    for directive in server.every("proxypass", "proxypassmatch"):
        words = directive.words()
        fcgi = fcgi_url(words[1]) if len(words) > 1 else None
        if fcgi is None or not fcgi.path:
            continue
        if directive.name == "proxypass":
            yield Mapping(_slashed(words[0]), _slashed(fcgi.path), directive.place)
        else:
            target = fcgi.path if "$" in fcgi.path else fcgi.path.rstrip("/")
            for url, directory in inverted(words[0], target) if "$" in target else [("/", target + "/")]:
                yield Mapping(url, directory, directive.place)


def _rewrites(server: HostServer) -> Iterator[Mapping]:
    """RewriteRule lines, of the server and of Directory sections, that lead to a file by its path or to another URL."""
    rules = [(directive, "") for directive in server.every("rewriterule")]
    for scope in server.scopes:
        for section in scope.directories:
            base = section.pattern
            if not section.is_regex and not section.is_wildcard and base.startswith(server.document_root + "/"):
                prefix = base[len(server.document_root) :]
                rules += [(directive, prefix) for directive in section.layer.directives if directive.name == "rewriterule"]
    for directive, prefix in rules:
        words = directive.words()
        if len(words) < 2 or words[0].startswith("!") or words[1] == "-" or re.match(r"[a-z][a-z0-9+.-]*://", words[1]):
            continue
        for url, target in inverted(words[0], words[1].partition("?")[0]):
            yield from _rewritten(server, url if not prefix else prefix + url.lstrip("/"), target, prefix, directive)


def _rewritten(server: HostServer, url: str, target: str, prefix: str, directive: Directive) -> Iterator[Mapping]:
    if not target.startswith("/"):
        target = (prefix or "/") + target
    url = url if url.startswith("/") else "/" + url
    first = "/" + target.split("/")[1]
    try:
        is_path = server.evidence.target.exists(first)
    except OSError as error:
        server.evidence.gap_for(error, first)
        is_path = True
    if is_path and not prefix:
        yield Mapping(url, target, directive.place)
    yield Mapping(url, server.document_root + target, directive.place)
