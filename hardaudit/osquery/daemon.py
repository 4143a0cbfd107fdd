"""An osqueryd of our own, for the length of a run: it keeps nothing, schedules nothing, and is gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from hardaudit.errors import HardauditError, SourceError
from hardaudit.osquery.process import Program
from hardaudit.osquery.socket_reader import SocketReader, wait_for_socket

if TYPE_CHECKING:
    from collections.abc import Callable

_START_SECONDS = 15.0
_LONGEST_DIRECTORY = 80  # bytes: the path of a socket in it has 108 at most, unix(7)


class EphemeralDaemon(SocketReader):
    """A reader whose osqueryd was started for it, in a directory that only we may enter (mode 0700)."""

    def __init__(self, binary: str, verify: Callable[[str], None] = lambda _path: None) -> None:
        """Start osqueryd and connect; `verify` raises for a path that is not safe. Raises SourceError when it does not come up."""
        self._directory = private_directory(verify)
        self._program: Program | None = None
        try:
            self._program = Program(_command(binary, self._directory), self._directory)
            self._connect_to(binary, self._program)
        except BaseException:
            self.close()
            raise

    def _connect_to(self, binary: str, program: Program) -> None:
        path = os.path.join(self._directory, "osquery.em")
        if not wait_for_socket(path, _START_SECONDS, program.is_running):
            was_running = program.is_running()
            program.stop()
            said = next(iter(program.take_errors()[-1:]), "it says nothing")
            raise SourceError(f"{binary} {'opens no socket' if was_running else 'ended at once'}: {said}")
        super().__init__(path, f"{binary}, started for this run", log=program.take_errors)
        program.take_errors()  # what it said of its start is no warning of a query

    def close(self) -> None:
        """Stop it and remove its directory."""
        try:
            if hasattr(self, "_idle"):
                super().close()
            if self._program is not None:
                self._program.stop()
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)


def private_directory(verify: Callable[[str], None]) -> str:
    """A new directory that only we may enter, with a path that suits a socket and flags. Raises SourceError.

    `verify` raises for one that somebody could replace: osqueryd is told there by files what code it loads.
    """
    try:
        place = tempfile.gettempdir()
        if len(os.fsencode(place)) >= _LONGEST_DIRECTORY or "," in place:  # --flagfile takes a list
            place = "/tmp"  # noqa: S108
        directory = tempfile.mkdtemp(prefix="hardaudit-", dir=place)
    except OSError as error:
        raise SourceError(f"no temporary directory for osquery can be made: {error.strerror or error}; set TMPDIR to one") from error
    try:
        verify(directory)
    except HardauditError as error:
        os.rmdir(directory)
        raise SourceError(f"TMPDIR is not used for osquery: {error}") from error
    return directory


def empty_file(directory: str) -> str:
    """The path of a new empty file there, for flags that name a file."""
    path = os.path.join(directory, "empty")
    with open(path, "x", encoding="ascii"):
        return path


def _command(binary: str, directory: str) -> list[str]:
    """The command line of an osqueryd that reads none of the site's configuration and writes nothing outside the directory."""
    empty = empty_file(directory)
    return [
        binary,
        "--ephemeral",
        "--disable_database",
        "--disable_watchdog",
        "--disable_events",
        "--disable_logging",
        "--config_path=/dev/null",
        f"--flagfile={empty}",  # or the site's own would be read
        f"--extensions_autoload={empty}",
        f"--extensions_socket={directory}/osquery.em",
        f"--pidfile={directory}/osqueryd.pid",
        f"--database_path={directory}/database",
        f"--logger_path={directory}",
    ]
