"""Which directories a pattern's `%%` enters, as osquery decides it, found without going through a link.

osquery walks depth first: the names that the pattern's last part matches in the order of glob(3), whatever is below them in the order in
which each directory gives it. It follows links to directories, and enters each directory (device and inode) once. So a real directory is
listed but not entered when a link that the walk met before has led to it, or to a directory above it.

What a link leads to need not be walked to know that. When the walk meets a link, osquery is inside the directories on the way from the
start of the walk to the link, and does not enter these again. What the link leads to is therefore

- one of these, or a directory that the walk has done with: nothing follows;
- a directory that the walk comes to later: it is left out then;
- the directory where the walk started, or one above it: from there osquery enters all that the walk has not come to, so what the pattern's
  last part matches after that is left out. The matched directory that the walk is inside goes on, as osquery is inside it, too.

Links in a directory that osquery enters only through a link are not seen here: what they lead to is walked here and may be missing there.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeAlias

from hardaudit.model.gap import GapReason
from hardaudit.target.walk import canonical
from hardaudit_plugins.filesystem import entries
from hardaudit_plugins.filesystem.entries import Reach

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.filesystem.entries import Entry

MAX_TARGETS = 10_000
"""Directories that links lead to of which a pattern keeps account."""

_Identity: TypeAlias = tuple[int, int]
"""st_dev and st_ino."""


class Recursion:
    """One pattern's walk.

    `left_out`: how far it goes into a directory that osquery has been in before. osquery finds no file of such a directory by its path, but
    all of them by their directory, since for that column it takes only directories from the pattern, this one among them, and lists each.
    `one_place`: the last part of the pattern is matched in one directory alone, so no other can show the same directories.
    """

    def __init__(self, context: TableContext, left_out: Reach, *, one_place: bool) -> None:
        self._context = context
        self._left_out = left_out
        self._one_place = one_place
        self._led_to: dict[_Identity, str] = {}  # what links lead to, and the first link that does
        self._place = ""
        self._place_is_reached_by_link = False
        self._enclosing: tuple[_Identity, ...] | None = None
        self._place_led_to: str | None = None
        self._listed_led_to = ""

    def start(self, place: str) -> None:
        """The last part of the pattern is now matched in the directory `place`."""
        self._place = place
        self._enclosing = None
        real = None if self._one_place else self._canonical()
        self._place_is_reached_by_link = real is not None and real != "/" + "/".join(filter(None, place.split("/")))
        self._place_led_to = None
        if self._led_to:
            self._place_led_to = next((self._led_to[identity] for identity in self._encloses() if identity in self._led_to), None)

    def reach_matched(self, entry: Entry) -> Reach:
        """How far the walk goes into a directory, or link to one, that the last part of the pattern matches; called in glob(3)'s order."""
        if not entry.link and self._place_led_to is not None:
            return self._leave_out(entry.path, self._place_led_to)
        reach = self.reach(entry, Reach.WALKED)
        if reach is Reach.WALKED and self._place_is_reached_by_link:
            self._keep(_identity(entry.status), self._place)
        return reach

    def reach(self, entry: Entry, parent: Reach) -> Reach:
        """How far the walk goes into a directory, or link to one, that it met in a directory of reach `parent`."""
        if parent is Reach.LISTED:
            if not entry.link:
                self._report(entry.path, self._listed_led_to)
            return Reach.NONE
        if entry.link:
            self._follow(entry)
            return Reach.NONE
        link = self._led_to.get(_identity(entry.status))
        return Reach.WALKED if link is None else self._leave_out(entry.path, link)

    def _follow(self, link: Entry) -> None:
        target = _identity(link.status)
        if self._place_led_to is None and target in self._encloses():
            self._place_led_to = link.path
        self._keep(target, link.path)

    def _keep(self, directory: _Identity, link: str) -> None:
        if len(self._led_to) < MAX_TARGETS:
            self._led_to.setdefault(directory, link)
        elif directory not in self._led_to:
            self._context.gap(
                GapReason.TRUNCATED,
                f"{self._place}: links to more than {MAX_TARGETS:,} directories; what osquery leaves out for the others is not left out",
            )

    def _leave_out(self, path: str, link: str) -> Reach:
        if self._left_out is Reach.LISTED:
            self._listed_led_to = link
        else:
            self._report(path, link)
        return self._left_out

    def _report(self, path: str, link: str) -> None:
        self._context.gap(
            GapReason.UNSUPPORTED,
            f"{path}: left out, as osquery's %% enters a directory once and was there through {link}: use file_tree, or directory =",
        )

    def _encloses(self) -> tuple[_Identity, ...]:
        """The place and the directories above it; none, and a gap, when that cannot be known."""
        if self._enclosing is None:
            real = self._canonical()
            self._enclosing = () if real is None else tuple(self._at_and_above(real))
        return self._enclosing

    def _canonical(self) -> str | None:
        try:
            return canonical(self._context.target, self._place)
        except OSError as error:
            entries.note(self._context, error, self._place)
            return None

    def _at_and_above(self, path: str) -> Iterator[_Identity]:
        try:
            yield _identity(self._context.target.lstat(path))
            while path != "/":
                path = posixpath.dirname(path)
                yield _identity(self._context.target.lstat(path))
        except OSError as error:
            entries.note(self._context, error, path)


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino
