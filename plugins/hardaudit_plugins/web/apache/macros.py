"""Macros of mod_macro: definitions, and what a `Use` puts in.

Source: modules/core/mod_macro.c, httpd 2.4. Replacement is textual: at each position the longest parameter name that matches there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError
from hardaudit_plugins.web.apache.words import lower, next_word, split_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit_plugins.web.apache.lines import Lines
    from hardaudit_plugins.web.verdict import Place

_MOST_IN_LINE = 8190
"""Bytes of a macro's line (MAX_STRING_LEN, with its newline and the zero at its end)."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its name in lower case, its parameters, and its lines with their places."""

    name: str
    parameters: tuple[str, ...]
    lines: tuple[tuple[str, Place], ...]

    def expand(self, arguments: list[str], place: Place) -> Iterator[tuple[str, Place]]:
        """Its lines with the arguments in place of the parameters, one at a time."""
        if len(arguments) != len(self.parameters):
            raise ApacheSyntaxError(place, f"macro '{self.name}' used with {len(arguments)} arguments instead of {len(self.parameters)}")
        return self._replaced(dict(zip(self.parameters, arguments, strict=True))) if self.parameters else iter(self.lines)

    def _replaced(self, values: dict[str, str]) -> Iterator[tuple[str, Place]]:
        pattern = re.compile("|".join(re.escape(name) for name in sorted(values, key=len, reverse=True)))
        for line, place in self.lines:
            replaced = pattern.sub(lambda match: values[match[0]], line)
            if len(host_text.encode(replaced)) > _MOST_IN_LINE:
                raise ApacheSyntaxError(place, f"macro '{self.name}': a line is too long after replacement")
            yield replaced, place


def read_macro(arguments: str, lines: Lines, tick: Callable[[Place], None]) -> Macro:
    """The macro that a `<Macro NAME PARAMETER …>` line begins; reads on to its end, and calls `tick` for each line."""
    place = lines.place
    end = arguments.rfind(">")
    if end < 0:
        raise ApacheSyntaxError(place, "<Macro> directive missing closing '>'")
    words = split_words(arguments[:end])
    if not words or not words[0]:
        raise ApacheSyntaxError(place, "<Macro> macro definition: name not found")
    parameters = words[1:]
    if "" in parameters or len(set(parameters)) < len(parameters):
        raise ApacheSyntaxError(place, "<Macro> parameters are empty or named twice")
    return Macro(lower(words[0]), tuple(parameters), tuple(_content(lines, place, tick)))


def _content(lines: Lines, place: Place, tick: Callable[[Place], None]) -> list[tuple[str, Place]]:
    content: list[tuple[str, Place]] = []
    depth = 1
    while (line := lines.next()) is not None:
        tick(lines.place)
        if len(host_text.encode(line)) > _MOST_IN_LINE:
            break
        first = lower(next_word(line)[0])
        if first == "</macro>":
            depth -= 1
            if depth == 0:
                return content
        elif first == "<macro":
            depth += 1
        content.append((line, lines.place))
    raise ApacheSyntaxError(place, "<Macro> contents error: expected token not found: </Macro>")
