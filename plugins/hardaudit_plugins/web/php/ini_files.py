"""php.ini and the directory of further ini files: which files a SAPI reads, and the values that they set (main/php_ini.c)."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.php.ini_scanner import IniStatement, IniSyntaxError, parse_ini
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hardaudit_plugins.web.evidence import Evidence


_DECISIVE = frozenset(
    {"cgi.fix_pathinfo", "cgi.discard_path", "cgi.force_redirect", "doc_root", "user_dir", "open_basedir", "user_ini.filename"}
)
"""Settings that decide which script runs."""


@dataclass(frozen=True, slots=True)
class IniSetting:
    """A value that a file sets, as PHP takes it, and where. `unresolved`: what in it could not be computed (`${NAME}`), or None."""

    value: str
    place: Place
    unresolved: str | None = None


@dataclass(frozen=True, slots=True)
class IniConfiguration:
    """What a SAPI reads when it starts. The last line that sets a name counts.

    `paths`, `hosts`: the sections [PATH=/dir] and [HOST=name], each with its values; PHP applies them as if they were admin values.
    `debian`: the PHP of Debian's packages reads them, whose builds have some values of their own.
    `complete`: every file could be read and understood; otherwise gaps say what is missing, and any value may be another.
    """

    values: Mapping[str, IniSetting] = field(default_factory=dict)
    paths: Mapping[str, Mapping[str, IniSetting]] = field(default_factory=dict)
    hosts: Mapping[str, Mapping[str, IniSetting]] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    complete: bool = True
    debian: bool = False

    def for_directory(self, directory: str) -> Iterator[tuple[str, Mapping[str, IniSetting]]]:
        """The [PATH=] sections in effect in a directory, the outermost first."""
        at = directory.rstrip("/")
        above = [at[: index + 1] if index else "/" for index, character in enumerate(f"{at}/") if character == "/"]
        for path in dict.fromkeys(part.rstrip("/") for part in above):
            if path and path in self.paths:
                yield path, self.paths[path]


class _Reader:
    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.values: dict[str, IniSetting] = {}
        self.paths: dict[str, dict[str, IniSetting]] = {}
        self.hosts: dict[str, dict[str, IniSetting]] = {}
        self.extensions: list[str] = []
        self.files: list[str] = []
        self.complete = True

    def read(self, path: str) -> None:
        text = self.evidence.read_text(path)
        if text is None:
            self.complete = False
            return
        self.files.append(path)
        into = self.values
        try:
            for statement in parse_ini(text, self._variable, self.evidence.check_deadline):
                if statement.kind == "section":
                    into = self._section(statement.name)
                else:
                    self._entry(path, statement, into)
        except IniSyntaxError as error:
            self.complete = False
            self.evidence.gap(GapReason.UNSUPPORTED, f"{path}:{error.line}: {error.detail}: PHP ignores the rest of the file")

    def _variable(self, name: str) -> str | None:
        set_before = self.values.get(name)
        return None if set_before is None else set_before.value

    def _section(self, name: str) -> dict[str, IniSetting]:
        kind, key = name[:4].upper(), name[4:].rstrip("/\\").lstrip("= \t")
        if kind == "PATH" and key:
            return self.paths.setdefault(key, {})
        if kind == "HOST" and key:
            return self.hosts.setdefault(key.lower(), {})
        return self.values

    def _entry(self, path: str, statement: IniStatement, into: dict[str, IniSetting]) -> None:
        if statement.value is None:
            return
        if statement.unresolved is not None:
            self.complete = self.complete and statement.name not in _DECISIVE
            self.evidence.gap(
                GapReason.UNDECIDABLE,
                f"{path}:{statement.line}: the value of {statement.unresolved} depends on the environment PHP is started in",
            )
        if statement.kind == "entry" and statement.name in ("extension", "zend_extension") and into is self.values:
            self.extensions.append(statement.value)
            return
        into[statement.name] = IniSetting(statement.value, Place(path, statement.line), statement.unresolved)


def read_ini(evidence: Evidence, sapi: str, directory: str, scan_directory: str | None) -> IniConfiguration:
    """What a SAPI (`fpm-fcgi`, `cgi-fcgi`, `apache2handler`) reads: php-SAPI.ini or php.ini of `directory`, then scan_directory/*.ini.

    A php.ini that does not exist is no gap: PHP runs without one.
    """
    key = ("php.ini", sapi, directory, scan_directory)
    known = evidence.memo.get(key)
    if not isinstance(known, IniConfiguration):
        evidence.memo[key] = known = _read(evidence, sapi, directory, scan_directory)
    return known


def _read(evidence: Evidence, sapi: str, directory: str, scan_directory: str | None) -> IniConfiguration:
    reader = _Reader(evidence)
    for name in (f"php-{sapi}.ini", "php.ini"):
        path = posixpath.join(directory, name)
        if _exists(evidence, path, reader):
            reader.read(path)
            break
    if scan_directory is not None:
        for name in evidence.list_directory(scan_directory, optional=True):
            path = posixpath.join(scan_directory, name)
            if name.endswith(".ini") and _exists(evidence, path, reader):
                reader.read(path)
    return IniConfiguration(
        reader.values,
        reader.paths,
        reader.hosts,
        tuple(reader.extensions),
        tuple(reader.files),
        reader.complete,
        directory.startswith("/etc/php/"),
    )


def _exists(evidence: Evidence, path: str, reader: _Reader) -> bool:
    """Whether something is there, through links; what may not be looked at is a gap. A link that leads nowhere is nothing, as for PHP."""
    try:
        evidence.target.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        evidence.gap_for(error, path)
        reader.complete = False
        return False
    return True


def is_on(value: str) -> bool:
    """A boolean setting's value (zend_ini_parse_bool)."""
    if value.lower() in ("true", "yes", "on"):
        return True
    digits = value.strip(" \t\n\r\v\f")
    sign = digits[:1] if digits[:1] in ("-", "+") else ""
    number = ""
    for character in digits[len(sign) :]:
        if not ("0" <= character <= "9"):
            break
        number += character
    return number.strip("0") != ""
