"""What starts by itself: the places of a host where commands stand that nobody has to type."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.errors import NotRegularFileError
from hardaudit_plugins.accounts.homes import homes
from hardaudit_plugins.persistence.cron import SYSTEM_CRONTAB, SYSTEM_DIRECTORY
from hardaudit_plugins.persistence.shell_programs import SHELL
from hardaudit_plugins.persistence.started_programs import Started
from hardaudit_plugins.persistence.unit_commands import unit_commands
from hardaudit_plugins.persistence.unit_files import unit_files
from hardaudit_plugins.persistence.unit_syntax import expand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.persistence.unit_files import UnitFile

SCRIPT_LIMIT = 256 * 1024
"""Bytes of a script that are read."""

_ROOT = "root"
_ANACRONTAB = "/etc/anacrontab"
_RUN_PARTS = tuple(f"/etc/cron.{period}" for period in ("hourly", "daily", "weekly", "monthly", "yearly"))
_AT_JOBS = ("/var/spool/cron/atjobs", "/var/spool/at")
_RC_LOCAL = ("/etc/rc.local", "/etc/rc.d/rc.local")
_GENERATORS = tuple(
    f"{place}/systemd/{kind}"
    for place in ("/etc", "/run", "/usr/local/lib", "/usr/lib")
    for kind in ("system-generators", "system-environment-generators", "user-generators", "user-environment-generators")
)
USER_UNITS = (
    "/etc/systemd/user",
    "/run/systemd/user",
    "/usr/local/share/systemd/user",
    "/usr/share/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user",
)
"""systemd's search path for the units of every user, systemd.unit(5)."""

_HOME_UNITS = (".config/systemd/user.control", ".config/systemd/user", ".local/share/systemd/user")
_LOGIN_SCRIPTS = ("/etc/profile", "/etc/bash.bashrc", "/etc/bashrc", "/etc/zshenv", "/etc/zsh/zshenv", "/etc/zsh/zprofile")
_HOME_SCRIPTS = (".profile", ".bash_profile", ".bash_login", ".bashrc", ".zshenv", ".zprofile", ".zshrc", ".xprofile", ".xinitrc")
_PROFILE_DIRECTORY = "/etc/profile.d"


@dataclass(frozen=True, slots=True)
class StartupCommand:
    """A command, or a script's text, that runs by itself.

    `place` is the file that says so, `line` its line where that is known. `user`: whom it runs as, None for each user who logs in.
    `own`: a file that is started, or read, as a whole. `directory`: where the command runs, None when that is not known. `is_script`:
    `text` is that of the script `place`.
    """

    kind: str
    place: str
    user: str | None
    text: str = ""
    line: int | None = None
    own: Started | None = None
    directory: str | None = None
    is_script: bool = False


def startup_commands(context: TableContext) -> Iterator[StartupCommand]:
    """All of them. What cannot be read becomes a gap; a place that does not exist is none."""
    yield from _cron(context)
    yield from _anacron(context)
    for directory in _RUN_PARTS:
        yield from _scripts(context, "cron_script", directory)
    yield from _at_jobs(context)
    for path in _RC_LOCAL:
        if _is_executable(context, path):
            yield from _script(context, "rc_local", path, _ROOT)
    yield from _system_units(context)
    yield from _user_units(context)
    for directory in _GENERATORS:
        for path in _files(context, directory):
            user = None if "/user-" in directory else _ROOT
            yield StartupCommand("generator", path, user, own=Started(path, "program"))
    yield from _startup_items(context)
    yield from _login_scripts(context)


def _cron(context: TableContext) -> Iterator[StartupCommand]:
    for row in context.rows("crontab", only=("command", "path")):
        path, command = str(row["path"]), str(row["command"])
        if path == SYSTEM_CRONTAB or path.startswith(f"{SYSTEM_DIRECTORY}/"):
            user, _, text = command.partition(" ")
        else:
            user, text = path.rpartition("/")[2], command
        yield StartupCommand("cron", path, user, text)


def _anacron(context: TableContext) -> Iterator[StartupCommand]:
    """anacrontab(5): period, delay, job identifier, command."""
    text = context.read_text(_ANACRONTAB, optional=True)
    if text is None:
        return
    yield StartupCommand("anacron", _ANACRONTAB, _ROOT, own=Started(_ANACRONTAB, "definition"))
    for number, line in enumerate(text.split("\n"), 1):
        context.check_deadline()
        words = line.split(None, 3)
        if len(words) == 4 and not words[0].startswith("#") and words[1] != "=" and "=" not in words[0]:
            yield StartupCommand("anacron", _ANACRONTAB, _ROOT, words[3], number)


def _files(context: TableContext, directory: str) -> Iterator[str]:
    """The paths of what is in a directory and no directory itself, hidden files and the distributions' READMEs left out."""
    for name in context.list_directory(directory, optional=True):
        context.check_deadline()
        path = f"{directory}/{name}"
        if name.startswith(".") or name == "README":
            continue
        try:
            if stat.S_ISDIR(context.target.stat(path).st_mode):
                continue
        except FileNotFoundError:
            pass  # a link that leads nowhere may lead somewhere tomorrow
        except OSError as error:
            context.gap_for(error, path)
        yield path


def _scripts(context: TableContext, kind: str, directory: str) -> Iterator[StartupCommand]:
    for path in _files(context, directory):
        yield from _script(context, kind, path, _ROOT)


def _script(context: TableContext, kind: str, path: str, user: str | None) -> Iterator[StartupCommand]:
    """A script itself, and its text where it is one of a shell."""
    yield StartupCommand(kind, path, user, own=Started(path, "script"))
    text = _shell_text(context, path)
    if text:
        yield StartupCommand(kind, path, user, text, is_script=True)


def _shell_text(context: TableContext, path: str) -> str | None:
    """The text of a shell script; None for other programs, and where there is none."""
    try:
        with context.target.open(path) as file:
            content = file.read(SCRIPT_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, NotRegularFileError) as error:
        context.gap_for(error, path)
        return None
    if not _is_of_a_shell(content):
        return None
    if len(content) > SCRIPT_LIMIT:
        context.gap(GapReason.TRUNCATED, f"{path}: more than {SCRIPT_LIMIT:,} bytes: the script is not read to its end")
    return host_text.decode(content[:SCRIPT_LIMIT])


def _is_of_a_shell(content: bytes) -> bool:
    first, _, _ = content[:4096].partition(b"\n")
    if not first.startswith(b"#!"):
        return b"\0" not in content[:4096]
    words = host_text.decode(first[2:]).split()
    names = [word.rpartition("/")[2] for word in words if not word.startswith("-")]
    name = next((name for name in names if name != "env"), "")
    return SHELL.fullmatch(name) is not None


def _is_executable(context: TableContext, path: str) -> bool:
    try:
        return bool(context.target.stat(path).st_mode & 0o111)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        context.gap_for(error, path)
        return False


def _at_jobs(context: TableContext) -> Iterator[StartupCommand]:
    """at(1)'s jobs are scripts that run as their owners."""
    names: dict[int, str] | None = None
    for directory in _AT_JOBS:
        for path in _files(context, directory):
            if names is None:
                names = {uid: str(row["username"]) for row in context.rows("users") if isinstance(uid := row["uid"], int)}
            try:
                uid = context.target.stat(path).st_uid
            except OSError:
                continue  # done meanwhile; what else keeps it from being read is said below
            text = _shell_text(context, path)
            if text:
                yield StartupCommand("at", path, names.get(uid, str(uid)), text, is_script=True)


def _system_units(context: TableContext) -> Iterator[StartupCommand]:
    for unit in unit_files(context):
        user = expand(unit.last("Service", "User") or "", unit.name)
        if not user and (unit.last("Service", "DynamicUser") or "").lower() in ("1", "yes", "true", "on", "y", "t"):
            user = unit.name.rpartition(".")[0]
        yield from _unit(unit, "unit", user or _ROOT, "/")


def _unit(unit: UnitFile, kind: str, user: str | None, directory: str | None) -> Iterator[StartupCommand]:
    """The files that define a unit, and its commands."""
    manager = _ROOT if kind == "unit" else user
    for path in dict.fromkeys((unit.path, *(path for path, _ in unit.drop_ins))):
        yield StartupCommand(kind, path, manager, own=Started(path, "definition"))
    chosen = expand(unit.last("Service", "WorkingDirectory") or "", unit.name).lstrip("-")
    for command in unit_commands(unit):
        privileged = kind == "unit" and ("+" in command.prefixes or "!" in command.prefixes)
        yield StartupCommand(
            kind,
            command.path,
            _ROOT if privileged else user,
            command.command,
            command.line,
            directory=chosen if chosen.startswith("/") else directory,
        )


def _user_units(context: TableContext) -> Iterator[StartupCommand]:
    for unit in unit_files(context, USER_UNITS):
        yield from _unit(unit, "user_unit", None, None)
    for directory, user in home_directories(context):
        for unit in unit_files(context, [f"{directory}/{place}" for place in _HOME_UNITS]):
            yield from _unit(unit, "user_unit", user, directory or "/")


def home_directories(context: TableContext) -> Iterator[tuple[str, str]]:
    """Each home directory, without a slash at its end, and the first account that has it."""
    seen: set[str] = set()
    for home in homes(context):
        directory = home.directory.rstrip("/")
        if directory not in seen:
            seen.add(directory)
            yield directory, home.username


def _startup_items(context: TableContext) -> Iterator[StartupCommand]:
    """The scripts of /etc/init.d, and what starts with a desktop session."""
    for row in context.rows("startup_items", only=("path", "type", "source", "username")):
        source, path = str(row["source"]), row["path"]
        if row["type"] != "Startup Item" or not isinstance(path, str) or path.endswith("/README"):
            continue
        if source == "/etc/init.d/":
            yield StartupCommand("init_script", path, _ROOT, own=Started(path, "script"))
        else:
            username = row["username"]
            yield StartupCommand("autostart", source, username if isinstance(username, str) else None, path)


def login_scripts(context: TableContext) -> dict[str, str | None]:
    """The start files of shells that exist, and whose they are; None: everybody's."""
    places: dict[str, str | None] = dict.fromkeys((*_LOGIN_SCRIPTS, *_files(context, _PROFILE_DIRECTORY)))
    for directory, user in home_directories(context):
        places.update({f"{directory}/{name}": user for name in _HOME_SCRIPTS})
    return {path: user for path, user in places.items() if _exists(context, path)}


def _login_scripts(context: TableContext) -> Iterator[StartupCommand]:
    for path, user in login_scripts(context).items():
        yield from _script(context, "login_script", path, user)


def _exists(context: TableContext, path: str) -> bool:
    context.check_deadline()
    try:
        return context.target.exists(path)
    except OSError as error:
        context.gap_for(error, path)
        return False
