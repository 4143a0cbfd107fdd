"""A request on its way through nginx: what it has become so far, and the variables as it sees them.

Source: ngx_http_variables.c, ngx_http_request.h, ngx_http_fastcgi_module.c (`$fastcgi_script_name`).
"""

from __future__ import annotations

import ipaddress
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.patterns import Match, UndecidedError
from hardaudit_plugins.web.nginx.values import EMPTY, NAMED_CAPTURE, UndecidedRequestError, Value, expand, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.nginx.http import Http
    from hardaudit_plugins.web.nginx.listen import Listen
    from hardaudit_plugins.web.nginx.scope import Scope
    from hardaudit_plugins.web.nginx.tables import Map
    from hardaudit_plugins.web.nginx.tree import Directive
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.site import Request
    from hardaudit_plugins.web.verdict import Place

MOST_URI_CHANGES = 10
_DEEPEST = 20
_OUTSIDE = "45.83.64.1"
"""An address as any of the internet, for texts that are compared with `$remote_addr`."""

_FROM_CLIENT = frozenset(
    """query_string content_type content_length remote_user request_length http2 http3 ssl_client_verify ssl_client_s_dn ssl_client_i_dn
    ssl_client_cert ssl_client_serial ssl_client_fingerprint ssl_client_raw_cert ssl_client_escaped_cert ssl_protocol ssl_cipher ssl_sni
    ssl_early_data proxy_protocol_addr request_body request_body_file proxy_add_x_forwarded_for http_host""".split()
)
_PLAIN_TEXT = {"ssl_client_verify": "NONE"}
_LATER = frozenset(
    """status body_bytes_sent bytes_sent request_time request_completion upstream_status upstream_addr upstream_cache_status
    upstream_response_time upstream_connect_time upstream_header_time sent_http_content_type limit_req_status limit_conn_status""".split()
)
"""Variables that are set when a response is made: empty before."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: the host itself from `address`, or anyone (None)."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address | str | None

    @property
    def text(self) -> str:
        """`$remote_addr`."""
        return _OUTSIDE if self.address is None else str(self.address)


@dataclass(frozen=True, slots=True)
class Fixed:
    """What does not change while a request is served.

    `asked` comes to have "visitor" when something depended on who asks. `without_index`: no directory has an index file. `hops`: servers that
    handed the request on.
    """

    http: Http
    server: Scope
    request: Request
    files: Files
    choices: Choices
    fpm: Fpm
    listen: Listen
    visitor: Visitor
    asked: set[str] = field(default_factory=set)
    without_index: bool = False
    hops: int = 0


@dataclass(slots=True)
class Exchange:
    """The state of a request (`ngx_http_request_t`)."""

    fixed: Fixed
    uri: str
    args: Value
    method: str
    scope: Scope
    method_is_clients: bool = True
    internal: bool = False
    uri_changed: bool = False
    changes_left: int = MOST_URI_CHANGES + 1
    valid_location: bool = True
    add_uri_to_alias: bool = False
    error_page_used: bool = False
    is_subrequest: bool = False
    depth: int = 0
    handler: Directive | None = None
    captures: Match | None = None
    lost: str | None = None
    split: tuple[str, str] | None = None
    variables: dict[str, Value] = field(default_factory=dict)
    cached: dict[str, Value] = field(default_factory=dict)

    def expand(self, text: str) -> Value:
        """A text of the configuration with its variables."""
        return expand(text, self.variable)

    def text(self, value: Value, what: str) -> str:
        """A value that decides which file or address is meant. Raises UndecidedRequestError when it is not known."""
        if value.unknown is not None:
            raise UndecidedRequestError(f"{what} depends on what is not known: {value.unknown}")
        if value.client and self.fixed.choices.crafted:
            raise UndecidedRequestError(f"{what} depends on what the client sends: {', '.join('$' + name for name in value.client)}")
        return value.text

    def decide(self, key: str, value: Value, test: Callable[[str], bool]) -> bool:
        """Whether a condition on a value is true; both are tried where that is not known, or the client decides it."""
        choices = self.fixed.choices
        if value.unknown is not None:
            return choices.undecidable(key, f"{key}: {value.unknown}")
        if value.client and choices.crafted:
            return choices.client(key, plain=False, reason=f"{key} depends on what the client sends")
        try:
            return test(value.text)
        except UndecidedError as error:
            return choices.undecidable(f"{key} {value.text}", f"{key}: {error.reason}")
        except OSError as error:
            return choices.undecidable(f"{key} {value.text}", f"{key}: {value.text}: {error.strerror or error}")

    def match(self, pattern: str, text: str, *, ignore_case: bool, place: Place) -> bool:
        """Run a regex of the configuration; one that matches leaves its captures. Raises UndecidedRequestError when it cannot be run."""
        try:
            found = search(pattern, text, ignore_case=ignore_case)
        except UndecidedError as error:
            raise UndecidedRequestError(f"{place}: {error.reason}") from error
        if found is None:
            return False
        self.captured(found)
        return True

    def captured(self, found: Match) -> None:
        """Note what a regex matched, for `$1` and named captures."""
        self.captures, self.lost = found, None
        for name, number in found.names:
            self.variables[name] = Value(found.group(number))

    def lose_captures(self, patterns: Iterable[str], reason: str) -> None:
        """Note that a regex may have matched a text that is not known: so are its captures."""
        self.lost = reason
        for pattern in patterns:
            for name in NAMED_CAPTURE.findall(pattern):
                self.variables[name] = Value("", unknown=f"what {reason} captured")

    def variable(self, name: str) -> Value:
        """A variable's value now."""
        if name.isdigit():
            if self.lost is not None:
                return Value("", unknown=f"what {self.lost} captured")
            return Value(self.captures.group(int(name))) if self.captures is not None and len(self.captures.groups) > 1 else EMPTY
        if name in self.variables:
            return self.variables[name]
        if name in self.cached:
            return self.cached[name]
        reader = _READERS.get(name)
        if reader is not None:
            return self._nested(name, lambda: reader(self))
        if name.startswith(("http_", "cookie_", "arg_")) or name in _FROM_CLIENT:
            return self._from_client(name)
        if name in _LATER or name.startswith(("sent_http_", "upstream_http_", "upstream_cookie_")):
            return EMPTY
        value = self._nested(name, lambda: self._from_table(name))
        self.cached[name] = value
        return value

    def _nested(self, name: str, read: Callable[[], Value]) -> Value:
        if self.depth > _DEEPEST:
            raise UndecidedRequestError(f"${name} refers to itself")
        self.depth += 1
        try:
            return read()
        finally:
            self.depth -= 1

    def _from_client(self, name: str) -> Value:
        if name == "http_host":
            return Value(self.fixed.request.host, (name,))
        if name.startswith("arg_") and not self.args.client and self.args.unknown is None:
            wanted = name[4:].lower()
            for pair in self.args.text.split("&"):
                key, equals, value = pair.partition("=")
                if equals and key.lower() == wanted:
                    return Value(value)
            return EMPTY
        return Value(_PLAIN_TEXT.get(name, ""), (name,))

    def _from_table(self, name: str) -> Value:
        http = self.fixed.http
        if name in http.tables.maps:
            return self._mapped(http.tables.maps[name])
        if name in http.tables.geos:
            geo = http.tables.geos[name]
            self.fixed.asked.add("visitor")
            if geo.understood and geo.source == "$remote_addr":
                address = self.fixed.visitor.address
                return Value(geo.value_for(None if isinstance(address, str) else address))
            return Value("", unknown=f"${name} of {geo.place}")
        if name in http.assigned:
            return EMPTY
        return Value("", unknown=f"what ${name} is")

    def _mapped(self, table: Map) -> Value:
        source = self.expand(table.source)
        if source.unknown is None and not (source.client and self.fixed.choices.crafted):
            try:
                return self.expand(self._entry(table, source.text))
            except UndecidedError as error:
                source = Value("", unknown=error.reason)
        self.lose_captures((pattern for pattern, _, _ in table.regexes), f"{table.source} of {table.place}")
        results = list(dict.fromkeys(table.values()))
        for result in results[:-1]:
            if self.decide(f"{table.source} of {table.place} is mapped to {result!r}", source, lambda _: False):
                return self.expand(result)
        return self.expand(results[-1])

    def _entry(self, table: Map, text: str) -> str:
        found = table.exact_or_wildcard(text)
        if found is not None:
            return found
        for pattern, ignore_case, value in table.regexes:
            match = search(pattern, text, ignore_case=ignore_case)
            if match is not None:
                self.captured(match)
                return value
        return table.default

    def split_uri(self) -> tuple[str, str]:
        """The script name and path info that `fastcgi_split_path_info` makes of the URI; kept until the request is handed on."""
        if self.split is None or not self.split[0]:
            directive = self.scope.value("fastcgi_split_path_info")
            self.split = (self.uri, "")
            if directive is not None and directive.args:
                try:
                    found = search(directive.args[0], self.uri, ignore_case=False)
                except UndecidedError as error:
                    raise UndecidedRequestError(f"{directive.place}: {error.reason}") from error
                if found is not None:
                    self.split = (found.group(1), found.group(2))
        return self.split

    def script_name(self) -> Value:
        """`$fastcgi_script_name`."""
        name = self.split_uri()[0]
        if not name.endswith("/"):
            return Value(name)
        index = self.scope.value("fastcgi_index")
        return Value(name + (index.args[0] if index is not None and index.args else ""))

    def root(self) -> tuple[Value, bool, bool]:
        """The value of `root` or `alias` here; whether it is an alias, and whether one of a location with a regex."""
        for scope in self.scope.chain():
            directives = [directive for name in ("root", "alias") for directive in scope.own.get(name, ()) if directive.args]
            if directives:
                directive = directives[-1]
                alias = directive.name == "alias"
                text = directive.args[0]
                if not alias and text.endswith("/"):
                    text = text[:-1]
                value = self.expand(text)
                if not value.text.startswith("/"):
                    value = self.fixed.http.prefixed(value)
                return value, alias, alias and scope.match is not None and scope.match.kind in ("~", "~*")
        return self.fixed.http.prefixed(Value("html")), False, False

    def alias_length(self) -> int:
        """Characters of the URI that the alias in effect stands for: the name of its location."""
        for scope in self.scope.chain():
            if "alias" in scope.own or "root" in scope.own:
                while scope.match is None and scope.parent is not None:
                    scope = scope.parent
                return len(scope.match.text) if scope.match is not None else 0
        return 0

    def path(self) -> str:
        """The file that the URI leads to (ngx_http_map_uri_to_path). Raises UndecidedRequestError; BadLocationError as nginx answers 500."""
        return self.text(self.path_value(), "the file's path")

    def path_value(self) -> Value:
        """`$request_filename`."""
        root, alias, by_regex = self.root()
        if not alias:
            return root + Value(self.uri)
        if not self.valid_location:
            raise BadLocationError("alias in a location whose URI was rewritten")
        if not by_regex:
            return root + Value(self.uri[self.alias_length() :])
        return root + Value(self.uri) if self.add_uri_to_alias else root


class BadLocationError(Exception):
    """nginx answers 500."""


def _request_uri(exchange: Exchange) -> Value:
    return Value(urllib.parse.quote(host_text.encode(exchange.fixed.request.path), safe="/!$&'()*+,;=:@~-._"), ("request_uri",))


def _args(exchange: Exchange) -> Value:
    return exchange.args


def _is_args(exchange: Exchange) -> Value:
    return Value("?" if exchange.args.text else "", exchange.args.client, exchange.args.unknown)


def _real_root(exchange: Exchange) -> Value:
    root = exchange.root()[0]
    if root.unknown is not None or root.client:
        return root
    try:
        return Value(exchange.fixed.files.real(root.text))
    except OSError as error:
        return Value("", unknown=f"{root.text}: {error.strerror or error}")


def _file_name(exchange: Exchange) -> Value:
    try:
        return exchange.path_value()
    except BadLocationError:
        return EMPTY


def _address(exchange: Exchange) -> Value:
    exchange.fixed.asked.add("visitor")
    return Value(exchange.fixed.visitor.text)


def _server_address(exchange: Exchange) -> Value:
    listen = exchange.fixed.listen
    return Value("", unknown="$server_addr") if listen.host in ("*", "[::]") else Value(listen.host)


def _server_name(exchange: Exchange) -> Value:
    directives = exchange.fixed.server.own.get("server_name", ())
    name = directives[0].args[0] if directives and directives[0].args else ""
    return Value(name.removeprefix(".").removeprefix("~") if name != "$hostname" else "", unknown=None if name != "$hostname" else "$hostname")


def _method(exchange: Exchange) -> Value:
    return Value(exchange.method, ("request_method",) if exchange.method_is_clients else ())


_READERS: Mapping[str, Callable[[Exchange], Value]] = {
    "uri": lambda exchange: Value(exchange.uri),
    "document_uri": lambda exchange: Value(exchange.uri),
    "request_uri": _request_uri,
    "args": _args,
    "query_string": _args,
    "is_args": _is_args,
    "host": lambda exchange: Value(exchange.fixed.request.host.lower() or _server_name(exchange).text),
    "scheme": lambda exchange: Value("https" if exchange.fixed.listen.tls else "http"),
    "https": lambda exchange: Value("on" if exchange.fixed.listen.tls else ""),
    "request_method": _method,
    "request": lambda exchange: Value(f"{exchange.method} {_request_uri(exchange).text} HTTP/1.1", ("request",)),
    "server_protocol": lambda _: Value("HTTP/1.1", ("server_protocol",)),
    "server_port": lambda exchange: Value(str(exchange.fixed.listen.port)),
    "server_addr": _server_address,
    "server_name": _server_name,
    "remote_addr": _address,
    "binary_remote_addr": _address,
    "document_root": lambda exchange: exchange.root()[0],
    "realpath_root": _real_root,
    "request_filename": _file_name,
    "fastcgi_script_name": Exchange.script_name,
    "fastcgi_path_info": lambda exchange: Value(exchange.split_uri()[1]),
    "nginx_version": lambda exchange: Value(exchange.fixed.http.version),
    "remote_port": lambda _: Value("40000"),
    "content_length": lambda _: Value("", ("content_length",)),
    "invalid_referer": lambda exchange: _invalid_referer(exchange),
}


def _invalid_referer(exchange: Exchange) -> Value:
    directives = exchange.scope.values("valid_referers")
    none_is_valid = not directives or any("none" in directive.args for directive in directives)
    return Value("" if none_is_valid else "1", ("http_referer",))
