"""Texts of the configuration with variables in them, and what is known of what they come to.

Source: ngx_http_script_compile() of src/http/ngx_http_script.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.patterns import Match, UndecidedError, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LONGEST = 65536
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z0-9_]+)\}|([1-9])|([A-Za-z0-9_]+))")


NAMED_CAPTURE = re.compile(r"\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>")
"""A group of a pattern that has a name."""


class UndecidedRequestError(Exception):
    """What happens to the request depends on something that is not known; `reason` says on what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Value:
    """What a text comes to: `text`, as a plain GET makes it.

    `client`: the variables in it that a client sends as it likes. `unknown`: why the text cannot be known, or None.
    """

    text: str
    client: tuple[str, ...] = ()
    unknown: str | None = None

    def __add__(self, other: Value) -> Value:
        """Both, one after the other. Raises UndecidedRequestError when they grow without end."""
        if len(self.text) + len(other.text) > _LONGEST:
            raise UndecidedRequestError(f"a text of more than {_LONGEST} characters")
        if not other.text and not other.client and other.unknown is None:
            return self
        return Value(self.text + other.text, tuple(dict.fromkeys((*self.client, *other.client))), self.unknown or other.unknown)


EMPTY = Value("")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable in a text, by its name or the number of a capture."""

    name: str


@lru_cache(maxsize=4096)
def parts(text: str) -> tuple[str | Variable, ...]:
    """A text's literal pieces and variables, in order. A `$` that begins no variable is literal here (nginx does not start with one)."""
    found: list[str | Variable] = []
    at = 0
    for variable in _VARIABLE.finditer(text):
        if variable.start() > at:
            found.append(text[at : variable.start()])
        found.append(Variable(variable[1] or variable[2] or variable[3]))
        at = variable.end()
    if at < len(text):
        found.append(text[at:])
    return tuple(found)


def names(text: str) -> list[str]:
    """The variables in a text."""
    return [part.name for part in parts(text) if isinstance(part, Variable)]


def expand(text: str, lookup: Callable[[str], Value]) -> Value:
    """A text with its variables replaced."""
    return joined(lookup(part.name) if isinstance(part, Variable) else Value(part) for part in parts(text))


def joined(values: Iterable[Value]) -> Value:
    """Values one after the other."""
    whole = EMPTY
    for value in values:
        whole += value
    return whole


def search(pattern: str, text: str, *, ignore_case: bool) -> Match | None:
    """`patterns.matches` as nginx runs it. Raises UndecidedError.

    Unlike Apache, nginx lets `$` match before a newline at the end: such a text is not decided where the pattern has one.
    """
    if text.endswith("\n") and "$" in pattern:
        raise UndecidedError(f"pattern {pattern[:80]!r} against a text that ends with a newline")
    return matches(pattern, text, ignore_case=ignore_case)
