"""Files as osquery's tables see them: one path, one directory's content, everything below a directory."""

from __future__ import annotations

import errno
import os
import stat
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from hardaudit.target.table import TableContext

MAX_DEPTH = 128
"""Levels below the directory where a walk starts; each holds two descriptors. osquery stops in silence at 64."""

_TYPES = {
    stat.S_IFREG: "regular",
    stat.S_IFDIR: "directory",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}
_CHILD_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_VANISHED = (errno.ENOENT, errno.ESRCH)
_NOTHING_THERE = (*_VANISHED, errno.ENOTDIR, errno.ELOOP)
_PATH_MAX, _NAME_MAX = 4096, 255  # limits.h: a longer path or name fits no system call
_DEADLINE_EVERY = 256  # entries between two looks at the clock


class Entry(NamedTuple):
    """A file, spelled `path`: what it is through its links.

    `type`: regular, directory, character, block, fifo or socket; for a link that leads nowhere, `unknown`; for one that cannot be followed
    (a loop), `error`. `status` is stat(2), or lstat(2) of a link that leads nowhere. `link`: the path itself is a symbolic link.
    """

    path: str
    type: str
    status: os.stat_result
    link: bool

    def marked(self) -> Entry:
        """As glob(3) with GLOB_MARK spells it: a directory, or a link to one, ends in a slash, which follows the link."""
        if self.type != "directory" or self.path.endswith("/"):
            return self
        return self._replace(path=self.path + "/", link=False)


class Child(NamedTuple):
    """An entry met in a directory, with its name as bytes for openat(2)."""

    name: bytes
    entry: Entry


class Reach(Enum):
    """How far a walk goes into a directory."""

    NONE = "not entered"
    LISTED = "its content is listed, nothing below that"
    WALKED = "everything below it"


def look(context: TableContext, path: str) -> Entry | None:
    """The file at an absolute path. None when there is none; None and a gap when it cannot be known."""
    if not path.startswith("/"):
        return None
    try:
        status = context.target.lstat(path)
    except OSError as error:
        note(context, error, path)
        return None
    return _entry(context, path, status)


def open_directory(context: TableContext, path: str) -> int | None:
    """A descriptor, to be closed by the caller, of the directory at an absolute path, through links.

    None when there is none; None and a gap when it cannot be read.
    """
    if not path.startswith("/"):
        return None
    try:
        return context.target.open_directory(path)
    except OSError as error:
        note(context, error, path)
        return None


def children(context: TableContext, directory: int, prefix: str) -> Generator[Child, None, None]:
    """What an open directory holds, without `.` and `..`, in its own order; `prefix`, its path and a slash, begins each entry's path.

    An entry that vanishes meanwhile is left out; one that may not be examined is a gap that names the directory.
    """
    with os.scandir(directory) as names:
        number = 0
        while True:
            number += 1
            if number % _DEADLINE_EVERY == 0:
                context.check_deadline()
            try:
                found = next(names, None)
                if found is None:
                    return
                status = found.stat(follow_symlinks=False)
            except OSError as error:
                if error.errno not in _VANISHED:
                    context.gap_for(error, prefix)
                continue
            name = os.fsencode(found.name)
            yield Child(name, _entry(context, prefix + host_text.decode(name), status))


def children_of(context: TableContext, path: str) -> Iterator[Child]:
    """`children` of the directory at a path, through links; nothing when there is none."""
    directory = open_directory(context, path)
    if directory is None:
        return
    try:
        yield from children(context, directory, path if path.endswith("/") else path + "/")
    finally:
        os.close(directory)


def real_directories(entry: Entry, _parent: Reach) -> Reach:
    """The reach of a walk of everything."""
    return Reach.NONE if entry.link else Reach.WALKED


def below(
    context: TableContext, parent: int, child: Child, start: Reach = Reach.WALKED, reach: Callable[[Entry, Reach], Reach] = real_directories
) -> Iterator[Entry]:
    """What is below a directory that was met in the open directory `parent`: depth first, one at a time, as far as `start` says.

    `reach` says how far the walk goes into each directory below, given the directory and the reach of the one that it is in; it is asked
    about links to directories, too. Links are listed, never followed, also when one takes a directory's place meanwhile (that is a gap).
    """
    levels: list[_Level] = []
    try:
        _enter(context, levels, parent, child, start)
        while levels:
            level = levels[-1]
            found = next(level.children, None)
            if found is None:
                levels.pop().close()
                continue
            yield found.entry
            if found.entry.type == "directory":
                _enter(context, levels, level.directory, found, reach(found.entry, level.reach))
    finally:
        while levels:
            levels.pop().close()


class _Level:
    """A directory that a walk is in."""

    __slots__ = ("children", "directory", "reach")

    def __init__(self, context: TableContext, directory: int, prefix: str, reach: Reach) -> None:
        self.directory = directory
        self.reach = reach
        self.children = children(context, directory, prefix)

    def close(self) -> None:
        self.children.close()
        os.close(self.directory)


def _enter(context: TableContext, levels: list[_Level], parent: int, child: Child, reach: Reach) -> None:
    if reach is Reach.NONE:
        return
    path = child.entry.path
    if len(levels) >= MAX_DEPTH:
        context.gap(GapReason.TRUNCATED, f"{path}: more than {MAX_DEPTH} levels below the start of the walk; what is below was not read")
        return
    context.check_deadline()
    try:
        directory = os.open(child.name, _CHILD_FLAGS, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            context.gap(GapReason.UNDECIDABLE, f"{path}: something else took the directory's place during the walk")
        elif error.errno not in _VANISHED:
            context.gap_for(error, path)
        return
    levels.append(_Level(context, directory, path if path.endswith("/") else path + "/", reach))


def _entry(context: TableContext, path: str, status: os.stat_result) -> Entry:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFLNK:
        return Entry(path, _TYPES.get(kind, "unknown"), status, link=False)
    try:
        target = context.target.stat(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return Entry(path, "unknown", status, link=True)
        if error.errno != errno.ELOOP:
            context.gap_for(error, path)
        return Entry(path, "error", status, link=True)
    return Entry(path, _TYPES.get(stat.S_IFMT(target.st_mode), "unknown"), target, link=True)


def note(context: TableContext, error: OSError, path: str) -> None:
    """A gap for an error, unless it says that there is nothing at the path."""
    if error.errno in _NOTHING_THERE or (error.errno == errno.ENAMETOOLONG and _fits_no_call(path)):
        return
    context.gap_for(error, path)


def _fits_no_call(path: str) -> bool:
    encoded = host_text.encode(path)
    return len(encoded) >= _PATH_MAX or any(len(name) > _NAME_MAX for name in encoded.split(b"/"))
