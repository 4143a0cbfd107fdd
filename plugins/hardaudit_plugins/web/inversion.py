"""From a pattern and what it is replaced with to the URL prefixes that it takes: for patterns whose beginning is plain text."""

from __future__ import annotations

import re

_MOST = 64
_PLAIN_GROUP = re.compile(r"\((?:\?:)?([^()\[\]{}*+?.^$\\]*(?:\|[^()\[\]{}*+?.^$\\]*)*)\)(\??)")
_SPECIAL = frozenset("()[]{}*+?.^$|\\")


def inverted(pattern: str, replacement: str) -> list[tuple[str, str]]:
    """Pairs of a URL prefix and the prefix that it is replaced with, such that what follows is the same in both.

    `^/pics/(.*)$` and `/srv/pictures/$1` give `/pics/` and `/srv/pictures/`. Alternatives of plain text are expanded. Empty where the
    pattern is not of that form; each pair is a candidate, which the caller must try.
    """
    text = pattern.removeprefix("(?i)").removeprefix("^").replace("/?", "/", 1)
    beginnings: list[tuple[str, tuple[str, ...]]] = [("", ())]
    position = 0
    while position < len(text):
        group = _PLAIN_GROUP.match(text, position)
        character = text[position]
        if group is not None and ("|" in group[1] or group[2] or group[1]):
            choices = [*group[1].split("|"), *([""] if group[2] else [])]
            captures = not group[0].startswith("(?:")
            beginnings = [(url + choice, (*taken, choice) if captures else taken) for url, taken in beginnings for choice in choices][
                :_MOST
            ]
            position = group.end()
        elif character == "\\" and text[position + 1 : position + 2] in ("/", ".", "-", "~", "_"):
            beginnings = [(url + text[position + 1], taken) for url, taken in beginnings]
            position += 2
        elif character in _SPECIAL or text[position + 1 : position + 2] in ("?", "*", "{"):
            break
        else:
            beginnings = [(url + character, taken) for url, taken in beginnings]
            position += 1
    if not text.startswith("(", position):
        return []
    found = []
    for url, taken in beginnings:
        before, rest = _before_group(replacement, len(taken) + 1, taken)
        if rest:
            found.append((url, before))
    return list(dict.fromkeys(found))


def _before_group(replacement: str, number: int, taken: tuple[str, ...]) -> tuple[str, bool]:
    """The replacement's text before `$number`, with the groups before it put in; and whether it has that group at all."""
    before, found, _ = replacement.partition(f"${number}")
    before = re.sub(r"\$(\d)", lambda match: taken[int(match[1]) - 1] if 0 < int(match[1]) <= len(taken) else "", before)
    return before, bool(found)
