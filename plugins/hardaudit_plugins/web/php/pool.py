"""A pool of PHP-FPM: its settings in effect."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit_plugins.web.php.ini_files import IniConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.php.fpm_config import PoolSection
    from hardaudit_plugins.web.php.fpm_places import FpmPlace
    from hardaudit_plugins.web.verdict import Place

DISABLING = frozenset({"disable_functions", "disable_classes"})
"""Settings whose values add up: what one line disables stays disabled whatever another says."""

_DEFAULT_EXTENSIONS = ".php .phar"
_PATHS = frozenset({"error_log", "extension_dir", "mime_magic.magicfile", "sendmail_path", "session.cookie_path"})
"""Settings whose relative values begin at the pool's prefix (FPM_PHP_INI_TO_EXPAND of fpm.h)."""


@dataclass(frozen=True, slots=True)
class IniValue:
    """`php_value[…]` or `php_admin_value[…]` of a pool, and where it stands."""

    value: str
    admin: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool in effect. `listen` is `unix:/path` or `host:port` as configured; `limit_extensions` is empty where every name runs.

    `base`: the ini files that its php-fpm reads. `refused`: why its php-fpm would not start, or is not understood; None if all is well.
    """

    name: str
    version: str
    listen: str
    user: str
    group: str
    chroot: str
    limit_extensions: tuple[str, ...]
    ini: Mapping[str, IniValue]
    directives: Mapping[str, tuple[str, Place]]
    place: Place
    base: IniConfiguration = field(default_factory=IniConfiguration, repr=False)
    refused: str | None = None

    def setting(self, name: str, default: str) -> str:
        """The value of an ini setting before any request changes it."""
        own, file = self.ini.get(name), self.base.values.get(name)
        if own is not None:
            return own.value
        return default if file is None else file.value


def pool_of(section: PoolSection, place: FpmPlace, base: IniConfiguration, refused: str | None) -> Pool:
    """A pool as its sections and the ini files of its php-fpm make it."""
    values = {name: value for name, (value, _) in section.directives.items()}
    prefix = _absolute(values.get("prefix", ""), place.prefix) if values.get("prefix") else place.prefix
    listen = values.get("listen", "")
    if ":" not in listen and not listen.isdecimal() and listen:
        listen = f"unix:{_absolute(listen, prefix)}"
    chroot = values.get("chroot", "")
    if chroot.startswith("$prefix"):
        chroot = f"{prefix}/{chroot[7:]}" if chroot[7:] else prefix
    return Pool(
        name=section.name,
        version=place.version,
        listen=listen,
        user=values.get("user", ""),
        group=values.get("group", "") or values.get("user", ""),
        chroot=_absolute(chroot, prefix) if chroot else "",
        limit_extensions=tuple(filter(None, re.split("[ \t]", values.get("security.limit_extensions", _DEFAULT_EXTENSIONS)))),
        ini=_ini(section, prefix),
        directives=section.directives,
        place=section.place,
        base=base,
        refused=refused,
    )


def _ini(section: PoolSection, prefix: str) -> dict[str, IniValue]:
    """What counts of php_value and php_admin_value: of two of a kind the first, as FPM applies them from last to first; admin over both."""
    found: dict[str, IniValue] = {}
    for admin in (False, True):
        for value in reversed(section.arrays):
            if value.kind in (("php_admin_value", "php_admin_flag") if admin else ("php_value", "php_flag")):
                text = _absolute(value.value, prefix) if value.key in _PATHS and value.value else value.value
                before = found.get(value.key)
                if value.key in DISABLING and before is not None:
                    text = f"{before.value},{text}"
                found[value.key] = IniValue(text, admin, value.place)
    return found


def _absolute(path: str, prefix: str) -> str:
    return path if path.startswith("/") else f"{prefix}/{path}"
