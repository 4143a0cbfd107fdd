"""From a host's configuration to the URLs that may reach a directory; whether they do, evaluating a request decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.apache.backends import fcgi_url
from hardaudit_plugins.web.apache.urls import aliases_of, located_aliases, user_directories
from hardaudit_plugins.web.inversion import inverted
from hardaudit_plugins.web.site import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.host_server import HostServer
    from hardaudit_plugins.web.verdict import Place

_MOST_USERS = 1000


def url_mappings(server: HostServer) -> tuple[Mapping, ...]:
    """The document root, aliases, user directories, paths that are handed to FastCGI, and what RewriteRule lines map to files."""
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
    if server.has("vhost_alias_module") and (line := server.last("virtualdocumentroot")) is not None:
        server.evidence.gap(GapReason.UNSUPPORTED, f"{line.place}: VirtualDocumentRoot: which directories it serves depends on the names that are asked for")
    return tuple(dict.fromkeys(_closed(mapping) for mapping in found))


def _closed(mapping: Mapping) -> Mapping:
    """With a slash at both ends, where neither has one."""
    if mapping.url.endswith("/") or mapping.directory.endswith("/"):
        return mapping
    return Mapping(mapping.url + "/", mapping.directory + "/", mapping.place)


def _place(directive: Directive | None) -> Place | None:
    return None if directive is None else directive.place


def _slashed(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def _aliases(server: HostServer) -> Iterator[Mapping]:
    for alias in [*aliases_of(server.scopes), *located_aliases(server.scopes, None)]:
        target = server.absolute(alias.target)
        if not alias.is_pattern:
            yield Mapping(_slashed(alias.url), _slashed(target), alias.place)
            continue
        pairs = inverted(alias.url, target)
        if not pairs and "$" in target:
            server.evidence.gap(GapReason.UNSUPPORTED, f"{alias.place}: which URLs the pattern {alias.url} stands for is not understood")
        for url, directory in pairs:
            yield Mapping(url, directory, alias.place)


def _homes(server: HostServer) -> Iterator[Mapping]:
    directories = user_directories(server.scopes)
    if not directories.places:
        return
    text = server.evidence.read_text("/etc/passwd") or ""
    users = [fields for line in text.split("\n") if len(fields := line.split(":")) > 5]
    for fields in users[:_MOST_USERS]:
        name, home = fields[0], fields[5]
        if not directories.is_served(name):
            continue
        for place in directories.places:
            if place.startswith("/"):
                base = place.replace("*", name) if "*" in place else f"{place.rstrip('/')}/{name}"
            else:
                base = f"{home.rstrip('/')}/{place}"
            if "://" not in place:
                yield Mapping(f"/~{name}/", _slashed(base), directories.place)


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
