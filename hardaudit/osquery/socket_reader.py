"""An osqueryd's extension socket: queries over Thrift, rows as they arrive.

The socket speaks osquery.thrift's ExtensionManager over a Unix stream socket (osquery's docs, "Using osquery: SDK and Extensions"). Calls
are written and plain answers read with the official bindings; a query's rows are read by `reply`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

from hardaudit.errors import SourceError
from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.osquery.peer import peer
from hardaudit.osquery.process import is_readable
from hardaudit.osquery.reader import LOG_LINES, OsqueryError
from hardaudit.osquery.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hardaudit.model.table import Value

_CHUNK = 256 * 2**10
_SLICE = 0.25  # seconds between two looks at the query's clock
_CONNECT_SECONDS = 3.0
_SEND_SECONDS = 10.0

INSTALL = "python -m pip install 'hardaudit[osquery]'"


def bindings_installed() -> bool:
    """Whether the official bindings, the extra `hardaudit[osquery]`, are there."""
    from importlib.util import find_spec

    return find_spec("osquery") is not None and find_spec("thrift") is not None


class SocketReader:
    """Queries to the osqueryd behind a socket; see `reader.Reader`.

    Several queries may be open at once, each with a connection of its own: a join reads its inner table while the outer one is at hand.
    """

    def __init__(self, path: str, through: str, *, log: Callable[[], list[str]] = list) -> None:
        """Connect. Raises SourceError when nothing answers there. `log` gives the lines that the osqueryd wrote since it was last asked."""
        self.path = path
        self.through = through
        self._log = log
        self._logged: list[str] = []
        self._idle: list[socket.socket] = []
        self.process, self.user = self._greet()

    def _greet(self) -> tuple[int, int]:
        """The process that listens, and the user whom it runs as."""
        try:
            connection = self._connect()
        except OSError as error:
            raise SourceError(f"no osqueryd answers at {self.path}: {error.strerror or error}") from error
        self._idle.append(connection)
        return peer(connection)

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(_CONNECT_SECONDS)
            connection.connect(self.path)
            connection.settimeout(_SEND_SECONDS)
        except BaseException:
            connection.close()
            raise
        return connection

    def rows(self, sql: str, waiting: Callable[[], None]) -> Generator[dict[str, Value], None, None]:
        """See `reader.Reader`. A connection whose reply was not read to its end is closed; osqueryd itself finishes the query."""
        connection = self._asked(_message(sql))
        whole = False
        try:
            yield from Reply(lambda: self._receive(connection, waiting)).rows()
            whole = True
        finally:
            if whole:
                self._idle.append(connection)
            else:
                connection.close()

    def _asked(self, message: bytes) -> socket.socket:
        """A connection on which the message is sent; one that went stale while it was idle is replaced."""
        while self._idle:
            connection = self._idle.pop()
            with contextlib.suppress(OSError):
                if not is_readable(connection.fileno(), 0):  # at its end, or with bytes that nobody asked for
                    connection.sendall(message)
                    return connection
            connection.close()
        try:
            connection = self._connect()
            try:
                if peer(connection)[1] != self.user:  # the place of one that ended may be another's now
                    raise OsqueryError(GapReason.MISSING_SOURCE, f"the socket {self.path} belongs to another user than it did")
                connection.sendall(message)
            except BaseException:
                connection.close()
                raise
        except OSError as error:
            raise OsqueryError(GapReason.MISSING_SOURCE, f"the osqueryd at {self.path} is gone: {error.strerror or error}") from error
        return connection

    def _receive(self, connection: socket.socket, waiting: Callable[[], None]) -> bytes:
        """What has arrived, at least a byte."""
        waiting()
        while not is_readable(connection.fileno(), _SLICE):
            waiting()
            self._take_log()  # an osqueryd whose log nobody reads would come to wait for us
        try:
            received = connection.recv(_CHUNK)
        except OSError as error:
            raise OsqueryError(GapReason.MISSING_SOURCE, f"the osqueryd at {self.path} broke off: {error.strerror or error}") from error
        if not received:
            detail = f"the osqueryd at {self.path} ended while it answered: its watchdog ends it when a query takes too much"
            raise OsqueryError(GapReason.MISSING_SOURCE, detail)
        return received

    def warnings(self) -> list[str]:
        """See `reader.Reader`; of an osqueryd that was there before, nothing can be seen."""
        self._take_log()
        lines, self._logged = self._logged, []
        return lines

    def _take_log(self) -> None:
        self._logged = [*self._logged, *self._log()][-LOG_LINES:]

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()


def wait_for_socket(path: str, seconds: float, alive: Callable[[], bool]) -> bool:
    """Wait until something listens at the path; False when it does not in time, or `alive` turns false before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and alive():
        if os.path.exists(path):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(_CONNECT_SECONDS)
                probe.connect(path)
                return True
        time.sleep(0.01)
    return False


def _message(sql: str) -> bytes:
    """The call `ExtensionManager.query(1: string sql)` as bytes; the text's own bytes, which need not be UTF-8."""
    from thrift.protocol.TBinaryProtocol import TBinaryProtocol
    from thrift.Thrift import TMessageType, TType
    from thrift.transport.TTransport import TMemoryBuffer

    buffer = TMemoryBuffer()
    protocol = TBinaryProtocol(buffer)
    protocol.writeMessageBegin("query", TMessageType.CALL, 0)
    protocol.writeStructBegin("query_args")
    protocol.writeFieldBegin("sql", TType.STRING, 1)
    protocol.writeBinary(host_text.encode(sql))
    protocol.writeFieldEnd()
    protocol.writeFieldStop()
    protocol.writeStructEnd()
    protocol.writeMessageEnd()
    content: bytes = buffer.getvalue()
    return content
