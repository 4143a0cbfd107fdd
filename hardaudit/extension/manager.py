"""osqueryd's own socket: what it has, and registration (osquery.thrift, service ExtensionManager)."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, Any

from osquery.extensions.ExtensionManager import Client
from osquery.extensions.ttypes import InternalExtensionInfo
from thrift.Thrift import TException

from hardaudit import __version__
from hardaudit.errors import HardauditError
from hardaudit.extension.errors import ExtensionError
from hardaudit.extension.server import PATH_LIMIT
from hardaudit.extension.wire import Limits, Wire
from hardaudit.osquery.peer import peer, shares
from hardaudit.plugin.trust import refuse_unless_trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NAME = "hardaudit"
"""The extension's name, as for osquery's flag extensions_require."""

_SDK = "5.0.0"  # osquery refuses extensions that were built for one before 1.7.7
_TABLES = "SELECT name FROM osquery_registry WHERE registry = 'table'"
_UUID_DIGITS = 6  # ".65535"
_CONNECT_SECONDS = 5.0
_POLL_SECONDS = 0.1


class Manager:
    """The osqueryd behind a socket. Every method raises ExtensionError when it does not answer, or is not to be believed."""

    def __init__(self, path: str, *, seconds: float = 10.0) -> None:
        """`seconds`: how long an answer may take."""
        self.path = os.path.abspath(path)
        self._limits = Limits(idle=seconds, seconds=seconds, message=64 * 2**20, string=16 * 2**20, container=1_000_000)
        if len(os.fsencode(self.path)) + _UUID_DIGITS > PATH_LIMIT:
            raise ExtensionError(f"{path}: the path is too long for a socket beside it: give osqueryd a shorter --extensions_socket")

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> None:
        """Wait until osqueryd answers at the socket; one that is started with its extensions may take a moment."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.ping()
            except _NobodyThereError:
                if stopped() or time.monotonic() >= deadline:
                    raise
                time.sleep(_POLL_SECONDS)

    def ping(self) -> None:
        """Whether it is alive."""
        with self._client() as client:
            client.ping()

    def tables(self) -> frozenset[str]:
        """Names of the tables that it has, those of other extensions too."""
        with self._client() as client:
            reply = client.query(_TABLES)
        names = frozenset(row.get("name", "") for row in reply.response or ())
        if reply.status is None or reply.status.code or not names:
            raise ExtensionError(f"osqueryd at {self.path} does not say which tables it has: {getattr(reply.status, 'message', None)}")
        return names

    def extensions(self) -> dict[int, str]:
        """Names of the registered extensions by their numbers."""
        with self._client() as client:
            return {uuid: info.name for uuid, info in client.extensions().items()}

    def register(self, registry: Mapping[str, list[dict[str, str]]]) -> int:
        """Register the tables; the extension's number."""
        info = InternalExtensionInfo(name=NAME, version=__version__, sdk_version=_SDK, min_sdk_version="0.0.0")
        with self._client() as client:
            status = client.registerExtension(info, {"table": registry})
        if status.code or not status.uuid:
            raise ExtensionError(f"osqueryd at {self.path} refuses the tables: {status.message}")
        return int(status.uuid)

    def deregister(self, uuid: int) -> None:
        """Take an extension's tables back. It is no error that osqueryd does not know it any more."""
        with self._client() as client:
            client.deregisterExtension(uuid)

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        """A connection of its own for each call: the path leads to the osqueryd that is there now."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_CONNECT_SECONDS)
            try:
                connection.connect(self.path)
            except OSError as error:
                raise _NobodyThereError(f"no osqueryd answers at {self.path}: {error.strerror or error}") from error
            refuse_unless_trusted(self.path)
            self._believe(*peer(connection))
            try:
                yield Client(Wire(connection, self._limits).protocol())
            except HardauditError:
                raise
            except Exception as error:  # thrift's own, and what its generated code makes of nonsense
                detail = error.message if isinstance(error, TException) and hasattr(error, "message") else type(error).__name__
                raise ExtensionError(f"osqueryd at {self.path} does not answer: {detail}") from error

    def _believe(self, process: int, user: int) -> None:
        """Raise ExtensionError for an osqueryd of another user's, or one to which this host is another."""
        if user not in (0, os.geteuid()):
            raise ExtensionError(f"{self.path} belongs to a process of user {user}: only root's osqueryd, or one's own, is served")
        if not shares(process, ("root",)):
            raise ExtensionError(f"the osqueryd at {self.path} runs in a container and sees other files: run hardaudit there")


class _NobodyThereError(ExtensionError):
    """Nothing listens at the path, yet or any more."""
