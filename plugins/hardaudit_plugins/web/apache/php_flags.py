"""php_value, php_flag and their admin forms, merged as mod_php merges them.

Source: real_value_hnd, php_apache_flag_handler and merge_php_config in sapi/apache2handler/apache_config.c of PHP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.sections import Layer
    from hardaudit_plugins.web.verdict import Place

_DIRECTIVES = frozenset({"php_value", "php_flag", "php_admin_value", "php_admin_flag"})


@dataclass(frozen=True, slots=True)
class PhpValue:
    """A setting as Apache hands it to PHP. `admin`: nothing but another admin value overrides it; `htaccess`: set by a .htaccess file."""

    name: str
    value: str
    admin: bool
    place: Place
    htaccess: bool = False


def php_values(layers: Iterable[Layer]) -> dict[str, PhpValue]:
    """The settings in effect, by name. Names are compared as written: `Engine` is no setting.

    Within one section the last line wins, admin or not; over sections a plain value does not replace an admin value.
    """
    merged: dict[str, PhpValue] = {}
    for layer in layers:
        here: dict[str, PhpValue] = {}
        for directive in layer.directives:
            if directive.name in _DIRECTIVES:
                value = _value(directive, layer)
                here[value.name] = value
        for name, value in here.items():
            outer = merged.get(name)
            if outer is None or value.admin or not outer.admin:
                merged[name] = value
    return merged


def _value(directive: Directive, layer: Layer) -> PhpValue:
    words = [*directive.words(), "", ""]
    name, value = words[0], words[1]
    if directive.name.endswith("flag"):
        value = "1" if value.lower() == "on" or value == "1" else "0"
    elif value.lower() == "none":
        value = ""
    return PhpValue(name, value, directive.name.startswith("php_admin"), directive.place, layer.htaccess is not None)

