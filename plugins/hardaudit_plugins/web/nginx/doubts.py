"""Directives that nobody can evaluate from the configuration alone: programs in it, and those of modules that are not known here."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import crossplane.analyzer

from hardaudit_plugins.web.nginx.scope import HANDLERS
from hardaudit_plugins.web.nginx.values import UndecidedRequestError

if TYPE_CHECKING:
    from hardaudit_plugins.web.nginx.exchange import Exchange
    from hardaudit_plugins.web.nginx.scope import Scope
    from hardaudit_plugins.web.nginx.tree import Directive

_REWRITING = ("rewrite_by_lua", "server_rewrite_by_lua", "js_preaccess", "echo_before_body", "echo_after_body")
_ADMITTING = ("access_by_lua", "auth_", "js_access", "testcookie", "session_cookie")
_NGINX_OWN = frozenset({"auth_basic", "auth_basic_user_file", "auth_request", "auth_request_set", "auth_delay"})
_HARMLESS = (
    "lua_", "init_by_lua", "init_worker_by_lua", "exit_worker_by_lua", "set_by_lua", "header_filter_by_lua", "body_filter_by_lua",
    "log_by_lua", "ssl_", "js_", "more_", "brotli", "zstd", "vhost_traffic_status", "geoip", "pagespeed", "modsecurity", "http2",
    "http3", "quic_", "proxy_", "fastcgi_", "uwsgi_", "scgi_", "grpc_", "memcached_", "otel_", "opentelemetry", "opentracing", "limit_",
    "keepalive_", "max_headers", "dav_", "fancyindex", "upload_", "perl_", "subs_filter", "unbrotli", "vod_", "rtmp_", "push_stream_",
    "nchan_", "nginx_", "spdy_", "encrypted_session_", "concat", "slowfs_", "srcache_", "status_zone", "health_check", "tcp_",
    "client_", "headers_more", "passenger_",
)  # fmt: skip
"""How the names of directives begin that only change headers, contents, logs or connections; and variables, which are then unknown."""


@lru_cache(maxsize=4096)
def is_doubtful(name: str) -> bool:
    """Whether a directive may send a request elsewhere in a way that is not evaluated."""
    if name.startswith(_REWRITING):
        return True
    if name in crossplane.analyzer.DIRECTIVES or name in HANDLERS or name == "post_action":
        return False
    return not name.startswith((*_HARMLESS, *_ADMITTING))


def check(exchange: Exchange) -> None:
    """Raise UndecidedRequestError where a directive of the request's block is not evaluated."""
    for scope in exchange.scope.chain():
        for directives in scope.own.values():
            if is_doubtful(directives[0].name):
                raise UndecidedRequestError(f"{directives[0]} of {directives[0].place} is not evaluated")


def access(scope: Scope) -> Directive | None:
    """A directive that decides who is let in, in a way that is not evaluated."""
    for around in scope.chain():
        for name, directives in around.own.items():
            if name.startswith(_ADMITTING) and name not in _NGINX_OWN:
                return directives[0]
    return None
