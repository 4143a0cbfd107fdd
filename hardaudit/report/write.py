"""A report put where it is wanted: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from typing import TYPE_CHECKING

from hardaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_destination(destination: str) -> None:
    """Raise UsageError for a file that could not be written, before any work is done for what is to be in it."""
    folder = os.path.dirname(os.path.abspath(destination))
    if not destination:
        raise UsageError("--output is empty: name a file, or - for standard output")
    if os.path.isdir(destination):
        raise UsageError(f"--output {destination} is a directory: name a file")
    if not os.path.isdir(folder):
        raise UsageError(f"--output {destination}: there is no directory {folder}: make it first")
    if destination != "-" and not _is_special(destination) and not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--output {destination}: the directory {folder} cannot be written")


def write_report(text: str, destination: str | None) -> None:
    """Write to a file, or to standard output for None and "-".

    A regular file is written beside its place under an unguessable name, with mode 0600, synced, and renamed over it, so that a reader
    sees the old report or the new one, and a full disk leaves the old one. Raises UsageError when it cannot be written.
    """
    content = text.encode()
    if destination is None or destination == "-":
        with _user_error("standard output"):
            sys.stdout.flush()
        _write(sys.stdout.fileno(), content, "standard output")
    elif _is_special(destination):
        _write_to_special(destination, content)
    else:
        _replace(destination, content)


@contextlib.contextmanager
def _user_error(place: str, consequence: str = "") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write the report to {place}: {error.strerror}{consequence}") from error


def _write(fd: int, content: bytes, place: str) -> None:
    """Past Python's buffer, which would keep what could not be written and try, and fail, once more when the process ends."""
    with _user_error(place):
        left = memoryview(content)
        while left:
            left = left[os.write(fd, left) :]


def _is_special(destination: str) -> bool:
    """A pipe or device, such as /dev/stderr, is written to; it cannot be replaced.

    Not one that another user has put there, or a link of theirs: they would read the report, or have it written over a disk.
    """
    try:
        found = os.lstat(destination)
        mode = os.stat(destination).st_mode
    except OSError:
        return False
    return found.st_uid in (0, os.geteuid()) and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _write_to_special(destination: str, content: bytes) -> None:
    with _user_error(destination):
        fd = os.open(destination, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _write(fd, content, destination)
    finally:
        os.close(fd)


def _replace(destination: str, content: bytes) -> None:
    directory, name = os.path.split(os.path.abspath(destination))
    temporary = f".hardaudit-{secrets.token_hex(8)}"
    with _user_error(destination, "; nothing was left half-written"), contextlib.ExitStack() as undo:
        # Everything is done in the directory that was opened, even if its name leads elsewhere by then.
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        undo.callback(os.close, folder)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
        with os.fdopen(fd, "wb") as file, _removed_on_failure(temporary, folder):
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)  # makes the new name durable


@contextlib.contextmanager
def _removed_on_failure(name: str, folder: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        raise
