"""The sections of a configuration, as Apache keeps them: for each server lists of Directory, Location, Files and If sections.

Source: server/core.c (dirsection, urlsection, filesection, ifsection, ap_core_reorder_directories) and server/config.c of httpd 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.fnmatch import has_wildcards

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.verdict import Place

_REGEX_KINDS = {"directorymatch": "directory", "filesmatch": "files", "locationmatch": "location"}
_CONDITIONS = ("if", "elseif", "else")


@dataclass(frozen=True, slots=True)
class Layer:
    """The directives of one section or file, without those of the sections in it; what modules merge, layer over layer.

    `origin` names the section for messages. `htaccess` is the path of the .htaccess file it is, else None. `directory` is the path or URL
    that the section or file is about, as cmd->path is in httpd; None for what stands outside of sections.
    """

    directives: tuple[Directive, ...]
    origin: str
    place: Place | None = None
    htaccess: str | None = None
    directory: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A section and what is in it.

    `kind`: directory, files, location, if, elseif or else. `pattern`: path, wildcard, regular expression or condition.
    `heading`: its first line.
    """

    kind: str
    pattern: str
    is_regex: bool
    layer: Layer
    files: tuple[Section, ...] = ()
    conditions: tuple[Section, ...] = ()
    heading: Directive | None = None

    @property
    def place(self) -> Place | None:
        """Where the section begins."""
        return self.layer.place

    @property
    def is_wildcard(self) -> bool:
        """Whether the pattern is matched by fnmatch."""
        return not self.is_regex and has_wildcards(self.pattern)

    @property
    def components(self) -> int:
        """Directories in the path of a Directory section: 0 for /."""
        return len([part for part in self.pattern.split("/") if part])


@dataclass(slots=True)
class Scope:
    """What stands outside or inside a virtual host: plain directives, and the sections."""

    layer: Layer
    directories: list[Section] = field(default_factory=list)
    locations: list[Section] = field(default_factory=list)
    files: list[Section] = field(default_factory=list)
    conditions: list[Section] = field(default_factory=list)
    proxies: list[Section] = field(default_factory=list)
    hosts: list[Directive] = field(default_factory=list)


def scope_of(directives: Sequence[Directive], origin: str, place: Place | None = None) -> Scope:
    """The sections of a server, a virtual host or a .htaccess file."""
    plain = tuple(directive for directive in directives if not _is_section(directive))
    scope = Scope(Layer(plain, origin, place))
    for directive in directives:
        if directive.name == "virtualhost":
            scope.hosts.append(directive)
        elif directive.name in ("proxy", "proxymatch"):
            scope.proxies.append(_section(directive))
        elif _is_section(directive):
            section = _section(directive)
            lists = {"directory": scope.directories, "location": scope.locations, "files": scope.files}
            lists.get(section.kind, scope.conditions).append(section)
    return scope


def _is_section(directive: Directive) -> bool:
    """Whether it has a place of its own in the merge; Limit, RequireAll and the like belong to the layer that they stand in."""
    names = ("directory", "files", "location", "virtualhost", "proxy", "proxymatch", *_REGEX_KINDS, *_CONDITIONS)
    return directive.children is not None and directive.name in names


def _section(directive: Directive) -> Section:
    kind = _REGEX_KINDS.get(directive.name, directive.name)
    words = directive.words()
    is_regex = directive.name in _REGEX_KINDS or directive.name == "proxymatch"
    if not is_regex and words and words[0] == "~" and kind not in _CONDITIONS:
        is_regex, words = True, words[1:]
    pattern = words[0] if words else ""
    if kind == "directory" and not is_regex:
        pattern = _directory_pattern(pattern)
    inner = scope_of(directive.children or (), f"<{directive.spelled} {directive.arguments}>", directive.place)
    layer = replace(inner.layer, directory=pattern)
    return Section(kind, pattern, is_regex, layer, tuple(inner.files), tuple(inner.conditions), directive)


def _directory_pattern(path: str) -> str:
    """As core.c keeps it: without doubled slashes and dots, with a slash at the end."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "".join(f"{part}/" for part in parts)


def ordered_directories(sections: Iterable[Section]) -> tuple[list[Section], list[Section]]:
    """Directory sections in the order of the walk, shortest first; and those with regular expressions, applied after it."""
    every = list(sections)
    plain = sorted((section for section in every if not section.is_regex), key=lambda section: section.components)
    return plain, [section for section in every if section.is_regex]


def without_lines(scope: Scope, places: frozenset[Place]) -> Scope:
    """A scope as if the directives at some places were not there."""
    if not places:
        return scope
    return Scope(
        _thinned(scope.layer, places),
        _all_without(scope.directories, places),
        _all_without(scope.locations, places),
        _all_without(scope.files, places),
        _all_without(scope.conditions, places),
        scope.proxies,
        scope.hosts,
    )


def _all_without(sections: Iterable[Section], places: frozenset[Place]) -> list[Section]:
    return [_without(section, places) for section in sections]


def _without(section: Section, places: frozenset[Place]) -> Section:
    return replace(
        section,
        layer=_thinned(section.layer, places),
        files=tuple(_all_without(section.files, places)),
        conditions=tuple(_all_without(section.conditions, places)),
    )


def _thinned(layer: Layer, places: frozenset[Place]) -> Layer:
    return replace(layer, directives=tuple(directive for directive in layer.directives if directive.place not in places))


def every_directive(scope: Scope) -> Iterator[Directive]:
    """The directives of a scope and of all its sections, those of Limit, RequireAll and If among them, and the conditions of If."""
    yield from _flat(scope.layer.directives)
    for section in (*scope.directories, *scope.locations, *scope.files, *scope.conditions, *scope.proxies):
        yield from _in_section(section)


def _in_section(section: Section) -> Iterator[Directive]:
    yield from _flat(section.layer.directives)
    if section.heading is not None:
        yield section.heading
    for inner in (*section.files, *section.conditions):
        yield from _in_section(inner)


def _flat(directives: Iterable[Directive]) -> Iterator[Directive]:
    for directive in directives:
        yield directive
        yield from _flat(directive.children or ())
