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
_UNIT_OPTION = re.compile(r"(?:\s-y\s*|\s--fpm-config[= ]\s*)(\S+)")
_OTHER_OPTION = re.compile(r"\s(?:-c|-d|-n|-p|--php-ini|--define|--no-php-ini|--prefix)[= ]")
_UNIT_DIRECTORIES = ("/etc/systemd/system",)


@dataclass(frozen=True, slots=True)
class FpmPlace:
    """One php-fpm: its main file, the version (`8.2`, empty if not known), its ini directory and scan directory, its compiled prefix."""

    config: str
    version: str
    ini_directory: str
    scan_directory: str
    prefix: str = "/usr"


def fpm_places(evidence: Evidence) -> Iterator[FpmPlace]:
    """Every main configuration file that exists: those of the distributions' packages, then those that systemd units name."""
    seen: set[str] = set()
    for place in _packaged(evidence):
        if place.config not in seen and _is_there(evidence, place.config):
            seen.add(place.config)
            yield place
    for config in _named_by_units(evidence):
        if config not in seen and _is_there(evidence, config):
            seen.add(config)
            directory = config.rpartition("/")[0]
            yield FpmPlace(config, "", directory, f"{directory}/conf.d")


def _packaged(evidence: Evidence) -> Iterator[FpmPlace]:
    for name in evidence.list_directory("/etc/php", optional=True):
        if _DOTTED.match(name):  # Debian
            yield FpmPlace(f"/etc/php/{name}/fpm/php-fpm.conf", name, f"/etc/php/{name}/fpm", f"/etc/php/{name}/fpm/conf.d")
        elif name.startswith("fpm-php"):  # Gentoo
            yield FpmPlace(f"/etc/php/{name}/php-fpm.conf", name[7:], f"/etc/php/{name}", f"/etc/php/{name}/ext-active")
    yield FpmPlace("/etc/php/php-fpm.conf", _version(evidence, "/usr"), "/etc/php", "/etc/php/conf.d")  # Arch
    yield FpmPlace("/etc/php-fpm.conf", _version(evidence, "/usr"), "/etc", "/etc/php.d")  # Red Hat
    yield FpmPlace(  # the container images of PHP, and what is built from source
        "/usr/local/etc/php-fpm.conf", _version(evidence, "/usr/local"), "/usr/local/etc/php", "/usr/local/etc/php/conf.d", "/usr/local"
    )
    yield from _numbered(evidence)
    for name in evidence.list_directory("/opt/plesk/php", optional=True):
        root = f"/opt/plesk/php/{name}"
        yield FpmPlace(f"{root}/etc/php-fpm.conf", name, f"{root}/etc", f"{root}/etc/php.d", root)


def _numbered(evidence: Evidence) -> Iterator[FpmPlace]:
    """Those whose directory has the version in its name: php82."""
    for parent in ("/etc", "/etc/opt/remi", "/opt/cpanel", "/usr/local"):
        for name in evidence.list_directory(parent, optional=True):
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
                yield FpmPlace(f"{root}/root/etc/php-fpm.conf", version, f"{root}/root/etc", f"{root}/root/etc/php.d", f"{root}/root/usr")
            else:  # DirectAdmin
                yield FpmPlace(f"{root}/etc/php-fpm.conf", version, f"{root}/lib", f"{root}/lib/php.conf.d", root)


def _named_by_units(evidence: Evidence) -> Iterator[str]:
    """Configuration files that the administrator's systemd units start php-fpm with."""
    for directory in _UNIT_DIRECTORIES:
        for name in evidence.list_directory(directory, optional=True):
            if name.endswith(".service"):
                yield from _named_by(evidence, f"{directory}/{name}")
            elif name.endswith(".service.d") and "php" in name:
                for drop_in in evidence.list_directory(f"{directory}/{name}", optional=True):
                    yield from _named_by(evidence, f"{directory}/{name}/{drop_in}")


def _named_by(evidence: Evidence, unit: str) -> Iterator[str]:
    if not _is_there(evidence, unit):
        return
    text = evidence.read_text(unit)
    for line in (text or "").splitlines():
        if "PHP_INI_SCAN_DIR" in line or "PHPRC" in line:
            evidence.gap(GapReason.UNSUPPORTED, f"{unit}: {line.strip()[:200]}: PHP reads other ini files than its own")
        if not line.startswith("ExecStart=") or "php-fpm" not in line:
            continue
        if _OTHER_OPTION.search(line):
            evidence.gap(GapReason.UNSUPPORTED, f"{unit}: {line.strip()[:200]}: options that change PHP's settings are not evaluated")
        for found in _UNIT_OPTION.finditer(line):
            yield found.group(1)


def _version(evidence: Evidence, prefix: str) -> str:
    """The version that a PHP without it in any path says of itself in its header or its configuration script; empty if neither is there."""
    for path in (f"{prefix}/include/php/main/php_version.h",):
        if _is_there(evidence, path):
            found = _VERSION_HEADER.search(evidence.read_text(path) or "")
            return found.group(1) if found else ""
    return ""


def _is_there(evidence: Evidence, path: str) -> bool:
    """Whether something is there, through links. What may not be looked at counts as there: reading it makes the gap."""
    try:
        evidence.target.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
