"""Programs of osquery run for us: without our environment, read all the time, gone with us whatever happens."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
from collections import deque
from typing import TYPE_CHECKING

from hardaudit.errors import SourceError
from hardaudit.model import host_text
from hardaudit.osquery.reader import LOG_LINES

if TYPE_CHECKING:
    from collections.abc import Callable

_STOP_SECONDS = 3.0
_SLICE = 0.25  # seconds between two looks at the query's clock
_CHUNK = 256 * 2**10
_DRAIN_READS = 16  # of a pipe, at once: more than it holds
_LINE_LIMIT = 4096  # bytes
_PR_SET_PDEATHSIG = 1  # prctl(2)
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
"""Ours is not handed on: it may name configuration, proxies or libraries."""


def is_readable(fd: int, seconds: float) -> bool:
    """Whether a read of the descriptor need not wait, at the latest after these seconds."""
    return _is_ready(fd, select.POLLIN, seconds)


def _is_ready(fd: int, event: int, seconds: float) -> bool:
    poll = select.poll()  # select(2) knows the first 1,024 descriptors only
    poll.register(fd, event)
    return bool(poll.poll(seconds * 1000))


class Program:
    """A running program, a process group of its own that dies with this process, even when that is killed (PR_SET_PDEATHSIG, prctl(2))."""

    def __init__(self, command: list[str], home: str, *, read_output: bool = False, write_input: bool = False) -> None:
        """Start it in /, with a home directory. Its standard input and output lead nowhere unless `write` and `read` are wanted.

        Raises SourceError.
        """
        if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:  # inherited; exit statuses would be lost, wait(2)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

        def die_with_parent() -> None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # gone before the call
                os._exit(1)

        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if write_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE if read_output else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",  # in a temporary directory it would be a finding of its own audit
                env={**_ENVIRONMENT, "HOME": home},
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 there is no other thread that could hold a lock
            )
        except (OSError, ValueError) as error:
            raise SourceError(f"{command[0]} cannot be started: {getattr(error, 'strerror', None) or error}") from error
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._unfinished = b""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    def drain(self) -> None:
        """Take what it has written to standard error, so that it never waits for us."""
        stream = self._process.stderr
        if stream is None or stream.closed:
            return
        with contextlib.suppress(BlockingIOError):
            for _ in range(_DRAIN_READS):  # one that never stops writing is not followed for ever
                piece = os.read(stream.fileno(), _CHUNK)
                if not piece:
                    return
                *lines, rest = (self._unfinished + piece).split(b"\n")
                self._lines.extend(host_text.decode(line[:_LINE_LIMIT]) for line in lines)
                self._unfinished = rest[:_LINE_LIMIT]

    def take_errors(self) -> list[str]:
        """The lines that it has written to standard error since the last call; of more than LOG_LINES the last."""
        self.drain()
        lines = list(self._lines)
        self._lines.clear()
        return lines

    def write(self, text: bytes, waiting: Callable[[], None]) -> None:
        """Put this into its standard input; `waiting` is called while it takes no more. Raises OSError when it has closed it."""
        stream = self._process.stdin
        if stream is None:
            return
        while text:
            waiting()
            self.drain()
            if _is_ready(stream.fileno(), select.POLLOUT, _SLICE):
                with contextlib.suppress(BlockingIOError):  # no room for as much as is written as one
                    text = text[os.write(stream.fileno(), text) :]

    def read(self, waiting: Callable[[], None]) -> bytes:
        """The next piece of its standard output, empty at the end. `waiting` is called while there is none."""
        stream = self._process.stdout
        if stream is None:
            return b""
        while True:
            waiting()
            self.drain()
            if is_readable(stream.fileno(), _SLICE):
                return os.read(stream.fileno(), _CHUNK)

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        if self._process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None

    def finish(self, waiting: Callable[[], None]) -> int:
        """Wait for its end and return the exit status."""
        while self.is_running():
            waiting()
            self.drain()
            time.sleep(0.002)
        self._signal(signal.SIGKILL)  # what it started; not reaped yet, so the group's number is still its own
        return self._process.wait()

    def stop(self) -> None:
        """End it and all that it started: SIGTERM, and SIGKILL after some seconds. Idempotent."""
        if self._process.returncode is None:
            try:
                self._signal(signal.SIGTERM)
                deadline = time.monotonic() + _STOP_SECONDS
                while self.is_running() and time.monotonic() < deadline:
                    self.drain()
                    time.sleep(0.01)
            finally:  # also when the interrupt key is pressed meanwhile
                self._signal(signal.SIGKILL)
                self._process.wait()
        self.drain()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):  # what is still to be written to it
                    stream.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
