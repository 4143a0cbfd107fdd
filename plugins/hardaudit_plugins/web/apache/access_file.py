""".htaccess files: what AllowOverride lets them say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.directive import ApacheSyntaxError
from hardaudit_plugins.web.apache.directive_table import OVERRIDE_CLASSES, allowed_in_htaccess, lookup
from hardaudit_plugins.web.apache.reader import read_htaccess
from hardaudit_plugins.web.apache.reading import AccessRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit_plugins.web.apache.directive import Configuration, Directive
    from hardaudit_plugins.web.apache.options import Override
    from hardaudit_plugins.web.verdict import Place


class AccessFileError(Exception):
    """The server answers 500 for everything below the file's directory."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


def read_access_file(text: str, path: str, configuration: Configuration, override: Override) -> tuple[Directive, ...]:
    """The directives of a .htaccess file. Raises AccessFileError for what makes the server answer 500.

    With `AllowOverride Nonfatal=…` a directive that is not allowed, or not known, is skipped instead.
    """
    try:
        rules = AccessRules(_classes(override), override.names, nonfatal=bool(override.nonfatal))
        directives = read_htaccess(text, path, configuration, rules)
    except ApacheSyntaxError as error:
        raise AccessFileError(error.message, error.place) from error
    return tuple(_permitted(directives, configuration, override))


def is_accepted(text: str, path: str, configuration: Configuration, override: Override) -> bool:
    """Whether a .htaccess file with this text takes effect, rather than making the server answer 500 or being skipped."""
    try:
        return bool(read_access_file(text, path, configuration, override))
    except AccessFileError:
        return False


def _permitted(directives: Sequence[Directive], configuration: Configuration, override: Override) -> Iterator[Directive]:
    for directive in directives:
        problem, kind = _problem(directive, configuration, override)
        if problem is None:
            inner = directive.children
            yield directive if inner is None else replace(directive, children=tuple(_permitted(inner, configuration, override)))
        elif kind not in override.nonfatal:
            raise AccessFileError(problem, directive.place)


def _problem(directive: Directive, configuration: Configuration, override: Override) -> tuple[str | None, str]:
    """What the server says against a directive, and which Nonfatal keyword lets it pass."""
    spec = lookup(directive.name)
    if spec is None or not any(map(configuration.has_module, spec.modules)):
        return f"{directive.spelled} is not known to it: no such module is loaded", "unknown"
    if not allowed_in_htaccess(directive.name, _classes(override), override.names):
        return f"AllowOverride does not let {directive.spelled} be used there", "override"
    if directive.name == "options" and len({word[0] in "+-" for word in directive.words() if word}) > 1:
        return "either every option has a sign or none", ""
    if directive.name == "options" and override.options is not None:
        named = {word.lstrip("+-").lower() for word in directive.words()}
        if not named <= override.options | {"none"}:
            return f"AllowOverride does not let Options {directive.arguments} be used there", "override"
    return None, ""


def _classes(override: Override) -> frozenset[str]:
    """The classes of AllowOverride as the directive table spells them."""
    return frozenset(name for name in OVERRIDE_CLASSES if name.lower() in override.classes)
