"""The walk of everything that sites' URLs reach: docroots, aliases, and what links in them lead to. Each file is seen once a run."""

from __future__ import annotations

import errno
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING, cast

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit.target.walk import Walk, canonical
from hardaudit_plugins.filesystem.tree_store import is_within
from hardaudit_plugins.web.docroot_spool import DocrootSpool
from hardaudit_plugins.web.writers import Permission

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from hardaudit.target.target import Target
    from hardaudit.target.walk import Entry, WalkProblem
    from hardaudit_plugins.filesystem.tree_store import Lstat
    from hardaudit_plugins.web.docroot_spool import EntryRow

_BATCH = 1024  # entries between two looks at the clock
_KINDS, _REGULAR, _DIRECTORY, _LINK = 0o170000, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK
_ACL, _NO_LIST = "system.posix_acl_access", (errno.ENODATA, errno.ENOTSUP, errno.ENOENT)
_MOST_PERMISSIONS = 50_000  # remembered at once; beyond that they are only written down again
_MOST_LINKS = 20_000  # that are looked behind
_MOST_LINKED_ROOTS = 1_000
_MOST_LINKED_ENTRIES = 1_000_000  # outside of docroots and aliases


class _Place:
    """Where a walk is: the number of the directory that it reads, and the last one that it came by, which it may enter next."""

    __slots__ = ("_above", "directory", "number")

    def __init__(self, outside: int) -> None:
        self.number = outside
        self.directory = ("", outside)
        self._above: list[tuple[str, int]] = []

    def move(self, prefix: str) -> None:
        """The walk went down into the last directory, or back up."""
        if prefix == self.directory[0] or not self._above:
            self._above.append((prefix, self.directory[1]))
        while self._above[-1][0] != prefix:
            self._above.pop()
        self.number = self._above[-1][1]


class DocrootWalk:
    """Walks real directories into a spool. `problem` is told of what could not be seen.

    Access control lists are read where the mode lets the group write: with a list the group bits are the mask of everyone it names, so
    without that bit it lets nobody write but the owner and all others, as the mode says.
    """

    def __init__(self, target: Target, problem: Callable[[GapReason, str], None]) -> None:
        self.spool = DocrootSpool()
        self.roots: list[str] = []
        self._target = target
        self._problem = problem
        self._permissions: dict[tuple[int, int, int, bytes], int] = {}
        self._last_permission = 0
        self._last_entry = 0
        self._last_root = 0
        self._open_directory: tuple[str, int] | None = None

    def close(self) -> None:
        """Delete what was kept."""
        self._close_directory()
        self.spool.close()

    def steps(self, roots: Iterable[str]) -> Generator[None, None, None]:
        """Walk `roots`, absolute paths of directories without links, and then what links lead to, some at a time. Raises SpoolError."""
        waiting = sorted(set(roots))
        while waiting:
            root = waiting.pop(0)
            if any(is_within(root, seen) for seen in self.roots):
                continue
            left_out: set[str] = set()
            yield from self._walk(root, left_out, None)
            for mount in left_out:  # nested roots that the walk would not enter, but that may be walked from their own mount point
                for inside in [path for path in waiting if is_within(path, mount)]:
                    waiting.remove(inside)
                    yield from self._walk(inside, set(), None)
        yield from self._follow_links()
        self.spool.index()
        self._close_directory()

    def _follow_links(self) -> Iterator[None]:
        before_links, looked_behind, followed = self._last_entry, 0, 0
        while new := list(self.spool.select("SELECT path FROM link WHERE directory IS NULL LIMIT ?", (_BATCH,))):
            for (path,) in new:
                looked_behind += 1
                if looked_behind > _MOST_LINKS:
                    self._problem(GapReason.TRUNCATED, f"more than {_MOST_LINKS:,} links in docroots: the others are not looked behind")
                    return
                led_to = self._directory_behind(path)
                self.spool.run("UPDATE link SET directory = ? WHERE path = ?", (led_to or "", path))
                if not led_to or any(is_within(led_to, root) for root in self.roots):
                    continue
                followed += 1
                if followed > _MOST_LINKED_ROOTS or self._last_entry - before_links > _MOST_LINKED_ENTRIES:
                    self._problem(GapReason.TRUNCATED, f"{path}: too much is reached through links in docroots: this one is not followed")
                    continue
                yield from self._walk(led_to, set(), before_links + _MOST_LINKED_ENTRIES)
            yield

    def _directory_behind(self, path: str) -> str | None:
        """The directory that a link leads to; None when it leads to none."""
        try:
            if stat.S_ISDIR(self._target.stat(path).st_mode):
                return canonical(self._target, path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
                self._problem(gap_reason(error), f"{path}: {error.strerror}")
        return None

    def _walk(self, root: str, left_out: set[str], last_entry: int | None) -> Iterator[None]:
        """Walk one root, without those inside it that were walked before; up to an entry's number if one is given."""
        walk = Walk(self._target, root, skip=frozenset(seen for seen in self.roots if is_within(seen, root)), problem=self._walk_problem)
        self.roots.append(root)
        self._last_root -= 1
        self.spool.add_directory(self._last_root, 0, root.rpartition("/")[0] + "/", None)  # where the root's own entry is
        rows = self._rows(iter(walk), root)
        while batch := list(islice(rows, _BATCH)):
            self.spool.add_entries(batch)
            if last_entry is not None and self._last_entry >= last_entry:
                most = f"more than {_MOST_LINKED_ENTRIES:,} files are reached through links in docroots"
                self._problem(GapReason.TRUNCATED, f"{root}: {most}: the others were not looked at")
                rows.close()
                break
            yield
        left_out.update(walk.left_out)

    def _walk_problem(self, problem: WalkProblem) -> None:
        self._problem(problem.reason, problem.detail)

    def _rows(self, entries: Iterator[Entry], root: str) -> Generator[EntryRow, None, None]:
        """Entries as they are kept; directories, links and permissions are kept on the way. This runs once a file: it is to be quick."""
        permissions, place = self._permissions, _Place(self._last_root)
        prefix_seen = ""
        try:
            for prefix, name, status in entries:
                if prefix is not prefix_seen:
                    place.move(prefix)
                    prefix_seen = prefix
                mode, _, _, _, uid, gid, size, _, mtime, ctime = cast("Lstat", status)
                kind = mode & _KINDS
                key = (mode, uid, gid, self._list(prefix, name) if mode & stat.S_IWGRP and kind != _LINK else b"")
                permission = permissions.get(key) or self._new_permission(key)
                self._last_entry = number = self._last_entry + 1
                if kind == _DIRECTORY:
                    place.directory = (f"{prefix}{name}/".replace("//", "/"), number)
                    self.spool.add_directory(number, place.number, place.directory[0], permission)
                elif kind == _LINK:
                    self.spool.add_link(prefix + name)
                _, dot, extension = name.rpartition(".")
                yield number, place.number, name, extension.lower() if dot else "", permission, size, mtime, ctime
        except OSError as error:
            self._problem(gap_reason(error), f"{error.filename or root}: {error.strerror}")

    def _new_permission(self, key: tuple[int, int, int, bytes]) -> int:
        if len(self._permissions) >= _MOST_PERMISSIONS:
            self._permissions.clear()
        self._last_permission += 1
        self._permissions[key] = self._last_permission
        self.spool.add_permission(self._last_permission, Permission(*key))
        return self._last_permission

    def _list(self, prefix: str, name: str) -> bytes:
        """A file's access control list as the kernel stores it; empty without one."""
        try:
            place = b"/proc/self/fd/%d/%s" % (self._directory(prefix), host_text.encode(name) or b".")
            return os.getxattr(place, _ACL, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LIST:
                self._problem(gap_reason(error), f"{prefix}{name}: its access control list: {error.strerror}")
            return b""

    def _directory(self, prefix: str) -> int:
        """A descriptor of the directory that the walk is in."""
        if self._open_directory is None or self._open_directory[0] != prefix:
            self._close_directory()
            self._open_directory = (prefix, self._target.open_directory(prefix))
        return self._open_directory[1]

    def _close_directory(self) -> None:
        if self._open_directory is not None:
            os.close(self._open_directory[1])
            self._open_directory = None
