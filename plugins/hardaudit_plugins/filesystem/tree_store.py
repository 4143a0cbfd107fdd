"""One walk for all queries of a run: what any check may ask of it, kept on disk.

A walk keeps the entries that carry a flag which is rare and asked for, in SQLite's own anonymous temporary file (private, deleted when it
is closed) with a bounded page cache, so memory does not grow with the tree.
"""

from __future__ import annotations

import contextlib
import stat
from typing import TYPE_CHECKING, TypeAlias, cast

import apsw

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit.target.walk import Walk, WalkProblem

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from hardaudit.target.target import Target
    from hardaudit.target.walk import Entry

Lstat: TypeAlias = "tuple[int, ...]"
"""mode, inode, device, links, uid, gid, size in bytes, and the times of access, change of content and change, in Unix seconds."""

TreeEntry: TypeAlias = "tuple[str, str, Lstat]"
"""The directory with a slash at its end, the name, and the lstat."""

Owners: TypeAlias = "tuple[frozenset[int], frozenset[int]]"
"""Numbers of users and of groups that exist."""

_EVERY = range(2**32)
"""A set of all numbers."""

_DEADLINE_EVERY = 1024  # entries
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -4096; -- KiB
PRAGMA max_page_count = 262144; -- of 4 KiB: 1 GiB on disk
CREATE TABLE kept(prefix TEXT, name TEXT, mode, inode, device, links, uid, gid, size, atime, mtime, ctime);
CREATE TABLE problem(path TEXT, reason TEXT, detail TEXT);
BEGIN;
"""


class SpoolError(Exception):
    """The private database cannot be written or read, as on a full disk."""


@contextlib.contextmanager
def _as_spool_error() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise SpoolError(str(error)) from error


def is_flagged(mode: int) -> bool:
    """Whether an entry's mode is kept: set-user-ID, set-group-ID, or writable by everyone; a link's mode means nothing."""
    return bool(mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH)) and not stat.S_ISLNK(mode)


class _Flagged(dict[int, bool]):
    """`is_flagged`, remembered for each of the few modes that occur."""

    def __missing__(self, mode: int) -> bool:
        self[mode] = flagged = is_flagged(mode)
        return flagged


def lstat_of(status: os.stat_result) -> Lstat:
    """The integers of a status. An inode beyond 63 bits becomes the negative number of the same 64 bits, as SQLite has no other."""
    numbers = cast("Lstat", tuple(status))
    return numbers if numbers[1] < 2**63 else (numbers[0], numbers[1] - 2**64, *numbers[2:])


def is_within(path: str, directory: str) -> bool:
    """Whether `path` is `directory` or below it."""
    return directory in (path, "/") or path.startswith(directory + "/")


class KeptWalk:
    """A walk of `root` that keeps its flagged entries, and those of a user or group that is not in `owners`."""

    def __init__(self, target: Target, root: str, skip: frozenset[str], owners: Owners | None) -> None:
        self.keeps_unowned = owners is not None
        self._root = root
        self._skip = skip
        self._owners = owners
        self._walk = Walk(target, root, skip=skip, problem=self._keep_problem)
        self._entries: Iterator[Entry] = iter(self._walk)
        self._finished = False
        with _as_spool_error():
            self._database = apsw.Connection("")
            list(self._database.execute(_SCHEMA))

    def close(self) -> None:
        """End the walk and delete what was kept."""
        if hasattr(self._entries, "close"):
            self._entries.close()
        self._database.close()

    def finish(self, check_deadline: Callable[[], None]) -> None:
        """Walk to the end, on from where an earlier call was stopped by its deadline. Raises SpoolError."""
        while not self._finished:
            check_deadline()
            with _as_spool_error():
                self._database.executemany("INSERT INTO kept VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", self._keep_next())

    def _keep_next(self) -> Iterator[tuple[str | int, ...]]:
        """Of the next entries those to keep."""
        flagged = _Flagged()
        uids, gids = self._owners or (_EVERY, _EVERY)
        try:
            for count, (prefix, name, status) in enumerate(self._entries, 1):
                if flagged[status.st_mode] or status.st_uid not in uids or status.st_gid not in gids:
                    yield prefix, name, *lstat_of(status)
                if count == _DEADLINE_EVERY:
                    return
        except OSError as error:
            self._keep_problem(WalkProblem(self._root, gap_reason(error), f"{error.filename or self._root}: {error.strerror}"))
        self._finished = True

    def _keep_problem(self, problem: WalkProblem) -> None:
        self._database.execute("INSERT INTO problem VALUES(?,?,?)", (problem.path, problem.reason.value, problem.detail))

    def sees(self, root: str, skip: frozenset[str]) -> bool:
        """Whether the walk sees everything at and below `root` but `skip`; of other roots than its own only a finished walk knows."""
        if any(path not in skip and (is_within(path, root) or is_within(root, path)) for path in self._skip):
            return False
        if root == self._root:
            return True
        if not self._finished or not is_within(root, self._root):
            return False
        unseen = [*self._walk.left_out, *(problem.path for problem in self._all_problems())]
        return not any(is_within(root, path) for path in unseen)

    def problems(self, root: str, skip: frozenset[str]) -> Iterator[WalkProblem]:
        """What the walk could not see at and below `root`. Raises SpoolError."""
        return (problem for problem in self._all_problems() if _concerns(problem.path, root, skip))

    def _all_problems(self) -> Iterator[WalkProblem]:
        with _as_spool_error():
            for path, reason, detail in self._database.execute("SELECT path, reason, detail FROM problem"):
                yield WalkProblem(str(path), GapReason(reason), str(detail))

    def entries(self, root: str, skip: frozenset[str], bits: int) -> Iterator[TreeEntry]:
        """The kept entries at and below `root` whose mode has all of `bits`. Raises SpoolError."""
        with _as_spool_error():
            for prefix, name, *numbers in self._database.execute("SELECT * FROM kept WHERE mode & ?1 = ?1", (bits,)):
                if _concerns(f"{prefix}{name}", root, skip):
                    yield str(prefix), str(name), tuple(number for number in numbers if isinstance(number, int))


def _concerns(path: str, root: str, skip: frozenset[str]) -> bool:
    return is_within(path, root) and not any(is_within(path, left_out) for left_out in skip)


class TreeStore:
    """The kept walks of a run. Once a walk cannot be kept, none is: each query then walks for itself."""

    def __init__(self) -> None:
        self._walks: list[KeptWalk] = []
        self._refused = False

    def close(self) -> None:
        """Delete what was kept."""
        while self._walks:
            self._walks.pop().close()

    def refuse(self) -> None:
        """Keep nothing any more: the private database failed."""
        self._refused = True
        self.close()

    def walk(self, target: Target, root: str, skip: frozenset[str], owners: Callable[[], Owners | None]) -> KeptWalk | None:
        """A walk, finished or not, that sees all of `root` but `skip`; None when walks cannot be kept."""
        if self._refused:
            return None
        try:
            for walk in self._walks:
                if walk.sees(root, skip):
                    return walk
            self._walks.append(KeptWalk(target, root, skip, owners()))
        except SpoolError:
            self.refuse()
            return None
        return self._walks[-1]
