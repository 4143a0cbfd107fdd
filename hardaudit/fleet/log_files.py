"""The files of osqueryd's results logs, in the order in which they were written.

osqueryd appends to `osqueryd.results.log` and `osqueryd.snapshots.log`; its own rotation (`--logger_rotate`) and logrotate rename them to
`name.log.1`, `.2` …, or `name.log-20261127`, and may compress them. Such a family of files is one log.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import re
import stat
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from hardaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typing_extensions import Buffer

LINE_LIMIT = 4 * 2**20
"""Bytes of a line; a longer one is not read. Parsed, JSON may take some thirty times its length in memory."""

_FILE_LIMIT = 1_000_000
_NAME = re.compile(r"(?P<log>.*\.log)(?:\.(?P<number>\d{1,6})|-(?P<date>\d{8}[\d-]{0,12}))?(?P<gz>\.gz)?", re.DOTALL)
_GZIP_MAGIC = b"\x1f\x8b"
_KEPT_OF_LONG_LINE = 8192
_TIME = re.compile(rb'"unixTime"\s*:\s*"?(\d{1,12})')
_FIRST_BYTES = 256 * 1024
_OPEN_FILES = 100  # of one log at once, the newest

READ_ERRORS = (OSError, EOFError, zlib.error)
"""What reading a file may raise; of gzip EOFError when it is cut, zlib.error or BadGzipFile, an OSError, when it is damaged."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file; `follows_gap` when the file that was written before it is not there though older ones are."""

    path: str
    follows_gap: bool = False


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line longer than LINE_LIMIT: its first and last bytes."""

    ends: bytes


def find_logs(places: Sequence[str]) -> list[list[LogFile]]:
    """The logs below `places`, files or directories, each a list of its files, oldest first; logs by the time of their first lines.

    A directory is searched whole, symbolic links apart, for *.log, rotated *.log.N and *.log-DATE, and *.gz; where a file is there both
    plain and compressed under one name, the plain one is read. Raises UsageError for a place that is not there, or is no log.
    """
    paths: dict[str, str] = {}
    for place in places:
        for path in _files_of(place):
            paths.setdefault(os.path.realpath(path), path)
            if len(paths) > _FILE_LIMIT:
                raise UsageError(f"{place}: more than {_FILE_LIMIT:,} files: score a part of them at a time")
    families: dict[str, dict[tuple[int, int, str], str]] = {}
    for path in sorted(paths.values(), key=lambda path: (path.endswith(".gz"), path)):
        family, order = _place_in_family(path)
        families.setdefault(family, {}).setdefault(order, path)
    logs = [_in_order(family) for family in families.values()]
    return sorted(logs, key=lambda files: (_first_time(files[0].path), files[0].path))


def _files_of(place: str) -> Iterator[str]:
    if not os.path.isdir(place):
        if not os.path.exists(place):
            raise UsageError(f"{place}: there is no such file or directory: name osqueryd's results logs, or directories with them")
        yield place
        return
    found = False
    try:
        for folder, folders, names in os.walk(place, onerror=_refuse):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if (_NAME.fullmatch(name) or name.endswith(".gz")) and stat.S_ISREG(os.lstat(path).st_mode):
                    found = True
                    yield path
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read: {error.strerror}") from error
    if not found:
        raise UsageError(f"{place}: no file of this directory is named *.log, *.log.N, *.log-DATE or *.gz")


def _refuse(error: OSError) -> None:
    """A directory that cannot be listed may hold what nobody is to miss."""
    raise error


def _place_in_family(path: str) -> tuple[str, tuple[int, int, str]]:
    """The log that a file belongs to, and what to sort its files by: dated ones, numbers from the highest, the one being written."""
    folder, name = os.path.split(path)
    match = _NAME.fullmatch(name)
    if match is None:
        return path, (2, 0, "")
    log = os.path.join(folder, match["log"])
    if match["date"]:
        return log, (0, 0, match["date"])
    if match["number"]:
        return log, (1, -int(match["number"]), "")
    return log, (2, 0, "")


def _in_order(family: dict[tuple[int, int, str], str]) -> list[LogFile]:
    files = []
    previous = None
    for order in sorted(family):
        kind, negative, _ = order
        number = -negative if kind == 1 else 0 if kind == 2 else None
        files.append(LogFile(family[order], previous is not None and number is not None and number < previous - 1))
        previous = number
    return files


def _first_time(path: str) -> int:
    """The time of the first line that has one; 0 without one. It orders logs, and decides nothing."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return 0  # a pipe can be read once only
        with open_log(path) as stream:
            match = _TIME.search(stream.read(_FIRST_BYTES))
    except READ_ERRORS:
        return 0
    return int(match[1]) if match else 0


def open_log(path: str) -> IO[bytes]:
    """A file for reading, decompressed if it begins as gzip does, whatever its name. Raises OSError."""
    plain = io.BufferedReader(io.FileIO(path), 2**17)
    if plain.peek(2)[:2] != _GZIP_MAGIC:
        return plain
    return io.BufferedReader(_Decompressed(plain), 2**17)


class OpenLog:
    """A log's files, opened at once and the one being written first: it may be rotated while it is read.

    Then the files move on by a name: what was the newest is met again as the one before it, and only the oldest is not there any more.
    """

    def __init__(self, files: Sequence[LogFile]) -> None:
        self._opened: dict[str, IO[bytes] | OSError] = {}
        seen: set[tuple[int, int]] = set()
        for file in reversed(files[-_OPEN_FILES:]):
            try:
                stream = open_log(file.path)
            except OSError as error:
                self._opened[file.path] = error
                continue
            status = os.fstat(stream.fileno())
            if (status.st_dev, status.st_ino) in seen:
                stream.close()
                stream = io.BytesIO()
            seen.add((status.st_dev, status.st_ino))
            self._opened[file.path] = stream

    def open(self, file: LogFile) -> IO[bytes]:
        """One of the files, for reading; close it. Raises OSError."""
        opened = self._opened.pop(file.path, None)
        if isinstance(opened, OSError):
            raise opened
        return opened or open_log(file.path)

    def close(self) -> None:
        """Close what was not read."""
        for opened in self._opened.values():
            if not isinstance(opened, OSError):
                opened.close()


class _Decompressed(io.RawIOBase):
    """The content of a gzip file, as far as it can be read; it closes the file."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._gzip = gzip.GzipFile(fileobj=packed, mode="rb")

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._packed.fileno()

    def readinto(self, buffer: Buffer, /) -> int:
        place = memoryview(buffer)
        content = self._gzip.read1(len(place))  # what is there: `read` would lose it when it meets the cut
        place[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._gzip.close()
            self._packed.close()
        super().close()


def lines_of(stream: IO[bytes]) -> Iterator[bytes | LongLine]:
    """Its lines; of one that is too long, the ends. Raises what READ_ERRORS names; an OSError for a file that was cut meanwhile, as
    logrotate's `copytruncate` does.
    """
    read = 0
    while line := stream.readline(LINE_LIMIT + 1):
        read += len(line)
        if len(line) > LINE_LIMIT and not line.endswith(b"\n"):
            yield _skip(stream, line[:_KEPT_OF_LONG_LINE], line[-_KEPT_OF_LONG_LINE:])
        else:
            yield line
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO) and _was_cut(stream.raw, read):
        raise OSError(errno.ESTALE, "it was cut while it was read: read it again")


def _was_cut(file: io.FileIO, read: int) -> bool:
    status = os.fstat(file.fileno())
    return stat.S_ISREG(status.st_mode) and status.st_size < read


def _skip(stream: IO[bytes], head: bytes, tail: bytes) -> LongLine:
    while more := stream.readline(LINE_LIMIT):
        tail = (tail + more)[-_KEPT_OF_LONG_LINE:]
        if more.endswith(b"\n"):
            break
    return LongLine(head + b"\n" + tail)
