"""A request on its way through nginx: what it has become so far.

Source: ngx_http_request.h, ngx_http_core_module.c (`root`, `alias`), ngx_http_fastcgi_module.c (`$fastcgi_script_name`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.patterns import Match, UndecidedError
from hardaudit_plugins.web.nginx import variables
from hardaudit_plugins.web.nginx.listen import is_named, names_of
from hardaudit_plugins.web.nginx.outcome import BadLocationError
from hardaudit_plugins.web.nginx.values import EMPTY, NAMED_CAPTURE, UndecidedRequestError, Value, expand, search

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Callable, Iterable

    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.nginx.http import Http
    from hardaudit_plugins.web.nginx.listen import Listen
    from hardaudit_plugins.web.nginx.scope import Scope
    from hardaudit_plugins.web.nginx.tree import Directive
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.site import Request
    from hardaudit_plugins.web.verdict import Place

MOST_URI_CHANGES = 10
_DEEPEST = 20
_OUTSIDE = "45.83.64.1"
"""An address as any of the internet, for texts that are compared with `$remote_addr`."""


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

    `asked` comes to have "visitor" when something depended on who asks. `without_index`: no directory has an index file. `hops`: servers
    that handed the request on.
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
    assigned: dict[str, Value] = field(default_factory=dict)
    cached: dict[str, Value] = field(default_factory=dict)

    def name_server(self) -> None:
        """Take the captures of the server's name, where that is a regex. Raises UndecidedRequestError when it cannot be run."""
        host = self.fixed.request.host.lower().rstrip(".")
        patterns = [name[1:] for name in names_of(self.fixed.server) if name.startswith("~")]
        if host.startswith("~"):
            self.lose_captures(patterns, "the server's name")
            return
        if not patterns or is_named(self.fixed.server, host):
            return
        for pattern in patterns:
            ignore_case = any(letter.isupper() for letter in pattern)
            if host and self.match(pattern, host, ignore_case=ignore_case, place=self.fixed.server.directive.place):
                return

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
            self.assigned[name] = Value(found.group(number))

    def lose_captures(self, patterns: Iterable[str], reason: str) -> None:
        """Note that a regex may have matched a text that is not known: so are its captures."""
        self.lost = reason
        for pattern in patterns:
            for name in NAMED_CAPTURE.findall(pattern):
                self.assigned[name] = Value("", unknown=f"what {reason} captured")

    def variable(self, name: str) -> Value:
        """A variable's value now."""
        if name.isdigit():
            if self.lost is not None:
                return Value("", unknown=f"what {self.lost} captured")
            return Value(self.captures.group(int(name))) if self.captures is not None and len(self.captures.groups) > 1 else EMPTY
        if name in self.assigned:
            return self.assigned[name]
        if name in self.cached:
            return self.cached[name]
        if self.depth > _DEEPEST:
            raise UndecidedRequestError(f"${name} refers to itself")
        self.depth += 1
        try:
            value, is_kept = variables.read(self, name)
        finally:
            self.depth -= 1
        if is_kept:
            self.cached[name] = value
        return value

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
                match = next((around.match for around in scope.chain() if around.match is not None), None)
                return len(match.text) if match is not None else 0
        return 0

    def path(self) -> str:
        """The file that the URI leads to (ngx_http_map_uri_to_path). Raises UndecidedRequestError and BadLocationError."""
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
