"""The ini settings that `fastcgi_param PHP_VALUE` and `PHP_ADMIN_VALUE` give PHP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.nginx.listen import names_of
from hardaudit_plugins.web.nginx.values import Value, expand
from hardaudit_plugins.web.php.ini_scanner import IniSyntaxError, parse_ini

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.nginx.scope import Scope
    from hardaudit_plugins.web.nginx.tree import Directive
    from hardaudit_plugins.web.verdict import Place

_PARAMETERS = ("PHP_VALUE", "PHP_ADMIN_VALUE")


def php_values(server: Scope, docroot: str | None, evidence: Evidence) -> list[tuple[str, str, bool, Place]]:
    """Name, value, whether it is an admin value, line: what every location that hands requests to PHP agrees on.

    A gap for what only some locations set, and for a value with a variable other than those of the site's name and root.
    """
    each = [list(_of(scope, server, docroot, evidence)) for scope in server.everything() if "fastcgi_pass" in scope.own]
    if not each:
        return []
    common = [value for value in each[0] if all(value in other for other in each[1:])]
    for value in dict.fromkeys(value for values in each for value in values if value not in common):
        evidence.gap(GapReason.UNDECIDABLE, f"{value[3]}: {value[0]} is set in some locations only; php_settings leaves it out")
    return common


def _of(scope: Scope, server: Scope, docroot: str | None, evidence: Evidence) -> Iterator[tuple[str, str, bool, Place]]:
    last = {directive.args[0]: directive for directive in scope.values("fastcgi_param") if len(directive.args) >= 2}
    for parameter in _PARAMETERS:
        if parameter in last:
            yield from _parsed(last[parameter], server, docroot, evidence)


def _parsed(directive: Directive, server: Scope, docroot: str | None, evidence: Evidence) -> Iterator[tuple[str, str, bool, Place]]:
    known = {"document_root": docroot or "", "realpath_root": docroot or "", "server_name": names_of(server)[0]}

    def lookup(name: str) -> Value:
        return Value(known[name]) if known.get(name) else Value("", unknown=f"${name}")

    value = expand(directive.args[1], lookup)
    if value.unknown is not None:
        evidence.gap(GapReason.UNDECIDABLE, f"{directive.place}: PHP's settings depend on {value.unknown}")
        return
    try:
        for statement in parse_ini(f"{value.text}\n", lambda _: None, evidence.check_deadline):
            if statement.kind == "entry" and statement.value is not None and statement.unresolved is None:
                yield statement.name, statement.value, directive.args[0] == "PHP_ADMIN_VALUE", directive.place
            else:
                evidence.gap(GapReason.UNDECIDABLE, f"{directive.place}: {statement.name}: no plain setting")
    except IniSyntaxError as error:
        evidence.gap(GapReason.UNSUPPORTED, f"{directive.place}: {error.detail}: PHP ignores the rest of the value")
