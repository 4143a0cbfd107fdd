"""Apache's directives as they are read from its configuration, and what the whole of it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.directive_table import lookup
from hardaudit_plugins.web.apache.modules import is_loaded
from hardaudit_plugins.web.apache.words import Variables, split_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.apache.macros import Macro
    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.verdict import Place


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive or section that is in effect.

    `name` is in lower case, of a section without the brackets; `spelled` is the name as written. `arguments` is the text after the name,
    of a section up to its last `>`, without space around it. Variables are put in already: the server does so when it reads a line, with
    the values that they have there. `children` is None for a directive.
    """

    name: str
    arguments: str
    place: Place
    children: tuple[Directive, ...] | None = None
    spelled: str = ""

    @property
    def resolved(self) -> str:
        """The arguments as one text: what directives see that split their arguments in their own way."""
        return self.arguments

    def words(self) -> list[str]:
        """The arguments as Apache splits them, quotes and backslashes removed."""
        return split_words(self.arguments)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A section whose condition does not hold: `condition` as written (`IfModule mod_php7.c`), and what is in it, none evaluated."""

    condition: str
    place: Place
    directives: tuple[Directive, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the configuration comes to: see `reader.load_configuration`.

    `modules`: identifiers (`rewrite_module`), compiled-in ones too. `variables`: of `Define` and the environment. `unread`: what is written
    in files that are read, but under a condition that does not hold. `module_files`: source file names (`mod_rewrite.c`) that `IfModule`
    finds. `libraries`: the file that LoadModule loads each module from. `files`: what was read, in order. `complete` is false where reading
    ended early or the server would not start: gaps say why.
    `version` is 2.4.0 where it is not known. `macros` and `reading` (the target) are what .htaccess files are read with.
    """

    directives: tuple[Directive, ...]
    modules: frozenset[str]
    variables: Variables
    version: tuple[int, int, int]
    server_root: str
    unread: tuple[Skipped, ...]
    files: tuple[str, ...] = ()
    module_files: frozenset[str] = frozenset()
    libraries: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    all_modules_known: bool = True
    version_known: bool = True
    macros: Mapping[str, Macro] = field(default_factory=dict)
    reading: Evidence | None = field(default=None, repr=False, compare=False)

    def has_module(self, name: str) -> bool:
        """Whether `IfModule NAME` holds at the end of the configuration. Case counts."""
        return is_loaded(name, self.modules, self.module_files)

    def knows(self, name: str) -> bool | None:
        """Whether a loaded module has a directive of that name; None when a module is loaded whose directives are not known."""
        spec = lookup(name)
        if spec is not None and spec.modules & self.modules:
            return True
        return False if self.all_modules_known else None


class ApacheSyntaxError(Exception):
    """The server would not start with this line; of a .htaccess file it answers every request below with status 500."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message
