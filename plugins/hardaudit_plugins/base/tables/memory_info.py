"""`memory_info`: main memory and swap space."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="memory_info",
    description="One row: sizes of main memory and swap space, in bytes.",
    source="/proc/meminfo, proc(5)",
    columns=(
        Column("memory_total", BIGINT, "Usable main memory, in bytes"),
        Column("memory_free", BIGINT, "Memory that nothing uses, in bytes"),
        Column("memory_available", BIGINT, "Memory that programs could still get without swapping, in bytes"),
        Column("buffers", BIGINT, "Memory in raw disk buffers, in bytes"),
        Column("cached", BIGINT, "Memory in the page cache, in bytes"),
        Column("swap_cached", BIGINT, "Swapped memory that is in main memory too, in bytes"),
        Column("active", BIGINT, "Recently used memory, in bytes"),
        Column("inactive", BIGINT, "Memory not used recently, in bytes"),
        Column("swap_total", BIGINT, "Swap space, in bytes"),
        Column("swap_free", BIGINT, "Swap space that nothing uses, in bytes"),
    ),
    examples=("SELECT memory_total, swap_total FROM memory_info",),
    live_only=True,
    osquery=True,
)

_PATH = "/proc/meminfo"
_COLUMNS = {
    "MemTotal": "memory_total",
    "MemFree": "memory_free",
    "MemAvailable": "memory_available",
    "Buffers": "buffers",
    "Cached": "cached",
    "SwapCached": "swap_cached",
    "Active": "active",
    "Inactive": "inactive",
    "SwapTotal": "swap_total",
    "SwapFree": "swap_free",
}
_LINE = re.compile(r"(\w+):[ \t]+([0-9]{1,15}) kB", re.ASCII)


def generate(context: TableContext) -> Iterator[Row]:
    """The row. MemAvailable is missing before Linux 3.14 and is NULL then; without the total nothing was read."""
    text = context.read_text(_PATH)
    if text is None:
        return
    sizes: dict[str, int] = {}
    for line in text.split("\n"):
        match = _LINE.fullmatch(line)
        if match and match[1] in _COLUMNS:
            sizes[_COLUMNS[match[1]]] = int(match[2]) * 1024
    if "memory_total" not in sizes:
        context.gap(GapReason.UNSUPPORTED, f"{_PATH}: has no line MemTotal")
        return
    yield sizes


TABLE = Table(SPEC, generate)
