"""osquery's path patterns: what `path LIKE` and `directory LIKE` make a table generate, before SQLite compares the rows with LIKE itself.

osquery turns each `%` into glob(3)'s `*`: it stands for any characters within one name, but not for a dot at the name's start, and letters
are compared as they are. A pattern that ends in `%%` also takes everything below what it matches, hidden or not, but for the directories
that `recursion` tells of. Every other character stands for itself, `_` too. glob(3) gives `*`, `?`, `[…]`, `{…}` and the backslash a
meaning as well, but rows must also satisfy SQLite's LIKE, for which they mean themselves; here they do from the start, so that a directory
named `a[b]` can be asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from hardaudit.model.gap import GapReason
from hardaudit_plugins.filesystem import entries
from hardaudit_plugins.filesystem.recursion import Recursion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.filesystem.entries import Child, Entry, Reach

MAX_WILDCARDS = 100
"""Path components with a `%` in one pattern."""

MAX_SORTED = 10_000
"""Directories of one directory that are held in memory to be walked in order; of more, each so many are in order."""

_DOTS = (b".", b"..")  # never walked: what is below them is, or encloses, what the pattern asks for


class Match(NamedTuple):
    """A file that a pattern generates. `below`: by `%%`, below a directory that the pattern matched."""

    entry: Entry
    below: bool


class NamePattern:
    """One component of a pattern."""

    def __init__(self, component: str) -> None:
        self.hidden = component.startswith(".")
        self._parts = component.split("%")

    def matches(self, name: str) -> bool:
        """Whether the component stands for the name."""
        if name.startswith(".") and not self.hidden:
            return False
        if len(self._parts) == 1:
            return name == self._parts[0]
        first, *middle, last = self._parts
        start, end = len(first), len(name) - len(last)
        if start > end or not name.startswith(first) or not name.endswith(last):
            return False
        for part in middle:
            found = name.find(part, start, end)
            if found < 0:
                return False
            start = found + len(part)
        return True


def is_absolute(pattern: str) -> bool:
    """Whether the pattern names a place to look in; osquery looks for others in its own working directory."""
    return pattern.startswith("/")


def may_match_absolute(pattern: str) -> bool:
    """Whether LIKE with this pattern can be true of an absolute path."""
    return pattern.startswith(("/", "%", "_"))


def is_recursive(pattern: str) -> bool:
    """Whether the pattern takes everything below what it matches."""
    return pattern.endswith("%%")


def allows_slash(pattern: str) -> bool:
    """Whether LIKE can be true of a directory, which osquery spells with a trailing slash."""
    return pattern.endswith(("%", "/"))


def expand(context: TableContext, pattern: str, left_out: Reach) -> Iterator[Match]:
    """The files that an absolute pattern generates, spelled without a trailing slash unless the pattern has one, one at a time.

    `left_out`: how far `%%` goes into a directory that osquery has entered through a link before (see `recursion`).
    """
    components = pattern.split("/")
    wild = sum("%" in component for component in components)
    if wild > MAX_WILDCARDS:
        context.gap(GapReason.UNSUPPORTED, f"LIKE: more than {MAX_WILDCARDS} parts of a path with %")
        return
    recursion = Recursion(context, left_out, one_place=wild == 1) if is_recursive(pattern) else None
    yield from _expand(context, "", components, recursion)


def _expand(context: TableContext, prefix: str, components: Sequence[str], recursion: Recursion | None) -> Iterator[Match]:
    """`prefix` and the components up to the first with % are a path; the directory there is listed, and matches go on with the rest."""
    wild = next((index for index, component in enumerate(components) if "%" in component), None)
    if wild is None:
        entry = entries.look(context, prefix + "/".join(components))
        if entry is not None:
            yield Match(entry, below=False)
        return
    place = prefix + "".join(component + "/" for component in components[:wild])
    rest = components[wild + 1 :]
    directory = entries.open_directory(context, place)
    if directory is None:
        return
    try:
        found = _matches(context, directory, place, NamePattern(components[wild]))
        if recursion is not None:
            found = _in_glob_order(found)
        if rest:
            for child in found:
                if child.entry.type == "directory":
                    yield from _expand(context, child.entry.path + "/", rest, recursion)
        elif recursion is None:
            yield from (Match(child.entry, below=False) for child in found)
        else:
            recursion.start(place)
            yield from _recurse(context, directory, found, recursion)
    finally:
        os.close(directory)


def _recurse(context: TableContext, directory: int, found: Iterator[Child], recursion: Recursion) -> Iterator[Match]:
    """What the last component of a pattern matches in an open directory, and what is below."""
    for child in found:
        yield Match(child.entry, below=False)
        if child.entry.type == "directory" and child.name not in _DOTS:
            for entry in entries.below(context, directory, child, recursion.reach_matched(child.entry), recursion.reach):
                yield Match(entry, below=True)


def _in_glob_order(children: Iterator[Child]) -> Iterator[Child]:
    """Directories and links to them in the order of osquery's glob(3): by bytes, a slash at each end. Others come as they are found."""
    directories: list[Child] = []
    for child in children:
        if child.entry.type != "directory":
            yield child
            continue
        directories.append(child)
        if len(directories) == MAX_SORTED:
            yield from sorted(directories, key=_glob_key)
            directories = []
    yield from sorted(directories, key=_glob_key)


def _glob_key(child: Child) -> bytes:
    return child.name + b"/"


def _matches(context: TableContext, directory: int, place: str, pattern: NamePattern) -> Iterator[Child]:
    """The names that match; `.` and `..` are names too, for a pattern that begins with a dot."""
    if pattern.hidden:
        for dots in _DOTS:
            name = dots.decode()
            entry = entries.look(context, place + name) if pattern.matches(name) else None
            if entry is not None:
                yield entries.Child(dots, entry)
    for child in entries.children(context, directory, place):
        if pattern.matches(child.entry.path[len(place) :]):
            yield child
