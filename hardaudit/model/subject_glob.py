"""Patterns for the subjects that a waiver covers.

A pattern is text in which `*` stands for any text without `/`, `**` for any text, and `?` for one character but `/`. Everything else stands
for itself, brackets too: subjects such as `[::]:443` have them. A waiver that covers more than was meant hides a hole, hence the `/`.
"""

from __future__ import annotations

import functools
import re

_PART = re.compile(r"\*\*+|\*|\?|[^*?]", re.DOTALL)


def matches(pattern: str, subject: str) -> bool:
    """Whether the whole subject matches. The host decides the subject: time is linear in its length, whatever the pattern."""
    parts = parts_of(pattern)
    reached = _skip_stars(parts, {0})
    for character in subject:
        following = set()
        for index in reached:
            if index == len(parts):
                continue
            part = parts[index]
            if part == "**" or (part == "*" and character != "/"):
                following.add(index)
            elif part == character or (part == "?" and character != "/"):
                following.add(index + 1)
        reached = _skip_stars(parts, following)
        if not reached:
            return False
    return len(parts) in reached


@functools.lru_cache(maxsize=256)
def parts_of(pattern: str) -> tuple[str, ...]:
    """What a pattern is made of: `*`, `**`, `?`, and characters that stand for themselves."""
    return tuple("**" if part.startswith("**") else part for part in _PART.findall(pattern))


def _skip_stars(parts: tuple[str, ...], reached: set[int]) -> set[int]:
    """The places in the pattern that are reached when stars stand for nothing, too."""
    found = set()
    for start in reached:
        index = start
        found.add(index)
        while index < len(parts) and parts[index] in ("*", "**"):
            index += 1
            found.add(index)
    return found
