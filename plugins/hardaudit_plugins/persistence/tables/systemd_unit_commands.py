"""`systemd_unit_commands`: what the units of systemd run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.persistence.unit_commands import unit_commands
from hardaudit_plugins.persistence.unit_files import unit_files
from hardaudit_plugins.persistence.unit_syntax import expand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="systemd_unit_commands",
    description="The commands of systemd's services and sockets, those of units that are not enabled included; drop-ins are applied.",
    source="systemd's unit directories, systemd.unit(5), systemd.service(5)",
    columns=(
        Column("id", TEXT, "Name of the unit, such as ssh.service"),
        Column("setting", TEXT, "The setting that names the command: ExecStart, ExecStartPre, ExecStop …"),
        Column("executable", TEXT, "The program: an absolute path, or a name that systemd looks up in its own path"),
        Column("command", TEXT, "The whole command line, without systemd's prefixes; specifiers of the unit's name are replaced"),
        Column("prefixes", TEXT, "systemd's prefixes, such as - (failure is ignored) or + (runs as root whatever the unit's user is)"),
        Column("user", TEXT, "User that the unit sets; empty for root"),
        Column("unit_file_state", TEXT, "As in systemd_units"),
        Column("path", TEXT, "The unit file or drop-in that has the command"),
        Column("line", INTEGER, "The line of that file, from 1"),
    ),
    examples=("SELECT id, command FROM systemd_unit_commands WHERE executable LIKE '/opt/%'",),
    notes="Units without a command, such as targets and timers, have no row. Specifiers other than the name's stay as written.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each command."""
    for unit in unit_files(context):
        user = expand(unit.last("Service", "User") or "", unit.name)
        for command in unit_commands(unit):
            yield {
                "id": unit.name,
                "setting": command.setting,
                "executable": command.executable,
                "command": command.command,
                "prefixes": command.prefixes,
                "user": user,
                "unit_file_state": unit.file_state,
                "path": command.path,
                "line": command.line,
            }


TABLE = Table(SPEC, generate)
