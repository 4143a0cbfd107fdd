"""nginx's rewrite module: `set`, `rewrite`, `return`, `break` and `if`, in the order that they are written in.

Source: ngx_http_rewrite_module.c, ngx_http_script.c.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from hardaudit_plugins.web.nginx.links import may_open
from hardaudit_plugins.web.nginx.outcome import Status
from hardaudit_plugins.web.nginx.values import EMPTY, UndecidedRequestError, Value, expand, search

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.nginx.exchange import Exchange
    from hardaudit_plugins.web.nginx.scope import Scope
    from hardaudit_plugins.web.nginx.tree import Directive

_REDIRECTING = ("http://", "https://", "$scheme")


class _Stop(Exception):  # noqa: N818 not an error: the rest of the phase is skipped
    """The phase ends, with a status or without."""

    def __init__(self, status: Status | None = None) -> None:
        super().__init__()
        self.status = status


def run(exchange: Exchange, scope: Scope) -> Status | None:
    """Run a block's directives; the status that ends the request, or None where it goes on."""
    try:
        _block(exchange, scope)
    except _Stop as stop:
        return stop.status
    return None


def _block(exchange: Exchange, scope: Scope) -> None:
    for directive, inner in scope.codes:
        if inner is not None:
            if condition(exchange, directive):
                if scope.kind != "server" and not _in_server(scope):
                    enter(exchange, inner)
                _block(exchange, inner)
            continue
        args = directive.args
        if directive.name == "break":
            if exchange.uri_changed:
                exchange.valid_location = False
                exchange.uri_changed = False
            raise _Stop
        if directive.name == "set" and len(args) == 2:
            _set(exchange, args[0].lstrip("$"), exchange.expand(args[1]))
        elif directive.name == "return" and args:
            raise _Stop(_return(directive))
        elif directive.name == "rewrite" and len(args) >= 2:
            _rewrite(exchange, directive)


def _in_server(scope: Scope) -> bool:
    """Whether an `if` stands in a server, not in a location."""
    while scope.kind == "if" and scope.parent is not None:
        scope = scope.parent
    return scope.kind == "server"


def enter(exchange: Exchange, scope: Scope) -> None:
    """Make a block the request's location (ngx_http_update_location_config)."""
    exchange.scope = scope
    if scope.limit is not None and _is_limited(exchange, scope):
        exchange.scope = scope = scope.limit[1]
    if scope.handler is not None:
        exchange.handler = scope.handler
    elif scope.kind == "limit_except":  # hands on as the location's own upstream does, whatever else answers there
        passing = (handing(scope, name) for name in ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass"))
        exchange.handler = next((directive for directive in passing if directive is not None), handing(scope) or exchange.handler)


def handing(scope: Scope, name: str = "") -> Directive | None:
    """The directive by which a block hands a request on; blocks without a name have that of the block around them."""
    current: Scope | None = scope
    while current is not None:
        found = current.own[name][-1] if name in current.own else None if name else current.handler
        if found is not None:
            return found
        if current.kind not in ("if", "limit_except"):
            return None
        current = current.parent
    return None


def _is_limited(exchange: Exchange, scope: Scope) -> bool:
    limit = scope.limit
    if limit is None:
        return False
    key = f"limit_except of {limit[1].directive.place}"
    return exchange.decide(key, exchange.variable("request_method"), lambda method: method not in limit[0])


def _set(exchange: Exchange, name: str, value: Value) -> None:
    if name in ("args", "query_string"):
        exchange.args = value
    else:
        exchange.assigned[name] = value


def _return(directive: Directive) -> Status:
    first, place = directive.args[0], directive.place
    if len(directive.args) == 1 and not first.isdigit():
        return Status(302, f"return {first} redirects", place, target=first)
    code = int(first) if first.isdigit() and len(first) <= 3 else 500
    if code in (301, 302, 303, 307, 308):
        return Status(code, f"return {code} redirects", place, target="".join(directive.args[1:]))
    final = code < 400 or len(directive.args) > 1 or code == 444
    return Status(code, f"return {code} answers without PHP", place, final, refused=code >= 400)


def _rewrite(exchange: Exchange, directive: Directive) -> None:
    pattern, replacement, *flags = directive.args
    flag = flags[0] if flags else ""
    if not exchange.match(pattern, exchange.uri, ignore_case=False, place=directive.place):
        return
    if flag in ("redirect", "permanent") or replacement.startswith(_REDIRECTING):
        raise _Stop(Status(301 if flag == "permanent" else 302, "rewrite redirects", directive.place, target=replacement))
    exchange.internal = True
    keep_args = not replacement.endswith("?")
    if not keep_args:
        replacement = replacement[:-1]
    path, question, query = replacement.partition("?")
    uri = exchange.text(expand(path, exchange.variable), f"the URI that {directive.place} rewrites to")
    args = exchange.expand(query) if question else EMPTY
    if keep_args:
        args = args + Value("&") + exchange.args if question and exchange.args.text else (args if question else exchange.args)
    if not uri:
        raise _Stop(Status(500, "rewrite makes an empty URI", directive.place))
    exchange.uri, exchange.args = uri, args
    if flag == "break":
        exchange.valid_location = False
        exchange.uri_changed = False
    else:
        exchange.uri_changed = True
    if flag in ("last", "break"):
        raise _Stop


def condition(exchange: Exchange, directive: Directive) -> bool:
    """Whether an `if` is true. Raises UndecidedRequestError for one that is not understood."""
    args = _without_brackets(directive.args)
    key = f"if ({' '.join(args)}) of {directive.place}"
    if len(args) == 1 and args[0].startswith("$") and len(args[0]) > 1:
        return exchange.decide(key, exchange.variable(args[0][1:]), lambda text: text not in ("", "0"))
    if len(args) == 2 and args[0].lstrip("!") in ("-f", "-d", "-e", "-x"):
        return _file_condition(exchange, args[0], exchange.expand(args[1]), key)
    if len(args) == 3 and args[0].startswith("$"):
        value, operator, right = exchange.variable(args[0][1:]), args[1], args[2]
        if operator in ("=", "!="):
            other = exchange.expand(right)
            both = Value(value.text, (*value.client, *other.client), value.unknown or other.unknown)
            return exchange.decide(key, both, lambda text: (text == other.text) == (operator == "="))
        if operator in ("~", "~*", "!~", "!~*"):
            return _regex_condition(exchange, value, operator, right, key)
    raise UndecidedRequestError(f"{key} is not understood")


def _regex_condition(exchange: Exchange, value: Value, operator: str, pattern: str, key: str) -> bool:
    def test(text: str) -> bool:
        found = search(pattern, text, ignore_case=operator.endswith("*"))
        if found is not None:
            exchange.captured(found)
        return (found is not None) != operator.startswith("!")

    outcome = exchange.decide(key, value, test)
    if value.unknown is not None or (value.client and exchange.fixed.choices.crafted):
        exchange.lose_captures([pattern], key)
    return outcome


def _without_brackets(args: tuple[str, ...]) -> list[str]:
    words = list(args)
    if not words or not words[0].startswith("(") or not words[-1].endswith(")"):
        return []
    words[0] = words[0][1:]
    words[-1] = words[-1][:-1]
    if not words[0] and len(words) > 1:
        del words[0]
    if not words[-1] and len(words) > 1 and args[-1] == ")":
        del words[-1]
    return words


def _file_condition(exchange: Exchange, operator: str, value: Value, key: str) -> bool:
    files = exchange.fixed.files
    tests: dict[str, Callable[[str], bool]] = {
        "-f": files.is_file,
        "-d": files.is_directory,
        "-e": files.exists,
        "-x": lambda path: _is_executable(files, path),
    }
    wanted = not operator.startswith("!")
    return exchange.decide(key, value, lambda path: (tests[operator.lstrip("!")](path) and may_open(exchange, path)) == wanted)


def _is_executable(files: Files, path: str) -> bool:
    """What is uploaded is not: it is written without that permission."""
    if files.uploaded(path) is not None:
        return False
    try:
        return bool(files.target.stat(path).st_mode & stat.S_IXUSR)
    except (FileNotFoundError, NotADirectoryError):
        return False
