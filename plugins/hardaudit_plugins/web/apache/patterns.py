"""The regular expressions of Apache's configuration, run safely: PCRE2's language, as far as the `regex` library means the same by it.

Sources: pcre2pattern(3), server/util_pcre.c. As in Apache 2.4 without a `RegexDefaultOptions`: `$` matches at the very end only
(PCRE2_DOLLAR_ENDONLY), text is bytes, letters are ASCII.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import regex

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.pcre import BadPatternError, UndecidedError, translated

__all__ = ["SECONDS", "Match", "UndecidedError", "group_count", "matches"]

SECONDS = 1.0
"""How long one search may take."""

_MAY_DIFFER = re.compile(r"\(\?|\(\*|\\[A-Za-z0-9]|\[\[|[{]")
"""What the two libraries may take differently; a pattern without it that one refuses, the other refuses too."""

_LONGEST_PATTERN = 8192
_LONGEST_TEXT = 65536


@dataclass(frozen=True, slots=True)
class Match:
    """A place where a pattern matched. `groups[0]` is the whole, `groups[n]` group n, or None where it took no part.

    `before` and `after` are the text around it. `names` are the groups that have names, by their numbers.
    """

    groups: tuple[str | None, ...]
    before: str
    after: str
    names: tuple[tuple[str, int], ...] = ()

    def group(self, number: int) -> str:
        """A group's text, empty for one that took no part or does not exist: what `$1` of a directive becomes."""
        return (self.groups[number] or "") if number < len(self.groups) else ""


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> Match | None:
    """The first match of a pattern of the host's configuration in a text (both in `host_text`'s spelling), or None.

    Raises UndecidedError with the reason when nobody can say: a pattern that PCRE2 or `regex` does not compile or that the two may
    understand differently, or a search that takes longer than a second.
    """
    found = _searched(pattern, text, ignore_case=ignore_case)
    if isinstance(found, UndecidedError):
        raise type(found)(found.reason)
    return found


@lru_cache(maxsize=256)
def _searched(pattern: str, text: str, *, ignore_case: bool) -> Match | UndecidedError | None:
    """Remembered, so that a slow pattern takes its time once, although many outcomes of other conditions are tried."""
    compiled = _compiled(pattern, ignore_case=ignore_case)
    if isinstance(compiled, UndecidedError):
        return compiled
    if len(text) > _LONGEST_TEXT:
        return UndecidedError(f"pattern {pattern[:80]!r} against a text of more than {_LONGEST_TEXT} characters")
    subject = host_text.encode(text)
    try:
        found = compiled.search(subject, timeout=SECONDS)
    except (TimeoutError, MemoryError):
        return UndecidedError(f"pattern {pattern[:80]!r} takes longer than {SECONDS:g} s or too much memory to match")
    if found is None:
        return None
    groups = (found.group(), *found.groups())
    return Match(
        tuple(None if group is None else host_text.decode(group) for group in groups),
        host_text.decode(subject[: found.start()]),
        host_text.decode(subject[found.end() :]),
        tuple(compiled.groupindex.items()),
    )


def group_count(pattern: str) -> int:
    """How many groups of a pattern capture. Raises UndecidedError for a pattern that cannot be run here."""
    compiled = _compiled(pattern, ignore_case=False)
    if isinstance(compiled, UndecidedError):
        raise type(compiled)(compiled.reason)
    return compiled.groups


@lru_cache(maxsize=2048)
def _compiled(pattern: str, *, ignore_case: bool) -> regex.Pattern[bytes] | UndecidedError:
    if len(pattern) > _LONGEST_PATTERN:
        return UndecidedError(f"pattern {pattern[:80]!r}… is longer than {_LONGEST_PATTERN} characters")
    flags = regex.VERSION1 | (regex.IGNORECASE if ignore_case else 0)
    try:
        return regex.compile(host_text.encode(translated(pattern)), flags)
    except UndecidedError as error:
        return error
    except (regex.error, ValueError, OverflowError, RecursionError, MemoryError) as error:
        kind = UndecidedError if _MAY_DIFFER.search(pattern) or not isinstance(error, regex.error) else BadPatternError
        return kind(f"pattern {pattern[:80]!r} does not compile: {error}")
