"""What a table could not read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

QUERY = "query"
"""In place of a table's name: a gap of the query itself, which came to one of its bounds."""


class GapReason(str, Enum):
    """Why evidence is missing; the reason of a check that is `unknown`."""

    PERMISSION_DENIED = "permission_denied"
    MISSING_SOURCE = "missing_source"
    STALE_DATA = "stale_data"
    TRUNCATED = "truncated"
    TIMEOUT = "timeout"
    UNSUPPORTED = "unsupported"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Evidence that `table` could not read; `detail` is one line naming the file or limit and what to do."""

    table: str
    reason: GapReason
    detail: str
