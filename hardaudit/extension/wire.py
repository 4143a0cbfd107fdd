"""Thrift messages over a Unix stream socket, within bounds: bytes and seconds of each message, lengths of what is in it.

Both ends of osquery's extension protocol are untrusted callers here. thrift's own transports wait without end and read as much as a
message claims to have.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TTransportBase, TTransportException

if TYPE_CHECKING:
    import socket

_CHUNK = 64 * 2**10
_MUCH = 2**20  # bytes that are not copied once more


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a message that is read. `idle`: seconds to its first byte; `seconds`: from there to its last, and for writing one."""

    idle: float
    seconds: float
    message: int
    string: int
    container: int


class Wire(TTransportBase):  # type: ignore[misc]  # thrift has no types
    """A connected socket as thrift's transport. Whatever goes wrong, a limit too, raises TTransportException."""

    def __init__(self, connection: socket.socket, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._received = memoryview(b"")
        self._written: list[bytes] = []
        self._left = 0
        self._deadline = float("inf")
        self.next_message()

    def protocol(self) -> TBinaryProtocol:
        """The binary protocol over this transport, held to the limits."""
        return TBinaryProtocol(self, string_length_limit=self._limits.string, container_length_limit=self._limits.container)

    def next_message(self) -> None:
        """The message before was read to its end: the bounds start over."""
        self._left = self._limits.message
        self._deadline = time.monotonic() + self._limits.seconds if self._received else float("inf")

    def read(self, size: int) -> bytes:
        """At least one byte, at most `size`."""
        if not self._received:
            self._receive()
        elif time.monotonic() > self._deadline:  # a message may be long to skip though all of it has arrived
            raise TTransportException(TTransportException.TIMED_OUT, "the message takes too long")
        piece = self._received[: min(size, self._left)]
        self._received = self._received[len(piece) :]
        self._left -= len(piece)
        if size and not piece:
            raise TTransportException(TTransportException.SIZE_LIMIT, f"the message is longer than {self._limits.message:,} bytes")
        return bytes(piece)

    def _receive(self) -> None:
        started = self._deadline != float("inf")
        seconds = self._deadline - time.monotonic() if started else self._limits.idle
        if seconds <= 0:
            raise TTransportException(TTransportException.TIMED_OUT, "the message takes too long")
        try:
            self._connection.settimeout(seconds)
            content = self._connection.recv(_CHUNK)
        except OSError as error:
            raise TTransportException(TTransportException.UNKNOWN, str(error)) from error
        if not content:
            raise TTransportException(TTransportException.END_OF_FILE, "the connection was closed")
        self._received = memoryview(content)
        if not started:
            self._deadline = time.monotonic() + self._limits.seconds

    def write(self, content: bytes | bytearray) -> None:
        """Keep until `flush`, unless it is much."""
        if len(content) < _MUCH:
            self._written.append(bytes(content))
        else:
            self.flush()
            self._send(content)

    def flush(self) -> None:
        """Send what was written."""
        content, self._written = b"".join(self._written), []
        self._send(content)

    def _send(self, content: bytes | bytearray) -> None:
        try:
            self._connection.settimeout(self._limits.seconds)
            self._connection.sendall(content)
        except OSError as error:
            raise TTransportException(TTransportException.UNKNOWN, str(error)) from error

    def close(self) -> None:
        """Close the socket."""
        self._connection.close()


def identity(path: str) -> tuple[int, int, int] | None:
    """What tells a socket's file from one that took its place, which may get the same inode; None when there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns
