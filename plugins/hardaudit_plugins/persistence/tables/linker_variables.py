"""`linker_variables`: libraries that the environment has loaded into programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.persistence.linker_settings import linker_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="linker_variables",
    description=(
        "Where files set LD_PRELOAD, LD_AUDIT or LD_LIBRARY_PATH, by which the dynamic linker loads other libraries, for sessions, "
        "services and cron's jobs."
    ),
    source=(
        "/etc/environment, pam_env.conf(5), environment.d(5), systemd-system.conf(5), Environment= and EnvironmentFile= of units, "
        "crontab(5), the shells' start files; ld.so(8)"
    ),
    columns=(
        Column("variable", TEXT, "LD_PRELOAD, LD_AUDIT or LD_LIBRARY_PATH"),
        Column("value", TEXT, "Its value, without quotes: libraries or directories, separated by colons or, in LD_PRELOAD, by blanks"),
        Column("kind", TEXT, "For whom: session, systemd (every service), unit, user_unit, cron or login_script"),
        Column("place", TEXT, "File that sets it"),
        Column("line", INTEGER, "Line's number, from 1"),
    ),
    examples=("SELECT value, place, line FROM linker_variables WHERE variable = 'LD_PRELOAD'",),
    notes=(
        "A value that a later line takes back is told too. Environment files that a unit names with wildcards or specifiers are not read, "
        "nor is the environment of processes that run."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each assignment."""
    for setting in linker_settings(context):
        yield {
            "variable": setting.variable,
            "value": setting.value,
            "kind": setting.kind,
            "place": setting.place,
            "line": setting.line,
        }


TABLE = Table(SPEC, generate)
