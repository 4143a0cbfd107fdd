"""`time`: the auditor's clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="time",
    description="One row: the time at which the row was made, in UTC, by the clock of the machine that hardaudit runs on.",
    source="clock_gettime(2) of the auditor's machine, on every target",
    columns=(
        Column("weekday", TEXT, "Day of the week, in English"),
        Column("year", INTEGER, "Year"),
        Column("month", INTEGER, "Month, 1 to 12"),
        Column("day", INTEGER, "Day of the month, 1 to 31"),
        Column("hour", INTEGER, "Hour, 0 to 23"),
        Column("minutes", INTEGER, "Minute, 0 to 59"),
        Column("seconds", INTEGER, "Second, 0 to 60"),
        Column("timezone", TEXT, "Time zone of the columns: always UTC"),
        Column("local_timezone", TEXT, "Abbreviation of the auditor's local time zone"),
        Column("unix_time", INTEGER, "Seconds since 1970-01-01 00:00 UTC"),
        Column("timestamp", TEXT, "The time as asctime(3) writes it, with UTC"),
        Column("datetime", TEXT, "The time as ISO 8601 has it"),
        Column("iso_8601", TEXT, "The same as datetime"),
    ),
    examples=("SELECT unix_time, iso_8601 FROM time",),
    osquery=True,
)

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def generate(_context: TableContext) -> Iterator[Row]:
    """The row."""
    yield row_at(int(time.time()))


def row_at(now: int) -> Row:
    """The row for a time in seconds since the epoch; English names whatever the locale."""
    utc = time.gmtime(now)
    iso_8601 = time.strftime("%Y-%m-%dT%H:%M:%SZ", utc)
    return {
        "weekday": _DAYS[utc.tm_wday],
        "year": utc.tm_year,
        "month": utc.tm_mon,
        "day": utc.tm_mday,
        "hour": utc.tm_hour,
        "minutes": utc.tm_min,
        "seconds": utc.tm_sec,
        "timezone": "UTC",
        "local_timezone": time.localtime(now).tm_zone or "UTC",
        "unix_time": now,
        "timestamp": f"{time.asctime(utc)} UTC",
        "datetime": iso_8601,
        "iso_8601": iso_8601,
    }


TABLE = Table(SPEC, generate)
