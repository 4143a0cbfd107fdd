"""`load_average`: how busy the system is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="load_average",
    description="Three rows: the average number of runnable or waiting tasks over 1, 5 and 15 minutes.",
    source="/proc/loadavg, proc(5)",
    columns=(
        Column("period", TEXT, "Period of the average: 1m, 5m or 15m"),
        Column("average", TEXT, "Average over the period, a decimal number with six places"),
    ),
    examples=("SELECT period, average FROM load_average WHERE period = '15m'",),
    live_only=True,
    osquery=True,
)

_PATH = "/proc/loadavg"
_AVERAGES = re.compile(r"([0-9]+\.[0-9]+) ([0-9]+\.[0-9]+) ([0-9]+\.[0-9]+) ", re.ASCII)


def generate(context: TableContext) -> Iterator[Row]:
    """The three rows."""
    text = context.read_text(_PATH)
    if text is None:
        return
    averages = _AVERAGES.match(text)
    if averages is None:
        context.gap(GapReason.UNSUPPORTED, f"{_PATH}: does not start with three averages")
        return
    for period, average in zip(("1m", "5m", "15m"), averages.groups(), strict=True):
        yield {"period": period, "average": f"{float(average):.6f}"}


TABLE = Table(SPEC, generate)
