"""Names that match a wildcard pattern as `apr_fnmatch` with APR_FNM_PERIOD matches them."""

from __future__ import annotations

import re
from functools import lru_cache


def matches_name(pattern: str, name: str) -> bool:
    """Whether a single name matches; a dot at its beginning is matched by a dot only."""
    if name.startswith(".") and not pattern.startswith("."):
        return False
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    made: list[str] = []
    index = 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*":
            if not made or made[-1] != ".*":
                made.append(".*")
        elif char == "?":
            made.append(".")
        elif char == "[":
            end = pattern.find("]", index + (pattern[index : index + 1] in ("!", "^")) + 1)
            if end < 0:
                made.append(r"\[")
                continue
            body = pattern[index:end]
            negated = body[:1] in ("!", "^")
            made.append(f"[{'^' * negated}{_class(body[negated:])}]")
            index = end + 1
        elif char == "\\" and index < len(pattern):
            made.append(re.escape(pattern[index]))
            index += 1
        else:
            made.append(re.escape(char))
    return re.compile("".join(made), re.DOTALL)


def _class(body: str) -> str:
    return re.sub(r"([\\\[\]^&~|])", r"\\\1", body)
