"""A request through the phases of nginx, to its verdict.

Source: ngx_http_core_module.c (the phases), ngx_http_special_response.c (`error_page`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.nginx import access, files_phase, proxy, rewrite
from hardaudit_plugins.web.nginx.doubts import check
from hardaudit_plugins.web.nginx.exchange import MOST_URI_CHANGES, Exchange
from hardaudit_plugins.web.nginx.fastcgi import hand_on
from hardaudit_plugins.web.nginx.locations import Found, find
from hardaudit_plugins.web.nginx.outcome import Answer, BadLocationError, Outcome, Redirect, Status
from hardaudit_plugins.web.nginx.scope import UPSTREAM_HANDLERS
from hardaudit_plugins.web.nginx.values import EMPTY, UndecidedRequestError, Value
from hardaudit_plugins.web.verdict import Verdict

if TYPE_CHECKING:
    from hardaudit_plugins.web.nginx.exchange import Fixed
    from hardaudit_plugins.web.nginx.tree import Directive

_MOST_STEPS = 64
_WITHOUT_PHP = frozenset({"stub_status", "empty_gif"})
_FILES = frozenset({"flv", "mp4"})


def evaluate(fixed: Fixed, uri: str) -> Verdict:
    """What nginx does with a request for a decoded, normalised URI. Raises UndecidedRequestError."""
    crafted = fixed.choices.crafted
    args = Value("", ("args",)) if crafted else EMPTY
    exchange = Exchange(fixed, uri, args, fixed.request.method, fixed.server)
    exchange.name_server()
    ended = _after(exchange, to_end(exchange))
    return ended if isinstance(ended, Verdict) else Verdict(executes=False, reason=ended.reason, place=ended.place)


def _after(exchange: Exchange, ended: Verdict | Status) -> Verdict | Status:
    """What `post_action` does with a request that was answered, where that runs PHP or may."""
    directive = exchange.scope.value("post_action")
    if directive is None or not directive.args or directive.args[0] == "off" or (isinstance(ended, Verdict) and ended.executes):
        return ended
    exchange.method, exchange.method_is_clients = "GET", False
    target = directive.args[0]
    led = (
        files_phase.to_named(exchange, target, directive.place)
        if target.startswith("@")
        else files_phase.to_uri(exchange, target, EMPTY, None)
    )
    later = to_end(exchange, named=led.named) if isinstance(led, Redirect) else led
    return later if isinstance(later, Verdict) and later.executes is not False else ended


def to_end(exchange: Exchange, *, named: bool = False) -> Verdict | Status:
    """Serve a request: a verdict where it is handed on, else the status that nginx answers. Raises UndecidedRequestError."""
    for _ in range(_MOST_STEPS):
        outcome = _phases(exchange, named=named)
        if isinstance(outcome, Status):
            outcome = _special(exchange, outcome)
        if isinstance(outcome, Answer):
            return outcome.verdict
        if isinstance(outcome, Status):
            return outcome
        named = outcome.named
    raise UndecidedRequestError("more internal redirects than are followed")


def _phases(exchange: Exchange, *, named: bool) -> Outcome:
    try:
        status = _rewriting(exchange, named=named)
        if status is None:
            status = access.check(exchange, lambda uri: _subrequest(exchange, uri))
        if status is not None:
            return status
        mirrored = _mirrored(exchange)
        if mirrored is not None:
            return mirrored
        tried = files_phase.try_files(exchange)
        return _content(exchange) if tried is None else tried
    except BadLocationError as error:
        return Status(500, str(error), exchange.scope.directive.place)


def _rewriting(exchange: Exchange, *, named: bool) -> Status | None:
    """The server's rewrites, the search for a location and that location's rewrites, until the URI stays as it is."""
    server = exchange.fixed.server
    if named:
        rewrite.enter(exchange, exchange.scope)
    else:
        exchange.scope, exchange.valid_location = server, True
        check(exchange)
        status = rewrite.run(exchange, server) or _find_location(exchange)
        if status is not None:
            return status
    while True:
        check(exchange)
        status = None if exchange.scope is server else rewrite.run(exchange, exchange.scope)
        if status is not None or not exchange.uri_changed:
            return status
        exchange.changes_left -= 1
        if exchange.changes_left == 0:
            return Status(500, f"rewrites go round more than {MOST_URI_CHANGES} times", exchange.scope.directive.place)
        status = _find_location(exchange)
        if status is not None:
            return status


def _find_location(exchange: Exchange) -> Status | None:
    exchange.scope, exchange.handler, exchange.uri_changed = exchange.fixed.server, None, False
    found = find(exchange)
    scope = exchange.scope
    if not exchange.internal and not exchange.is_subrequest and (directive := scope.value("internal")) is not None:
        return Status(404, f"{scope} is internal", directive.place)
    rewrite.enter(exchange, scope)
    if found is Found.REDIRECT:
        return Status(301, f"redirected to {scope}", scope.directive.place)
    return None


def _content(exchange: Exchange) -> Outcome:
    """The content phase; what hands requests on first."""
    if exchange.handler is not None:
        return _handled(exchange, exchange.handler)
    if exchange.uri.endswith("/") and not exchange.fixed.without_index:
        found = files_phase.index(exchange)
        if found is not None:
            return found
    return files_phase.serve(exchange)


def _handled(exchange: Exchange, handler: Directive) -> Outcome:
    if handler.name in _WITHOUT_PHP:
        return Status(200, f"{handler.name} answers, not PHP", handler.place, final=True)
    if handler.name in _FILES:
        return files_phase.serve(exchange)
    directive = rewrite.handing(exchange.scope, handler.name)
    if directive is None and handler.name in UPSTREAM_HANDLERS:
        return Status(500, f"{handler} holds in another block than {exchange.scope}", handler.place)
    if directive is None or not directive.args:
        raise UndecidedRequestError(f"{handler} of {handler.place} is not followed")
    return _handed_on(exchange, directive)


def _handed_on(exchange: Exchange, directive: Directive) -> Outcome:
    if directive.name == "fastcgi_pass":
        answer = hand_on(exchange, directive)
        if isinstance(answer, Status) and answer.code != 502 and not exchange.scope.is_on("fastcgi_intercept_errors"):
            return replace(answer, final=True)  # PHP-FPM's own page
        return answer
    if directive.name == "proxy_pass":
        return Answer(proxy.hand_on(exchange, directive, evaluate))
    if directive.name in UPSTREAM_HANDLERS and "$" not in directive.args[0] and exchange.fixed.fpm.pool_at(directive.args[0]) is not None:
        return Status(502, f"{directive} speaks another language to PHP-FPM", directive.place)
    what = "what it does with the request is not followed" if directive.name in UPSTREAM_HANDLERS else "what it does is not known"
    return Answer(Verdict(None, f"{directive} of {directive.place}: {what}", None, directive.place))


def _special(exchange: Exchange, status: Status) -> Outcome:
    """What `error_page` makes of a status (ngx_http_special_response_handler)."""
    if status.final or exchange.error_page_used or exchange.changes_left == 0 or (status.code < 300 and status.code not in (201, 204)):
        return status
    directive = next((page for page in exchange.scope.values("error_page") if str(status.code) in page.args[:-1]), None)
    if directive is None:
        return status
    if not exchange.scope.is_on("recursive_error_pages"):
        exchange.error_page_used = True
    target = directive.args[-1]
    if target.startswith("@"):
        return files_phase.to_named(exchange, target, directive.place)
    path, question, query = target.partition("?")
    uri = exchange.text(exchange.expand(path), "the URI of error_page")
    if not uri.startswith("/"):
        return Status(302, status.reason, status.place, final=True)
    exchange.method, exchange.method_is_clients = "GET", False
    return files_phase.to_uri(exchange, uri, exchange.expand(query) if question else EMPTY, directive.place)


def _subrequest(exchange: Exchange, uri: str) -> int | None:
    """The status that a subrequest of `auth_request` answers with, None where it is not known."""
    if exchange.changes_left <= 1:
        return None
    inner = _inner(exchange, uri)
    try:
        ended = to_end(inner)
    except UndecidedRequestError:
        return None
    return ended.code if isinstance(ended, Status) else None


def _mirrored(exchange: Exchange) -> Answer | None:
    """A copy of the request that `mirror` sends elsewhere, where that runs PHP or may."""
    if exchange.is_subrequest:
        return None
    for directive in exchange.scope.values("mirror"):
        if directive.args[:1] == ("off",) or not directive.args:
            continue
        ended = to_end(_inner(exchange, directive.args[0]))
        if isinstance(ended, Verdict) and ended.executes is not False and (ended.executes or ended.handler is not None):
            return Answer(ended)
    return None


def _inner(exchange: Exchange, uri: str) -> Exchange:
    path, _, query = uri.partition("?")
    inner = Exchange(exchange.fixed, path, Value(query), "GET", exchange.fixed.server, method_is_clients=False, internal=True)
    inner.is_subrequest, inner.assigned, inner.cached = True, exchange.assigned, exchange.cached
    inner.changes_left = exchange.changes_left - 1
    return inner
