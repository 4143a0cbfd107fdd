"""The type and the handler that a file's name gives it: AddHandler, AddType and their opposites, with every extension counted.

Source: find_ct and merge_mime_dir_configs in modules/http/mod_mime.c of httpd 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.sections import Layer
    from hardaudit_plugins.web.verdict import Place

_ADDED = {"addhandler": "handler", "addtype": "type"}
_REMOVED = {"removehandler": "handler", "removetype": "type"}


@dataclass(frozen=True, slots=True)
class Named:
    """A handler or media type, in lower case, and the line that gives it; None for one of the mime.types file."""

    value: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class _Extension:
    handler: Named | None = None
    type: Named | None = None


@dataclass(frozen=True, slots=True)
class NameTypes:
    """What a file's name comes to; either may be missing."""

    handler: Named | None = None
    type: Named | None = None


@dataclass(slots=True)
class MimeTypes:
    """The extensions that layers give handlers and types, over those of the mime.types file (`types`: extension to media type)."""

    types: Mapping[str, str]
    _extensions: dict[str, _Extension] = field(default_factory=dict)
    _uses_path_info: bool = False

    @classmethod
    def of(cls, layers: Iterable[Layer], types: Mapping[str, str]) -> MimeTypes:
        """Folded over layers. What a layer removes is removed after what it adds; the outermost layer removes nothing."""
        made = cls(types)
        started = False
        for layer in layers:
            ours = [directive for directive in layer.directives if directive.name in _ADDED or directive.name in _REMOVED]
            for directive in ours:
                made._add(directive)
            for directive in ours if started else ():
                made._remove(directive)
            started = started or bool(ours)
            for directive in layer.directives:
                if directive.name == "modmimeusepathinfo":
                    made._uses_path_info = directive.arguments.strip().lower() == "on"
        return made

    def _add(self, directive: Directive) -> None:
        kind, words = _ADDED.get(directive.name), directive.words()
        for word in words[1:] if kind else ():
            extension = word.lower().removeprefix(".")
            here = self._extensions.get(extension, _Extension())
            named = Named(words[0].lower(), directive.place)
            self._extensions[extension] = replace(here, handler=named) if kind == "handler" else replace(here, type=named)

    def _remove(self, directive: Directive) -> None:
        kind = _REMOVED.get(directive.name)
        for word in directive.words() if kind else ():
            extension = word.lower().removeprefix(".")
            here = self._extensions.get(extension)
            if here is not None:
                self._extensions[extension] = replace(here, handler=None) if kind == "handler" else replace(here, type=None)

    def of_name(self, name: str, path_info: str) -> NameTypes:
        """Of a file name, without directories; the last extension that says something of the handler, or of the type, wins."""
        if self._uses_path_info:
            name = (name + path_info).rpartition("/")[2]
        handler = kind = None
        for written in name.lstrip(".").split(".")[1:]:
            extension = written.lower()
            here = self._extensions.get(extension, _Extension())
            if extension and here.type is None and extension in self.types:
                kind = Named(self.types[extension], None)
            kind = here.type or kind
            handler = here.handler or handler
        return NameTypes(handler, kind)


def parse_types(text: str) -> dict[str, str]:
    """A mime.types file: a media type and its extensions on each line; a later line wins."""
    types: dict[str, str] = {}
    for line in text.split("\n"):
        words = line.split()
        if words and not line.startswith("#"):
            types.update((extension.lower(), words[0]) for extension in words[1:])
    return types
