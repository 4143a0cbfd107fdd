"""What nginx does with files itself: `try_files`, `index`, and serving them.

Source: ngx_http_try_files_module.c, ngx_http_index_module.c, ngx_http_static_module.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.nginx.links import may_open
from hardaudit_plugins.web.nginx.outcome import BadLocationError, Redirect, Status
from hardaudit_plugins.web.nginx.values import Value

if TYPE_CHECKING:
    from hardaudit_plugins.web.nginx.exchange import Exchange
    from hardaudit_plugins.web.nginx.tree import Directive
    from hardaudit_plugins.web.verdict import Place

_NO_REDIRECT = "more internal redirects than nginx allows"


def try_files(exchange: Exchange) -> Status | Redirect | None:
    """Run the `try_files` of the location itself (it is not inherited); None where the request goes on with the URI that it set."""
    directives = exchange.scope.own.get("try_files", ())
    directive = directives[-1] if directives else None
    if directive is None or len(directive.args) < 2:
        return None
    *names, last = directive.args
    root, alias, by_regex = exchange.root()
    if alias and not exchange.valid_location:
        raise BadLocationError("alias in a location whose URI was rewritten")
    length = exchange.alias_length() if alias and not by_regex else 0
    base = exchange.text(root, "the directory of try_files")
    for name in names:
        is_directory = name.endswith("/")
        value = exchange.expand(name[:-1] if is_directory else name)
        if length and "$" in name and value.text.startswith(exchange.uri[:length]):
            value = Value(value.text[length:], value.client, value.unknown)
        if not _is_there(exchange, value, base, directive, is_directory=is_directory):
            continue
        text = exchange.text(value, "the file of try_files")
        if not alias:
            exchange.uri = text
        elif not by_regex:
            exchange.uri = exchange.uri[:length] + text
        elif not is_directory:
            exchange.uri, exchange.add_uri_to_alias = text, True
        return None
    if last.startswith("="):
        return Status(int(last[1:]) if last[1:].isdigit() else 500, f"{directive} finds no file", directive.place)
    return _fall_back(exchange, last, length, directive)


def _is_there(exchange: Exchange, value: Value, base: str, directive: Directive, *, is_directory: bool) -> bool:
    files = exchange.fixed.files
    path = Value(base + value.text, value.client, value.unknown)
    key = f"{value.text}{'/' if is_directory else ''} of {directive} ({directive.place}) exists below {base}"
    if is_directory:
        return exchange.decide(key, path, lambda text: files.is_directory(text) and may_open(exchange, text))
    return exchange.decide(key, path, lambda text: files.exists(text) and not files.is_directory(text) and may_open(exchange, text))


def _fall_back(exchange: Exchange, last: str, length: int, directive: Directive) -> Status | Redirect:
    if last.startswith("@"):
        return to_named(exchange, last, directive.place)
    path, question, query = last.partition("?")
    value = exchange.expand(path)
    text = exchange.text(value, "the URI that try_files falls back to")
    if length and "$" in path and text.startswith(exchange.uri[:length]):
        text = text[length:]
    if not question and "?" in text:
        text, _, rest = text.partition("?")
        return to_uri(exchange, text, Value(rest, value.client), directive.place)
    return to_uri(exchange, text, exchange.expand(query) if question else Value(""), directive.place)


def to_uri(exchange: Exchange, uri: str, args: Value, place: Place | None) -> Status | Redirect:
    """An internal redirect (ngx_http_internal_redirect)."""
    exchange.changes_left -= 1
    if exchange.changes_left == 0:
        return Status(500, _NO_REDIRECT, place)
    exchange.uri, exchange.args = uri, args
    exchange.internal, exchange.add_uri_to_alias, exchange.split = True, False, None
    return Redirect(named=False)


def to_named(exchange: Exchange, name: str, place: Place | None) -> Status | Redirect:
    """On to a named location (ngx_http_named_location)."""
    exchange.changes_left -= 1
    if exchange.changes_left == 0:
        return Status(500, _NO_REDIRECT, place)
    for location in exchange.fixed.server.locations:
        if location.match is not None and location.match.kind == "@" and location.match.text == name:
            exchange.internal, exchange.uri_changed, exchange.split, exchange.handler = True, False, None, None
            exchange.scope = location
            return Redirect(named=True)
    return Status(500, f"there is no location {name}", place)


def index(exchange: Exchange) -> Status | Redirect | None:
    """The index file of a directory's URI; None where there is none."""
    files = exchange.fixed.files
    directives = exchange.scope.values("index")
    names = [name for directive in directives for name in directive.args] or ["index.html"]
    place = directives[0].place if directives else None
    for name in names:
        value = exchange.expand(name)
        if value.text.startswith("/"):
            return to_uri(exchange, exchange.text(value, "the index"), exchange.args, place)
        path = Value(exchange.path()) + value
        if exchange.decide(f"{path.text} exists", path, lambda text: files.exists(text) and may_open(exchange, text)):
            return to_uri(exchange, exchange.uri + exchange.text(value, "the index"), exchange.args, place)
    directory = exchange.path()
    if not exchange.decide(f"{directory} is a directory", Value(directory), files.is_directory):
        return Status(404, f"{directory} is no directory", None)
    return None


def serve(exchange: Exchange) -> Status:
    """Serve a file as it is: that runs nothing. The status is what `error_page` may want to know."""
    files, place = exchange.fixed.files, exchange.scope.directive.place
    if exchange.uri.endswith("/"):
        found = _listing(exchange)
        return found if found is not None else Status(403, "the directory may not be listed", place)
    path = exchange.path()
    if not exchange.decide(f"{path} is behind no link", Value(path), lambda text: may_open(exchange, text)):
        return Status(403, "disable_symlinks forbids a link on the way", place)
    if exchange.decide(f"{path} is a directory", Value(path), files.is_directory):
        return Status(301, f"{path} is a directory", place)
    if not exchange.decide(f"{path} exists", Value(path), files.is_file):
        return Status(404, f"{path} does not exist", place)
    if exchange.decide("the method is POST", exchange.variable("request_method"), lambda method: method not in ("GET", "HEAD")):
        return Status(405, "a file that is served as it is takes no POST", place)
    return Status(200, f"nginx sends the file as it is: {exchange.scope} hands nothing to PHP", place, final=True)


def _listing(exchange: Exchange) -> Status | None:
    """The listing of a directory where `autoindex` is on."""
    for name in ("autoindex", "fancyindex"):
        if exchange.scope.is_on(name):
            directive = exchange.scope.value(name)
            return Status(200, "the directory is listed", directive.place if directive else None, final=True, listed=True)
    return None
