"""An osqueryd to test against: osquery's own Thrift processor at the other end of a real Unix socket, with answers of the test's choice.

Run as a program it is a false osqueryd or osqueryi, whose answers are those of hardaudit's embedded tables, as text.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from installed_tables import builtin_tables
from osquery.extensions import ExtensionManager
from osquery.extensions.ttypes import ExtensionResponse, ExtensionStatus
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from hardaudit.engine.engine import Bounds, Engine
from hardaudit.errors import QueryError
from hardaudit.osquery.catalog import read_catalog
from hardaudit.osquery.tables import tables_of
from hardaudit.target.target import Target

Rows = list[dict[str, str]]
VERSION = "5.23.1"


class FailedError(Exception):
    """What osquery would answer with a status other than 0."""


class Manager(ExtensionManager.Iface):
    """The manager's interface; `answer` maps SQL to rows, or raises FailedError."""

    def __init__(self, answer: Callable[[str], Rows]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def ping(self):
        return ExtensionStatus(code=0, message="pong", uuid=0)

    def query(self, sql):
        self.asked.append(sql)
        try:
            return ExtensionResponse(status=ExtensionStatus(code=0, message="OK", uuid=0), response=self.answer(sql))
        except FailedError as failure:
            return ExtensionResponse(status=ExtensionStatus(code=1, message=str(failure), uuid=0), response=[])


class _BytesAsTheyAre(TBinaryProtocol):
    """Texts need not be UTF-8, as in osquery."""

    def readString(self):
        return self.readBinary().decode("utf-8", "surrogateescape")

    def writeString(self, text):
        self.writeBinary(text.encode("utf-8", "surrogateescape"))


class Server:
    """A manager behind a socket, a thread a connection, until `close`."""

    def __init__(self, path: str, answer: Callable[[str], Rows]) -> None:
        self.path = path
        self.manager = Manager(answer)
        self._processor = ExtensionManager.Processor(self.manager)
        self._connections: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            self._connections.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        transport = TSocket()
        transport.setHandle(connection)
        protocol = _BytesAsTheyAre(TBufferedTransport(transport))
        try:
            while True:
                self._processor.process(protocol, protocol)
        except (TTransportException, OSError, ValueError):
            connection.close()

    @property
    def asked(self) -> list[str]:
        return self.manager.asked

    def close(self) -> None:
        """Stop listening and break off every conversation."""
        for open_socket in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class RawServer:
    """Answers each connection's first message with these bytes, whatever it is, then closes or keeps the connection."""

    def __init__(self, path: str, pieces: Callable[[], Iterable[bytes]]) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._pieces = pieces
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while connection.recv(65536):
                    for piece in self._pieces():
                        connection.sendall(piece)
                    return
            except OSError:
                pass

    def close(self) -> None:
        self._listener.close()


def catalog_rows(tables: dict[str, dict[str, tuple[str, bool]]]) -> Rows:
    """What the question for all tables' columns is answered with."""
    return [
        {"table_name": table, "name": name, "type": kind, "hidden": str(int(hidden))}
        for table, columns in tables.items()
        for name, (kind, hidden) in columns.items()
    ]


class Canned:
    """Answers by table: rows, or a function of the SQL; the catalog is that of `tables`."""

    def __init__(self, tables: dict[str, dict[str, tuple[str, bool]]], answers: dict[str, Rows | Callable[[str], Rows]]) -> None:
        self.tables = {"users": {"uid": ("BIGINT", False), "username": ("TEXT", False)}, **tables}
        self.answers = answers

    def __call__(self, sql: str) -> Rows:
        if sql == "SELECT version FROM osquery_info":
            return [{"version": VERSION}]
        if "pragma_table_xinfo" in sql:
            return catalog_rows(self.tables)
        table = re.search(r"FROM `(\w+)`", sql)[1]
        answer = self.answers.get(table, [])
        return answer(sql) if callable(answer) else answer


class Embedded:
    """An osquery whose answers are those of hardaudit's embedded tables, each value as text."""

    def __init__(self) -> None:
        self.tables = {table.spec.name: table for table in builtin_tables() if table.spec.osquery}
        self._lock = threading.Lock()

    def __call__(self, sql: str) -> Rows:
        if "pragma_table_xinfo" in sql:
            return catalog_rows(
                {
                    name: {column.name: (column.type.value, column.hidden) for column in table.spec.columns}
                    for name, table in self.tables.items()
                }
            )
        with self._lock, Target.live_host() as target, Engine(target, self.tables.values()) as engine:
            try:
                answer = engine.run(sql, bounds=Bounds(rows=10**7, characters=10**9))
            except QueryError as error:
                raise FailedError(str(error)) from error
            if sql == "SELECT version FROM osquery_info":
                return [{"version": VERSION}]
            return [{name: "" if value is None else str(value) for name, value in row.items()} for row in answer.rows]


def real_catalog():
    """The columns of every osquery table that hardaudit has too."""
    return {
        table.spec.name: {column.name: (column.type.value, column.hidden) for column in table.spec.columns}
        for table in builtin_tables()
        if table.spec.osquery
    }


@contextlib.contextmanager
def engine_over(reader, *, embedded=None, has_systemd=True):
    catalog = read_catalog(reader)
    tables = {table.spec.name: table for table in (builtin_tables() if embedded is None else embedded)}
    with Target.live_host() as target, Engine(target, tables_of(reader, catalog, tables, has_systemd=has_systemd)) as engine:
        yield engine


def program(place: Path, name: str, before: str = "") -> str:
    """A false osqueryd or osqueryi as an executable file; `before` is Python that it runs first."""
    file = place / name
    here = Path(__file__).parent
    lines = [
        f"#!{sys.executable}",
        "import sys",
        f"sys.path[:0] = [{str(here)!r}, {str(here.parents[1])!r}]",
        before,
        "import false_osquery",
        "false_osquery.main(sys.argv)",
    ]
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o755)
    return str(file)


def main(arguments: list[str]) -> None:
    flags = dict(argument.removeprefix("--").partition("=")[::2] for argument in arguments[1:] if argument.startswith("--"))
    if "json" in flags:
        shell(arguments)
        return
    Server(flags["extensions_socket"], Embedded())
    threading.Event().wait()


def shell(arguments: list[str]) -> None:
    """`osqueryi --json`, with a statement as its argument or statements on its standard input."""
    answer = Embedded()
    if not arguments[-1].startswith("-"):
        sys.exit(answer_in_shell(answer, arguments[-1]))
    pending = ""
    for line in sys.stdin:
        pending += line
        if sqlite3.complete_statement(pending):
            answer_in_shell(answer, pending.rstrip().removesuffix(";"))
            pending = ""


def answer_in_shell(answer: Embedded, sql: str) -> int:
    """Print the list of rows, or the error; the exit status."""
    try:
        rows = answer(sql)
    except FailedError as failure:
        print(f"Error: near line 1: {failure}", file=sys.stderr, flush=True)
        return 1
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    print(f"[\n{lines}\n]", flush=True)
    return 0
