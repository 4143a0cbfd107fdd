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

END_BYTES = 64 * 2**10
"""Bytes at a file's start, and as many at its end, in which code is looked for."""

_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


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
        """So many bytes from an offset, fewer at the end."""
        content = os.pread(self._fd, count, offset)
        while content and len(content) < count:
            piece = os.pread(self._fd, count - len(content), offset + len(content))
            if not piece:
                break
            content += piece
        return content

    def ends(self, count: int = END_BYTES) -> bytes:
        """The first and the last `count` bytes; the whole of a file that is no longer than both."""
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
        if prefix != self._prefix:
            self.close()
            self._directory = self._target.open_directory(prefix)
            self._prefix = prefix
        place = os.open(host_text.encode(name), _LOOK, dir_fd=self._directory)
        try:
            status = os.fstat(place)
            if not stat.S_ISREG(status.st_mode):
                raise NotRegularFileError(prefix + name)
            return OpenFile(os.open(f"/proc/self/fd/{place}", _READ), status.st_size)
        finally:
            os.close(place)


def vanished(error: OSError) -> bool:
    """Whether there is nothing left to read: the file was removed since it was seen."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR)
