"""A table's rows for one set of constraints: generated lazily, at most once, and shared by the cursors that want the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from hardaudit.engine.errors import DeadlineError, TableDefectError
from hardaudit.model.gap import Gap, GapReason
from hardaudit.model.table import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row, TableSpec, Value

RowTuple: TypeAlias = "tuple[Value, ...]"

_KEPT_GAPS = 200  # a host can make one for each of a million directories

_TYPES: dict[ColumnType, tuple[type, ...]] = {
    ColumnType.TEXT: (str,),
    ColumnType.INTEGER: (int,),
    ColumnType.BIGINT: (int,),
    ColumnType.DOUBLE: (float, int),
}


class RowBudget(Protocol):
    """How many values the streams of a run may keep in memory together."""

    def take(self, values: int) -> bool:
        """Whether that many more may be kept."""

    def give_back(self, values: int) -> None:
        """That many are no longer kept."""


class RowStream:
    """The rows of a generator, kept for the next cursor while the run's budget lasts.

    A stream that outgrows the budget lets its rows go and serves on only the cursor that drives it; `shareable` is false from then on, and
    a later cursor needs a stream of its own. While two cursors read it at once it cannot let go: it ends there, with a gap. `gaps` grows
    while rows are generated; those of streams that the generator read are part of it.
    """

    def __init__(self, spec: TableSpec, columns_used: frozenset[str], budget: RowBudget) -> None:
        self.spec = spec
        self.columns_used = columns_used
        self.shareable = True
        self._finished = False
        self._failure: TableDefectError | None = None
        self._names = tuple(column.name for column in spec.columns)
        self._known = frozenset(self._names)
        self._types = tuple((*_TYPES[column.type], type(None)) for column in spec.columns)
        self._budget = budget
        self._rows: list[RowTuple] = []
        self._generator: Iterator[Row] = iter(())
        self._gaps: dict[Gap, None] = {}
        self._read: dict[int, RowStream] = {}
        self._running = False
        self._readers = 0

    def start(self, generator: Iterator[Row]) -> None:
        """Set the generator; apart from construction because its context needs the stream for its gaps."""
        self._generator = generator

    @property
    def gaps(self) -> list[Gap]:
        """What could not be read so far, here and in the tables that the generator read."""
        found = dict(self._gaps)
        for stream in self._read.values():
            found.update(dict.fromkeys(stream.gaps))
        return list(found)

    def add_gap(self, reason: GapReason, detail: str) -> None:
        """Record a gap of this table; of a great many only the first are kept, and one that says so."""
        if len(self._gaps) < _KEPT_GAPS:
            self._gaps[Gap(self.spec.name, reason, detail)] = None
        else:
            self._gaps[Gap(self.spec.name, GapReason.TRUNCATED, f"more than {_KEPT_GAPS} gaps: only the first are kept")] = None

    def depends_on(self, stream: RowStream) -> None:
        """Record that the generator read another stream: its gaps are gaps here."""
        self._read[id(stream)] = stream

    def __iter__(self) -> Iterator[RowTuple]:
        """The rows, generating those that no cursor has asked for yet. Raises TableDefectError, now and for every later cursor."""
        self._readers += 1
        try:
            index = 0
            while self.shareable:
                if index == len(self._rows):
                    row = self._generate()
                    if row is None:
                        return
                    self._keep(row)
                else:
                    row = self._rows[index]
                index += 1
                yield row
            while (row := self._generate()) is not None:
                yield row
        finally:
            self._readers -= 1

    def close(self) -> None:
        """End the generator and let the rows go."""
        if hasattr(self._generator, "close"):
            self._generator.close()
        self._rows = []

    def _keep(self, row: RowTuple) -> None:
        self._rows.append(row)
        if self._budget.take(len(row)):
            return
        if self._readers > 1:
            self.add_gap(GapReason.TRUNCATED, f"more than {len(self._rows):,} rows, read twice at once: narrow the query")
            self._finished = True
            return
        self.shareable = False
        self._budget.give_back(sum(map(len, self._rows[:-1])))
        self._rows = []

    def _generate(self) -> RowTuple | None:
        if self._failure is not None:
            raise self._failure
        if self._finished:
            return None
        if self._running:
            raise TableDefectError(self.spec.name, "its generator reads the table itself")
        self._running = True
        try:
            row = next(self._generator, None)
            if row is not None:
                return self._typed(row)
        except DeadlineError:
            self.add_gap(GapReason.TIMEOUT, "the query's time was up before the table was read to its end")
            self._finished = True
            raise
        except TableDefectError as error:
            self._failure = error
            raise
        except Exception as error:
            self._failure = TableDefectError(self.spec.name, f"{type(error).__name__}: {error}")
            raise self._failure from error
        finally:
            self._running = False
        self._finished = True
        return None

    def _typed(self, row: Row) -> RowTuple:
        if not row.keys() <= self._known:
            raise TableDefectError(self.spec.name, f"yielded unknown columns: {', '.join(sorted(row.keys() - self._known))}")
        values = tuple([row.get(name) for name in self._names])
        for value, types, name in zip(values, self._types, self._names, strict=True):
            if not isinstance(value, types) or (isinstance(value, int) and not -(2**63) <= value < 2**63):
                raise TableDefectError(self.spec.name, f"column {name} cannot hold {type(value).__name__} {value!r:.80}")
        return values
