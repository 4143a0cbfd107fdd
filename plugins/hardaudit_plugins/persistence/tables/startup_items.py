"""`startup_items`: what starts with the system or with a session."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.persistence.unit_files import unit_files
from hardaudit_plugins.persistence.unit_states import UnitStates
from hardaudit_plugins.persistence.unit_syntax import expand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="startup_items",
    description="Scripts of /etc/init.d, desktop entries that start with a session, and the units of systemd.",
    source="/etc/init.d, /etc/xdg/autostart, the users' ~/.config/autostart and ~/.config/autostart-scripts; systemd's unit directories",
    columns=(
        Column("name", TEXT, "Name of the script, desktop entry or unit"),
        Column("path", TEXT, "The script, the desktop entry's command, or the file that defines the unit"),
        Column("args", TEXT, "Always NULL"),
        Column("type", TEXT, "`Startup Item`, or `systemd unit`"),
        Column("source", TEXT, "The directory, with a slash at its end; for a unit the file it was generated from, else empty"),
        Column("status", TEXT, "`enabled` for scripts and desktop entries; for a unit its active state, NULL when that is not known"),
        Column("username", TEXT, "Owner of the home directory below /home, or the user that a unit sets; NULL or empty for others"),
    ),
    examples=("SELECT name, path, username FROM startup_items WHERE type = 'Startup Item' AND source LIKE '/home/%'",),
    osquery=True,
    notes=(
        "A desktop entry's command is given whole; osquery leaves those with `=` in them empty. Units are read from files as in "
        "systemd_units; reading a status that only systemd knows is a gap."
    ),
)

_ITEMS, _SCRIPTS = "/.config/autostart/", "/.config/autostart-scripts/"
_BLANKS = " \t\n\v\f\r"


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each item: the users', the system's, then systemd's."""
    homes = {str(row["directory"]) for row in context.rows("users") if row["directory"]}
    for home in sorted(homes):
        if home.startswith("/"):
            yield from _desktop_entries(context, home + _ITEMS)
            yield from _scripts(context, home + _SCRIPTS)
    yield from _scripts(context, "/etc/init.d/")
    yield from _desktop_entries(context, "/etc/xdg/autostart/")
    yield from _units(context)


def _files(context: TableContext, directory: str) -> Iterator[str]:
    """The files of a directory, hidden ones left out."""
    for name in context.list_directory(directory, optional=True):
        context.check_deadline()
        if name.startswith("."):
            continue
        try:
            if not stat.S_ISDIR(context.target.stat(directory + name).st_mode):
                yield name
        except FileNotFoundError:
            yield name  # a dangling link is listed too
        except OSError as error:
            context.gap_for(error, directory + name)


def _scripts(context: TableContext, directory: str) -> Iterator[Row]:
    for name in _files(context, directory):
        yield _item(directory, name, directory + name)


def _desktop_entries(context: TableContext, directory: str) -> Iterator[Row]:
    for file_name in _files(context, directory):
        name = command = None
        for line in (context.read_text(directory + file_name, optional=True) or "").split("\n"):
            key, equals, value = line.strip(_BLANKS).partition("=")
            key = key.rstrip(_BLANKS)
            if equals and key == "Name":
                name = value.strip(_BLANKS)
            elif equals and key == "Exec":
                command = value.strip(_BLANKS)
        yield _item(directory, name, command)


def _item(directory: str, name: str | None, path: str | None) -> Row:
    parts = directory.split("/")
    return {
        "name": name,
        "path": path,
        "args": None,
        "type": "Startup Item",
        "source": directory,
        "status": "enabled",
        "username": parts[2] if len(parts) > 2 and parts[1] == "home" else None,
    }


def _units(context: TableContext) -> Iterator[Row]:
    wanted = "status" in context.columns_used
    states = UnitStates(context)
    unknown = False
    for unit in unit_files(context):
        active = states.active_state(unit.name) if wanted else None
        unknown = unknown or active is None
        yield {
            "name": unit.name,
            "path": unit.path,
            "args": None,
            "type": "systemd unit",
            "source": unit.last("Unit", "SourcePath") or "",
            "status": active,
            "username": expand(unit.last("Service", "User") or "", unit.name),
        }
    if wanted and unknown:
        context.gap(GapReason.UNSUPPORTED, "status: only systemd knows the state of every unit; ask systemctl, or use osquery")


TABLE = Table(SPEC, generate)
