"""A table's rows for one set of constraints: generated lazily, at most once, and shared by the cursors that want the same."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeAlias, cast

from hardaudit.engine.errors import DeadlineError, TableDefectError
from hardaudit.engine.gap_log import GapLog
from hardaudit.model.gap import Gap, GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hardaudit.engine.row_shape import RowShape, RowTuple
    from hardaudit.model.table import Row

_KEPT_GAPS = 200
_DETAIL_LIMIT = 5000  # characters
_STREAM_COST = 40  # what an empty stream takes, in values
_END = object()  # None may be what a faulty generator yields
_CHARACTERS_A_VALUE = 64  # a text costs one value more for each so many


Generate: TypeAlias = "Callable[[RowStream], Iterable[Row]]"
"""Makes the rows for a stream, which takes the gaps."""


class RowBudget:
    """How many values the streams of a run keep in memory together.

    `reserve`: what may be taken beyond it where the alternative is to lose rows.
    """

    def __init__(self, values: int, reserve: int) -> None:
        self._left = values
        self._reserve = reserve

    def take(self, values: int, *, urgent: bool = False) -> bool:
        """Whether that many more may be kept; they are counted only if so."""
        if self._left - values < (-self._reserve if urgent else 0):
            return False
        self._left -= values
        return True

    def give_back(self, values: int) -> None:
        """That many are no longer kept."""
        self._left += values


def _cost(row: RowTuple) -> int:
    return len(row) + sum([len(value) // _CHARACTERS_A_VALUE for value in row if isinstance(value, str)])


class RowStream:
    """The rows of a generator, kept for the next cursor while the run's budget lasts.

    A stream that outgrows the budget lets its rows go and serves on only the cursor that drives it. While two cursors read it at once it
    cannot let go: it ends there, with a gap. Either way `is_open` is false from then on, and a later cursor needs a stream of its own.
    `gaps` grows while rows are generated; those of streams that the generator read are part of it.
    """

    def __init__(self, shape: RowShape, columns_used: frozenset[str], budget: RowBudget, generate: Generate) -> None:
        self.shape = shape
        self.columns_used = columns_used
        self.is_open = self._keeping = budget.take(_STREAM_COST)
        self._generate = generate
        self._generator: Iterator[Row] | None = None
        self._finished = False
        self._failure: TableDefectError | None = None
        self._budget = budget
        self._rows: list[RowTuple] = []
        self._kept_cost = 0
        self._gaps = GapLog(shape.spec.name, _KEPT_GAPS)
        self._being_read: dict[int, RowStream] = {}
        self._running = False
        self._readers = 0

    @property
    def gaps(self) -> Iterator[Gap]:
        """What could not be read so far, here and in the tables that the generator read."""
        yield from self._gaps
        for stream in self._being_read.values():
            yield from stream.gaps

    def add_gap(self, reason: GapReason, detail: str) -> None:
        """Record a gap of this table; what it quotes of the host is cut."""
        self._gaps.add(Gap(self.shape.spec.name, reason, detail[:_DETAIL_LIMIT]))

    @contextlib.contextmanager
    def reading(self, stream: RowStream) -> Iterator[None]:
        """While the generator reads another stream: its gaps are gaps here."""
        self._being_read[id(stream)] = stream
        try:
            yield
        finally:
            self._being_read.pop(id(stream), None)
            self._gaps.update(stream.gaps)

    def __iter__(self) -> Iterator[RowTuple]:
        """The rows, generating those that no cursor has asked for yet. Raises TableDefectError, now and for every later cursor."""
        self._readers += 1
        try:
            index = 0
            while self._keeping:
                if index == len(self._rows):
                    row = self._next()
                    if row is None:
                        return
                    self._keep(row)
                else:
                    row = self._rows[index]
                index += 1
                yield row
            while (row := self._next()) is not None:
                yield row
        finally:
            self._readers -= 1
            if not self.is_open and not self._readers:
                self.close()

    def close(self) -> None:
        """End the generator and let the rows go."""
        self.is_open = False
        if self._generator is not None and hasattr(self._generator, "close"):
            self._generator.close()
        self._let_go()

    def give_up(self) -> None:
        """Close, unless a cursor is at it."""
        if not self._readers:
            self.close()

    def _keep(self, row: RowTuple) -> None:
        cost = _cost(row)
        if self._budget.take(cost, urgent=self._readers > 1):
            self._rows.append(row)
            self._kept_cost += cost
        elif self._readers > 1:
            self._rows.append(row)  # the others are to see what this cursor sees
            self.add_gap(GapReason.TRUNCATED, f"more than {len(self._rows):,} rows, read twice at once: narrow the query")
            self.is_open, self._finished = False, True
        else:
            self.is_open = self._keeping = False
            self._let_go()

    def _let_go(self) -> None:
        self._budget.give_back(self._kept_cost)
        self._rows, self._kept_cost = [], 0

    def _next(self) -> RowTuple | None:
        if self._failure is not None:
            raise self._failure
        if self._finished:
            return None
        if self._running:
            raise TableDefectError(self.shape.spec.name, "its generator reads the table itself")
        self._running = True
        try:
            if self._generator is None:
                self._generator = iter(self._generate(self))
            row = next(self._generator, _END)
            if row is not _END:
                return self.shape.tuple_of(cast("Row", row), self._note_cut)
        except DeadlineError:
            self.add_gap(GapReason.TIMEOUT, "the query's time was up before the table was read to its end")
            self._finished = True
            raise
        except TableDefectError as error:
            self._failure = error
            raise
        except (Exception, SystemExit) as error:  # the plugin's own code; its exit status must not become the audit's
            self._failure = TableDefectError(self.shape.spec.name, f"{type(error).__name__}: {str(error)[:_DETAIL_LIMIT]}")
            raise self._failure from error
        finally:
            self._running = False
        self._finished = True
        return None

    def _note_cut(self, column: str) -> None:
        self.add_gap(GapReason.TRUNCATED, f"column {column}: a text is too long: only its start is used")
