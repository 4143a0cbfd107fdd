"""`crontab`: the entries of all crontabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.namespaces import PID_WITH_NAMESPACE, own_namespace_only
from hardaudit_plugins.persistence.cron import crontab_paths, parse_crontab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="crontab",
    description="The entries of the system's crontabs and of the users'.",
    source="/etc/crontab, /etc/cron.d; /var/spool/cron and its crontabs and tabs, /etc/crontabs; crontab(5)",
    columns=(
        Column("event", TEXT, "An @ name such as @reboot or @daily; NULL for an entry with times"),
        Column("minute", TEXT, "Minutes; NULL for an event"),
        Column("hour", TEXT, "Hours; NULL for an event"),
        Column("day_of_month", TEXT, "Days of the month; NULL for an event"),
        Column("month", TEXT, "Months; NULL for an event"),
        Column("day_of_week", TEXT, "Days of the week; NULL for an event"),
        Column("command", TEXT, "The command, its blanks made single spaces; in the system's crontabs the user it runs as comes first"),
        Column("path", TEXT, "The crontab"),
        PID_WITH_NAMESPACE,
    ),
    examples=(
        "SELECT command, path FROM crontab WHERE event = '@reboot'",
        "SELECT minute, hour, command FROM crontab WHERE path = '/etc/crontab'",
    ),
    osquery=True,
    notes=(
        "A crontab that cannot be read is a gap. The users' crontabs of SUSE and Alpine, which osquery does not know, are read. "
        "Like osquery, it lists files whose names make cron ignore them, such as /etc/cron.d/x.bak."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each entry, in the order of the files."""
    if not own_namespace_only(context):
        return
    for path in crontab_paths(context):
        for entry in parse_crontab(context.read_text(path, optional=True) or ""):
            context.check_deadline()
            minute, hour, day_of_month, month, day_of_week = entry.times
            yield {
                "event": entry.event,
                "minute": minute,
                "hour": hour,
                "day_of_month": day_of_month,
                "month": month,
                "day_of_week": day_of_week,
                "command": entry.command,
                "path": path,
                "pid_with_namespace": 0,
            }


TABLE = Table(SPEC, generate)
