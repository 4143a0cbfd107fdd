"""apr_fnmatch(): how wildcards of Directory, Files and Location sections match.

Source: strings/apr_fnmatch.c of APR 1.7, with APR_FNM_PATHNAME: `*` and `?` and classes match no slash.
"""

from __future__ import annotations

import functools

import regex


def has_wildcards(pattern: str) -> bool:
    """apr_fnmatch_test(): whether `*`, `?` or a closed `[` is in it."""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character in "*?":
            return True
        if character == "\\":
            position += 1
        elif character == "[" and "]" in pattern[position + 1 :]:
            return True
        position += 1
    return False


def matches_wildcard(pattern: str, text: str) -> bool:
    """Whether the whole text matches. Raises TimeoutError when it takes more than a second."""
    return _compiled(pattern).fullmatch(text, timeout=1.0) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> regex.Pattern[str]:
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*":
            parts.append("[^/]*+" if position == len(pattern) else "[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character == "[":
            text, position = _class(pattern, position)
            parts.append(text)
        elif character == "\\" and position < len(pattern):
            parts.append(regex.escape(pattern[position]))
            position += 1
        else:
            parts.append(regex.escape(character))
    return regex.compile("".join(parts), regex.DOTALL)


def _class(pattern: str, position: int) -> tuple[str, int]:
    """The class that begins before `position`, and where it ends; an unclosed bracket is a bracket."""
    start = position
    negated = position < len(pattern) and pattern[position] in "!^"
    position += negated
    end = pattern.find("]", position + 1)
    if end < 0:
        return "\\[", start
    members = pattern[position:end].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^").replace("]", "\\]")
    return f"(?!/)[{'^' if negated else ''}{members}]", end + 1
