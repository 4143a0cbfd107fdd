"""Where Apache's configuration is, what is compiled in, and what it finds in its environment.

Source: the packages of Debian, Red Hat, SUSE, Alpine and Arch, and httpd's own build.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.target.walk import canonical
from hardaudit_plugins.web.apache.environment import read_environment, read_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.apache.directive import Configuration
    from hardaudit_plugins.web.evidence import Evidence

AVAILABLE = (
    *("conf-available", "sites-available", "mods-available", "conf-enabled", "sites-enabled"),
    *("conf.d", "conf.modules.d", "vhosts.d", "extra", "conf/extra"),
)
"""Where distributions keep files that an Include may enable, below ServerRoot."""

_PROGRAM_LIMIT = 16 * 2**20
_VERSION = re.compile(rb"(?<=\x00)Apache/([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,5})(?=[\x00 ])")
_COMPILED_IN = re.compile(rb"(?<=\x00)(?!ap_)([a-z0-9_]{1,60}_module)(?=\x00)")
_STATIC = frozenset({"core_module", "http_module", "so_module"})
_DEBIAN = _STATIC | {"unixd_module", "version_module", "log_config_module", "logio_module", "watchdog_module"}


@dataclass(frozen=True, slots=True)
class Layout:
    """An installation as a distribution makes it. `environment`: a shell file that sets it; `options`: files and variables."""

    configuration: str
    server_root: str
    programs: tuple[str, ...]
    user: str
    modules: frozenset[str] = _STATIC
    environment: str | None = None
    options: tuple[tuple[str, str], ...] = ()


LAYOUTS = (
    Layout(
        "/etc/apache2/apache2.conf",
        "/etc/apache2",
        ("/usr/sbin/apache2",),
        "www-data",
        _DEBIAN,
        "/etc/apache2/envvars",
        (("/etc/apache2/envvars", "APACHE_ARGUMENTS"),),
    ),
    Layout("/etc/httpd/conf/httpd.conf", "/etc/httpd", ("/usr/sbin/httpd",), "apache", options=(("/etc/sysconfig/httpd", "OPTIONS"),)),
    Layout("/etc/apache2/httpd.conf", "/etc/apache2", ("/usr/sbin/httpd", "/usr/sbin/httpd-prefork", "/usr/sbin/apache2"), "apache"),
    Layout("/etc/httpd/httpd.conf", "/etc/httpd", ("/usr/bin/httpd", "/usr/sbin/httpd"), "http"),
    Layout("/usr/local/apache2/conf/httpd.conf", "/usr/local/apache2", ("/usr/local/apache2/bin/httpd",), "www-data"),
)
"""The first whose configuration is there counts."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is installed; `version` is None where it cannot be read.

    `modules`: those compiled in. `environment`: what is certain of it. `defined`: names of -D options.
    """

    layout: Layout
    version: tuple[int, int, int] | None
    modules: frozenset[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    defined: frozenset[str] = frozenset()
    environment_complete: bool = True


def find_installation(evidence: Evidence) -> Installation | None:
    """The installed server, or None when no configuration of one is there."""
    for layout in LAYOUTS:
        try:
            present = evidence.target.exists(layout.configuration)
        except OSError as error:
            evidence.gap_for(error, layout.configuration)
            continue
        if present:
            environment, complete = read_environment(evidence, layout.environment) if layout.environment else ({}, True)
            version, modules = _program(evidence, layout)
            options = read_options(evidence, layout.options)
            return Installation(layout, version, layout.modules | modules, environment, options, complete)
    return None


def available_files(evidence: Evidence, configuration: Configuration) -> list[str]:
    """Files that are there to be enabled and are not read, in the directories that distributions keep for that."""
    read = {_real(evidence, path) for path in configuration.files}
    found: list[str] = []
    for directory in AVAILABLE:
        for name in evidence.list_directory(f"{configuration.server_root}/{directory}", optional=True):
            evidence.check_deadline()
            path = f"{configuration.server_root}/{directory}/{name}"
            if _real(evidence, path) not in read and _is_file(evidence, path):
                found.append(path)
    return found


def _real(evidence: Evidence, path: str) -> str:
    try:
        return canonical(evidence.target, path)
    except OSError:
        return path  # a link that leads nowhere: no file that is read has its name


def _is_file(evidence: Evidence, path: str) -> bool:
    try:
        return stat.S_ISREG(evidence.target.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        evidence.gap_for(error, path)
        return False


def _program(evidence: Evidence, layout: Layout) -> tuple[tuple[int, int, int] | None, frozenset[str]]:
    """The version that the program names, and the identifiers of the modules that are compiled into it."""
    for path in layout.programs:
        try:
            content = evidence.target.read_bytes(path, _PROGRAM_LIMIT)
        except OSError:
            continue  # the version matters only to IfVersion, which makes it a gap there
        found = _VERSION.search(content)
        if found:
            modules = frozenset(match[1].decode("ascii") for match in _COMPILED_IN.finditer(content))
            return (int(found[1]), int(found[2]), int(found[3])), modules
    return None, frozenset()
