"""What a generator is given: `TableContext`, over an engine's run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hardaudit.engine.errors import TableDefectError
from hardaudit.engine.row_shape import PYTHON_TYPES
from hardaudit.model.table import Constraints
from hardaudit.target.errors import gap_reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, MutableMapping

    from hardaudit.engine.stream import RowStream
    from hardaudit.model.gap import Gap, GapReason
    from hardaudit.model.table import Row, Value
    from hardaudit.target.table import Table
    from hardaudit.target.target import Target


class Run(Protocol):
    """The engine, as a context uses it."""

    target: Target
    run_state: dict[object, object]

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables on offer."""

    def stream(self, table: str, constraints: Constraints, columns_used: frozenset[str]) -> RowStream:
        """A table's shared stream."""

    def unkept_stream(self, table: Table, constraints: Constraints, columns_used: frozenset[str]) -> RowStream:
        """A stream that nobody shares, of a table that need not be on offer."""

    def check_deadline(self) -> None:
        """Raise DeadlineError when the query's time is up."""


class Context:
    """See `hardaudit.target.table.TableContext`, which this implements."""

    def __init__(self, run: Run, stream: RowStream, constraints: Constraints) -> None:
        self.constraints = constraints
        self._run = run
        self._stream = stream

    @property
    def target(self) -> Target:
        """The target of the run."""
        return self._run.target

    @property
    def columns_used(self) -> frozenset[str]:
        """The columns that the stream's readers want."""
        return self._stream.columns_used

    @property
    def run_state(self) -> MutableMapping[object, object]:
        """What tables share for the length of the run."""
        return self._run.run_state

    def gap(self, reason: GapReason, detail: str) -> None:
        """Record missing evidence."""
        self._stream.add_gap(reason, detail)

    def gap_for(self, error: OSError, path: str) -> None:
        """Record missing evidence from an error of the target."""
        self.gap(gap_reason(error), f"{path}: {error.strerror or error}")

    def read_text(self, path: str, *, optional: bool = False) -> str | None:
        """A file's text, or None and a gap."""
        try:
            return self.target.read_text(path)
        except OSError as error:
            if not (optional and isinstance(error, (FileNotFoundError, NotADirectoryError))):
                self.gap_for(error, path)
            return None

    def list_directory(self, path: str, *, optional: bool = False) -> list[str]:
        """A directory's names, or none and a gap."""
        try:
            return self.target.list_directory(path)
        except OSError as error:
            if not (optional and isinstance(error, (FileNotFoundError, NotADirectoryError))):
                self.gap_for(error, path)
            return []

    def rows(self, table: str, *, only: Collection[str] = (), **equals: Value) -> Iterator[Row]:
        """Rows of another table."""
        if table not in self._run.tables:
            raise self._defect(f"it reads the table {table}, which is not loaded")
        spec = self._run.tables[table].spec
        columns = {column.name: column for column in spec.columns}
        for name, value in equals.items():
            if name not in columns or not isinstance(value, PYTHON_TYPES[columns[name].type]):
                raise self._defect(f"it asks for {table} with {name} = {value!r:.80}, which no row can have")
        if spec.required and equals.keys().isdisjoint(spec.required):
            raise self._defect(f"it asks for {table} without {' or '.join(spec.required)}, so that no row would come")
        constraints = Constraints({name: frozenset((value,)) for name, value in equals.items() if "=" in columns[name].operators})
        stream = self._run.stream(table, constraints, frozenset(only and {*only, *equals}) or frozenset(columns))
        with self._stream.reading(stream):
            for values in stream:
                row = dict(zip(columns, values, strict=True))
                if all(row[name] == value for name, value in equals.items()):  # a generator need not narrow
                    yield row

    def gaps_of(self, table: Table) -> list[Gap]:
        """What another generator of the same facts could not read."""
        known = {column.name for column in table.spec.columns}
        stream = self._run.unkept_stream(table, self.constraints, self.columns_used & known)
        for _ in stream:
            pass
        return list(stream.gaps)

    def give_up(self) -> None:
        """Close the stream, unless it is being read."""
        self._stream.give_up()

    def _defect(self, problem: str) -> TableDefectError:
        return TableDefectError(self._stream.shape.spec.name, problem)

    def check_deadline(self) -> None:
        """Stop the query when its time is up."""
        self._run.check_deadline()
