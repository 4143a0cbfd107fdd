"""An osqueryd as an extension meets it, made from the official package's own thrift code and an SQLite with osquery's virtual tables.

The rules of the virtual tables follow osquery 5: osquery/sql/virtual_table.cpp (xBestIndex, xFilter, xRowid),
osquery/sql/dynamic_table_row.cpp (how text becomes a value), osquery/core/tables.cpp (columnDefinition, setRequestFromContext),
osquery/extensions/interface.cpp and extensions.cpp (registration, pings).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import threading

import apsw
from osquery.extensions.Extension import Client as ExtensionClient
from osquery.extensions.ExtensionManager import Client as ManagerClient
from osquery.extensions.ExtensionManager import Iface, Processor
from osquery.extensions.ttypes import ExtensionResponse, ExtensionStatus, InternalExtensionInfo
from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolFactory
from thrift.server.TServer import TThreadedServer
from thrift.transport.TSocket import TServerSocket, TSocket
from thrift.transport.TTransport import TBufferedTransport, TBufferedTransportFactory

from hardaudit.engine import functions

INDEX, REQUIRED, ADDITIONAL, OPTIMIZED, HIDDEN = 1, 2, 4, 8, 16
TEXT_RANGES = (
    apsw.SQLITE_INDEX_CONSTRAINT_GT,
    apsw.SQLITE_INDEX_CONSTRAINT_GE,
    apsw.SQLITE_INDEX_CONSTRAINT_LT,
    apsw.SQLITE_INDEX_CONSTRAINT_LE,
)
MAX_COST = 1_000_000.0

USERS = [
    {"uid": "0", "username": "root", "directory": "/root", "shell": "/bin/bash"},
    {"uid": "33", "username": "www-data", "directory": "/var/www", "shell": "/usr/sbin/nologin"},
    {"uid": "1000", "username": "ada", "directory": "/home/ada", "shell": "/bin/sh"},
]
USERS_ROUTES = [
    {"id": "column", "name": "uid", "type": "BIGINT", "op": str(INDEX)},
    {"id": "column", "name": "username", "type": "TEXT", "op": str(ADDITIONAL)},
    {"id": "column", "name": "directory", "type": "TEXT", "op": "0"},
    {"id": "column", "name": "shell", "type": "TEXT", "op": "0"},
]


@contextlib.contextmanager
def client_of(path, kind, seconds=20.0):
    transport = TSocket(unix_socket=path)
    transport.setTimeout(seconds * 1000)
    buffered = TBufferedTransport(transport)
    buffered.open()
    try:
        yield kind(TBinaryProtocol(buffered))
    finally:
        buffered.close()


def extension_client(path, seconds=20.0):
    """The official client of an extension's socket."""
    return client_of(path, ExtensionClient, seconds)


def manager_client(path, seconds=20.0):
    """The official client of an osqueryd's socket."""
    return client_of(path, ManagerClient, seconds)


class FakeOsquery:
    """A running osqueryd with the table `users` and its own few; `query` is what a user of it asks.

    `refuse`: the message with which it refuses every registration. `default_index`: its flag extensions_default_index. `calls`: every
    call that it made to an extension's table, as (table, context).
    """

    def __init__(self, path: str, *, interval: float = 0.2, refuse: str | None = None, default_index: bool = True, tables=()) -> None:
        self.path = path
        self.refuse = refuse
        self.default_index = default_index
        self.calls: list[tuple[str, dict]] = []
        self.pings: list[bool] = []
        self.extensions: dict[int, InternalExtensionInfo] = {}
        self.registry: dict[int, dict[str, list[dict]]] = {}
        self.own = {"users": USERS_ROUTES, "osquery_registry": [], "osquery_extensions": [], **dict.fromkeys(tables, USERS_ROUTES)}
        self.deregistered: list[int] = []
        self.next_uuid = 4711
        self._failures: dict[int, int] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._interval = interval
        self._transport = TServerSocket(unix_socket=path)
        self._transport.listen()
        self._transport.listen = lambda: None  # it listens from here on: a client need not wait for the thread
        factories = (TBufferedTransportFactory(), TBinaryProtocolFactory())
        self._server = TThreadedServer(Processor(_Handler(self)), self._transport, *factories, daemon=True)
        threading.Thread(target=self._serve, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _serve(self):
        while not self._stop.is_set():
            try:
                client = self._transport.accept()
            except (OSError, AttributeError):
                return
            threading.Thread(target=self._server.handle, args=(client,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, *, shutdown_call: bool = True):
        """End, as osqueryd does: extensions are asked to shut down, the socket goes."""
        self._stop.set()
        for uuid in list(self.extensions) if shutdown_call else ():
            with contextlib.suppress(Exception), extension_client(f"{self.path}.{uuid}", 2.0) as client:
                client.shutdown()
        if self._transport.handle:
            with contextlib.suppress(OSError):
                self._transport.handle.shutdown(socket.SHUT_RDWR)
            self._transport.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def forget(self):
        """Lose every extension, as an osqueryd that its watchdog started anew."""
        self.extensions.clear()
        self.registry.clear()

    def _watch(self):
        while not self._stop.wait(self._interval):
            for uuid in list(self.extensions):
                try:
                    with extension_client(f"{self.path}.{uuid}", 3.0) as client:
                        healthy = client.ping().code == 0
                except Exception:
                    healthy = False
                self.pings.append(healthy)
                self._failures[uuid] = 0 if healthy else self._failures.get(uuid, 0) + 1
                if self._failures[uuid] > 1:  # its second chance is over
                    self.remove(uuid)

    def remove(self, uuid):
        with self._lock:
            self.extensions.pop(uuid, None)
            self.registry.pop(uuid, None)

    def register(self, info, registry):
        with self._lock:
            if self.refuse:
                return ExtensionStatus(code=1, message=self.refuse)
            if info.name in {other.name for other in self.extensions.values()}:
                return ExtensionStatus(code=1, message="Duplicate extension registered")
            taken = sorted(registry["table"].keys() & self.tables().keys())
            if taken:
                return ExtensionStatus(code=1, message=f"Failed adding registry: Duplicate registry item exists: {taken[0]}")
            uuid, self.next_uuid = self.next_uuid, self.next_uuid + 1
            self.extensions[uuid] = info
            self.registry[uuid] = registry["table"]
            return ExtensionStatus(code=0, message="OK", uuid=uuid)

    def tables(self):
        """Columns by table, and whose they are: 0 for its own."""
        served = {name: uuid for uuid, tables in self.registry.items() for name in tables}
        return dict.fromkeys(self.own, 0) | served

    def columns(self, table):
        uuid = self.tables()[table]
        return self.registry[uuid][table] if uuid else self.own[table]

    def query(self, sql: str, parameters: dict | None = None) -> list[dict]:
        """Rows with native values. Raises apsw.Error, whose text is osquery's message."""
        connection = apsw.Connection(":memory:")
        functions.register(connection, lambda: None)  # osquery's
        try:
            for table, uuid in self.tables().items():
                if self.columns(table):
                    module = _Module(self, table, uuid)
                    connection.create_module(table, module, use_bestindex_object=True, read_only=not uuid)
                    connection.execute(f"CREATE VIRTUAL TABLE temp.`{table}` USING `{table}`")
            names = []
            cursor = connection.cursor()
            cursor.exec_trace = lambda cursor, *_: names.extend(name for name, _ in cursor.get_description()) or True
            return [dict(zip(names, row, strict=True)) for row in cursor.execute(sql, parameters)]
        finally:
            connection.close(force=True)

    def own_rows(self, _table, _context):
        """Rows of a table of osquery's own, as text."""
        return USERS

    def generate(self, table, uuid, context):
        """What an extension answers, or osquery's own rows."""
        if not uuid:
            return self.own_rows(table, context)
        self.calls.append((table, context))
        with extension_client(f"{self.path}.{uuid}", 300.0) as client:
            response = client.call("table", table, {"action": "generate", "context": json.dumps(context)})
        if response.status.code:
            raise apsw.SQLError(response.status.message)
        return response.response


class _Handler(Iface):
    def __init__(self, osquery: FakeOsquery) -> None:
        self._osquery = osquery

    def ping(self):
        return ExtensionStatus(code=0, message="pong", uuid=0)

    def extensions(self):
        return dict(self._osquery.extensions)

    def options(self):
        return {}

    def registerExtension(self, info, registry):
        return self._osquery.register(info, registry)

    def deregisterExtension(self, uuid):
        if uuid not in self._osquery.extensions:
            return ExtensionStatus(code=1, message="No extension UUID found")
        self._osquery.deregistered.append(uuid)
        self._osquery.remove(uuid)
        return ExtensionStatus(code=0, message="OK", uuid=0)

    def query(self, sql):
        if "osquery_registry" in sql:
            rows = [{"name": name} for name in self._osquery.tables()]
            return ExtensionResponse(status=ExtensionStatus(code=0, message="OK"), response=rows)
        try:
            rows = [{name: "" if value is None else str(value) for name, value in row.items()} for row in self._osquery.query(sql)]
        except apsw.Error as error:
            return ExtensionResponse(status=ExtensionStatus(code=1, message=str(error)), response=[])
        return ExtensionResponse(status=ExtensionStatus(code=0, message="OK"), response=rows)


class _Module:
    def __init__(self, osquery, table, uuid):
        self.osquery, self.table, self.uuid = osquery, table, uuid

    def Create(self, _connection, _module, _database, _name, *_arguments):
        routes = [route for route in self.osquery.columns(self.table) if route["id"] == "column"]
        columns = [(route["name"], route["type"], int(route["op"])) for route in routes]
        if self.uuid and self.osquery.default_index:
            columns = [(name, kind, options or INDEX) for name, kind, options in columns]
        collations = {} if self.uuid else {route["name"]: route["collate"] for route in routes if route.get("collate")}
        return _definition(columns, collations, own=not self.uuid), _Table(self, columns)

    Connect = Create


def _definition(columns, collations, *, own):
    """A table of an extension has no collations, and rowids."""
    parts = [
        f"`{name}` {kind}{f' COLLATE {collations[name]}' if name in collations else ''}{' HIDDEN' if options & HIDDEN else ''}"
        for name, kind, options in columns
    ]
    keys = [f"`{name}`" for name, _, options in columns if options & (INDEX | ADDITIONAL)]
    is_keyed = any(options & INDEX for _, _, options in columns)
    if is_keyed:
        parts.append(f"PRIMARY KEY ({', '.join(keys)})")
    return f"CREATE TABLE x({', '.join(parts)}){' WITHOUT ROWID' if own and is_keyed else ''}"


class _Table:
    def __init__(self, module, columns):
        self.module = module
        self.columns = columns
        self.plans: list[tuple[list, list[str]]] = []

    def BestIndexObject(self, info):
        cost, constraints = MAX_COST, []
        has_required = False
        for index in range(info.nConstraint):
            column = info.get_aConstraint_iColumn(index)
            if not info.get_aConstraint_usable(index) or not 0 <= column < len(self.columns):
                continue
            name, kind, options = self.columns[column]
            operator = info.get_aConstraint_op(index)
            if kind == "TEXT" and operator in TEXT_RANGES:
                cost += 10
                continue
            if not options & (REQUIRED | INDEX | ADDITIONAL):
                continue
            has_required = has_required or bool(options & REQUIRED)
            cost = 1.0
            constraints.append((name, operator))
            info.set_aConstraintUsage_argvIndex(index, len(constraints))
        used = [name for number, (name, _, _) in enumerate(self.columns) if min(number, 63) in info.colUsed]
        if any(options & REQUIRED and name in used for name, _, options in self.columns) and not has_required:
            cost = MAX_COST
        info.idxNum = len(self.plans)
        info.estimatedCost = cost
        self.plans.append((constraints, used))
        return True

    def Open(self):
        return _Cursor(self)

    def Disconnect(self):
        pass

    Destroy = Disconnect


class _Cursor:
    def __init__(self, table):
        self.table = table
        self.rows = []
        self.row = 0

    def Filter(self, number, _text, operands):
        constraints, used = self.table.plans[number]
        required = [name for name, _, options in self.table.columns if options & REQUIRED]
        if required and not any(name in required for name, _ in constraints):
            raise apsw.ConstraintError("constraint failed")
        lists = {name: [] for name, _, _ in self.table.columns}
        for (name, operator), operand in zip(constraints, operands, strict=True):
            text = _operand_text(operand)
            if text:
                lists[name].append({"op": operator, "expr": text})
        context = {
            "constraints": [{"name": name, "list": lists[name], "affinity": kind} for name, kind, _ in sorted(self.table.columns)],
            "colsUsed": sorted(used),
            "colsUsedBitset": 0,
        }
        module = self.table.module
        self.rows = module.osquery.generate(module.table, module.uuid, context)
        self.row = 0

    def Eof(self):
        return self.row >= len(self.rows)

    def Next(self):
        self.row += 1

    def Rowid(self):
        rowid = self.rows[self.row].get("rowid")
        return self.row if rowid is None else int(rowid)

    def Column(self, index):
        if index < 0:
            return self.Rowid()
        name, kind, _ = self.table.columns[index]
        return _value(kind, self.rows[self.row].get(name, ""))

    def Close(self):
        self.rows = []


def _operand_text(operand):
    """What sqlite3_value_text(3) gives."""
    if operand is None:
        return ""
    if isinstance(operand, float):
        return apsw.Connection(":memory:").execute("SELECT CAST(? AS TEXT)", (operand,)).fetchone()[0]
    return operand.decode(errors="replace") if isinstance(operand, bytes) else str(operand)


def _value(kind, text):
    """What DynamicTableRow::get_column makes of a text: strtol with base 0 for numbers, cut to 32 bits for INTEGER."""
    if kind == "TEXT":
        return text
    if kind == "DOUBLE":
        try:
            return float(text)
        except ValueError:
            return None
    if re.fullmatch(r"[+-]?0[0-7]+", text):
        number = int(text, 8)
    else:
        try:
            number = int(text, 0)
        except ValueError:
            return None
    if not -(2**63) <= number < 2**63:
        return None
    return (number + 2**31) % 2**32 - 2**31 if kind == "INTEGER" else number
