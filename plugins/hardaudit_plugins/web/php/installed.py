"""The PHPs that Apache runs itself: mod_php, and php-cgi where it can be started."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.php.ini_files import read_ini

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.php.ini_files import IniConfiguration

_MODULE_LOAD = re.compile(r"php([0-9]{1,2}\.[0-9]{1,2})\.load\Z")
_RED_HAT_MODULE = re.compile(r"[0-9]+-php[0-9]*\.conf\Z")
_INI_DIRECTORY = re.compile(r"^[ \t]*PHPIniDir[ \t]", re.IGNORECASE | re.MULTILINE)
_APACHE = (
    "/etc/apache2",
    "/etc/apache2/mods-enabled",
    "/etc/apache2/conf-enabled",
    "/etc/apache2/sites-enabled",
    "/etc/httpd/conf",
    "/etc/httpd/conf.d",
)


def mod_phps(evidence: Evidence) -> Iterator[tuple[str, IniConfiguration]]:
    """The mod_php that Apache loads, by the files that load it: its version (empty if not known) and ini files."""
    _note_ini_directory(evidence)
    for name in evidence.list_directory("/etc/apache2/mods-enabled", optional=True):
        found = _MODULE_LOAD.match(name)
        if found:
            directory = f"/etc/php/{found.group(1)}/apache2"
            yield found.group(1), read_ini(evidence, "apache2handler", directory, f"{directory}/conf.d")
        elif name == "php.load":  # the container images of PHP
            yield "", read_ini(evidence, "apache2handler", "/usr/local/etc/php", "/usr/local/etc/php/conf.d")
    for name in evidence.list_directory("/etc/httpd/conf.modules.d", optional=True):
        if _RED_HAT_MODULE.match(name):
            yield "", read_ini(evidence, "apache2handler", "/etc", "/etc/php.d")


def php_cgis(evidence: Evidence) -> Iterator[tuple[str, IniConfiguration]]:
    """Debian's php-cgi of each version, where Apache can start it: mod_fcgid or mod_actions is loaded."""
    modules = evidence.list_directory("/etc/apache2/mods-enabled", optional=True)
    if not {"fcgid.load", "actions.load"} & set(modules):
        return
    for version in evidence.list_directory("/etc/php", optional=True):
        directory = f"/etc/php/{version}/cgi"
        if "cgi" in evidence.list_directory(f"/etc/php/{version}", optional=True):
            yield version, read_ini(evidence, "cgi-fcgi", directory, f"{directory}/conf.d")


def _note_ini_directory(evidence: Evidence) -> None:
    """PHPIniDir makes mod_php read another php.ini: a gap, with the file that has it."""
    for directory in _APACHE:
        for name in evidence.list_directory(directory, optional=True):
            path = f"{directory}/{name}"
            if name.endswith((".conf", ".load")) and _INI_DIRECTORY.search(evidence.read_text(path, optional=True) or ""):
                evidence.gap(GapReason.UNSUPPORTED, f"{path}: PHPIniDir: php_settings has the values of the usual php.ini, not of that one")
