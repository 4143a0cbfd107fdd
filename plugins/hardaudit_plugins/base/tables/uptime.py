"""`uptime`: how long the kernel has been running."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, INTEGER, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="uptime",
    description="One row: the time since boot, as days, hours, minutes and seconds that add up, and as seconds.",
    source="/proc/uptime, proc(5)",
    columns=(
        Column("days", INTEGER, "Whole days since boot"),
        Column("hours", INTEGER, "Hours beyond the days, 0 to 23"),
        Column("minutes", INTEGER, "Minutes beyond the hours, 0 to 59"),
        Column("seconds", INTEGER, "Seconds beyond the minutes, 0 to 59"),
        Column("total_seconds", BIGINT, "Seconds since boot, a begun second counted"),
    ),
    examples=("SELECT total_seconds FROM uptime WHERE days >= 0",),
    live_only=True,
    osquery=True,
)

_PATH = "/proc/uptime"
_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?(?= )", re.ASCII)


def generate(context: TableContext) -> Iterator[Row]:
    """The row; /proc/uptime has the seconds since boot, with hundredths, first."""
    text = context.read_text(_PATH)
    if text is None:
        return
    seconds = _SECONDS.match(text)
    if seconds is None:
        context.gap(GapReason.UNSUPPORTED, f"{_PATH}: does not start with a number of seconds")
        return
    total = math.ceil(float(seconds[0]))
    minutes, hours, days = total // 60, total // 3600, total // 86400
    yield {"days": days, "hours": hours % 24, "minutes": minutes % 60, "seconds": total % 60, "total_seconds": total}


TABLE = Table(SPEC, generate)
