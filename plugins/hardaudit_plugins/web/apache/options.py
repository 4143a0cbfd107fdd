"""Options and AllowOverride, folded over layers as server/core.c merges them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.sections import Layer
    from hardaudit_plugins.web.verdict import Place

ALL_OPTIONS = frozenset({"indexes", "includes", "followsymlinks", "execcgi", "includesnoexec"})
_DEFAULT_OPTIONS = frozenset({"followsymlinks"})  # since 2.3.11
OVERRIDES = frozenset({"authconfig", "fileinfo", "indexes", "limit", "options"})


@dataclass(frozen=True, slots=True)
class Override:
    """What a .htaccess file may hold. `classes`: of OVERRIDES; `names`: directives that AllowOverrideList adds, in lower case.

    `options`: those that `AllowOverride Options=…` permits, None for every one. `nonfatal`: what else stands in it is skipped, where by
    default the server answers 500: `unknown` directives, and those that `override` does not allow.
    """

    classes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    options: frozenset[str] | None = None
    nonfatal: frozenset[str] = frozenset()
    place: Place | None = None

    @property
    def reads_files(self) -> bool:
        """Whether .htaccess files are looked for."""
        return bool(self.classes or self.names or self.nonfatal)


def folded_options(layers: Iterable[Layer]) -> frozenset[str]:
    """The options in effect: a list without signs replaces, signs add and take away."""
    current = _DEFAULT_OPTIONS
    for layer in layers:
        for directive in layer.directives:
            if directive.name == "options":
                current = _applied(current, directive.words())
    return current


def _applied(current: frozenset[str], words: list[str]) -> frozenset[str]:
    replaced = False
    for word in words:
        name = word.lstrip("+-").lower()
        named = ALL_OPTIONS if name == "all" else frozenset() if name == "none" else frozenset({name})
        if word.startswith("+"):
            current |= named
        elif word.startswith("-"):
            current -= named
        else:
            current = current | named if replaced else named
            replaced = True
    return current


def folded_override(layers: Iterable[Layer], start: Override) -> Override:
    """The override in effect after Directory layers."""
    current = start
    for layer in layers:
        for directive in layer.directives:
            if directive.name == "allowoverride":
                current = _override(directive, current)
            elif directive.name == "allowoverridelist":
                words = [word.lower() for word in directive.words()]
                names = frozenset() if words == ["none"] else frozenset(words)
                current = Override(current.classes, names, current.options, current.nonfatal, directive.place)
    return current


def _override(directive: Directive, current: Override) -> Override:
    classes: set[str] = set()
    options: frozenset[str] | None = None
    nonfatal: frozenset[str] = frozenset()
    for word in directive.words():
        name, _, value = word.lower().partition("=")
        if name == "all":
            classes |= OVERRIDES
        elif name == "nonfatal":
            nonfatal = {"all": frozenset({"override", "unknown"})}.get(value, frozenset({value}))
        elif name == "options" and value:
            classes.add("options")
            options = frozenset(value.split(","))
        elif name in OVERRIDES:
            classes.add(name)
    return Override(frozenset(classes), current.names, options, nonfatal, directive.place)
