"""Reading the files of a walk: each by its name in its directory, regular files only, and not more of it than is needed."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.target.errors import NotRegularFileError

if TYPE_CHECKING:
    from hardaudit.target.target import Target

_TYPE = 0o170000

END_BYTES = 64 * 2**10
"""Bytes at a file's start, and as many at its end, in which code is looked for."""

# What the walk saw as a regular file is opened by its name: a link in its place is refused, a FIFO is not waited for, and what is no
# regular file is not read. Only root could put a device there, which opening alone may disturb. To go through /proc/self/fd, as the
# target does, would cost as much as all the rest.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class OpenFile:
    """A regular file that is open for reading. `size`: bytes when it was opened."""

    __slots__ = ("_fd", "size")

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self.size = size

    def __enter__(self) -> OpenFile:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        os.close(self._fd)

    def read(self, offset: int, count: int) -> bytes:
        """So many bytes from an offset, fewer at the end that the file had when it was opened."""
        wanted = min(count, self.size - offset)
        if wanted <= 0:
            return b""
        content = os.pread(self._fd, wanted, offset)
        while len(content) < wanted and (piece := os.pread(self._fd, wanted - len(content), offset + len(content))):
            content += piece
        return content

    def ends(self, count: int = END_BYTES) -> bytes:
        """The first and the last `count` bytes with a line feed between; the whole of a file that is no longer than both."""
        if self.size <= 2 * count:
            return self.read(0, 2 * count)
        return self.read(0, count) + b"\n" + self.read(self.size - count, count)


class FileReader:
    """Opens files one after the other; the directory of the last one is kept open."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._prefix = ""
        self._directory = -1

    def close(self) -> None:
        """Let the directory go."""
        if self._directory >= 0:
            os.close(self._directory)
        self._prefix, self._directory = "", -1

    def open(self, prefix: str, name: str) -> OpenFile:
        """The file `name` in the directory `prefix`, which ends with a slash. Raises OSError, for a link too."""
        fd = self._open(prefix, name)
        status = os.fstat(fd)
        if status.st_mode & _TYPE != stat.S_IFREG:
            os.close(fd)
            raise NotRegularFileError(prefix + name)
        return OpenFile(fd, status.st_size)

    def small(self, prefix: str, name: str) -> bytes | None:
        """The whole content of a file of at most `2 * END_BYTES`, of which there may be a million; None for others. Raises as `open`."""
        fd = self._open(prefix, name)
        try:
            status = os.fstat(fd)
            if status.st_mode & _TYPE != stat.S_IFREG:
                raise NotRegularFileError(prefix + name)
            if status.st_size > 2 * END_BYTES:
                return None
            content = os.pread(fd, status.st_size, 0)
            return content if len(content) == status.st_size else None
        finally:
            os.close(fd)

    def _open(self, prefix: str, name: str) -> int:
        if prefix != self._prefix:
            self.close()
            self._directory = self._target.open_directory(prefix)
            self._prefix = prefix
        try:
            return os.open(name if name.isascii() else host_text.encode(name), _READ, dir_fd=self._directory)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
                raise NotRegularFileError(prefix + name) from error
            raise


def vanished(error: OSError) -> bool:
    """Whether there is nothing left to read: the file was removed since it was seen."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR)
