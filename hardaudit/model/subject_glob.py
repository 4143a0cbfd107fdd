"""Patterns for the subjects that a waiver covers.

A pattern is text in which `*` stands for any text without `/`, `**` for any text, and `?` for one character but `/`. Everything else stands
for itself, brackets too: subjects such as `[::]:443` have them. A waiver that covers more than was meant hides a hole, hence the `/`.
"""

from __future__ import annotations

import functools
import re

_TOKEN = re.compile(r"\*\*+|\*|\?|[^*?]", re.DOTALL)


def matches(pattern: str, subject: str) -> bool:
    """Whether the whole subject matches. The host decides the subject: time is linear in its length, whatever the pattern."""
    tokens = _tokens(pattern)
    reached = _skip_stars(tokens, {0})
    for character in subject:
        following = set()
        for index in reached:
            if index == len(tokens):
                continue
            token = tokens[index]
            if token == "**" or (token == "*" and character != "/"):
                following.add(index)
            elif token == character or (token == "?" and character != "/"):
                following.add(index + 1)
        reached = _skip_stars(tokens, following)
        if not reached:
            return False
    return len(tokens) in reached


@functools.lru_cache(maxsize=256)
def _tokens(pattern: str) -> tuple[str, ...]:
    return tuple("**" if token.startswith("**") else token for token in _TOKEN.findall(pattern))


def _skip_stars(tokens: tuple[str, ...], reached: set[int]) -> set[int]:
    """The places in the pattern that are reached when stars stand for nothing, too."""
    found = set()
    for start in reached:
        index = start
        found.add(index)
        while index < len(tokens) and tokens[index] in ("*", "**"):
            index += 1
            found.add(index)
    return found
