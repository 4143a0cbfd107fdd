"""`apt_settings`: APT's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.patches.apt_configuration import read_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="apt_settings",
    description="The values that APT's configuration files set; of several the last counts. Built-in defaults have no row.",
    source="/etc/apt/apt.conf.d and /etc/apt/apt.conf, apt.conf(5), apt-config(8)",
    columns=(
        Column("name", TEXT, "Full name, such as APT::Periodic::Enable; it ends with `::` for an item of a list", collate="nocase"),
        Column("value", TEXT, "The value, without quotes"),
        Column("path", TEXT, "The file that has the last word"),
        Column("line", INTEGER, "The line of that file, from 1"),
    ),
    examples=("SELECT value, path, line FROM apt_settings WHERE name = 'APT::Periodic::Unattended-Upgrade'",),
    notes="The environment variable APT_CONFIG and a Dir::Etc that points elsewhere are not followed.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each value."""
    for setting in read_configuration(context).settings():
        yield {"name": setting.name, "value": setting.value, "path": setting.path, "line": setting.line}


TABLE = Table(SPEC, generate)
