"""A walk over everything below a directory, that no link, rename or mount can lead astray.

Each directory is opened by its name in its parent's descriptor with O_NOFOLLOW (openat(2)) and must be the object that lstat(2) described
there a moment before, so a directory that is exchanged for a link or another directory meanwhile is noticed and not entered. Entries are
read one at a time and a subdirectory is entered at once, so memory is bounded by the depth, not by the number of files.

Left open: what a directory holds may change while it is read; a directory that is moved while the walk is inside goes on being read under
the name that it had.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit.target.mount_points import Crossing, Mount, MountPoints, parse_mountinfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit.target.target import Target

MAX_DEPTH = 256
"""Directories inside each other that are entered at most; each holds two descriptors."""

_MAX_LINKS = 40
_MOUNTINFO = "/proc/self/mountinfo"
_TYPE, _DIRECTORY = 0o170000, stat.S_IFDIR  # S_ISDIR() would be a call for each file
_SEARCH_FLAGS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_IMAGE_MOUNTS = frozenset({"dev", "proc", "sys"})
"""Names at the root of a system that hold the running kernel's files when something is mounted there."""


@dataclass(frozen=True, slots=True)
class WalkProblem:
    """Files that a walk could not see: everything at and below `path`."""

    path: str
    reason: GapReason
    detail: str


Entry: TypeAlias = tuple[str, str, os.stat_result]
"""The directory's path with a slash at its end, the name, and its lstat(2); `prefix + name` is the path."""


def canonical(target: Target, path: str) -> str:
    """The absolute path without links, `.` and `..` that `path` leads to. Raises OSError as stat(2) would."""
    pending, done, links = deque(path.split("/")), list[str](), 0
    while pending:
        name = pending.popleft()
        if name in ("", "."):
            continue
        if name == "..":
            del done[-1:]
            continue
        here = "/" + "/".join([*done, name])
        if not stat.S_ISLNK(target.lstat(here).st_mode):
            done.append(name)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        text = target.readlink(here)
        if text.startswith("/"):
            done.clear()
        pending.extendleft(reversed(text.split("/")))
    return "/" + "/".join(done)


class _Level:
    """A directory that is being read: its descriptor, its entries so far unread, the mounts on its names."""

    __slots__ = ("device", "entries", "fd", "mounts", "prefix")

    def __init__(self, fd: int, prefix: str, device: int, mounts: dict[str, Mount] | None) -> None:
        self.fd = fd
        self.prefix = prefix
        self.device = device
        self.mounts = mounts
        try:
            self.entries = os.scandir(fd)
        except OSError:
            os.close(fd)
            raise

    def close(self) -> None:
        self.entries.close()
        os.close(self.fd)


class Walk:
    """The files at and below a directory, the directory itself first, each directory before what is in it.

    `root` is an absolute path without links (`canonical`); a root that is no directory is yielded alone. `skip`: paths that are neither
    yielded nor entered. `problem` is called for what could not be seen. Symbolic links are yielded, never followed.

    Mounts of a live host: local file systems are entered; those that show the kernel's own state are left out; those of the network and
    of other programs are a problem, as reading them may never end, unless the walk begins on them. A mount that shows what the walk sees
    elsewhere too is left out. `left_out` has the mount points that the walk left out or could not enter. Below a root directory that is
    not live, everything is entered except a /proc, /sys or /dev that is mounted there.
    """

    def __init__(self, target: Target, root: str, *, skip: frozenset[str], problem: Callable[[WalkProblem], None]) -> None:
        self.root = root
        self.left_out: set[str] = set()
        self._target = target
        self._skip = skip
        self._skip_prefixes = frozenset(path.rpartition("/")[0] + "/" for path in skip)
        self._problem = problem
        self._mounts = MountPoints([])
        self._levels: list[_Level] = []

    def __iter__(self) -> Iterator[Entry]:
        """Raises OSError when there is no such root or it cannot be reached."""
        if self._target.live:
            self._read_mounts()
        try:
            yield from self._start()
            yield from self._descend()
        finally:
            while self._levels:
                self._levels.pop().close()

    def _start(self) -> Iterator[Entry]:
        """The root's own entry; its directory is entered on the way."""
        parent = self._target.open_directory("/")
        try:
            *above, name = host_text.encode(self.root.lstrip("/")).split(b"/")
            for component in above:
                parent, outer = os.open(component, _SEARCH_FLAGS, dir_fd=parent), parent
                os.close(outer)
            status = os.stat(name, dir_fd=parent, follow_symlinks=False) if name else os.fstat(parent)
            prefix = self.root.rpartition("/")[0] + "/"
            if stat.S_ISDIR(status.st_mode) and not self._is_running_hosts(self.root, status.st_dev):
                self._open(parent, name or b".", self.root, status)
        finally:
            os.close(parent)
        yield prefix, host_text.decode(name), status

    def _descend(self) -> Iterator[Entry]:
        levels = self._levels
        while levels:
            level = levels[-1]
            prefix, exceptional = level.prefix, level.mounts is not None or level.prefix in self._skip_prefixes
            try:
                for entry in level.entries:
                    name = entry.name
                    if not name.isascii():
                        name = host_text.decode(os.fsencode(name))
                    if exceptional and self._is_left_out(level, name):
                        continue
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # removed since it was listed: there is nothing left to audit
                    except OSError as error:
                        self._report(prefix + name, error)
                        continue
                    yield prefix, name, status
                    if status.st_mode & _TYPE == _DIRECTORY and self._enter(level, entry.name, prefix + name, status):
                        break
                else:
                    levels.pop().close()
            except OSError as error:
                self._report(prefix.rstrip("/") or "/", error)
                levels.pop().close()

    def _is_left_out(self, level: _Level, name: str) -> bool:
        path = level.prefix + name
        if path in self._skip:
            return True
        mount = level.mounts.get(name) if level.mounts else None
        return mount is not None and not self._may_cross(mount)

    def _may_cross(self, mount: Mount) -> bool:
        if mount.crossing is Crossing.DESCEND and not any(self._is_reached(path) for path in self._mounts.shown_elsewhere(mount)):
            return True
        self.left_out.add(mount.point)
        if mount.crossing is Crossing.GAP:
            self._problem(
                WalkProblem(
                    mount.point,
                    GapReason.UNSUPPORTED,
                    f"{mount.point}: a {mount.type} file system is mounted there, which a walk does not enter: audit it where it is "
                    "stored, or walk from its mount point",
                )
            )
        return False

    def _is_reached(self, path: str) -> bool:
        """Whether the walk comes to `path`."""
        while path not in (self.root, "/"):
            mount = self._mounts.at(path)
            if path in self._skip or path in self.left_out or (mount is not None and mount.crossing is not Crossing.DESCEND):
                return False
            path = path.rpartition("/")[0] or "/"
        return path == self.root

    def _enter(self, level: _Level, name: str, path: str, status: os.stat_result) -> bool:
        """Whether the directory was entered; if not, a problem says why unless there is nothing to see."""
        if status.st_dev != level.device and not self._may_change_device(level, path, status.st_dev):
            return False
        if len(self._levels) >= MAX_DEPTH:
            self._problem(WalkProblem(path, GapReason.TRUNCATED, f"{path}: more than {MAX_DEPTH} directories inside each other"))
            return False
        return self._open(level.fd, name, path, status)

    def _open(self, parent: int, name: str | bytes, path: str, seen: os.stat_result) -> bool:
        try:
            fd = os.open(name, _DIRECTORY_FLAGS, dir_fd=parent)
        except FileNotFoundError:
            return False  # removed meanwhile
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                self._report_replaced(path)
            else:
                self._report(path, error)
            return False
        opened = os.fstat(fd)
        if opened.st_ino != seen.st_ino or opened.st_dev != seen.st_dev:
            os.close(fd)
            self._report_replaced(path)
            return False
        prefix = path if path == "/" else path + "/"
        try:
            self._levels.append(_Level(fd, prefix, opened.st_dev, self._mounts.directly_below(prefix)))
        except OSError as error:
            self._report(path, error)
            return False
        return True

    def _may_change_device(self, level: _Level, path: str, device: int) -> bool:
        """Whether a directory whose st_dev is not its parent's is entered: a mount, or a subvolume."""
        name = path[len(level.prefix) :]
        if not self._target.live:
            return not self._is_running_hosts(path, device)
        if level.mounts is not None and name in level.mounts:
            return True  # `_is_left_out` has let it pass
        within = self._mounts.containing(path)
        if within is not None and within.has_subvolumes:
            return True
        self._read_mounts()  # mounted since the walk began
        level.mounts = self._mounts.directly_below(level.prefix)
        mount = (level.mounts or {}).get(name)
        return mount is None or self._may_cross(mount)

    def _is_running_hosts(self, path: str, device: int) -> bool:
        """Below a root directory that is not live: whether `path` is in the running host's /proc, /sys or /dev, mounted there."""
        if self._target.live or path.split("/", 2)[1] not in _IMAGE_MOUNTS:
            return False
        return device != self._target.lstat("/").st_dev

    def _read_mounts(self) -> None:
        text = self._target.read_text(_MOUNTINFO)
        try:
            self._mounts = MountPoints(parse_mountinfo(text))
        except ValueError as error:
            raise OSError(errno.EPROTO, str(error), _MOUNTINFO) from error

    def _report(self, path: str, error: OSError) -> None:
        self._problem(WalkProblem(path, gap_reason(error), f"{path}: {error.strerror}"))

    def _report_replaced(self, path: str) -> None:
        self._problem(WalkProblem(path, GapReason.UNDECIDABLE, f"{path}: replaced by something else while it was read: run again"))
