"""Standard output and standard error as the commands use them: what cannot be written is an error of one line, never a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

import click

from hardaudit.errors import HardauditError
from hardaudit.report.escape import visible

if TYPE_CHECKING:
    from typing_extensions import Buffer


class OutputError(HardauditError):
    """Standard output is closed, or what it leads to is full."""


class _StandardOutput(io.RawIOBase):
    """File descriptor 1. After a failure it swallows what is still buffered, which Python would try to write once more at its end."""

    def __init__(self) -> None:
        self._failed = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def isatty(self) -> bool:
        return os.isatty(1)

    def write(self, content: Buffer, /) -> int:
        if self._failed:
            return memoryview(content).nbytes
        try:
            return os.write(1, content)
        except OSError as error:
            self._failed = True
            raise OutputError(f"cannot write to standard output: {error.strerror}") from error


def prepare() -> None:
    """Set up the standard streams of the process.

    A descriptor that is closed is held by /dev/null, or the next file that is opened would get its number and what is printed. Characters
    that the terminal's encoding has not are escaped.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest number that is free; writing to it fails
    if sys.stderr is None:  # closed when Python started
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 for as long as the process
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    buffer = io.BufferedWriter(_StandardOutput())
    sys.stdout = io.TextIOWrapper(buffer, encoding=encoding, errors="backslashreplace", line_buffering=os.isatty(1))


def finish() -> None:
    """Write what is still buffered, so that Python's end finds nothing to complain of."""
    with contextlib.suppress(OutputError):
        sys.stdout.flush()
    try:
        sys.stderr.flush()
    except OSError:  # what stderr leads to is full: its buffer goes nowhere, and the exit status stays
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def tell(text: str, *, names_its_place: bool = False) -> None:
    """A line on stderr; several, escaped already, if each `names_its_place`.

    That it cannot be written there must not change the exit status.
    """
    with contextlib.suppress(OSError):
        click.echo(text if names_its_place else f"hardaudit: {visible(text)}", err=True)
