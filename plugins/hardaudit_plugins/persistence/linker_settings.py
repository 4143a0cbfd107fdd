"""Where a host sets the dynamic linker's variables for programs that start by themselves, ld.so(8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.kernel.drop_ins import drop_in_files, first_existing
from hardaudit_plugins.persistence.cron import crontab_paths
from hardaudit_plugins.persistence.startup_commands import USER_UNITS, home_directories, login_scripts
from hardaudit_plugins.persistence.unit_files import unit_files
from hardaudit_plugins.persistence.unit_syntax import assignments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.persistence.unit_files import UnitFile

_VARIABLE = r"(LD_PRELOAD|LD_AUDIT|LD_LIBRARY_PATH)"
_ASSIGNMENT = re.compile(_VARIABLE + r"[ \t]*=[ \t]*(\"[^\"\n]*\"|'[^'\n]*'|[^\n]*)")
_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?" + _ASSIGNMENT.pattern)
_PAM_CONF = re.compile(r"^[ \t]*" + _VARIABLE + r"[ \t]+(.*)")
_PAM_VALUE = re.compile(r"(?:DEFAULT|OVERRIDE)=(\"[^\"]*\"|[^ \t]*)")
_WORD = re.compile(r"(?:^|(?<=[ \t\"';&|({]))" + _VARIABLE + r"=(\"[^\"\n]*\"|'[^'\n]*'|[^ \t\"';&|)\n]*)")
_LONGEST_LINE = 65_536  # characters of a line that are looked at
_SYSTEMD = tuple(f"{place}/systemd" for place in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"))
_ENVIRONMENT_D = ("/etc/environment.d", "/run/environment.d", "/usr/local/lib/environment.d", "/usr/lib/environment.d")
_MANAGER_KEYS = frozenset(("DefaultEnvironment", "ManagerEnvironment"))
_SESSIONS, _SERVICES = "session", "systemd"


@dataclass(frozen=True, slots=True)
class LinkerSetting:
    """A variable's value, for whom it is set, and where: file and line, from 1."""

    kind: str
    place: str
    line: int
    variable: str
    value: str


def linker_settings(context: TableContext) -> Iterator[LinkerSetting]:
    """All of them. What cannot be read becomes a gap; a place that does not exist is none."""
    yield from _lines(context, _SESSIONS, "/etc/environment", _LINE)
    yield from _pam_conf(context, "/etc/security/pam_env.conf")
    for directory in (*_ENVIRONMENT_D, *(f"{home}/.config/environment.d" for home, _ in home_directories(context))):
        for path in drop_in_files(context, [directory]):
            yield from _lines(context, _SESSIONS, path, _LINE)
    for configuration in ("system.conf", "user.conf"):
        yield from _manager(context, configuration)
    for unit in unit_files(context):
        yield from _unit(context, "unit", unit)
    for unit in unit_files(context, USER_UNITS):
        yield from _unit(context, "user_unit", unit)
    for path in crontab_paths(context):
        yield from _lines(context, "cron", path, _LINE)
    for path in login_scripts(context):
        yield from _lines(context, "login_script", path, _WORD)


def _lines(context: TableContext, kind: str, path: str, pattern: re.Pattern[str]) -> Iterator[LinkerSetting]:
    """The variables that a file of assignments, one a line, sets."""
    for number, line in enumerate((context.read_text(path, optional=True) or "").split("\n"), 1):
        context.check_deadline()
        if "LD_" not in line or line.lstrip(" \t").startswith(("#", ";")):
            continue
        for match in pattern.finditer(line[:_LONGEST_LINE]):
            yield LinkerSetting(kind, path, number, match[1], _unquoted(match[2]))


def _pam_conf(context: TableContext, path: str) -> Iterator[LinkerSetting]:
    """pam_env.conf(5): the variable, then DEFAULT= and OVERRIDE=."""
    for number, line in enumerate((context.read_text(path, optional=True) or "").split("\n"), 1):
        match = _PAM_CONF.match(line[:_LONGEST_LINE])
        for value in _PAM_VALUE.finditer(match[2]) if match else ():
            yield LinkerSetting(_SESSIONS, path, number, match[1] if match else "", _unquoted(value[1]))


def _unquoted(text: str) -> str:
    return text.strip().strip("\"'").strip()


def _manager(context: TableContext, configuration: str) -> Iterator[LinkerSetting]:
    """systemd-system.conf(5): what every service, or every one of users, gets."""
    main = first_existing(context, [f"{place}/{configuration}" for place in _SYSTEMD])
    for path in (main, *drop_in_files(context, [f"{place}/{configuration}.d" for place in _SYSTEMD])):
        for assignment in assignments(context.read_text(path, optional=True) or "") if path else ():
            if assignment.key in _MANAGER_KEYS and path:
                yield from _words(_SERVICES, path, assignment.line, assignment.value)


def _words(kind: str, path: str, line: int, text: str) -> Iterator[LinkerSetting]:
    for match in _WORD.finditer(text[:_LONGEST_LINE]):
        yield LinkerSetting(kind, path, line, match[1], _unquoted(match[2]))


def _unit(context: TableContext, kind: str, unit: UnitFile) -> Iterator[LinkerSetting]:
    """systemd.exec(5): Environment=, and the files of EnvironmentFile=."""
    for path, assignment in unit.assignments():
        if assignment.key == "Environment":
            yield from _words(kind, path, assignment.line, assignment.value)
        elif assignment.key == "EnvironmentFile":
            file = assignment.value.lstrip("-")
            if file.startswith("/") and not set("*?[%") & set(file):
                yield from _lines(context, kind, file, _LINE)
