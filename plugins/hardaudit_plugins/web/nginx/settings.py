"""What a server block's configuration comes to, for the table `web_settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.choices import Choices
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.nginx.evaluation import to_end
from hardaudit_plugins.web.nginx.exchange import Exchange, Fixed, Visitor
from hardaudit_plugins.web.nginx.host_names import literal_names
from hardaudit_plugins.web.nginx.listen import Listen, listens
from hardaudit_plugins.web.nginx.outcome import Status
from hardaudit_plugins.web.nginx.values import EMPTY, UndecidedRequestError
from hardaudit_plugins.web.site import Request, Setting
from hardaudit_plugins.web.tls import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.nginx.http import Http
    from hardaudit_plugins.web.nginx.judge import Block
    from hardaudit_plugins.web.nginx.scope import Scope
    from hardaudit_plugins.web.site import Mapping
    from hardaudit_plugins.web.verdict import Place

_PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_HSTS = "strict-transport-security"
_PLAIN_PATHS = ("/", "/index.php", "/page", "/images/picture.png")


def settings_of(block: Block, evidence: Evidence, directories: Sequence[Mapping]) -> Iterator[Setting]:
    """The effective settings of a server block, and of the directories that its URLs reach."""
    http, server = block.http, block.server
    user = next((directive for directive in reversed(http.main) if directive.name == "user" and directive.args), None)
    yield Setting("worker_user", user.args[0] if user else http.installation.user, user.place if user else None)
    yield Setting("worker_group", user.args[1] if user and len(user.args) > 1 else "", user.place if user else None)
    tokens = server.value("server_tokens")
    shown = "0" if tokens is not None and tokens.args[:1] == ("off",) else "1"
    place = tokens.place if tokens else None
    yield Setting("version_disclosure", shown, place)
    yield Setting("server_signature", shown, place)
    yield Setting("trace_method", "0", None)
    encrypted = [listen for listen in listens(server) if listen.tls]
    yield Setting("tls", "1" if encrypted else "0", _listen_place(server))
    yield from _protocols(http, encrypted, evidence)
    yield from _headers(server)
    asked = _Asked(block, evidence)
    yield from asked.plain_http()
    for mapping in directories:
        yield from asked.listing(mapping)


def _listen_place(server: Scope) -> Place:
    directives = server.own.get("listen")
    return directives[0].place if directives else server.directive.place


def _protocols(http: Http, encrypted: list[Listen], evidence: Evidence) -> Iterator[Setting]:
    """A row for each version. The handshake is made with the settings of an address's default server."""
    found: dict[str, Place | None] = {}
    for listen in encrypted:
        default = http.addresses[listen.host, listen.port].default
        directive = default.value("ssl_protocols") if default is not None else None
        if directive is None:
            if not http.version:
                yield Setting("tls_protocol", None, None)
            for name in _default_protocols(http.version):
                found.setdefault(name, None)
            continue
        for name in directive.args:
            if name in _PROTOCOLS:
                found.setdefault(name, directive.place)
    ciphers = [
        directive
        for listen in encrypted
        if (block := http.addresses[listen.host, listen.port].default) is not None
        if (directive := block.value("ssl_ciphers")) is not None
    ]
    for name in spoken(sorted(found), " ".join(word for directive in ciphers for word in directive.args), evidence):
        yield Setting("tls_protocol", name, found[name])


def _default_protocols(version: str) -> tuple[str, ...]:
    """Those of ngx_http_ssl_merge_srv_conf(); none where the version is not known."""
    if not version:
        return ()
    numbers = tuple(int(part) for part in version.split("."))
    if numbers >= (1, 27, 3):
        return ("TLSv1.2", "TLSv1.3")
    return ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3") if numbers >= (1, 23, 4) else ("TLSv1", "TLSv1.1", "TLSv1.2")


def _headers(server: Scope) -> Iterator[Setting]:
    """HSTS as the page `/` has it: `add_header` of a location replaces those of the server."""
    scope = server
    for location in server.locations:
        if location.match is not None and location.match.text == "/" and (location.match.kind == "=" or scope is server):
            scope = location
    for directive in scope.values("add_header"):
        if len(directive.args) >= 2 and directive.args[0].lower() == _HSTS and directive.args[1]:
            yield Setting("hsts", directive.args[1], directive.place)
            return
    for directive in scope.values("more_set_headers"):
        for text in directive.args:
            name, colon, value = text.partition(":")
            if colon and name.strip().lower() == _HSTS:
                yield Setting("hsts", value.strip(), directive.place)
                return
    yield Setting("hsts", "", scope.directive.place)


class _Asked:
    """Settings that are found by asking for a page."""

    def __init__(self, block: Block, evidence: Evidence) -> None:
        self._http, self._server, self._fpm, self._evidence = block.http, block.server, block.fpm, evidence
        self._files = Files(evidence.target, {})

    def _ask(self, listen: Listen, path: str) -> Status | None:
        """The status of an answer; None for one that is made elsewhere. Raises UndecidedRequestError."""
        request = Request(path, "/", literal_names(self._server, self._evidence)[0])
        choices = Choices((), crafted=False)
        fixed = Fixed(self._http, self._server, request, self._files, choices, self._fpm, listen, Visitor(None), without_index=True)
        ended = to_end(Exchange(fixed, path, EMPTY, "GET", self._server))
        if choices.made:
            raise UndecidedRequestError(choices.made[0].reason)
        return ended if isinstance(ended, Status) else None

    def plain_http(self) -> Iterator[Setting]:
        """Whether an address without TLS serves anything but redirects to TLS and refusals."""
        place = self._server.directive.place
        for listen in listens(self._server):
            if listen.tls:
                continue
            place = _listen_place(self._server)
            for path in _PLAIN_PATHS:
                try:
                    status = self._ask(listen, path)
                except UndecidedRequestError:
                    yield Setting("plain_http", None, place)
                    return
                if status is None or not (status.refused or status.target.startswith("https:")):
                    yield Setting("plain_http", "1", place)
                    return
                place = status.place or place
        yield Setting("plain_http", "0", place)

    def listing(self, mapping: Mapping) -> Iterator[Setting]:
        """Whether a directory is listed that has no index file, through any address."""
        found = Setting("directory_listing", "0", None, mapping.url, mapping.directory)
        for listen in listens(self._server):
            try:
                status = self._ask(listen, mapping.url)
            except UndecidedRequestError:
                found = Setting("directory_listing", None, None, mapping.url, mapping.directory)
                continue
            if status is not None and status.listed:
                yield Setting("directory_listing", "1", status.place, mapping.url, mapping.directory)
                return
            if found.value is not None and status is not None:
                found = Setting("directory_listing", "0", status.place, mapping.url, mapping.directory)
        yield found
