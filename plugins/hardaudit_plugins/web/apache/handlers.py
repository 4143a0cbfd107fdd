"""What answers a request for a file: SetHandler and ForceType over what the name gives.

Source: core_override_type and ap_invoke_handler in server/ of httpd 2.4; php_handler in sapi/apache2handler/sapi_apache2.c of PHP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.expr import evaluate_string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit_plugins.web.apache.expr import Environment
    from hardaudit_plugins.web.apache.mime import NameTypes
    from hardaudit_plugins.web.apache.sections import Layer
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.verdict import Place

PHP_HANDLERS = frozenset({"application/x-httpd-php", "php-script", "php7-script", "php5-script"})
"""Handlers by which a mod_php of some version runs a file; application/x-httpd-php-source shows it."""

MODULE_HANDLERS = {
    "php_module": frozenset({"application/x-httpd-php", "php-script"}),
    "php7_module": frozenset({"application/x-httpd-php", "php7-script"}),
    "php5_module": frozenset({"application/x-httpd-php", "php5-script"}),
}
"""Those of each module that may be loaded: of PHP 8, 7 and 5."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler's name as the server compares it, and the line that gives it; `explicit`: it is one, not the media type in its place."""

    name: str
    place: Place | None
    explicit: bool


def handler_of(layers: Iterable[Layer], types: NameTypes, environment: Environment, choices: Choices) -> Handler:
    """The handler of a file whose name has these types."""
    forced = None
    chosen = Handler(types.handler.value, types.handler.place, explicit=True) if types.handler else None
    set_by = None
    for layer in layers:
        for directive in layer.directives:
            if directive.name == "sethandler":
                set_by = directive
            elif directive.name == "forcetype":
                words = directive.words()
                forced = (words[0] if words else "", directive.place)
    if set_by is not None:
        words = set_by.words()
        name = evaluate_string(words[0] if words else "", environment, choices)
        name = name if name.startswith("proxy:unix") else name.lower()
        if name != "none":
            chosen = Handler(name, set_by.place, explicit=True)
    if chosen is not None:
        return chosen
    if forced is not None and forced[0].lower() != "none":
        return Handler(_media_type(forced[0]), forced[1], explicit=False)
    if types.type is not None:
        return Handler(_media_type(types.type.value), types.type.place, explicit=False)
    return Handler("", None, explicit=False)


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip()
