"""What the checks ask about a host: the settings of `web_settings`, as Apache merges them.

Source: https://httpd.apache.org/docs/2.4/mod/core.html, mod_ssl, mod_headers, mod_autoindex, and their compiled defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.options import folded_options
from hardaudit_plugins.web.apache.pcre import UndecidedError
from hardaudit_plugins.web.apache.refused import RefusedError
from hardaudit_plugins.web.apache.request_state import RequestState
from hardaudit_plugins.web.apache.rewrite import rewrite_server
from hardaudit_plugins.web.apache.rewriting import Rewriting
from hardaudit_plugins.web.choices import Choices
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.site import Setting
from hardaudit_plugins.web.tls import spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hardaudit_plugins.web.apache.host_server import HostServer
    from hardaudit_plugins.web.apache.sections import Layer
    from hardaudit_plugins.web.site import Mapping
    from hardaudit_plugins.web.verdict import Place

_PROTOCOLS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_DEFAULT_PROTOCOLS = frozenset(_PROTOCOLS[1:])  # `all -SSLv3`, since 2.4.16
_HSTS = "strict-transport-security"


def settings_of(server: HostServer, directories: Sequence[Mapping]) -> Iterator[Setting]:
    """The settings of the whole host, and those of each directory. What cannot be decided is None and a gap."""
    worker = server.last("user")
    yield Setting("worker_user", server.worker_user, worker.place if worker else None)
    group = server.last("group")
    words = server.last_words("group")
    yield Setting("worker_group", words[0] if words else "", group.place if group else None)
    tokens = server.last("servertokens")
    yield Setting(
        "version_disclosure", _flag(_first(server, "servertokens", "full") not in ("prod", "productonly")), tokens.place if tokens else None
    )
    yield _by_layers(server.walker.start().layers, "serversignature", "server_signature", ("on", "email"), default=False)
    trace = server.last("traceenable")
    yield Setting("trace_method", _flag(_first(server, "traceenable", "on") != "off"), trace.place if trace else None)
    yield from _tls(server)
    for mapping in directories:
        yield from _of_directory(server, mapping)


def _flag(holds: bool) -> str:  # noqa: FBT001 it is the value itself
    return str(int(holds))


def _first(server: HostServer, name: str, default: str) -> str:
    words = server.last_words(name)
    return words[0].lower() if words else default


def _by_layers(layers: Iterable[Layer], directive_name: str, name: str, on: tuple[str, ...], *, default: bool) -> Setting:
    value, place = default, None
    for layer in layers:
        for directive in layer.directives:
            words = directive.words() if directive.name == directive_name else []
            if words:
                value, place = words[0].lower() in on, directive.place
    return Setting(name, _flag(value), place)


def _tls(server: HostServer) -> Iterator[Setting]:
    engine = server.last("sslengine")
    yield Setting("tls", _flag(server.speaks_tls), engine.place if engine else None)
    if server.speaks_tls:
        line = server.last("sslprotocol")
        ciphers = " ".join(server.last_words("sslciphersuite"))
        for protocol in spoken(_protocols(line.words() if line else []), ciphers, server.evidence):
            yield Setting("tls_protocol", protocol, line.place if line else None)
    yield _strict_transport(server)
    redirect = _redirect_to_tls(server)
    serves_plainly = not server.speaks_tls and redirect is None
    yield Setting("plain_http", _flag(serves_plainly), redirect or server.host.place)


def _protocols(words: Sequence[str]) -> list[str]:
    """SSLProtocol's list: names add up, with signs they add to and take from what is before them."""
    current: set[str] = set() if words else set(_DEFAULT_PROTOCOLS)
    for word in words:
        name = word.lstrip("+-").lower()
        named = set(_DEFAULT_PROTOCOLS) if name == "all" else {known for known in _PROTOCOLS if known.lower() == name}
        current = current - named if word.startswith("-") else current | named
    return [name for name in _PROTOCOLS if name in current]


def _layers(server: HostServer, directory: str) -> list[Layer] | None:
    """What speaks about a directory; None where that cannot be decided."""
    try:
        return server.walker.in_directory(directory, server.evidence.target).layers
    except UndecidedError:
        return None


def _strict_transport(server: HostServer) -> Setting:
    """Header set Strict-Transport-Security outside of sections and for the document root; empty without."""
    layers = _layers(server, server.document_root) if server.has("headers_module") else []
    if layers is None:
        return Setting("hsts", None, None)
    value, place = "", None
    for layer in layers:
        for directive in layer.directives:
            words = directive.words() if directive.name == "header" else []
            words = words[1:] if words and words[0].lower() in ("always", "onsuccess") else words
            if len(words) < 2 or words[1].lower().rstrip(":") != _HSTS:
                continue
            if words[0].lower() == "unset":
                value, place = "", directive.place
            elif len(words) > 2:
                value, place = words[2], directive.place
    return Setting("hsts", value, place)


def _redirect_to_tls(server: HostServer) -> Place | None:
    """The line that sends every request for the host to https, if one does."""
    for directive in server.every("redirect", "redirectmatch", "redirectpermanent", "redirecttemp"):
        words = directive.words()
        if words[-1].lower().startswith("https://") and (
            len(words) < 2 or words[-2] in ("/", "^", "^/", "^(.*)$", "^/(.*)$", ".*", "(.*)")
        ):
            return directive.place
    if not server.has("rewrite_module"):
        return None
    places = [_rewritten_to_tls(server, uri) for uri in ("/", "/x/y.html")]
    return places[0] if all(places) else None


def _rewritten_to_tls(server: HostServer, uri: str) -> Place | None:
    """The RewriteRule that sends a URL to https; None also where that cannot be decided, for then it may be served without TLS."""
    host = server.host.names[0] if server.host.names else "localhost"
    state = RequestState(uri, server.document_root, host, port=server.port, requested=uri)
    files, choices = Files(server.evidence.target, {}), Choices((), crafted=False)
    try:
        outcome = rewrite_server(Rewriting(server, files, choices).rules(), state, files, choices)
    except (UndecidedError, RefusedError, OSError):
        return None
    to_tls = outcome.kind == "redirect" and outcome.target.lower().startswith("https://")
    return outcome.place if to_tls and not choices.made else None


def _of_directory(server: HostServer, mapping: Mapping) -> Iterator[Setting]:
    layers = _layers(server, mapping.directory)
    if layers is None:
        yield Setting("directory_listing", None, None, mapping.url, mapping.directory)
        return
    place = next((d.place for layer in reversed(layers) for d in reversed(layer.directives) if d.name == "options"), None)
    listed = server.has("autoindex_module") and "indexes" in folded_options(layers)
    yield Setting("directory_listing", _flag(listed), place, mapping.url, mapping.directory)
