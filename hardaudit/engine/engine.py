"""Queries over tables: run within bounds, with the gaps that each one met."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import apsw

from hardaudit.engine import functions
from hardaudit.engine.authorizer import Authorizer
from hardaudit.engine.context import Context
from hardaudit.engine.errors import DeadlineError
from hardaudit.engine.gap_log import GapLog
from hardaudit.engine.row_shape import RowShape
from hardaudit.engine.stream import RowBudget, RowStream
from hardaudit.engine.virtual_table import TableModule
from hardaudit.errors import QueryError
from hardaudit.model import host_text
from hardaudit.model.gap import QUERY, Gap, GapReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardaudit.engine.row_shape import RowTuple
    from hardaudit.model.table import Column, Constraints, Row, TableSpec, Value
    from hardaudit.target.table import Table
    from hardaudit.target.target import Target

_SQL_ERRORS = (apsw.Error, ValueError)
"""What SQLite raises, and APSW for text that is no Unicode."""

_PREPARE_SECONDS = 10.0

_KEPT_VALUES = 600_000  # values of generated rows kept for later queries of the run, some 50 MiB
_RESERVED_VALUES = 200_000  # values kept beyond that where a query reads a table twice at once
_KEPT_GAPS = 1000
_PROGRESS_STEPS = 1_000  # SQLite's instructions between two looks at the clock; a function may take seconds of one
_HEAP_LIMIT = 128 * 2**20  # bytes that SQLite may take, for sorting and the like
_LIMITS = {
    # The longest value. Some of SQLite's functions take time in the square of it, and no clock is looked at meanwhile.
    apsw.SQLITE_LIMIT_LENGTH: 2 * 2**20,
    apsw.SQLITE_LIMIT_SQL_LENGTH: 2**20,
    apsw.SQLITE_LIMIT_EXPR_DEPTH: 500,
    apsw.SQLITE_LIMIT_FUNCTION_ARG: 100,
    apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 10_000,
    apsw.SQLITE_LIMIT_ATTACHED: 0,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """A query's bounds: seconds, rows returned, and characters of text in them. Reaching one is a gap."""

    seconds: float = 60.0
    rows: int = 10_000
    characters: int = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query returned: column names, rows, what it could not read, its time in seconds, and the tables that it looked into."""

    columns: tuple[str, ...]
    tuples: tuple[RowTuple, ...]
    gaps: tuple[Gap, ...]
    duration: float
    read: frozenset[str] = frozenset()

    @property
    def rows(self) -> list[dict[str, Value]]:
        """The rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.tuples]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement would do: the tables that it reads, and the columns that it returns."""

    tables: frozenset[str]
    columns: tuple[str, ...]


class Engine:
    """One run over one target: every table is generated at most once for the same constraints.

    Not for use by several threads. `run_state` lives as long as the engine and is where tables share work; its values with a `close`
    method are closed with it.
    """

    def __init__(self, target: Target, tables: Iterable[Table]) -> None:
        self.target = target
        self.run_state: dict[object, object] = {}
        self._tables = {table.spec.name: table for table in tables}
        self._streams: dict[tuple[str, object], list[RowStream]] = {}
        self._shapes = {name: RowShape(table.spec) for name, table in self._tables.items()}
        self._budget = RowBudget(_KEPT_VALUES, _RESERVED_VALUES)
        self._query = Query()
        self._unconstrained: dict[str, Sequence[Column]] = {}
        self._deadline = float("inf")
        self._is_system: bool | None = None
        self._authorizer = Authorizer(self._tables)
        self._connection = self._connect()

    def _connect(self) -> apsw.Connection:
        apsw.hard_heap_limit(_HEAP_LIMIT)  # of the process: engines share it
        connection = apsw.Connection(":memory:")
        connection.pragma("temp_store", "memory")  # a sort that outgrows the limit ends; on disk it could fill the host's
        for limit, value in _LIMITS.items():
            connection.limit(limit, value)
        functions.register(connection, self.check_deadline)
        for name, table in self._tables.items():
            module = cast("Any", TableModule(table.spec, self))  # APSW's stubs want every optional method too
            connection.create_module(name, module, use_bestindex_object=True, eponymous=True, eponymous_only=True, read_only=True)
        connection.authorizer = self._authorizer
        connection.set_progress_handler(self._late, _PROGRESS_STEPS)
        return connection

    def close(self) -> None:
        """End the run: generators, shared state, the database."""
        with contextlib.ExitStack() as closing:
            closing.callback(self._connection.close)
            for shared in self.run_state.values():
                if hasattr(shared, "close"):
                    closing.callback(shared.close)
            for streams in self._streams.values():
                for stream in streams:
                    closing.callback(stream.close)

    def __enter__(self) -> Engine:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables on offer, by name."""
        return self._tables

    def describe(self, sql: str) -> Statement:
        """What one statement reads and returns, without running it. Raises QueryError as `run` would before its first row."""
        found: list[Statement] = []

        def stop(cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
            found.append(Statement(frozenset(self._authorizer.reads), tuple(name for name, _ in cursor.get_description())))
            return False

        cursor = self._cursor(_PREPARE_SECONDS)
        cursor.exec_trace = stop
        try:
            cursor.execute(sql, _AnyParameter(), can_cache=False)
        except apsw.ExecTraceAbort:
            pass
        except _SQL_ERRORS as error:
            raise self._query_error(error) from error
        if not found:
            raise QueryError("the query is empty: write a SELECT")
        return found[0]

    def run(self, sql: str, parameters: Mapping[str, Value] | None = None, bounds: Bounds | None = None) -> Answer:
        """The rows of one SELECT, up to the bounds. Raises QueryError for SQL that cannot run, TableDefectError for a table's defect."""
        started = time.monotonic()
        query = self.query(sql, parameters, bounds)
        tuples = tuple(query)
        return Answer(query.columns, tuples, tuple(query.gaps), time.monotonic() - started, frozenset(query.read))

    def query(self, sql: str, parameters: Mapping[str, Value] | None = None, bounds: Bounds | None = None) -> Query:
        """Like `run`, a row at a time. The engine runs one query at a time: take its rows before the next is made."""
        query = Query()
        query.rows = self._execute(query, sql, parameters or {}, bounds or Bounds())
        return query

    def _execute(self, query: Query, sql: str, parameters: Mapping[str, Value], bounds: Bounds) -> Iterator[RowTuple]:
        cursor = self._cursor(bounds.seconds)
        self._query = query
        cursor.exec_trace = query.starts
        try:
            yield from _bounded(cursor.execute(sql, parameters, can_cache=False), query, bounds)
            if not query.columns:
                raise QueryError("the query is empty: write a SELECT")
        except (DeadlineError, apsw.InterruptError):
            query.add_gap(GapReason.TIMEOUT, f"stopped after {bounds.seconds:g} s")
        except apsw.TooBigError as error:
            if not query.columns:  # it is the statement that is too long
                raise self._query_error(error) from error
            query.add_gap(GapReason.TRUNCATED, f"a value is longer than {_LIMITS[apsw.SQLITE_LIMIT_LENGTH]:,} bytes")
        except (apsw.NoMemError, MemoryError):
            query.add_gap(GapReason.TRUNCATED, f"it takes more memory than {_HEAP_LIMIT:,} bytes: narrow it")
        except KeyError as error:
            raise QueryError(f"the parameter :{error.args[0]} has no value") from error
        except _SQL_ERRORS as error:
            raise self._query_error(error) from error
        finally:
            cursor.close(force=True)
            self._deadline = float("inf")

    def _cursor(self, seconds: float) -> apsw.Cursor:
        self._unconstrained = {}
        self._authorizer.start()
        self._deadline = time.monotonic() + seconds
        return self._connection.cursor()

    def _late(self) -> bool:
        return time.monotonic() > self._deadline

    def check_deadline(self) -> None:
        """Raise DeadlineError when the running query's time is up."""
        if self._late():
            raise DeadlineError

    def open_rows(self, spec: TableSpec, constraints: Constraints, columns_used: frozenset[str]) -> Iterator[RowTuple]:
        """Rows for a cursor of the running query; the stream's gaps become the query's when the cursor is done with it."""
        query = self._query
        query.read.add(spec.name)
        self.check_deadline()
        stream = self.stream(spec.name, constraints, columns_used)
        try:
            yield from stream
        finally:
            query.gap_log.update(stream.gaps)

    def note_unconstrained(self, spec: TableSpec, wanted: Sequence[Column]) -> None:
        """Remember why a plan was refused, for the message when there turns out to be none."""
        self._unconstrained[spec.name] = wanted

    def stream(self, table: str, constraints: Constraints, columns_used: frozenset[str]) -> RowStream:
        """The run's stream of a table for these constraints, a new one where none can be shared."""
        key = (table, _frozen(constraints))
        streams = [stream for stream in self._streams.get(key, ()) if stream.is_open]
        for stream in streams:
            # A gap of a wider stream may be of a column that is not wanted here.
            if stream.columns_used == columns_used or (stream.columns_used > columns_used and not any(True for _ in stream.gaps)):
                return stream
        stream = self._new_stream(self._tables[table], constraints, columns_used)
        if stream.is_open:
            self._streams[key] = [*streams, stream]
        return stream

    def unkept_stream(self, table: Table, constraints: Constraints, columns_used: frozenset[str]) -> RowStream:
        """A stream that nobody shares, of a table that need not be on offer; its rows are not kept."""
        nothing = RowBudget(0, 0)
        return RowStream(RowShape(table.spec), columns_used, nothing, lambda stream: table.generate(Context(self, stream, constraints)))

    def _new_stream(self, table: Table, constraints: Constraints, columns_used: frozenset[str]) -> RowStream:
        is_missing = table.spec.live_only and not self.target.live

        def generate(stream: RowStream) -> Iterable[Row]:
            return () if is_missing else table.generate(Context(self, stream, constraints))

        stream = RowStream(self._shapes[table.spec.name], columns_used, self._budget, generate)
        if is_missing:
            stream.add_gap(GapReason.UNSUPPORTED, "facts of a running system: a root directory has none")
        elif not self._system():
            root = host_text.decode(os.fsencode(self.target.root))
            stream.add_gap(GapReason.MISSING_SOURCE, f"{root} holds no system: /etc is missing or empty there")
        return stream

    def _system(self) -> bool:
        """Below an empty directory every file is absent, which must not count as evidence."""
        if self._is_system is None:
            self._is_system = self.target.live or self.target.is_system()
        return self._is_system

    def _query_error(self, error: Exception) -> QueryError:
        if self._authorizer.refusal:
            return QueryError(self._authorizer.refusal)
        if "no query solution" in str(error) and self._unconstrained:
            wanted = "; ".join(f"{name} needs {_wanted(columns)}" for name, columns in sorted(self._unconstrained.items()))
            return QueryError(f"a required constraint is missing: {wanted}")
        if isinstance(error, UnicodeError):
            return QueryError("SQL: a text is no valid Unicode")
        return QueryError(f"SQL: {str(error).removeprefix('SQLError: ')}")


def _bounded(rows: Iterable[tuple[Any, ...]], query: Query, bounds: Bounds) -> Iterator[RowTuple]:
    """The rows up to the bounds, blobs as the host text of their bytes."""
    characters = 0
    is_counted = bounds.characters < sys.maxsize
    for count, row in enumerate(rows):
        if count >= bounds.rows:
            query.add_gap(GapReason.TRUNCATED, f"more than {bounds.rows:,} rows: only the first are kept")
            return
        values = _without_blobs(row) if bytes in map(type, row) else row
        if is_counted:
            characters += sum([len(value) for value in values if isinstance(value, str)])
        if characters > bounds.characters:
            query.add_gap(GapReason.TRUNCATED, f"more than {bounds.characters:,} characters: only the first rows are kept")
            return
        yield values


def _without_blobs(row: tuple[Any, ...]) -> RowTuple:
    return tuple(host_text.decode(value) if isinstance(value, bytes) else value for value in row)


def _wanted(columns: Sequence[Column]) -> str:
    """How a constraint on one of the columns is written, for a message."""
    forms = [f"{column.name} {'= or LIKE' if column.like else '='} …" for column in columns]
    return "WHERE " + " or ".join(forms)


def _frozen(constraints: Constraints) -> object:
    """The constraints as a dictionary's key."""
    return tuple(frozenset(part.items()) for part in (constraints.equal, constraints.like, constraints.ranges))


class _AnyParameter(Mapping[str, None]):
    """NULL for every parameter: enough to prepare a statement."""

    def __getitem__(self, _name: str) -> None:
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Query:
    """A running query: its columns, then its rows, one at a time, then its gaps and the names of the tables that were `read`."""

    def __init__(self) -> None:
        self.columns: tuple[str, ...] = ()
        self.rows: Iterator[RowTuple] = iter(())
        self.read: set[str] = set()
        self.gap_log = GapLog(QUERY, _KEPT_GAPS)
        self._statements = 0

    @property
    def gaps(self) -> Sequence[Gap]:
        """What could not be read, complete when the rows are at their end; sorted."""
        return sorted(self.gap_log)

    def __iter__(self) -> Iterator[RowTuple]:
        """The rows. Raises QueryError or TableDefectError; a bound that is reached ends them and is a gap."""
        return self.rows

    def starts(self, cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
        """APSW's trace of each statement as it starts: the place where a result without rows still has its columns."""
        self._statements += 1
        if self._statements > 1:
            raise QueryError("several statements: write one SELECT")
        self.columns = tuple(name for name, _ in cursor.get_description())
        return True

    def add_gap(self, reason: GapReason, detail: str) -> None:
        """Record a gap of the query itself."""
        self.gap_log.add(Gap(QUERY, reason, detail))
