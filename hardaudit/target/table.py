"""A table over a target: the specification and the generator, and what a generator is given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from hardaudit.model.table import Constraints, Row, TableSpec

if TYPE_CHECKING:
    from hardaudit.model.gap import Gap, GapReason
    from hardaudit.model.table import Value
    from hardaudit.target.target import Target


class TableContext(Protocol):
    """What a generator works with; the engine implements it, a test may with a few lines of its own.

    A generator never lets missing evidence pass in silence: what it could not read it says through `gap`.
    """

    @property
    def target(self) -> Target:
        """The host or root directory under audit; the only way to its files."""

    @property
    def constraints(self) -> Constraints:
        """What the query asks for; narrowing by it is allowed, not demanded, except on required columns."""

    @property
    def columns_used(self) -> frozenset[str]:
        """The columns the query reads; an expensive column that is not among them may be left out."""

    @property
    def run_state(self) -> MutableMapping[object, object]:
        """What tables share for the length of the run; values with a `close` method are closed at its end."""

    def gap(self, reason: GapReason, detail: str) -> None:
        """Record evidence that could not be read; a check that finds nothing is then `unknown`."""

    def gap_for(self, error: OSError, path: str) -> None:
        """Record a gap for an error of the target while it read `path`; the reason follows from the error."""

    def read_text(self, path: str, *, optional: bool = False) -> str | None:
        """A regular file's text (`host_text.decode`), or None and a gap. `optional`: a file that does not exist is no gap."""

    def list_directory(self, path: str, *, optional: bool = False) -> list[str]:
        """A directory's names, sorted, or none and a gap. `optional`: a directory that does not exist is no gap."""

    def rows(self, table: str, *, only: Collection[str] = (), **equals: Value) -> Iterable[Row]:
        """Rows of another table, generated once a run, with `column = value` constraints; its gaps become gaps of this table too.

        A value of another type than the column's, or none for a required column, is a defect: no row would come, in silence.

        `only`: the columns that are wanted (default all); without an expensive or doubtful column its gaps need not arise.
        """

    def gaps_of(self, table: Table) -> list[Gap]:
        """What another generator of the same facts could not read, for these constraints and columns; its rows are thrown away.

        For a table whose own way to the facts does not say what it left out.
        """

    def give_up(self) -> None:
        """Close this generator if no query is at its rows just now; another query then has it begin anew.

        For one that stands in the middle and holds what there is only so much of, such as connections.
        """

    def check_deadline(self) -> None:
        """Stop the query when its time is up; called from every loop whose length the host decides."""


Generator: TypeAlias = Callable[[TableContext], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that plugins provide through the hook `hardaudit_tables`."""

    spec: TableSpec
    generate: Generator
