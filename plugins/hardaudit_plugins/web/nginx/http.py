"""nginx's http block as a whole: its servers, tables and addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit_plugins.web.nginx.listen import Address, addresses
from hardaudit_plugins.web.nginx.scope import Scope, build
from hardaudit_plugins.web.nginx.tables import Tables
from hardaudit_plugins.web.nginx.values import NAMED_CAPTURE, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit_plugins.web.nginx.installation import Installation
    from hardaudit_plugins.web.nginx.tree import Directive


@dataclass(slots=True)
class Http:
    """The http block, of a configuration that `files` make up.

    `assigned`: the variables that `set` and regexes give a value: empty until then.
    """

    scope: Scope
    servers: list[Scope]
    tables: Tables
    addresses: dict[tuple[str, int], Address]
    assigned: frozenset[str]
    installation: Installation
    main: tuple[Directive, ...] = field(repr=False)
    files: frozenset[str] = field(repr=False)

    @property
    def version(self) -> str:
        """Nginx's version; empty where it is not known."""
        return self.installation.version

    def prefixed(self, value: Value) -> Value:
        """A relative path as nginx completes it."""
        prefix = self.installation.prefix
        if prefix is None:
            return Value("", unknown="the directory that relative paths are in (nginx's --prefix)")
        return Value(f"{prefix}/") + value


def build_http(
    main: tuple[Directive, ...], installation: Installation, files: frozenset[str], leave_out: Callable[[Directive], bool] | None = None
) -> Http | None:
    """The http block of a configuration, without the directives that `leave_out` accepts; None when there is none."""
    block = next((directive for directive in main if directive.name == "http" and directive.block is not None), None)
    if block is None:
        return None
    scope = build(block, None, leave_out=leave_out)
    tables = Tables()
    servers: list[Scope] = []
    for directive in block.block or ():
        tables.add(directive)
        if directive.name == "server" and directive.block is not None:
            servers.append(build(directive, scope, leave_out=leave_out))
    assigned = frozenset(name for directive in _all(block) for name in _names(directive))
    return Http(scope, servers, tables, addresses(servers), assigned, installation, main, files)


def _all(directive: Directive) -> Iterator[Directive]:
    for inner in directive.block or ():
        yield inner
        yield from _all(inner)


def _names(directive: Directive) -> Iterator[str]:
    if directive.name in ("set", "auth_request_set", "js_var") and directive.args:
        yield directive.args[0].lstrip("$")
    for text in (directive.name, *directive.args):
        if "<" in text:
            yield from NAMED_CAPTURE.findall(text)
