"""The package indexes that APT's configuration asks for, one for each suite, component and architecture, and whether APT has them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.patches.apt_configuration import AptConfiguration, read_configuration
from hardaudit_plugins.patches.apt_freshness import SILENT_SECURITY_DAYS, last_refresh
from hardaudit_plugins.patches.apt_release import LISTS, Release, is_security, list_name, quoted_name, read_release
from hardaudit_plugins.patches.apt_repositories import AptRepository, read_repositories

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from hardaudit.target.table import TableContext

EXTENSIONS = ("", ".lz4", ".gz", ".xz", ".zst", ".bz2", ".lzma")
"""How a list may be compressed on disk, in the order in which it is looked for."""


_MAX_INDEXES = 10_000


@dataclass(frozen=True, slots=True)
class AptIndex:
    """A list of packages that APT is configured to use.

    `path` is where the list is or, when it is not `present`, where it should be. `offered`: the repository has such a list, so that one
    that is not present is missing; a component or architecture that it does not have leaves nothing to fetch.
    """

    repository: AptRepository
    release: Release | None
    component: str
    architecture: str
    path: str
    present: bool
    offered: bool
    security: bool

    @property
    def missing(self) -> bool:
        """Whether evidence is missing: the repository has the list and this host does not."""
        return self.offered and not self.present


@dataclass(frozen=True, slots=True)
class AptState:
    """What APT is configured to use, and has. `refreshed`: when its lists were last refreshed, Unix seconds, None when nothing says."""

    configuration: AptConfiguration
    architecture: str
    indexes: tuple[AptIndex, ...]
    refreshed: int | None
    now: int

    def silent_security_releases(self) -> dict[str, int]:
        """The Release files of security suites that were published too long ago to be trusted, and how many days that is."""
        releases = {index.release.path: index.release for index in self.indexes if index.security and index.release}
        ages = {path: (self.now - date) // 86_400 for path, release in releases.items() if (date := release.date) is not None}
        return {path: days for path, days in ages.items() if days > SILENT_SECURITY_DAYS}


def native_architecture(context: TableContext, configuration: AptConfiguration) -> str | None:
    """The architecture of dpkg itself: as configured, else that of the installed package; None when neither says."""
    setting = configuration.find("APT::Architecture")
    if setting and setting.value:
        return setting.value
    for row in context.rows("deb_packages"):
        if row["name"] == "dpkg" and row["arch"] not in ("all", "<none>", "<empty>"):
            return str(row["arch"])
    return None


def read_state(context: TableContext) -> AptState | None:
    """APT's state, or None and a gap when it cannot be told at all."""
    configuration = read_configuration(context)
    native = native_architecture(context, configuration)
    if native is None:
        context.gap(GapReason.MISSING_SOURCE, "the native architecture is unknown: dpkg is not installed and APT::Architecture is not set")
        return None
    _note_other_places(context, configuration)
    default = configuration.items("APT::Architectures") or [native, *_foreign_architectures(context, native)]
    every = _every_index(context, read_repositories(context, native), default)
    indexes = tuple(islice(every, _MAX_INDEXES))
    if next(every, None):
        context.gap(GapReason.TRUNCATED, f"the configured repositories have more than {_MAX_INDEXES:,} package lists: the rest is not read")
    now = int(time.time())
    releases = {index.release.path: index.release for index in indexes if index.release}
    return AptState(configuration, native, indexes, last_refresh(context, releases.values(), now), now)


def _every_index(context: TableContext, repositories: list[AptRepository], default: list[str]) -> Iterator[AptIndex]:
    names = frozenset(context.list_directory(LISTS))
    for repository in repositories:
        base = list_name(repository.base)
        release = read_release(context, base, names)
        for index in _indexes(repository, release, base, names, _architectures(repository, default)):
            context.check_deadline()
            yield index


def _note_other_places(context: TableContext, configuration: AptConfiguration) -> None:
    """A configuration that keeps sources or lists elsewhere is not followed, so what is read may not be what APT uses."""
    for name in ("Dir", "Dir::State", "Dir::State::lists", "Dir::Etc", "Dir::Etc::sourcelist", "Dir::Etc::sourceparts", "RootDir"):
        setting = configuration.find(name)
        if setting and setting.value not in _USUAL_PLACES.get(name, ()):
            detail = f"{setting.path}:{setting.line}: {name} moves APT's files, which is not followed"
            context.gap(GapReason.UNSUPPORTED, detail)


_USUAL_PLACES = {
    "Dir": ("/",),
    "Dir::State": ("var/lib/apt", "/var/lib/apt", "var/lib/apt/", "/var/lib/apt/"),
    "Dir::State::lists": ("lists", "lists/", "/var/lib/apt/lists", "/var/lib/apt/lists/"),
    "Dir::Etc": ("etc/apt", "/etc/apt", "etc/apt/", "/etc/apt/"),
    "Dir::Etc::sourcelist": ("sources.list", "/etc/apt/sources.list"),
    "Dir::Etc::sourceparts": ("sources.list.d", "/etc/apt/sources.list.d"),
}


def _foreign_architectures(context: TableContext, native: str) -> list[str]:
    """The architectures that `dpkg --add-architecture` made known."""
    text = context.read_text("/var/lib/dpkg/arch", optional=True) or ""
    return [name for name in (line.strip() for line in text.split("\n")) if name and name != native]


def _architectures(repository: AptRepository, default: list[str]) -> list[str]:
    chosen = [*(repository.architectures or default), *sorted(repository.added)]
    return [name for name in dict.fromkeys(chosen) if name not in repository.removed]


def _indexes(
    repository: AptRepository, release: Release | None, base: str, names: Collection[str], architectures: list[str]
) -> Iterator[AptIndex]:
    security = is_security(release, repository.suite, repository.uri)
    slim = replace(release, content=b"") if release else None  # the lists of hashes are not kept for the whole run
    for component, architecture, key in _keys(repository, release, architectures):
        stem = base + quoted_name(key)
        present = next((stem + extension for extension in EXTENSIONS if stem + extension in names), None)
        yield AptIndex(
            repository=repository,
            release=slim,
            component=component,
            architecture=architecture,
            path=f"{LISTS}/{present or stem}",
            present=present is not None,
            offered=release is None or not release.fields or release.offers(key),
            security=security,
        )


def _keys(repository: AptRepository, release: Release | None, architectures: list[str]) -> Iterator[tuple[str, str, str]]:
    """Component, architecture and name below the suite of each index; a flat repository has one for all architectures."""
    if repository.is_flat:
        yield "", "", "Packages"
        return
    wanted = dict.fromkeys([*architectures, "all"] if release and release.splits_off_all else architectures)
    for component in repository.components:
        for architecture in wanted:
            yield component, architecture, f"{component}/binary-{architecture}/Packages"
