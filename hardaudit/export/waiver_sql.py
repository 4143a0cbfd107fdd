"""A policy's waivers as SQL conditions on a finding's `subject`, which end by themselves after their last day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.export.sql_text import CannotExportError, literal
from hardaudit.model.subject_glob import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardaudit.model.policy import Waiver

# A subject as text, as reports have it. Numbers with a fraction and blobs are written otherwise by SQLite, and match nothing.
_SUBJECT = """coalesce(CAST("subject" AS TEXT), '')"""
_COMPARABLE = """typeof("subject") NOT IN ('real', 'blob')"""
# GLOB and regex_match take a NUL character for the end of the text.
_WHOLE = f"instr({_SUBJECT}, char(0)) = 0"
_SLASHES = f"length({_SUBJECT}) - length(replace({_SUBJECT}, '/', ''))"

_REGEX_LIMIT = 256  # bytes; osquery's --regex_max_size
_REGEX_SPECIAL = re.compile(r"[\^$\\.*+?()\[\]{}|/]")


def waived(waiver: Waiver) -> str:
    """A condition that is true or false, never NULL, for each row. Raises CannotExportError for a pattern that SQL cannot say exactly."""
    lasts = f"date('now') <= {literal(waiver.expires.isoformat())}"
    if waiver.subject_glob is None:
        matches = f"{_SUBJECT} = {literal(waiver.subject or '')} COLLATE BINARY"
    else:
        matches = _matches(waiver.subject_glob)
    return f"({lasts} AND {_COMPARABLE} AND {matches})"


def reason_of(waivers: Iterable[tuple[Waiver, str]]) -> str:
    """An expression for the reason of the first waiver, each given with its condition, that covers the row; NULL without one."""
    cases = " ".join(f"WHEN {condition} THEN {literal(waiver.reason)}" for waiver, condition in waivers)
    return f"CASE {cases} END"


def _matches(pattern: str) -> str:
    """`subject_glob.matches` in SQL.

    GLOB's `*` is our `**`. Where the pattern has none, our `*` is GLOB's with one condition more: a subject with as many slashes as the
    pattern has none left for a star. Patterns with both become a regular expression of osquery's, which knows bytes: it cannot say `?`.
    """
    parts = parts_of(pattern)
    if "**" in parts and "*" in parts:
        return _by_regex(parts, pattern)
    glob = "".join({"**": "*", "*": "*", "?": "[^/]", "[": "[[]"}.get(part, part) for part in parts)
    condition = f"{_SUBJECT} GLOB {literal(glob)} AND {_WHOLE}"
    return f"{condition} AND {_SLASHES} = {parts.count('/')}" if "*" in parts else condition


def _by_regex(parts: Sequence[str], pattern: str) -> str:
    if "?" in parts:
        raise CannotExportError(f"the pattern {pattern!a:.60} has ?, * and ** together, which osquery's SQL cannot say")
    said = {"**": r"[\s\S]*", "*": "[^/]*"}
    body = "".join(said.get(part) or _REGEX_SPECIAL.sub(r"\\\g<0>", part) for part in parts)
    regex = rf"^{body}(?![\s\S])"  # `$` means more than the end in some dialects
    if len(regex.encode()) > _REGEX_LIMIT:
        raise CannotExportError(f"the pattern {pattern!a:.60} is too long for osquery's regular expressions")
    return f"regex_match({_SUBJECT}, {literal(regex)}, 0) IS NOT NULL AND {_WHOLE}"
