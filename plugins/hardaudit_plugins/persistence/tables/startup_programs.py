"""`startup_programs`: the files that run, or are read, without anybody typing a command."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.homes import canonical
from hardaudit_plugins.persistence.started_programs import ShellReader
from hardaudit_plugins.persistence.startup_commands import startup_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.persistence.started_programs import Started
    from hardaudit_plugins.persistence.startup_commands import StartupCommand

SPEC = TableSpec(
    name="startup_programs",
    description=(
        "The programs, scripts and libraries that start by themselves: by cron, anacron and at, systemd's system and user units and "
        "generators, /etc/init.d, rc.local, at login and with a desktop session. Wrappers such as sudo and nice, and shells' -c, are seen "
        "through."
    ),
    source=(
        "crontab, startup_items; /etc/anacrontab, /etc/cron.hourly and its like, /var/spool/cron/atjobs, /var/spool/at; systemd's unit and "
        "generator directories, those of users included; /etc/rc.local; /etc/profile and /etc/profile.d, the shells' start files"
    ),
    columns=(
        Column(
            "kind",
            TEXT,
            "cron, anacron, cron_script, at, rc_local, unit, user_unit, generator, init_script, autostart or login_script",
        ),
        Column("place", TEXT, "The file that says so: crontab, unit file, script; for autostart its directory"),
        Column("line", INTEGER, "Line of that file, from 1; NULL for crontabs and scripts"),
        Column("user", TEXT, "Whom it runs as; NULL for each user who logs in"),
        Column("command", TEXT, "The command; for what a script starts, and for a script itself, the program"),
        Column("program", TEXT, "Absolute path of the file, without . and .."),
        Column("resolved", TEXT, "The path that links lead to from there, whether or not anything is there"),
        Column(
            "role",
            TEXT,
            "program; script: run or sourced by a shell or interpreter; library; directory: all in it is run; definition: says what runs",
        ),
    ),
    examples=(
        "SELECT place, program FROM startup_programs WHERE user = 'root' AND program LIKE '/home/%'",
        "SELECT place, command FROM startup_programs WHERE kind = 'at'",
    ),
    notes=(
        "Scripts of shells are read, those of other interpreters are not, and neither are scripts that scripts start. Not told are names "
        "that are looked up in PATH, relative paths where the directory is not known, and paths made of variables which the text itself "
        "does not set."
    ),
)

_LONGEST_COMMAND = 1000


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each file that a command or script starts."""
    resolved: dict[str, str | None] = {}
    for command in startup_commands(context):
        context.check_deadline()
        for started in _started(context, command):
            if started.path not in resolved:
                resolved[started.path] = _resolved(context, started.path)
            told = started.path if command.own or command.is_script else command.text
            yield {
                "kind": command.kind,
                "place": command.place,
                "line": command.line,
                "user": command.user,
                "command": told[:_LONGEST_COMMAND],
                "program": started.path,
                "resolved": resolved[started.path],
                "role": started.role,
            }


def _started(context: TableContext, command: StartupCommand) -> list[Started]:
    if command.own:
        return [command.own]
    reader = ShellReader(command.directory)
    reader.read(command.text)
    if reader.cut:
        context.gap(GapReason.UNDECIDABLE, f"{command.place}: commands inside commands that go too deep are not followed")
    return list(reader.found)


def _resolved(context: TableContext, path: str) -> str | None:
    """Where a path leads through links; the path itself when that cannot be followed, with a gap unless it is no more than a loop."""
    try:
        return canonical(context.target, path)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENAMETOOLONG):
            context.gap_for(error, path)
        return path


TABLE = Table(SPEC, generate)
