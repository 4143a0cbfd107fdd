"""php-cgi, where Apache can start it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.php.ini_files import read_ini

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.php.ini_files import IniConfiguration


def php_cgis(evidence: Evidence) -> Iterator[tuple[str, IniConfiguration]]:
    """Debian's php-cgi of each version, where Apache can start it: mod_fcgid or mod_actions is loaded."""
    modules = evidence.list_directory("/etc/apache2/mods-enabled", optional=True)
    if not {"fcgid.load", "actions.load"} & set(modules):
        return
    for version in evidence.list_directory("/etc/php", optional=True):
        directory = f"/etc/php/{version}/cgi"
        if "cgi" in evidence.list_directory(f"/etc/php/{version}", optional=True):
            yield version, read_ini(evidence, "cgi-fcgi", directory, f"{directory}/conf.d")
