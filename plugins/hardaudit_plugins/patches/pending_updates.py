"""Which installed packages have newer versions in the package lists, as APT would choose them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from debian.debian_support import NativeVersion

from hardaudit.model.gap import GapReason
from hardaudit_plugins.patches.package_lists import listed_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.patches.apt_indexes import AptIndex
    from hardaudit_plugins.patches.apt_preferences import Preferences


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed package. `architecture` is the native one for packages of `all`, as APT groups them. `source`: its source's name."""

    name: str
    architecture: str
    declared: str
    version: NativeVersion
    held: bool
    source: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A version of an installed package in the package lists, and the lists that have it."""

    version: NativeVersion
    source: str
    indexes: tuple[AptIndex, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """A newer version: the newest that security suites offer (`security`), or the one that APT would choose of the others.

    `priority` is APT's pin priority for it; `outranked`: APT prefers another repository for this package, or never installs this version.
    """

    package: Installed
    offer: Offer
    index: AptIndex
    security: bool
    priority: int
    outranked: bool


def installed_packages(context: TableContext, native: str) -> dict[tuple[str, str], Installed]:
    """The installed packages by name and architecture; a version that cannot be compared becomes a gap."""
    packages = {}
    for row in context.rows("deb_packages"):
        want, _, state = str(row["status"]).split(" ", 2)
        if state in ("config-files", "not-installed") or row["version"] == "<none>":
            continue
        name, declared = str(row["name"]), str(row["arch"])
        version = comparable(context, name, str(row["version"]))
        if version is not None:
            architecture = native if declared == "all" else declared
            source = str(row["source"] or "").partition(" ")[0] or name
            packages[name, architecture] = Installed(name, architecture, declared, version, want == "hold", source)
    return packages


def comparable(context: TableContext, name: str, text: str) -> NativeVersion | None:
    """A version that can be compared with others, or None and a gap."""
    try:
        return NativeVersion(text)
    except ValueError:
        context.gap(GapReason.UNDECIDABLE, f"{name}: the version {text[:60]!r} cannot be compared")
        return None


def offers(
    context: TableContext, packages: Mapping[tuple[str, str], Installed], native: str, indexes: Iterable[AptIndex]
) -> dict[tuple[str, str], list[Offer]]:
    """What the lists have of the installed packages, their own version and newer ones, newest first."""
    names = frozenset(name.encode("utf-8", "replace") for name, _ in packages)
    found: dict[tuple[str, str], dict[str, Offer]] = {}
    for index in indexes:
        for listed in listed_packages(context, index.path, names):
            key = (listed.name, native if listed.architecture == "all" else listed.architecture)
            if key not in packages:
                continue
            versions = found.setdefault(key, {})
            known = versions.get(listed.version)
            if known:
                versions[listed.version] = Offer(known.version, known.source, (*known.indexes, index))
                continue
            version = comparable(context, listed.name, listed.version)
            if version is not None and version >= packages[key].version:
                versions[listed.version] = Offer(version, listed.source, (index,))
    return {key: sorted(versions.values(), key=lambda offer: offer.version, reverse=True) for key, versions in found.items()}


def security_updates(
    packages: Mapping[tuple[str, str], Installed],
    offered: Mapping[tuple[str, str], list[Offer]],
    preferences: Preferences,
    indexes: Iterable[AptIndex],
) -> Iterator[Update]:
    """The newest version that a security suite offers of each package, whatever pins say; `indexes` are all that are configured."""
    highest = max((preferences.of_index(index) for index in indexes), default=0)
    for key, candidates in offered.items():
        package = packages[key]
        for offer in candidates:
            secure = tuple(index for index in offer.indexes if index.security)
            if secure and offer.version > package.version:
                priority = _priority(package, offer, preferences, secure)
                yield Update(package, offer, secure[0], security=True, priority=priority, outranked=priority <= 0 or priority < highest)
                break


def other_updates(
    packages: Mapping[tuple[str, str], Installed], offered: Mapping[tuple[str, str], list[Offer]], preferences: Preferences
) -> Iterator[Update]:
    """The version that APT's policy would choose of each package of those that no security suite offers. (apt-pkg, GetCandidateVer.)"""
    for key, candidates in offered.items():
        package = packages[key]
        best, best_priority = None, -1
        for offer in _with_installed(package, candidates):
            indexes = tuple(index for index in offer.indexes if not index.security)
            is_installed = offer.version == package.version
            if not indexes and not is_installed:
                continue
            priority = _priority(package, offer, preferences, offer.indexes if is_installed else indexes)
            if priority != 0 and priority > best_priority:
                best, best_priority = offer, priority
        if best and best.version > package.version and not any(index.security for index in best.indexes):
            yield Update(package, best, best.indexes[0], security=False, priority=best_priority, outranked=False)


def _with_installed(package: Installed, candidates: list[Offer]) -> list[Offer]:
    if any(offer.version == package.version for offer in candidates):
        return candidates
    return [*candidates, Offer(package.version, package.name, ())]


def _priority(package: Installed, offer: Offer, preferences: Preferences, indexes: Iterable[AptIndex]) -> int:
    installed = offer.version == package.version
    return preferences.of_version(package.name, package.architecture, str(offer.version), indexes, installed=installed)
