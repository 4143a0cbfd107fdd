"""Which package owns a file, by dpkg's file lists.

Sources: /var/lib/dpkg/info/PACKAGE.list, /var/lib/dpkg/diversions (dpkg-divert(1)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.walk import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hardaudit.target.table import TableContext

_INFO = "/var/lib/dpkg/info"
_DIVERSIONS = "/var/lib/dpkg/diversions"
_ALIASES = ("/bin", "/lib", "/lib32", "/lib64", "/libo32", "/libx32", "/sbin", "/var/lock", "/var/run")
"""Directories that packages name and that became links, as with a merged /usr; a walk sees what they lead to."""

_OTHER_DATABASES = ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/lib/apk/db/installed", "/var/lib/pacman/local", "/var/lib/dpkg/status.d")

UNKNOWN = ""
"""The package of a file whose owner could not be read."""


@dataclass(frozen=True, slots=True)
class Diversion:
    """`package` moves the file `original` of every other package to `moved`; an empty package moves everybody's."""

    original: str
    moved: str
    package: str


@dataclass(frozen=True, slots=True)
class _Wish:
    """A path in question as a list may spell it. Because of a diversion the list of `only`, or every list `but` one, may count."""

    path: str
    only: str | None = None
    but: str | None = None

    def accepts(self, package: str) -> bool:
        return (self.only is None or package == self.only) and package != self.but


def package_owners(context: TableContext, paths: Iterable[str]) -> dict[str, str]:
    """The package of each path that has one; of several the first by name.

    When an owner may be missing because something could not be read, which is a gap then, paths without one have UNKNOWN.
    """
    paths = list(paths)
    names = _list_files(context)
    if names is None:
        return dict.fromkeys(paths, UNKNOWN)
    diversions, complete = _read_diversions(context)
    wishes = _wishes(context, paths, diversions)
    needles = frozenset(wishes)
    owners: dict[str, str] = {}
    for name in names:
        context.check_deadline()
        package = name.removesuffix(".list").partition(":")[0]
        try:
            content = context.target.read_bytes(f"{_INFO}/{name}")
        except OSError as error:
            context.gap_for(error, f"{_INFO}/{name}")
            complete = False
            continue
        for needle in needles.intersection(content.split(b"\n")):
            for wish in wishes[needle]:
                if wish.accepts(package):
                    owners.setdefault(wish.path, package)
    return owners if complete else dict.fromkeys(paths, UNKNOWN) | owners


def _list_files(context: TableContext) -> list[str] | None:
    """The names of dpkg's file lists, or None and a gap."""
    try:
        names = [name for name in context.target.list_directory(_INFO) if name.endswith(".list")]
    except (FileNotFoundError, NotADirectoryError):
        names = []
    except OSError as error:
        context.gap_for(error, _INFO)
        return None
    if not names:
        context.gap(GapReason.MISSING_SOURCE, _without_dpkg(context))
        return None
    return names


def _without_dpkg(context: TableContext) -> str:
    try:
        others = [path for path in _OTHER_DATABASES if context.target.exists(path)]
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    if others:
        return f"{others[0]}: file lists of this package database are not read; dpkg's are, in {_INFO}"
    return f"{_INFO}: no file lists of packages there"


def _read_diversions(context: TableContext) -> tuple[list[Diversion], bool]:
    """The diversions of dpkg, and whether all of them could be read."""
    try:
        text = context.target.read_text(_DIVERSIONS)
    except (FileNotFoundError, NotADirectoryError):
        return [], True
    except OSError as error:
        context.gap_for(error, _DIVERSIONS)
        return [], False
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if len(lines) % 3:
        context.gap(GapReason.UNSUPPORTED, f"{_DIVERSIONS}:{len(lines)}: cut off: each diversion has three lines")
        return [], False
    triples = zip(lines[::3], lines[1::3], lines[2::3], strict=True)
    return [Diversion(original, moved, "" if package == ":" else package) for original, moved, package in triples], True


def _wishes(context: TableContext, paths: list[str], diversions: list[Diversion]) -> dict[bytes, list[_Wish]]:
    """What to look for in the lists, by the bytes of a line."""
    aliases = dict(_aliases(context))
    by_original = {_real(diversion.original, aliases): diversion for diversion in diversions}
    by_moved = {_real(diversion.moved, aliases): diversion for diversion in diversions}
    wishes: dict[bytes, list[_Wish]] = {}
    for path in paths:
        diverted = by_original.get(path)
        own = _Wish(path, only=diverted.package) if diverted else _Wish(path)
        for spelling in _spellings(path, aliases):
            wishes.setdefault(host_text.encode(spelling), []).append(own)
        if (source := by_moved.get(path)) is not None:
            for spelling in _spellings(_real(source.original, aliases), aliases):
                wishes.setdefault(host_text.encode(spelling), []).append(_Wish(path, but=source.package))
    return wishes


def _aliases(context: TableContext) -> Iterator[tuple[str, str]]:
    """Each directory of `_ALIASES` that is a link, and where it leads."""
    for alias in _ALIASES:
        try:
            real = canonical(context.target, alias)
        except FileNotFoundError:
            continue
        except OSError as error:
            context.gap_for(error, alias)
            continue
        if real != alias:
            yield alias, real


def _real(path: str, aliases: dict[str, str]) -> str:
    for alias, real in aliases.items():
        if path.startswith(alias + "/"):
            return real + path[len(alias) :]
    return path


def _spellings(path: str, aliases: dict[str, str]) -> Iterator[str]:
    yield path
    for alias, real in aliases.items():
        if path.startswith(real + "/"):
            yield alias + path[len(real) :]
