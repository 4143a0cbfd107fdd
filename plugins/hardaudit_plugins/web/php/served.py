"""Each way that PHP serves: mod_php for Apache's sites, FPM's pools for the sites that use them, php-cgi."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.php.effective import Settings
from hardaudit_plugins.web.php.ini_files import IniSetting
from hardaudit_plugins.web.php.ini_scanner import IniSyntaxError, parse_ini
from hardaudit_plugins.web.php.installed import php_cgis
from hardaudit_plugins.web.php.script import View
from hardaudit_plugins.web.php.user_ini import user_ini_directories
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.php.effective import Effective
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.php.ini_files import IniConfiguration
    from hardaudit_plugins.web.php.pool import Pool
    from hardaudit_plugins.web.site import Site

_MOST_NAMES = 2000


@dataclass(frozen=True, slots=True)
class Served:
    """Settings that hold together. `directory`: for it and what is below; None for the whole site. `entries`: those that differ there."""

    sapi: str
    version: str
    pool: str | None
    site: str | None
    directory: str | None
    entries: Mapping[str, Effective]


def served(evidence: Evidence, sites: Sequence[Site], fpm: Fpm) -> Iterator[Served]:
    """Every way that PHP serves a site, and every pool that no site uses."""
    yield from _fpm(evidence, sites, fpm)
    for site in sites:
        module = site.php_module()
        if module is not None:
            version, base = module
            settings = Settings.of_files("apache2handler", version, base, _noter(evidence))
            yield from _Way(evidence, "apache2handler", version, None, base).site(settings, site)
    for version, base in php_cgis(evidence):
        yield Served("cgi-fcgi", version, None, None, None, Settings.of_files("cgi-fcgi", version, base, _noter(evidence)).entries)


def _noter(evidence: Evidence) -> Callable[[str], None]:
    return lambda detail: evidence.gap(GapReason.UNDECIDABLE, detail)


def _fpm(evidence: Evidence, sites: Sequence[Site], fpm: Fpm) -> Iterator[Served]:
    users: dict[int, dict[int, Site]] = {}
    for site in sites:
        for address, _ in site.fpm_addresses():
            pool = fpm.pool_at(address)
            if pool is not None:
                users.setdefault(id(pool), {})[id(site)] = site
    for pool in fpm.pools:
        settings = Settings.of_files("fpm-fcgi", pool.version, pool.base, _noter(evidence))
        settings.add_pool(pool)
        used_by = users.get(id(pool), {})
        for site in used_by.values():
            yield from _Way(evidence, "fpm-fcgi", pool.version, pool, pool.base).site(settings, site)
        if not used_by:
            yield Served("fpm-fcgi", pool.version, pool.name, None, None, settings.entries)


@dataclass(frozen=True, slots=True)
class _Way:
    evidence: Evidence
    sapi: str
    version: str
    pool: Pool | None
    base: IniConfiguration

    def site(self, settings: Settings, site: Site) -> Iterator[Served]:
        """The whole site's settings, then those of directories that differ."""
        docroot = site.docroot
        whole = settings.copy()
        self._sent(whole, site, docroot or "/")
        host = self.base.hosts.get(site.name.lower())
        if host is not None:
            whole.add_section(host)
        yield self._served(site, None, whole.entries)
        for directory in self._directories(site):
            here = settings.copy()
            self._sent(here, site, directory)
            if host is not None:
                here.add_section(host)
            for _, section in self.base.for_directory(directory):
                here.add_section(section)
            if self.sapi != "apache2handler":
                self._user_ini(here, whole, directory, docroot)
            different = {name: entry for name, entry in here.entries.items() if entry != whole.entries.get(name)}
            if different:
                yield self._served(site, directory, different)

    def _sent(self, settings: Settings, site: Site, directory: str) -> None:
        values = site.php_values(directory)
        if self.sapi == "apache2handler":
            settings.add_apache(values)
        elif site.server == "nginx":
            settings.add_sent(values)

    def _served(self, site: Site, directory: str | None, entries: Mapping[str, Effective]) -> Served:
        return Served(self.sapi, self.version, self.pool.name if self.pool else None, site.name, directory, entries)

    def _directories(self, site: Site) -> list[str]:
        """Directories that may have values of their own: those that URLs lead to, those in them, and the sections of php.ini."""
        found = [site.docroot] if site.docroot else []
        found += [mapping.directory for mapping in site.mappings()]
        roots = [f"{path.rstrip('/')}/" for path in found]
        found += [path for path in self.base.paths if any(f"{path}/".startswith(root) for root in roots)]
        for root in roots:
            found += self._children(root)
        return list(dict.fromkeys(path.rstrip("/") or "/" for path in found))

    def _children(self, root: str) -> list[str]:
        """The directories in a document root that may have values of their own: for Apache all, else those that have a .user.ini.

        Those further down are for the checks that walk it.
        """
        name, apache = self._file_name(), self.sapi == "apache2handler"
        if not apache and (not name or (self.pool is not None and self.pool.chroot)):
            return []
        names = self.evidence.list_directory(root, optional=True)
        if len(names) > _MOST_NAMES:
            self.evidence.gap(
                GapReason.TRUNCATED, f"{root}: more than {_MOST_NAMES} names: settings of the directories there are not looked for"
            )
            return []
        files = Files(self.evidence.target, {})
        try:
            if apache:
                return [f"{root}{child}" for child in names if files.is_directory(f"{root}{child}")]
            return [f"{root}{child}" for child in names if files.is_file(f"{root}{child}/{name}")]
        except OSError as error:
            self.evidence.gap_for(error, root)
            return []

    def _file_name(self) -> str:
        if self.pool is not None:
            return self.pool.setting("user_ini.filename", ".user.ini")
        setting = self.base.values.get("user_ini.filename")
        return ".user.ini" if setting is None else setting.value

    def _user_ini(self, settings: Settings, whole: Settings, directory: str, docroot: str | None) -> None:
        entry = whole.entries.get("user_ini.filename")
        name = entry.value if entry is not None else self._file_name()
        if not name:
            return
        chroot = self.pool.chroot if self.pool else ""
        for place in user_ini_directories(f"{directory.rstrip('/')}/", docroot):
            path = f"{place.rstrip('/')}/{name}"
            settings.add_user_ini(_read_user_ini(self.evidence, path), View(Files(self.evidence.target, {}), chroot))


def _read_user_ini(evidence: Evidence, path: str) -> dict[str, IniSetting]:
    try:
        evidence.target.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        evidence.gap_for(error, path)
        return {}
    found: dict[str, IniSetting] = {}
    try:
        for statement in parse_ini(evidence.read_text(path) or "", lambda _: None, evidence.check_deadline):
            if statement.unresolved is not None:
                evidence.gap(GapReason.UNDECIDABLE, f"{path}:{statement.line}: the value of {statement.unresolved} is not known")
            if statement.kind == "entry" and statement.value is not None:
                found[statement.name] = IniSetting(statement.value, Place(path, statement.line))
    except IniSyntaxError as error:
        evidence.gap(GapReason.UNSUPPORTED, f"{path}:{error.line}: {error.detail}: PHP ignores the rest of the file")
    return found
