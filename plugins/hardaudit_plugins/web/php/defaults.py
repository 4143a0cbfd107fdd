"""The values that PHP has for its settings where nothing sets them (php_defaults.csv).

Columns of the file: `name`; `default`, NULL for none; `changeable`, where it may be changed; `extension` that has to be loaded, empty for
those that are always there; `sapis` that know it, empty for all; `since` and `until`, the first version that has the row and the first that
has not; `build`, `debian` for the values of Debian's builds; `rule`, which values PHP refuses, keeping what it had.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

USER, PERDIR, SYSTEM = 1, 2, 4
"""Who may change a setting: the script, .user.ini and .htaccess, and the files that only the administrator writes (ZEND_INI_*)."""

_CHANGEABLE = {"all": USER | PERDIR | SYSTEM, "perdir_system": PERDIR | SYSTEM, "perdir": PERDIR, "system": SYSTEM, "user": USER}
_NEWEST = (99, 0)
_SIZE = re.compile(r"\s*([-+]?[0-9]{1,18})[0-9.\s]*([kKmMgG]?)\s*\Z")
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_LEAST_MEMORY = 2 * 2**20


@dataclass(frozen=True, slots=True)
class Default:
    """A setting that PHP knows. `changeable`: a sum of USER, PERDIR and SYSTEM."""

    name: str
    value: str | None
    changeable: int
    extension: str
    sapis: frozenset[str]
    rule: str

    def accepts(self, value: str) -> bool:
        """Whether PHP takes the value; where it does not, it keeps what it had."""
        if self.rule == "unempty":
            return value != ""
        if self.rule == "memory":
            return value.strip() == "-1" or _size(value) >= _LEAST_MEMORY
        if self.rule == "session_name":
            return value != "" and not re.fullmatch(r"\s*[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?\s*", value)
        if self.rule == "not_negative":
            return _size(value) >= 0
        if "-" in self.rule:
            least, most = self.rule.split("-")
            return int(least) <= _size(value) <= int(most)
        return True


def _size(value: str) -> int:
    """A number with a unit, as zend_atol takes it; 0 for what is none."""
    found = _SIZE.match(value)
    return int(found.group(1)) * _UNITS[found.group(2).lower()] if found else 0


def defaults_for(version: str, *, debian: bool) -> dict[str, Default]:
    """Every setting known of a version (`8.2`; empty: of the newest), whatever SAPI and extension it belongs to."""
    wanted = version_number(version)
    found: dict[str, Default] = {}
    for row in _rows():
        too_new, gone = row["since"] and wanted < _number(row["since"]), row["until"] and wanted >= _number(row["until"])
        if too_new or gone or (row["build"] and not debian):
            continue
        value = None if row["default"] == "NULL" else row["default"]
        sapis = frozenset(row["sapis"].split())
        if row["name"] not in found or row["build"]:
            found[row["name"]] = Default(row["name"], value, _CHANGEABLE[row["changeable"]], row["extension"], sapis, row["rule"])
    return found


@lru_cache(maxsize=1)
def _rows() -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader((files(__package__) / "php_defaults.csv").read_text("utf-8").splitlines()))


def version_number(version: str) -> tuple[int, int]:
    """Of a version (`8.2`); an empty one is the newest."""
    return _number(version) if version else _NEWEST


def _number(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major) if major.isdigit() else 0, int(minor) if minor.isdigit() else 0
