"""Which of dpkg's packages owns a file.

Sources: /var/lib/dpkg/info/PACKAGE.list, /var/lib/dpkg/diversions (dpkg-divert(1)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.walk import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit.target.table import TableContext

INFO = "/var/lib/dpkg/info"
"""Where dpkg keeps its file lists."""

_DIVERSIONS = "/var/lib/dpkg/diversions"
_ALIASES = ("/bin", "/lib", "/lib32", "/lib64", "/libo32", "/libx32", "/sbin", "/var/lock", "/var/run")
"""Directories that packages name and that became links, as with a merged /usr; a walk sees what they lead to."""


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


def dpkg_owners(context: TableContext, paths: Sequence[str]) -> tuple[dict[str, str], bool] | None:
    """The package of each path that has one, of several the first by name, and whether everything could be read; what could not is a gap.

    None where dpkg has no file lists.
    """
    try:
        names = [name for name in context.target.list_directory(INFO) if name.endswith(".list")]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        context.gap_for(error, INFO)
        return {}, False
    if not names:
        return None
    diversions, complete = _read_diversions(context)
    wishes = _wishes(context, paths, diversions)
    needles = frozenset(wishes)
    owners: dict[str, str] = {}
    for name in names:
        context.check_deadline()
        package = name.removesuffix(".list").partition(":")[0]
        try:
            content = context.target.read_bytes(f"{INFO}/{name}")
        except OSError as error:
            context.gap_for(error, f"{INFO}/{name}")
            complete = False
            continue
        for needle in needles.intersection(content.split(b"\n")):
            for wish in wishes[needle]:
                if wish.accepts(package):
                    owners.setdefault(wish.path, package)
    return owners, complete


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


def _wishes(context: TableContext, paths: Sequence[str], diversions: list[Diversion]) -> dict[bytes, list[_Wish]]:
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
