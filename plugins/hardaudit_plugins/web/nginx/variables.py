"""The variables of a request.

Source: ngx_http_variables.c, and the modules of the variables.
"""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.patterns import UndecidedError
from hardaudit_plugins.web.nginx.outcome import BadLocationError
from hardaudit_plugins.web.nginx.values import EMPTY, Value, search

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hardaudit_plugins.web.nginx.exchange import Exchange
    from hardaudit_plugins.web.nginx.tables import Map

_FROM_CLIENT = frozenset({
    "content_length", "content_type", "http2", "http3", "http_host", "proxy_add_x_forwarded_for", "proxy_protocol_addr", "query_string",
    "remote_user", "request_body", "request_body_file", "request_length", "ssl_cipher", "ssl_client_cert", "ssl_client_escaped_cert",
    "ssl_client_fingerprint", "ssl_client_i_dn", "ssl_client_raw_cert", "ssl_client_s_dn", "ssl_client_serial", "ssl_client_verify",
    "ssl_early_data", "ssl_protocol", "ssl_sni", "secure_link", "secure_link_expires",
})  # fmt: skip
_PLAIN_TEXT = {"ssl_client_verify": "NONE"}
_LATER = frozenset({
    "status", "body_bytes_sent", "bytes_sent", "request_time", "request_completion", "upstream_status", "upstream_addr",
    "upstream_cache_status", "upstream_response_time", "upstream_connect_time", "upstream_header_time", "limit_req_status",
    "limit_conn_status",
})  # fmt: skip
"""Variables that are set when a response is made: empty before."""


def read(exchange: Exchange, name: str) -> tuple[Value, bool]:
    """A variable's value, and whether it stays that for the rest of the request (those of `map` and `geo` do)."""
    reader = _READERS.get(name)
    if reader is not None:
        return reader(exchange), False
    if name.startswith(("http_", "cookie_", "arg_")) or name in _FROM_CLIENT:
        return _from_client(exchange, name), False
    if name in _LATER or name.startswith(("sent_http_", "upstream_http_", "upstream_cookie_")):
        return EMPTY, False
    return _from_table(exchange, name), True


def _from_client(exchange: Exchange, name: str) -> Value:
    if name == "http_host":
        return Value(exchange.fixed.request.host, (name,))
    if name.startswith("arg_") and not exchange.args.client and exchange.args.unknown is None:
        wanted = name[4:].lower()
        for pair in exchange.args.text.split("&"):
            key, equals, value = pair.partition("=")
            if equals and key.lower() == wanted:
                return Value(value)
        return EMPTY
    return Value(_PLAIN_TEXT.get(name, ""), (name,))


def _from_table(exchange: Exchange, name: str) -> Value:
    http = exchange.fixed.http
    if name in http.tables.maps:
        return _mapped(exchange, http.tables.maps[name])
    if name in http.tables.geos:
        geo = http.tables.geos[name]
        exchange.fixed.asked.add("visitor")
        if geo.understood and geo.source == "$remote_addr":
            address = exchange.fixed.visitor.address
            return Value(geo.value_for(None if isinstance(address, str) else address))
        return Value("", unknown=f"${name} of {geo.place}")
    if name in http.assigned:
        return EMPTY
    return Value("", unknown=f"what ${name} is")


def _mapped(exchange: Exchange, table: Map) -> Value:
    source = exchange.expand(table.source)
    if source.unknown is None and not (source.client and exchange.fixed.choices.crafted):
        try:
            return exchange.expand(_entry(exchange, table, source.text))
        except UndecidedError as error:
            source = Value("", unknown=error.reason)
    exchange.lose_captures((pattern for pattern, _, _ in table.regexes), f"{table.source} of {table.place}")
    results = list(dict.fromkeys(table.values()))
    for result in results[:-1]:
        if exchange.decide(f"{table.source} of {table.place} is mapped to {result!r}", source, lambda _: False):
            return exchange.expand(result)
    return exchange.expand(results[-1])


def _entry(exchange: Exchange, table: Map, text: str) -> str:
    found = table.exact_or_wildcard(text)
    if found is not None:
        return found
    for pattern, ignore_case, value in table.regexes:
        match = search(pattern, text, ignore_case=ignore_case)
        if match is not None:
            exchange.captured(match)
            return value
    return table.default


def _uri(exchange: Exchange) -> Value:
    return Value(exchange.uri)


def _request_uri(exchange: Exchange) -> Value:
    path = urllib.parse.quote(host_text.encode(exchange.fixed.request.path), safe="/!$&'()*+,;=:@~-._")
    return Value(path, ("request_uri",))


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


def _scheme(exchange: Exchange) -> Value:
    exchange.fixed.asked.add("address")
    return Value("https" if exchange.fixed.listen.tls else "http")


def _https(exchange: Exchange) -> Value:
    exchange.fixed.asked.add("address")
    return Value("on" if exchange.fixed.listen.tls else "")


def _server_port(exchange: Exchange) -> Value:
    exchange.fixed.asked.add("address")
    return Value(str(exchange.fixed.listen.port))


def _server_address(exchange: Exchange) -> Value:
    exchange.fixed.asked.add("address")
    listen = exchange.fixed.listen
    return Value("", unknown="$server_addr") if listen.host in ("*", "[::]") else Value(listen.host)


def _server_name(exchange: Exchange) -> Value:
    directives = exchange.fixed.server.own.get("server_name", ())
    name = directives[0].args[0] if directives and directives[0].args else ""
    if name == "$hostname":
        return Value("", unknown="$hostname")
    return Value(name.removeprefix(".").removeprefix("~"))


def _host(exchange: Exchange) -> Value:
    host = exchange.fixed.request.host.lower().rstrip(".")
    if host.startswith("~"):
        return Value("", unknown="which name of the pattern the request gives")
    return Value(host) if host else _server_name(exchange)


def _method(exchange: Exchange) -> Value:
    return Value(exchange.method, ("request_method",) if exchange.method_is_clients else ())


def _invalid_referer(exchange: Exchange) -> Value:
    directives = exchange.scope.values("valid_referers")
    none_is_valid = not directives or any("none" in directive.args for directive in directives)
    return Value("" if none_is_valid else "1", ("http_referer",))


_READERS: Mapping[str, Callable[[Exchange], Value]] = {
    "uri": _uri,
    "document_uri": _uri,
    "request_uri": _request_uri,
    "args": _args,
    "query_string": _args,
    "is_args": _is_args,
    "host": _host,
    "scheme": _scheme,
    "https": _https,
    "request_method": _method,
    "request": lambda exchange: Value(f"{exchange.method} {_request_uri(exchange).text} HTTP/1.1", ("request",)),
    "server_protocol": lambda _: Value("HTTP/1.1", ("server_protocol",)),
    "server_port": _server_port,
    "server_addr": _server_address,
    "server_name": _server_name,
    "remote_addr": _address,
    "binary_remote_addr": _address,
    "remote_port": lambda _: Value("40000"),
    "document_root": lambda exchange: exchange.root()[0],
    "realpath_root": _real_root,
    "request_filename": _file_name,
    "fastcgi_script_name": lambda exchange: exchange.script_name(),
    "fastcgi_path_info": lambda exchange: Value(exchange.split_uri()[1]),
    "nginx_version": lambda exchange: Value(exchange.fixed.http.version),
    "pid": lambda _: Value("1"),
    "request_scheme": _scheme,
    "invalid_referer": _invalid_referer,
}
