"""An osqueryd of our own, for the length of a run: it keeps nothing, schedules nothing, and is gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile

from hardaudit.errors import SourceError
from hardaudit.osquery.process import Program
from hardaudit.osquery.socket_reader import SocketReader, wait_for_socket

_START_SECONDS = 15.0
_LONGEST_DIRECTORY = 80  # bytes: the path of a socket in it has 108 at most, unix(7)


class EphemeralDaemon(SocketReader):
    """A reader whose osqueryd was started for it, in a directory that only we may enter (mode 0700)."""

    def __init__(self, binary: str) -> None:
        """Start osqueryd and connect. Raises SourceError when it does not come up."""
        self._directory = private_directory()
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
        if hasattr(self, "_idle"):
            super().close()
        if self._program is not None:
            self._program.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


def private_directory() -> str:
    """A new directory that only we may enter, with a path short enough for a socket in it."""
    place = tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="hardaudit-", dir=place if len(os.fsencode(place)) < _LONGEST_DIRECTORY else "/tmp")  # noqa: S108


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
