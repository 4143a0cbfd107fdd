"""The extension's life: find out what osqueryd lacks, register it, answer until one of both ends."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from hardaudit.errors import HardauditError
from hardaudit.extension.errors import ExtensionError
from hardaudit.extension.gap_book import GapBook
from hardaudit.extension.handler import Handler
from hardaudit.extension.manager import NAME, Manager
from hardaudit.extension.routes import routes
from hardaudit.extension.server import Server
from hardaudit.extension.session import Session
from hardaudit.extension.wire import identity
from hardaudit.osquery.gaps_table import GAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Event

    from hardaudit.model.table import TableSpec
    from hardaudit.target.table import Table

_GOODBYE_SECONDS = 2.0


def serve(  # noqa: PLR0913 what the command line and its process give
    path: str, tables: Mapping[str, Table], stop: Event, tell: Callable[[str], None], *, timeout: float, interval: float
) -> None:
    """Serve the tables that the osqueryd behind the socket lacks, until `stop` is set or that osqueryd is gone.

    `timeout`: seconds to wait for the socket. `interval`: seconds between two looks at osqueryd. `tell` takes lines for the user. Raises
    ExtensionError, PluginError for a socket that someone else could replace.
    """
    manager = Manager(path)
    manager.wait(timeout, stop.is_set)
    _make_room(manager)
    offered = _lacking(tables, manager.tables())
    gaps = GapBook()
    with contextlib.ExitStack() as ending:
        session = Session(tables, gaps)
        ending.callback(session.close, _GOODBYE_SECONDS)
        handler = Handler(offered, session, gaps, stop.set)
        handler.uuid = _register(manager, offered)
        ending.callback(_say_goodbye, manager.path, handler.uuid)
        server = Server(f"{manager.path}.{handler.uuid}", handler)
        ending.callback(server.close)
        tell(f"{len(offered)} tables are served to the osqueryd at {manager.path}: {', '.join(sorted(offered))}")
        tell(_watch(manager, handler.uuid, stop, interval))


def _say_goodbye(path: str, uuid: int) -> None:
    with contextlib.suppress(HardauditError):  # osqueryd is gone, and with it the registration
        manager = Manager(path, seconds=_GOODBYE_SECONDS)
        if manager.extensions().get(uuid) == NAME:
            manager.deregister(uuid)


def _lacking(tables: Mapping[str, Table], theirs: frozenset[str]) -> dict[str, TableSpec]:
    """The tables to register. SQLite's names know no case."""
    taken = {name.lower() for name in theirs}
    if GAPS.name in tables or GAPS.name in taken:
        raise ExtensionError(f"there is a table {GAPS.name} already, which is the extension's own: rename that one")
    return {GAPS.name: GAPS} | {name: table.spec for name, table in tables.items() if name not in taken}


def _make_room(manager: Manager) -> None:
    """Take back what an extension of this name left when it was killed; osqueryd would notice by and by."""
    for uuid, name in manager.extensions().items():
        if name != NAME:
            continue
        if _listens(f"{manager.path}.{uuid}"):
            raise ExtensionError(f"the osqueryd at {manager.path} is served already, by another hardaudit: stop that one first")
        manager.deregister(uuid)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_GOODBYE_SECONDS)
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True
    return True


def _register(manager: Manager, offered: Mapping[str, TableSpec]) -> int:
    try:
        return manager.register({name: routes(spec) for name, spec in offered.items()})
    except ExtensionError as error:
        taken = sorted(offered.keys() & manager.tables())  # by another extension, meanwhile
        if not taken:
            raise
        raise ExtensionError(f"{error}; it has {', '.join(taken)} by now: start again") from error


def _watch(manager: Manager, uuid: int, stop: Event, interval: float) -> str:
    """Look after osqueryd until there is a reason to end; what it is."""
    listening = identity(manager.path)
    while not stop.wait(interval):
        try:
            known = manager.extensions().get(uuid) == NAME
        except HardauditError as error:
            return f"ended, since {error}"
        if not known or identity(manager.path) != listening:
            return (
                f"ended, since the osqueryd at {manager.path} does not know the extension any more: it was started anew, or had no answer"
            )
    return "ended"
