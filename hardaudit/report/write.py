"""A report put where it is wanted: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile

from hardaudit.errors import UsageError


def write_report(text: str, destination: str | None) -> None:
    """Write to a file, or to standard output for None and "-".

    A regular file is written beside its place under an unguessable name, with mode 0600, synced, and renamed over it, so that a reader
    sees the old report or the new one, and a full disk leaves the old one. Raises UsageError when it cannot be written.
    """
    content = text.encode()
    try:
        if destination is None or destination == "-":
            _write_to_stdout(content)
        elif _is_special(destination):
            with open(destination, "wb") as file:
                file.write(content)
        else:
            _replace(destination, content)
    except BrokenPipeError:
        raise
    except OSError as error:
        where = "standard output" if destination in (None, "-") else destination
        raise UsageError(f"cannot write the report to {where}: {error.strerror}; nothing was left half-written") from error


def _write_to_stdout(content: bytes) -> None:
    """Past Python's buffer, which would keep what could not be written and try, and fail, once more when the process ends."""
    sys.stdout.flush()
    left = memoryview(content)
    while left:
        left = left[os.write(sys.stdout.fileno(), left) :]


def _is_special(destination: str) -> bool:
    """A pipe or device, such as /dev/stderr, is written to; it cannot be replaced."""
    try:
        mode = os.stat(destination).st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _replace(destination: str, content: bytes) -> None:
    directory = os.path.dirname(os.path.abspath(destination))
    fd, temporary = tempfile.mkstemp(prefix=".hardaudit-", dir=directory)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, destination)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_directory(directory)


def _sync_directory(directory: str) -> None:
    """Make the new name durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
