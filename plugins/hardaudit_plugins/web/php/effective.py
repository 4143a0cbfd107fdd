"""The value of every setting, layer by layer, as PHP puts them together for a request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.php.defaults import PERDIR, SYSTEM, USER, Default, defaults_for
from hardaudit_plugins.web.php.open_basedir import is_within
from hardaudit_plugins.web.php.pool import DISABLING
from hardaudit_plugins.web.php.script import UndecidedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hardaudit_plugins.web.php.ini_files import IniConfiguration, IniSetting
    from hardaudit_plugins.web.php.pool import Pool
    from hardaudit_plugins.web.php.script import View
    from hardaudit_plugins.web.verdict import Place


@dataclass(frozen=True, slots=True)
class Effective:
    """A setting's value, None where PHP has none; the line that sets it, None for a compiled default; who may still change it."""

    value: str | None
    place: Place | None
    changeable: int


class Settings:
    """The settings of one PHP. Each method is a layer over what was there before; `note` is told what cannot be decided."""

    def __init__(self, known: Mapping[str, Default], entries: dict[str, Effective], note: Callable[[str], None]) -> None:
        self.entries = entries
        self._known = known
        self._note = note

    @classmethod
    def of_files(cls, sapi: str, version: str, base: IniConfiguration, note: Callable[[str], None]) -> Settings:
        """The compiled defaults, and what php.ini and the files beside it set.

        A setting of an extension that is not loaded is there only if a file sets it: whether it is compiled in is not known.
        """
        every = defaults_for(version, debian=base.debian)
        known = {name: default for name, default in every.items() if not default.sapis or sapi in default.sapis}
        loaded = {name.rpartition("/")[2].removesuffix(".so").lower() for name in base.extensions}
        entries = {
            name: Effective(default.value, None, default.changeable)
            for name, default in known.items()
            if not default.extension or default.extension in loaded
        }
        settings = cls(known, entries, note)
        for name, setting in base.values.items():
            if name in every and name not in known:
                continue  # a setting of another SAPI: PHP does not know it here
            default = known.get(name)
            if "." not in name and default is None:
                continue  # of no extension and not PHP's: a name that is misspelt, or of a version long gone
            if default is None or default.accepts(setting.value):
                changeable = USER | PERDIR | SYSTEM if default is None else default.changeable
                entries[name] = Effective(setting.value if setting.unresolved is None else None, setting.place, changeable)
        return settings

    def copy(self) -> Settings:
        """The same, to be changed on its own."""
        return Settings(self._known, dict(self.entries), self._note)

    def add_pool(self, pool: Pool) -> None:
        """php_value and php_admin_value of a pool, whatever the setting's own rules say of where it may be changed."""
        for name, own in pool.ini.items():
            self._set_by_fpm(name, own.value, own.place, admin=own.admin)

    def add_sent(self, values: Iterable[tuple[str, str, bool, Place]]) -> None:
        """PHP_VALUE and PHP_ADMIN_VALUE among a FastCGI request's parameters."""
        for name, value, admin, place in values:
            self._set_by_fpm(name, value, place, admin=admin)

    def add_apache(self, values: Iterable[tuple[str, str, bool, Place]]) -> None:
        """Apache's php_value and php_admin_value lines. Functions are disabled by php.ini alone, whatever a line says."""
        for name, value, admin, place in values:
            current = self.entries.get(name)
            if current is None or name in DISABLING or not current.changeable & (SYSTEM if admin else PERDIR):
                continue
            if self._accepts(name, value):
                self.entries[name] = Effective(value, place, SYSTEM if admin else current.changeable)

    def add_section(self, values: Mapping[str, IniSetting]) -> None:
        """A [PATH=] or [HOST=] section of php.ini: over everything before, and nothing after changes it."""
        for name, setting in values.items():
            current = self.entries.get(name)
            if current is not None and name not in DISABLING and self._accepts(name, setting.value):
                self.entries[name] = Effective(setting.value, setting.place, SYSTEM)

    def add_user_ini(self, values: Mapping[str, IniSetting], view: View) -> None:
        """A file like .user.ini: what may be changed for a directory, and is no admin value."""
        for name, setting in values.items():
            current = self.entries.get(name)
            if current is None or not current.changeable & PERDIR or not self._accepts(name, setting.value):
                continue
            if name == "open_basedir" and current.value and not self._tightens(setting, current.value, view):
                continue
            self.entries[name] = replace(current, value=setting.value, place=setting.place)

    def _set_by_fpm(self, name: str, value: str, place: Place, *, admin: bool) -> None:
        """fpm_php_zend_ini_alter_master: a plain value leaves it to the setting who may change it next."""
        current = self.entries.get(name)
        if current is None or not self._accepts(name, value):
            return
        if name in DISABLING:
            value = ",".join(part for part in (current.value, value) if part)
        self.entries[name] = Effective(value, place, SYSTEM if admin else current.changeable)

    def _accepts(self, name: str, value: str) -> bool:
        default = self._known.get(name)
        return default is None or default.accepts(value)

    def _tightens(self, setting: IniSetting, current: str, view: View) -> bool:
        """open_basedir may only be narrowed: every path of the new value lies within the old one."""
        try:
            return all(".." not in entry.split("/") and is_within(entry, current, view) for entry in setting.value.split(":") if entry)
        except (UndecidedError, OSError) as error:
            self._note(f"{setting.place}: whether open_basedir is narrowed by this: {error}")
            return False
