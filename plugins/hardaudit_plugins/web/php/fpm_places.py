"""Where PHP-FPM's configuration is, in each distribution and packaging of PHP."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.evidence import Evidence

_DOTTED = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\Z")
_NUMBERED = re.compile(r"(?:ea-)?php-?([0-9])\.?([0-9]{0,2})\Z")
_VERSION_HEADER = re.compile(r'^#define PHP_VERSION "([0-9]+\.[0-9]+)', re.MULTILINE)
_CONFIG_OPTION = re.compile(r"\s(?:-y\s*|--fpm-config[= ]\s*)(\S+)")
_OTHER_OPTION = re.compile(r"\s(?:-[cdp]|-n\b|--php-ini|--define|--no-php-ini|--prefix)")
_OTHER_FILES = re.compile(r"PHP_INI_SCAN_DIR|PHPRC")
_UNITS = "/etc/systemd/system"


@dataclass(frozen=True, slots=True)
class FpmPlace:
    """One php-fpm: its main file, the version (`8.2`, empty if not known), its ini directory and scan directory, its compiled prefix."""

    config: str
    version: str
    ini_directory: str
    scan_directory: str
    prefix: str = "/usr"


class FpmPlaces:
    """Every main configuration file that exists: those of the distributions' packages, then those that systemd units name.

    `complete`: every directory where one may be could be listed. `overridden`: a unit gives PHP other settings than its files do. Gaps say
    what is missing.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.complete = True
        self.overridden = False
        self.places: list[FpmPlace] = []
        self._evidence = evidence
        for place in (*self._packaged(), *self._named_by_units()):
            if place.config not in {known.config for known in self.places} and self._is_there(place.config):
                self.places.append(place)

    def _packaged(self) -> Iterator[FpmPlace]:
        for name in self._names("/etc/php"):
            if _DOTTED.match(name):  # Debian
                yield FpmPlace(f"/etc/php/{name}/fpm/php-fpm.conf", name, f"/etc/php/{name}/fpm", f"/etc/php/{name}/fpm/conf.d")
            elif name.startswith("fpm-php"):  # Gentoo
                yield FpmPlace(f"/etc/php/{name}/php-fpm.conf", name[7:], f"/etc/php/{name}", f"/etc/php/{name}/ext-active")
        yield FpmPlace("/etc/php/php-fpm.conf", self._version("/usr"), "/etc/php", "/etc/php/conf.d")  # Arch
        yield FpmPlace("/etc/php-fpm.conf", self._version("/usr"), "/etc", "/etc/php.d")  # Red Hat
        local = "/usr/local/etc"  # the container images of PHP, and what is built from source
        yield FpmPlace(f"{local}/php-fpm.conf", self._version("/usr/local"), f"{local}/php", f"{local}/php/conf.d", "/usr/local")
        yield from self._numbered()
        for name in self._names("/opt/plesk/php"):
            root = f"/opt/plesk/php/{name}"
            yield FpmPlace(f"{root}/etc/php-fpm.conf", name, f"{root}/etc", f"{root}/etc/php.d", root)

    def _numbered(self) -> Iterator[FpmPlace]:
        """Those whose directory has the version in its name: php82."""
        for parent in ("/etc", "/etc/opt/remi", "/opt/cpanel", "/usr/local"):
            for name in self._names(parent):
                found = _NUMBERED.match(name)
                if not found:
                    continue
                version, root = ".".join(part for part in found.groups() if part), f"{parent}/{name}"
                if parent == "/etc":  # Alpine, SUSE
                    yield FpmPlace(f"{root}/php-fpm.conf", version, root, f"{root}/conf.d")
                    yield FpmPlace(f"{root}/fpm/php-fpm.conf", version, f"{root}/fpm", f"{root}/conf.d")
                elif parent == "/etc/opt/remi":
                    yield FpmPlace(f"{root}/php-fpm.conf", version, root, f"{root}/php.d", f"/opt/remi/{name}/root/usr")
                elif parent == "/opt/cpanel":
                    yield FpmPlace(
                        f"{root}/root/etc/php-fpm.conf", version, f"{root}/root/etc", f"{root}/root/etc/php.d", f"{root}/root/usr"
                    )
                else:  # DirectAdmin
                    yield FpmPlace(f"{root}/etc/php-fpm.conf", version, f"{root}/lib", f"{root}/lib/php.conf.d", root)

    def _named_by_units(self) -> Iterator[FpmPlace]:
        """Configuration files that the administrator's systemd units start php-fpm with."""
        for name in self._names(_UNITS):
            if name.endswith(".service"):
                yield from self._named_by(f"{_UNITS}/{name}")
            elif name.endswith(".service.d") and "php" in name:
                for drop_in in self._names(f"{_UNITS}/{name}"):
                    yield from self._named_by(f"{_UNITS}/{name}/{drop_in}")

    def _named_by(self, unit: str) -> Iterator[FpmPlace]:
        text = self._evidence.read_text(unit) if self._is_there(unit) else ""
        if text is None:
            self.complete = False
        php = "php" in (text or "")
        for line in (text or "").splitlines():
            started = line.startswith("ExecStart=") and "php-fpm" in line
            if (
                php
                and line.startswith(("Environment", "ExecStart"))
                and (_OTHER_FILES.search(line) or (started and _OTHER_OPTION.search(line)))
            ):
                self.overridden = True
                self._evidence.gap(GapReason.UNSUPPORTED, f"{unit}: {line.strip()[:200]}: gives PHP other settings than its files do")
            for found in _CONFIG_OPTION.finditer(line) if started else ():
                directory = found.group(1).rpartition("/")[0]
                yield FpmPlace(found.group(1), "", directory, f"{directory}/conf.d")

    def _version(self, prefix: str) -> str:
        """The version that a PHP without it in any path says of itself in its header; empty if that is not there."""
        path = f"{prefix}/include/php/main/php_version.h"
        found = _VERSION_HEADER.search(self._evidence.read_text(path) or "") if self._is_there(path) else None
        return found.group(1) if found else ""

    def _names(self, directory: str) -> list[str]:
        try:
            return self._evidence.target.list_directory(directory)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._evidence.gap_for(error, directory)
            self.complete = False
            return []

    def _is_there(self, path: str) -> bool:
        """Whether something is there, through links. What may not be looked at counts as there: reading it makes the gap."""
        try:
            self._evidence.target.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True
