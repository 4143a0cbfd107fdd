"""The host or root directory under audit, and its files."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.errors import TargetError
from hardaudit.model import host_text
from hardaudit.target import confined
from hardaudit.target.errors import ReadLimitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

READ_LIMIT = 16 * 2**20
"""Bytes of a configuration file that are read at most; larger is a gap, not a partial reading."""

_CHUNK = 128 * 2**10

DIRECTORY_LIMIT = 100_000
"""Names of a directory that are held in memory at most; larger trees are walked, not listed."""


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A name in a directory and its lstat(2)."""

    name: str
    status: os.stat_result


class _NeverWaiting(io.FileIO):
    """A file opened so that reading never waits: "nothing yet", as of /proc/kmsg, is an error, where Python's own class makes it an end."""

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        return os.readv(self.fileno(), [buffer])

    def readall(self) -> bytes:
        content = bytearray()
        while piece := os.read(self.fileno(), _CHUNK):
            content += piece
        return bytes(content)


class Target:
    """A live host (`/`) or a root directory: a mounted disk, an unpacked image.

    Paths are absolute as the audited host sees them, in `host_text`'s spelling, and are resolved below the root whatever links say
    (see `confined`). Errors are OSErrors; `errors.gap_reason` says which gap each stands for.
    """

    def __init__(self, root: str, *, live: bool) -> None:
        if not os.path.isdir("/proc/self/fd"):
            raise TargetError("/proc is not mounted here: hardaudit needs it to open files safely; mount it and run again")
        self.root = root
        self.live = live
        try:
            self._root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise TargetError(f"--root {root}: {error.strerror}: name a directory that holds the root of a system") from error

    @classmethod
    def live_host(cls) -> Target:
        """The running host."""
        return cls("/", live=True)

    @classmethod
    def directory(cls, root: str) -> Target:
        """A root directory; nothing of the running host is read. Raises TargetError when it cannot be opened."""
        return cls(root, live=False)

    def close(self) -> None:
        """Release the root's descriptor; idempotent."""
        if self._root_fd >= 0:
            os.close(self._root_fd)
            self._root_fd = -1

    def __enter__(self) -> Target:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def lstat(self, path: str) -> os.stat_result:
        """lstat(2)."""
        return confined.status(self._root_fd, path, follow=False)

    def stat(self, path: str) -> os.stat_result:
        """stat(2); links are followed inside the root."""
        return confined.status(self._root_fd, path, follow=True)

    def exists(self, path: str) -> bool:
        """Whether lstat finds something. Raises PermissionError and the like: not being allowed to look is not absence."""
        try:
            self.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def readlink(self, path: str) -> str:
        """A symbolic link's text, unresolved. Raises OSError EINVAL when the path is no link."""
        return host_text.decode(confined.read_link(self._root_fd, path))

    def open(self, path: str) -> BinaryIO:
        """A regular file for reading; anything else raises NotRegularFileError and is not opened."""
        return io.BufferedReader(_NeverWaiting(confined.open_file(self._root_fd, path)))

    def read_bytes(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """A regular file's content. More than `limit` bytes raise ReadLimitError."""
        with self.open(path) as file:
            if os.fstat(file.fileno()).st_size > limit:
                raise ReadLimitError(path, limit)
            content = bytearray()
            while piece := file.read(_CHUNK):  # /proc refuses reads as large as the limit
                content += piece
                if len(content) > limit:  # grown meanwhile, or of no size, as in /proc
                    raise ReadLimitError(path, limit)
        return bytes(content)

    def read_text(self, path: str, limit: int = READ_LIMIT) -> str:
        """`read_bytes`, decoded by `host_text`."""
        return host_text.decode(self.read_bytes(path, limit))

    def list_directory(self, path: str, limit: int = DIRECTORY_LIMIT) -> list[str]:
        """A directory's names, sorted. More than `limit` raise ReadLimitError."""
        with self._listing(path) as entries:
            names: list[str] = []
            for entry in entries:
                if len(names) >= limit:
                    raise ReadLimitError(path, limit, "names")
                names.append(host_text.decode(os.fsencode(entry.name)))
        return sorted(names)

    def scan_directory(self, path: str) -> Iterator[DirectoryEntry]:
        """A directory's entries with their lstat, in the directory's own order, one at a time; those that vanish meanwhile are skipped."""
        with self._listing(path) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    yield DirectoryEntry(host_text.decode(os.fsencode(entry.name)), status)

    @contextlib.contextmanager
    def _listing(self, path: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        fd = self.open_directory(path)
        try:
            with os.scandir(fd) as entries:
                yield entries
        finally:
            os.close(fd)

    def open_directory(self, path: str) -> int:
        """A descriptor of a directory, to be closed by the caller, for a walk that goes on from it with openat(2)."""
        return confined.open_directory(self._root_fd, path)

    def is_system(self) -> bool:
        """Whether this looks like the root of a Linux system: /etc has something in it.

        Below an empty or mistaken directory every file is absent, and absence must not count as evidence there.
        """
        try:
            return bool(self.list_directory("/etc"))
        except OSError as error:
            return error.errno in (errno.EACCES, errno.EPERM, errno.EFBIG)
