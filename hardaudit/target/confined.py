"""Descent from a root directory that no path, link or rename can lead out of.

A path is resolved one component at a time, each opened relative to its parent's descriptor with O_PATH | O_NOFOLLOW (openat(2)), as
chroot(2) would: an absolute link starts again at the root, `..` at the root stays there. Links are read from the descriptor that was
opened, so exchanging a directory for a link between two steps changes nothing that is already open, and the next component is looked up in
the directory that was reached, wherever it has been renamed to. `..` goes back to the descriptor that was passed, not to the directory's
parent of the moment, so a directory that is moved out of the root cannot be used as a ladder. A regular file is opened for reading through
/proc/self/fd of the descriptor whose type was checked, so no FIFO or device can take its place in between.

Left open: what a directory holds is read while others may change it; a descent that is inside a directory when that directory is moved out
of the root goes on reading it there, which was inside when it was entered.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque

from hardaudit.model import host_text
from hardaudit.target.errors import NotRegularFileError

_MAX_LINKS = 40  # the kernel's own limit, path_resolution(7)
_MAX_COMPONENTS = 400  # each holds a descriptor while the path is resolved
_PATH_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def locate(root_fd: int, path: str, *, follow: bool) -> int:
    """An O_PATH descriptor, to be closed by the caller, of what `path` names below `root_fd`.

    `follow`: whether a link in the last component is followed. Raises OSError as the kernel would: ENOENT, EACCES, ENOTDIR, ELOOP.
    """
    pending = deque(host_text.encode(path).split(b"/"))
    if path.endswith("/"):
        pending.append(b".")  # a trailing slash asks for a directory, through a link too
    fds = [os.dup(root_fd)]
    links = seen = 0
    try:
        while pending:
            seen += 1
            if seen > _MAX_COMPONENTS:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
            name = pending.popleft()
            if name in (b"", b".", b".."):
                _step_in_place(fds, name, path)
                continue
            fd = _open_component(fds[-1], name, path)
            if not (stat.S_ISLNK(os.fstat(fd).st_mode) and (follow or any(pending))):
                fds.append(fd)
                continue
            links += 1
            target = _read_link(fd)
            if links > _MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith(b"/"):
                _close(fds, keep=1)
            pending.extendleft(reversed(target.split(b"/")))
        return fds.pop()
    finally:
        _close(fds, keep=0)


def _open_component(parent: int, name: bytes, path: str) -> int:
    try:
        return os.open(name, _PATH_FLAGS, dir_fd=parent)
    except OSError as error:
        error.filename = path
        raise
    except ValueError as error:  # a NUL byte in the name: no file can have it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error


def _step_in_place(fds: list[int], name: bytes, path: str) -> None:
    """`.` and `..`: both need a directory; `..` at the root stays there. An empty component, of a double slash, is nothing."""
    if name and not stat.S_ISDIR(os.fstat(fds[-1]).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    if name == b".." and len(fds) > 1:
        os.close(fds.pop())


def _read_link(fd: int) -> bytes:
    try:
        return os.readlink(b"", dir_fd=fd)
    finally:
        os.close(fd)


def _close(fds: list[int], keep: int) -> None:
    while len(fds) > keep:
        os.close(fds.pop())


def read_link(root_fd: int, path: str) -> bytes:
    """A symbolic link's text. Raises OSError EINVAL when the path is no link."""
    return _read_link(locate(root_fd, path, follow=False))


def status(root_fd: int, path: str, *, follow: bool) -> os.stat_result:
    """stat(2) or, with `follow` false, lstat(2) below the root."""
    fd = locate(root_fd, path, follow=follow)
    try:
        return os.fstat(fd)
    finally:
        os.close(fd)


def open_file(root_fd: int, path: str) -> int:
    """A descriptor, to be closed by the caller, for reading a regular file. Raises NotRegularFileError for anything else."""
    fd = locate(root_fd, path, follow=True)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise NotRegularFileError(path)
        return _reopen(fd, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, path)
    finally:
        os.close(fd)


def open_directory(root_fd: int, path: str) -> int:
    """A descriptor, to be closed by the caller, for listing a directory. Raises NotADirectoryError for anything else."""
    fd = locate(root_fd, path, follow=True)
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return _reopen(fd, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, path)
    finally:
        os.close(fd)


def _reopen(fd: int, flags: int, path: str) -> int:
    """The very object of an O_PATH descriptor, opened: its name is not looked up again."""
    try:
        return os.open(f"/proc/self/fd/{fd}", flags)
    except OSError as error:
        error.filename = path
        raise
