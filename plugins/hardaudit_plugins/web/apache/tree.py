"""Directives while they are read: a tree that grows line by line, with the bounds that hold for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.directive import ApacheSyntaxError, Directive, Skipped
from hardaudit_plugins.web.apache.words import lower, next_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit_plugins.web.apache.lines import Lines
    from hardaudit_plugins.web.apache.words import Variables
    from hardaudit_plugins.web.verdict import Place


@dataclass(slots=True)
class Node:
    """A directive or, with `children`, a section. `spelled` is a section's name with its `<`."""

    spelled: str
    arguments: str
    place: Place
    children: list[Node] | None = None

    def freeze(self) -> Directive:
        """The directive as it stays."""
        if self.children is None:
            return Directive(lower(self.spelled), self.arguments, self.place, None, self.spelled)
        children = tuple(child.freeze() for child in self.children)
        end = self.arguments.rfind(">")
        arguments = (self.arguments if end < 0 else self.arguments[:end]).strip(" \t\n\v\f\r")
        name = self.spelled[1:]
        return Directive(lower(name), arguments, self.place, children, name)


def every_node(nodes: list[Node]) -> Iterator[Node]:
    """The nodes and all that is in them, in the order of the lines."""
    for node in nodes:
        yield node
        if node.children:
            yield from every_node(node.children)


@dataclass(slots=True)
class SkippedNode:
    """A section whose condition does not hold."""

    condition: str
    place: Place
    nodes: list[Node] = field(default_factory=list)

    def freeze(self) -> Skipped:
        """The section as it stays."""
        return Skipped(self.condition, self.place, tuple(node.freeze() for node in self.nodes))


@dataclass(slots=True)
class Line:
    """A line that is taken apart: the name, of a section with its `<` and without `>`, and the text after it."""

    name: str
    arguments: str


def take_apart(text: str, variables: Variables) -> Line | None:
    """The name and arguments of a line; None for a comment or an empty line. A section's `>` that touches the name is the argument then."""
    if not text or text.startswith("#"):
        return None
    text = variables.resolve(text)
    name, position = next_word(text)
    if not name:
        return None
    arguments = text[position:]
    if name[1:2] != "/":
        name = name.removesuffix(">")
        if name.startswith("<") and not arguments:
            arguments = ">"
    return Line(name, arguments)


def close_section(name: str, opened: list[Node], place: Place) -> None:
    """Leave the innermost open section by the line `name` (`</Directory>`). Raises ApacheSyntaxError when that does not close it."""
    if not opened:
        raise ApacheSyntaxError(place, f"{name} without matching <{name[2:]} section")
    if not name.endswith(">"):
        raise ApacheSyntaxError(place, f"{name}> directive missing closing '>'")
    expected = opened[-1].spelled[1:]
    if lower(name[2:-1]) != lower(expected):
        raise ApacheSyntaxError(place, f"Expected </{expected}> but saw {name}")
    opened.pop()


def skip_section(condition: Line, lines: Lines, most_depth: int, tick: Callable[[Place], None]) -> SkippedNode:
    """What a section holds whose condition does not hold; reads on to its end, and calls `tick` for each line."""
    place = lines.place
    skipped = SkippedNode(f"{condition.name[1:]} {condition.arguments.rpartition('>')[0]}".strip(), place)
    names, levels = [condition.name], [skipped.nodes]
    while (text := lines.next()) is not None:
        tick(lines.place)
        word, position = next_word(text)
        if word.startswith("</"):
            if lower(word[2:-1]) != lower(names[-1][1:]):
                raise ApacheSyntaxError(lines.place, f"Expected </{names[-1][1:]}> but saw {word[:-1]}>")
            names.pop()
            if not names:
                return skipped
            if len(levels) > len(names):
                levels.pop()
        elif word.startswith("<"):
            name = word.removesuffix(">") if position >= len(text) else word
            names.append(name)
            if len(names) <= most_depth:
                children: list[Node] = []
                levels[-1].append(Node(name, text[position:], lines.place, children))
                levels.append(children)
        elif word and not text.startswith("#"):
            levels[-1].append(Node(word, text[position:], lines.place))
    raise ApacheSyntaxError(lines.place, f"Expected </{condition.name[1:]}> before end of configuration")
