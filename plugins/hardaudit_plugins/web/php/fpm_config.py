"""PHP-FPM's configuration files, read as sapi/fpm/fpm/fpm_conf.c reads them: a line at a time, each as ini syntax of its own."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.php.ini_scanner import IniStatement, IniSyntaxError, parse_ini
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit_plugins.web.evidence import Evidence

GLOBAL = "global"
_MOST_NESTED = 5
_MOST_FILES = 5000
_ARRAYS = frozenset({"php_value", "php_admin_value", "php_flag", "php_admin_flag", "env", "access.suppress_path"})
_GLOBAL_NAMES = re.compile(
    r"(?:emergency_restart_(?:threshold|interval)|process_control_timeout|process\.(?:max|priority)|daemonize|pid|error_log|events\.mechanism"
    r"|syslog\.(?:facility|ident)|log_(?:buffering|level|limit)|rlimit_(?:files|core)|systemd_interval)\Z"
)
_POOL_NAMES = re.compile(
    r"(?:prefix|user|group|listen(?:\.(?:backlog|acl_users|acl_groups|owner|group|mode|allowed_clients|setfib))?|process\.(?:priority|dumpable)"
    r"|pm(?:\.(?:max_children|(?:start|min_spare|max_spare)_servers|max_spawn_rate|process_idle_timeout|max_requests|status_path|status_listen))?"
    r"|ping\.(?:path|response)|access\.(?:log|format)|slowlog|request_slowlog_(?:timeout|trace_depth)|chroot|chdir|apparmor_hat|clear_env"
    r"|request_terminate_timeout(?:_track_finished)?|rlimit_(?:files|core)|(?:catch|decorate)_workers_output|security\.limit_extensions)\Z"
)


@dataclass(frozen=True, slots=True)
class ArrayValue:
    """`kind[key] = value` of a pool; a flag's value is 1 or 0."""

    kind: str
    key: str
    value: str
    place: Place


@dataclass(slots=True)
class PoolSection:
    """A pool as its sections give it, all of the same name together: the last value of a directive counts, arrays collect."""

    name: str
    place: Place
    directives: dict[str, tuple[str, Place]] = field(default_factory=dict)
    arrays: list[ArrayValue] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FpmConfiguration:
    """The pools of one php-fpm. `refused`: why it would not start, or what is not understood, with file and line; None if all is well."""

    pools: tuple[PoolSection, ...]
    refused: str | None


class _RefusedError(Exception):
    """php-fpm stops here."""


class _Reader:
    def __init__(self, evidence: Evidence, variable: Callable[[str], str | None], prefix: str) -> None:
        self.evidence = evidence
        self.pools: dict[str, PoolSection] = {}
        self._variable = variable
        self._prefix = prefix
        self._current: PoolSection | None = None
        self._files = 0

    def read(self, path: str, depth: int) -> None:
        self._files += 1
        if depth >= _MOST_NESTED or self._files > _MOST_FILES:
            raise _RefusedError(f"{path}: more than {_MOST_NESTED} files that include each other, or more than {_MOST_FILES} files")
        text = self.evidence.read_text(path)
        if text is None:
            raise _RefusedError(f"{path} cannot be read")
        for number, line in enumerate(text.split("\n"), 1):
            if line:
                self.evidence.check_deadline()
                self._line(line, Place(path, number), depth)

    def _line(self, line: str, place: Place, depth: int) -> None:
        include = None
        try:
            for statement in parse_ini(f"{line}\n", self._variable, self.evidence.check_deadline):
                if statement.unresolved is not None:
                    raise _RefusedError(f"{place}: the value of {statement.unresolved} depends on the environment php-fpm is started in")
                if statement.kind == "entry" and statement.name == "include":
                    include = statement.value
                self._statement(statement, place)
        except IniSyntaxError as error:
            raise _RefusedError(f"{place}: {error.detail}") from error
        if include is not None:
            self._include(include if include.startswith("/") else f"{self._prefix}/{include}", place, depth)

    def _statement(self, statement: IniStatement, place: Place) -> None:
        if statement.kind == "section":
            name = statement.name
            self._current = None if name.lower() == GLOBAL else self.pools.setdefault(name.lower(), PoolSection(name, place))
        elif statement.kind == "array":
            self._array(statement, place)
        elif statement.name != "include":
            self._entry(statement, place)

    def _entry(self, statement: IniStatement, place: Place) -> None:
        name = statement.name.lower()
        if statement.value is None:
            raise _RefusedError(f"{place}: {statement.name} has no value")
        if not (_GLOBAL_NAMES if self._current is None else _POOL_NAMES).match(name):
            raise _RefusedError(f"{place}: php-fpm knows no {statement.name} here")
        if self._current is not None:
            self._current.directives[name] = (self._expand(statement.value), place)

    def _array(self, statement: IniStatement, place: Place) -> None:
        kind, value = statement.name, statement.value or ""
        if self._current is None or kind not in _ARRAYS or (not statement.key and kind != "access.suppress_path"):
            raise _RefusedError(f"{place}: php-fpm takes no {kind}[{statement.key}] here")
        if (kind == "env" and not value) or (kind == "access.suppress_path" and (statement.key or not value.startswith("/"))):
            raise _RefusedError(f"{place}: php-fpm takes no {value!r} for {kind}")
        if kind.endswith("_flag"):
            if value not in ("1", ""):
                raise _RefusedError(f"{place}: {value!r} is neither on nor off")
            value = value or "0"
        self._current.arrays.append(ArrayValue(kind, statement.key, self._expand(value), place))

    def _expand(self, value: str) -> str:
        return value.replace("$pool", self._current.name) if self._current is not None else value

    def _include(self, pattern: str, place: Place, depth: int) -> None:
        for path in self._glob(pattern, place):
            self.read(path, depth + 1)

    def _glob(self, pattern: str, place: Place) -> list[str]:
        """glob(3): a dot at the start of a name is matched by a dot only, directories are left out, the order is by bytes."""
        if "\\" in pattern or "[^" in pattern or len(pattern) > 4096 or "\x00" in pattern:
            raise _RefusedError(f"{place}: the pattern {pattern[:200]!r} is not evaluated")
        found = [""]
        parts = [part for part in pattern.split("/") if part]
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            found = [path for base in found for path in self._matching(base, part) if self._is_kind(path, directory=not last)]
            if len(found) > _MOST_FILES:
                raise _RefusedError(f"{place}: the pattern {pattern[:200]!r} matches more than {_MOST_FILES} names")
        return sorted(found, key=host_text.encode)

    def _matching(self, base: str, part: str) -> list[str]:
        self.evidence.check_deadline()
        if not any(character in part for character in "*?["):
            return [f"{base}/{part}"]
        names = self.evidence.list_directory(base or "/", optional=True)
        return [
            f"{base}/{name}" for name in names if (part.startswith(".") or not name.startswith(".")) and fnmatch.fnmatchcase(name, part)
        ]

    def _is_kind(self, path: str, *, directory: bool) -> bool:
        try:
            mode = self.evidence.target.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            self.evidence.gap_for(error, path)
            raise _RefusedError(f"{path}: {error.strerror or error}") from error
        return (mode & 0o170000 == 0o040000) is directory


def read_fpm(evidence: Evidence, path: str, prefix: str, variable: Callable[[str], str | None]) -> FpmConfiguration:
    """The pools of the php-fpm whose main file is `path`.

    `prefix` is where relative paths begin; `variable` gives the value of `${name}`. An error stops php-fpm from starting: the pools read
    until then are returned, and a gap names file and line.
    """
    reader = _Reader(evidence, variable, prefix)
    refused: str | None = None
    try:
        reader.read(path, 0)
        for pool in reader.pools.values():
            _require(pool)
        _require_distinct(list(reader.pools.values()))
    except _RefusedError as error:
        refused = str(error)
        evidence.gap(GapReason.UNDECIDABLE, f"{refused}: php-fpm would not start, or is not understood: what it does is not decided")
    return FpmConfiguration(tuple(reader.pools.values()), refused)


def _require(pool: PoolSection) -> None:
    """What php-fpm demands of a pool (fpm_conf_process_all_pools)."""
    values = {name: value for name, (value, _) in pool.directives.items()}
    for name in ("user", "listen", "pm", "pm.max_children"):
        if name not in values or (name == "listen" and not values[name]):
            raise _RefusedError(f"{pool.place}: pool {pool.name} has no {name}")
    if values["pm"].lower() not in ("static", "dynamic", "ondemand"):
        raise _RefusedError(f"{pool.directives['pm'][1]}: pm is static, dynamic or ondemand")
    numbers = {name: _count(pool, name) for name in ("pm.max_children", "pm.min_spare_servers", "pm.max_spare_servers", "pm.start_servers")}
    most = numbers["pm.max_children"]
    if most < 1:
        raise _RefusedError(f"{pool.directives['pm.max_children'][1]}: pm.max_children is not positive")
    if values["pm"].lower() == "dynamic":
        low, high, start = numbers["pm.min_spare_servers"], numbers["pm.max_spare_servers"], numbers["pm.start_servers"]
        if not 0 < low <= high <= most or (start > 0 and not low <= start <= high):
            raise _RefusedError(f"{pool.place}: the numbers of servers of pool {pool.name} contradict each other")


def _count(pool: PoolSection, name: str) -> int:
    value, place = pool.directives.get(name, ("0", pool.place))
    digits = value.removeprefix("-")
    if digits and not (digits.isascii() and digits.isdecimal()):
        raise _RefusedError(f"{place}: {value[:100]!r} is no number")
    return int(f"{'-' if value.startswith('-') else ''}{digits[:9] or '0'}")


def _require_distinct(pools: list[PoolSection]) -> None:
    seen: dict[str, PoolSection] = {}
    for pool in pools:
        listen, place = pool.directives["listen"]
        if listen in seen:
            raise _RefusedError(f"{place}: pool {pool.name} listens where pool {seen[listen].name} does")
        seen[listen] = pool
