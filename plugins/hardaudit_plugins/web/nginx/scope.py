"""The blocks of a server as nginx holds them: what each sets itself, and what it has from the block around it.

Source: ngx_http_core_module.c (locations, their order, merging), ngx_http_rewrite_module.c (`if` as a location without a name).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit_plugins.web.nginx.tree import Directive
    from hardaudit_plugins.web.verdict import Place

REWRITE = frozenset({"set", "rewrite", "return", "break", "if"})
"""Directives of the rewrite module, which run in the order that they are written in."""

HANDLERS = frozenset({
    "fastcgi_pass", "proxy_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "stub_status", "empty_gif", "flv", "mp4",
    "api", "status", "upstream_conf", "hls", "f4f", "session_log", "perl", "js_content", "upload_pass", "content_by_lua",
    "content_by_lua_file", "content_by_lua_block", "passenger_enabled", "push_stream_publisher", "push_stream_subscriber",
    "nchan_publisher", "nchan_subscriber", "nchan_pubsub", "rtmp_stat", "rtmp_control", "echo", "echo_exec", "echo_location",
    "echo_location_async", "echo_subrequest", "echo_subrequest_async", "echo_duplicate", "echo_request_body", "echo_flush",
    "echo_sleep", "postgres_pass", "redis_pass", "redis2_pass", "drizzle_pass", "ajp_pass", "oauth2_pass", "njs_content", "zip",
    "mogilefs_pass", "unit_pass", "vhost_traffic_status_display", "check_status",
})  # fmt: skip
"""Directives that make a location's content their own business."""

UPSTREAM_HANDLERS = frozenset({"fastcgi_pass", "proxy_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"})
"""Those of nginx's own that hand requests on to another server."""

_AROUND = {"server", "location", "if", "limit_except", "types", "map", "geo", "split_clients", "upstream"}


@dataclass(frozen=True, slots=True)
class Match:
    """What a location stands for. `kind`: `=`, `^~`, `` (a prefix), `~`, `~*` or `@`."""

    kind: str
    text: str


@dataclass(slots=True, eq=False)
class Scope:
    """A block: the http block, a server, a location, an `if` or a `limit_except`."""

    kind: str
    directive: Directive
    parent: Scope | None
    match: Match | None = None
    own: dict[str, list[Directive]] = field(default_factory=dict)
    locations: list[Scope] = field(default_factory=list)
    codes: list[tuple[Directive, Scope | None]] = field(default_factory=list)
    handler: Directive | None = None
    limit: tuple[frozenset[str], Scope] | None = None
    problems: list[tuple[Place, str]] = field(default_factory=list)
    names: set[tuple[bool, str]] = field(default_factory=set)

    def values(self, name: str) -> list[Directive]:
        """The directives of a name that hold here: this block's, or else those of the nearest block around it that has any."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.own:
                return scope.own[name]
            scope = scope.parent
        return []

    def value(self, name: str) -> Directive | None:
        """The one directive of a name that holds here."""
        found = self.values(name)
        return found[-1] if found else None

    def is_on(self, name: str, *, default: bool = False) -> bool:
        """The value of a flag."""
        found = self.value(name)
        return default if found is None or not found.args else found.args[0].lower() == "on"

    def chain(self) -> Iterator[Scope]:
        """This block and those around it, from the inside."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def everything(self) -> Iterator[Scope]:
        """This block and every one inside it."""
        yield self
        for _, inner in self.codes:
            if inner is not None:
                yield from inner.everything()
        if self.limit is not None:
            yield from self.limit[1].everything()
        for location in self.locations:
            yield from location.everything()

    def __str__(self) -> str:
        """As messages name it: the opening line and where it stands."""
        return f"{self.directive} of {self.directive.place}"


def build(directive: Directive, parent: Scope | None, *, leave_out: Callable[[Directive], bool] | None = None) -> Scope:
    """The scope of a block and everything inside it, without the directives that `leave_out` accepts.

    `problems` lists what nginx would not start with.
    """
    match = None
    if directive.name == "location":
        match = _match(directive.args)
    scope = Scope(directive.name, directive, parent, match)
    for inner in directive.block or ():
        if leave_out is not None and leave_out(inner):
            continue
        _add(scope, inner, leave_out)
    return scope


def _add(scope: Scope, inner: Directive, leave_out: Callable[[Directive], bool] | None) -> None:
    if inner.name == "location" and inner.block is not None:
        built = build(inner, scope, leave_out=leave_out)
        scope.problems += built.problems
        _check_location(scope, built)
        scope.locations.append(built)
        return
    if inner.name == "if" and inner.block is not None:
        built = build(inner, scope, leave_out=leave_out)
        scope.problems += built.problems
        scope.codes.append((inner, built))
        return
    if inner.name == "limit_except" and inner.block is not None:
        allowed = {method.upper() for method in inner.args}
        if "GET" in allowed:
            allowed.add("HEAD")
        scope.limit = (frozenset(allowed), build(inner, scope, leave_out=leave_out))
        return
    if inner.name in _AROUND and inner.block is not None:
        return
    if inner.name in REWRITE:
        scope.codes.append((inner, None))
    if inner.name in HANDLERS:
        scope.handler = inner
    scope.own.setdefault(inner.name, []).append(inner)


def _match(args: tuple[str, ...]) -> Match:
    if len(args) == 2:
        return Match(args[0], args[1])
    text = args[0] if args else ""
    if text.startswith("="):
        return Match("=", text[1:])
    if text.startswith("^~"):
        return Match("^~", text[2:])
    if text.startswith("~*"):
        return Match("~*", text[2:])
    if text.startswith("~"):
        return Match("~", text[1:])
    return Match("@" if text.startswith("@") else "", text)


def _check_location(around: Scope, built: Scope) -> None:
    """What ngx_http_core_location() and ngx_http_add_location() refuse."""
    match, outer, place = built.match, around.match, built.directive.place
    if match is None:
        return
    if match.kind not in ("", "=", "^~", "~", "~*", "@"):
        around.problems.append((place, f'invalid location modifier "{match.kind}"'))
    if outer is not None:
        if outer.kind in ("=", "@") or match.kind == "@":
            around.problems.append((place, f"{built.directive} cannot be inside {around.directive}"))
        elif match.kind in ("", "=", "^~") and not match.text.startswith(outer.text):
            around.problems.append((place, f"{built.directive} is outside {around.directive}"))
    if match.kind in ("", "=", "^~"):
        key = (match.kind == "=", match.text)
        if key in around.names:
            around.problems.append((place, f"duplicate {built.directive}"))
        around.names.add(key)
