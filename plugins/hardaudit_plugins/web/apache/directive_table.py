"""Which directives there are, where each is allowed and how it takes its arguments.

Source: the command tables of the modules of Debian's apache2, libapache2-mod-php and libapache2-mod-fcgid, as the running server has them.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OVERRIDE_CLASSES = frozenset({"AuthConfig", "FileInfo", "Indexes", "Limit", "Options"})
"""The classes of AllowOverride; `AllowOverride All` is all of them."""

_SAME = {"php_module": frozenset({"php_module", "php7_module", "php5_module"})}
"""Modules of earlier releases with the same directives."""


@dataclass(frozen=True, slots=True)
class DirectiveSpec:
    """A directive. `name` is as documented, of a section with its `<`.

    `modules`: identifiers of those that have it. `server`, `directory`: whether it is allowed outside, and inside, of `<Directory>`,
    `<Files>`, `<Location>` and `<If>`. `htaccess`: AllowOverride classes, any of which allows it in .htaccess; empty where it never is.
    `arguments`: `raw` (splits its text itself), `1`, `12` (one or two words), `iterate`, `flag` and so on. `on_read`: it acts while the
    configuration is read, in the order of the lines.
    """

    name: str
    modules: frozenset[str]
    server: bool
    directory: bool
    htaccess: frozenset[str]
    arguments: str
    on_read: bool


@functools.cache
def directives() -> Mapping[str, DirectiveSpec]:
    """Every known directive by its name in lower case, of a section with its `<`."""
    table: dict[str, DirectiveSpec] = {}
    for row in csv.DictReader((files(__package__) / "directives.csv").read_text("utf-8").splitlines()):
        key, modules, classes = (
            row["name"].lower(),
            _SAME.get(row["module"], frozenset({row["module"]})),
            frozenset(row["htaccess"].split()),
        )
        server, directory = row["server"] == "1", row["directory"] == "1"
        known = table.get(key)
        if known is not None:
            modules, classes = modules | known.modules, classes | known.htaccess
            server, directory = server or known.server, directory or known.directory
        table[key] = DirectiveSpec(row["name"], modules, server, directory, classes, row["arguments"], row["read"] == "1")
    return table


def lookup(name: str) -> DirectiveSpec | None:
    """A directive by its name in any case, of a section with or without its `<`; None for one that is not known."""
    table = directives()
    return table.get(name.lower()) or table.get(f"<{name.lower()}")


@functools.cache
def known_modules() -> frozenset[str]:
    """Identifiers of the modules whose directives are all known."""
    return frozenset(module for spec in directives().values() for module in spec.modules)


def allowed_in_htaccess(name: str, override: frozenset[str], override_list: frozenset[str]) -> bool:
    """Whether .htaccess may hold it: by a class of `AllowOverride` (`All` is every class), or by its name in `AllowOverrideList`.

    One that is not allowed makes the server answer 500, as one that is not known does, unless `AllowOverride` says `Nonfatal`.
    """
    spec = lookup(name)
    if spec is None:
        return False
    if spec.htaccess & override:
        return True
    return spec.directory and spec.name.lower() in {listed.lower() for listed in override_list}
