"""The ini files of mod_php."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.web.php.ini_files import read_ini

if TYPE_CHECKING:
    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.php.ini_files import IniConfiguration

_DEBIAN_LIBRARY = re.compile(r"/usr/lib/apache2/modules/libphp([0-9]+\.[0-9]+)\.so")


def module_ini(evidence: Evidence, library: str, ini_directory: str | None) -> tuple[str, IniConfiguration]:
    """The version (`8.2`, empty where it is not known) and the ini files of the mod_php that LoadModule loads from `library`.

    `ini_directory`: PHPIniDir, which replaces the place that is compiled in.
    """
    debian = _DEBIAN_LIBRARY.fullmatch(library)
    version = debian[1] if debian else ""
    if debian:
        place = f"/etc/php/{version}/apache2"
    elif library.startswith("/usr/lib/apache2/"):  # built for Debian's Apache in the container images of PHP
        place = "/usr/local/etc/php"
    else:
        place = "/etc"
    scanned = {"/etc": "/etc/php.d"}.get(place, f"{place}/conf.d")
    return version, read_ini(evidence, "apache2handler", ini_directory or place, scanned)
