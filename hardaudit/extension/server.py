"""The extension's own socket: a thread for each connection, so that pings are answered while a table is generated."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
import time
from typing import TYPE_CHECKING

from osquery.extensions.Extension import Processor

from hardaudit.extension.errors import ExtensionError
from hardaudit.extension.wire import Limits, Wire, identity
from hardaudit.osquery.peer import peer

if TYPE_CHECKING:
    from hardaudit.extension.handler import Handler

LIMITS = Limits(idle=5.0, seconds=30.0, message=2 * 2**20, string=2**20, container=64)
"""A request is a map with two or three texts; the longest is the JSON of the constraints. osquery sends it as soon as it is connected."""

PATH_LIMIT = 107
"""Bytes of a Unix socket's path, unix(7)."""

_MOST_CONNECTIONS = 64
_BACKLOG = 1024


class Server:
    """A listening socket that only its owner and root may use. osquery connects for each call, from several threads."""

    def __init__(self, path: str, handler: Handler) -> None:
        """Listen. Raises ExtensionError."""
        self.path = path
        self._processor = Processor(handler)
        self._slots = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self._users = (0, os.geteuid())
        self._closing = False
        self._listener = _listen(path)
        self._identity = identity(path)
        threading.Thread(target=self._accept, name="accept", daemon=True).start()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if not self._closing:
                    time.sleep(0.1)  # out of descriptors or memory
                continue
            if peer(connection)[1] in self._users and self._slot():
                self._start(connection)
            else:
                connection.close()

    def _slot(self) -> bool:
        """Wait for a place: osquery drops an extension whose ping fails, but waits for one that is late."""
        while not self._closing:
            if self._slots.acquire(timeout=1.0):
                return True
        return False

    def _start(self, connection: socket.socket) -> None:
        try:
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()
        except RuntimeError:  # no more threads
            self._slots.release()
            connection.close()

    def _converse(self, connection: socket.socket) -> None:
        """Answer messages until the caller is gone or says something that is no message."""
        try:
            with connection, contextlib.suppress(Exception):  # whatever nonsense does to thrift's generated code ends this connection only
                wire = Wire(connection, LIMITS)
                protocol = wire.protocol()
                while not self._closing:
                    self._processor.process(protocol, protocol)
                    wire.next_message()
        finally:
            self._slots.release()

    def close(self) -> None:
        """Stop listening and remove the socket's file, if it is still this one."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(2)
        self._listener.close()
        if identity(self.path) == self._identity:
            with contextlib.suppress(OSError):
                os.unlink(self.path)


def _listen(path: str) -> socket.socket:
    """A socket that others cannot connect to: connecting needs write permission, unix(7)."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o077)
    try:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                os.unlink(path)  # osquery gave us the name just now: it is left from an extension that is no more
        listener.bind(path)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ExtensionError(f"cannot listen on {path}: {error.strerror}") from error
    finally:
        os.umask(mask)
    return listener
