"""Conditions of sections that are evaluated while the configuration is read, except those that need files or modules.

Source: modules/metadata/mod_version.c, httpd 2.4.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.directive import ApacheSyntaxError
from hardaudit_plugins.web.apache.patterns import matches
from hardaudit_plugins.web.apache.pcre import UndecidedError

if TYPE_CHECKING:
    from hardaudit_plugins.web.verdict import Place

_VERSION = re.compile(r"[0-9]+(?:\.[0-9]*){0,2}")
_PATCHES = range(6, 100)
"""Those of the releases that distributions have had since Red Hat Enterprise Linux 7."""

_OPERATOR = re.compile(r"(!?)(=|==|~|<|<=|>|>=)")


def version_holds(words: list[str], version: tuple[int, int, int] | None, place: Place) -> bool:
    """Whether `<IfVersion WORDS` holds; the last word has the closing `>`. Raises ApacheSyntaxError as the server refuses it.

    Where the version is not known, UndecidedError unless it holds for 2.4.6 to 2.4.99, or for none of them.
    """
    if version is not None:
        return _version_holds(words, version, place)
    outcomes = {_version_holds(words, (2, 4, patch), place) for patch in _PATCHES}
    if len(outcomes) > 1:
        raise UndecidedError("the version of the server cannot be read")
    return outcomes.pop()


def _version_holds(words: list[str], version: tuple[int, int, int], place: Place) -> bool:
    operator, operand = _split_version(words, place)
    parsed = _OPERATOR.fullmatch(operator)
    if parsed is None:
        raise ApacheSyntaxError(place, f"unrecognized operator '{operator}'")
    negated, kind = parsed[1] == "!", parsed[2]
    if kind in ("=", "==") and operand.startswith("/"):
        if len(operand) < 2 or not operand.endswith("/"):
            raise ApacheSyntaxError(place, "Missing delimiting / of regular expression.")
        kind, operand = "~", operand[1:-1]
    holds = _matches(operand, version) if kind == "~" else _compare(kind, operand, version, place)
    return holds is not negated


def _split_version(words: list[str], place: Place) -> tuple[str, str]:
    if len(words) == 1:
        words = ["=", words[0]]
    elif len(words) == 2 and words[1] == ">":
        words = ["=", words[0], ">"]
    if len(words) == 3 and words[2] == ">" and words[1]:
        return words[0], words[1]
    if len(words) not in (2, 3) or not words[1].endswith(">"):
        raise ApacheSyntaxError(place, "<IfVersion> directive missing closing '>'")
    return words[0], words[1][:-1]


def _compare(kind: str, operand: str, version: tuple[int, int, int], place: Place) -> bool:
    if _VERSION.fullmatch(operand) is None:
        raise ApacheSyntaxError(
            place, "Version appears to be invalid. It must have the format major[.minor[.patch]] where major, minor and patch are numbers."
        )
    numbers = [int(part[:9] or "0") for part in operand.split(".")]
    other = tuple([*numbers, 0, 0][:3])
    if version == other:
        return "=" in kind
    return (version < other) if kind.startswith("<") else (version > other) if kind.startswith(">") else False


def _matches(pattern: str, version: tuple[int, int, int]) -> bool:
    return matches(pattern, ".".join(str(part) for part in version), ignore_case=False) is not None
