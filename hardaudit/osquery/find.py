"""Where an osquery is on this host, and whether root may believe it."""

from __future__ import annotations

import os
import shutil
import stat
from functools import partial
from typing import TYPE_CHECKING

from hardaudit.errors import HardauditError, SourceError
from hardaudit.osquery.daemon import EphemeralDaemon
from hardaudit.osquery.peer import shares
from hardaudit.osquery.shell import ShellReader
from hardaudit.osquery.socket_reader import INSTALL, SocketReader, bindings_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit.osquery.reader import Reader

SOCKETS = ("/var/osquery/osquery.em", "/opt/orbit/orbit-osquery.em")
"""Where osqueryd of the official packages and of Fleet's listens unless it is told otherwise."""

PLACES = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/opt/osquery/bin"
"""Where its programs are looked for, as in PATH. Root's PATH is not followed: who may write a directory in it would be asked."""


_SEES = ("root", "ns/mnt", "ns/net", "ns/pid")
"""Of a process in proc(5): its root directory, and the namespaces of its mounts, network and processes, namespaces(7)."""


def candidates(verify: Callable[[str], None]) -> Iterator[Callable[[], Reader]]:
    """Ways to an osquery that is here, the best first: a running osqueryd, one of our own, osqueryi. Calling one opens it.

    `verify` raises for a path that someone else than root could replace.
    """
    yield from (partial(socket_reader, path, verify) for path in SOCKETS if _is_socket(path))
    programs = (shutil.which(name, path=PLACES) for name in ("osqueryd", "osqueryi"))
    yield from (partial(binary_reader, program, verify) for program in programs if program is not None)


def socket_reader(path: str, verify: Callable[[str], None]) -> Reader:
    """The osqueryd behind a socket. Raises SourceError, saying what to do, when it cannot be asked or believed."""
    _need_bindings(f"the socket {path}")
    if not _is_socket(path):
        raise SourceError(f"{path} is no socket: name the one of a running osqueryd (its flag --extensions_socket)")
    path = os.path.abspath(path)  # the path that is believed is the one that is used
    _trusted(path, verify)
    reader = SocketReader(path, f"the socket {path}")
    try:
        _refuse_other_system(reader)
    except BaseException:
        reader.close()
        raise
    return reader


def binary_reader(path: str, verify: Callable[[str], None]) -> Reader:
    """A program of osquery's: osqueryd is started once where the bindings are installed, osqueryi for each query. Raises SourceError."""
    if not os.path.isfile(path) or not os.access(path, os.X_OK):
        raise SourceError(f"{path} is no program: name osqueryd or osqueryi")
    path = os.path.abspath(path)
    _trusted(path, verify)
    is_daemon = "osqueryi" not in os.path.basename(path)
    if is_daemon and bindings_installed():
        return EphemeralDaemon(path, verify)
    return ShellReader(path, verify, is_daemon=is_daemon)


def _need_bindings(what: str) -> None:
    if not bindings_installed():
        raise SourceError(f"{what} cannot be read without osquery's Python bindings: {INSTALL}")


def _trusted(path: str, verify: Callable[[str], None]) -> None:
    try:
        verify(path)
    except HardauditError as error:
        raise SourceError(f"osquery at {path} is not used: {error}") from error


def _refuse_other_system(reader: SocketReader) -> None:
    """Raise SourceError when the osqueryd is another user's, or sees another system: its answers would not be about this host."""
    if os.geteuid() == 0 and reader.user != 0:
        raise SourceError(f"{reader.through} belongs to user {reader.user}: root does not believe it; start osqueryd as root")
    if not shares(reader.process, _SEES):
        where = "in a container, or in a unit that is shut off (PrivateTmp=, ProtectHome= …)"
        raise SourceError(f"{reader.through}: that osqueryd runs {where}, so it sees another system than hardaudit; run both alike")


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
