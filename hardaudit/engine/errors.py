"""What stops a query while it runs."""

from __future__ import annotations


class DeadlineError(Exception):
    """The query's time is up. What it had found by then stands; the rest is a gap."""


class TableDefectError(Exception):
    """A table's generator raised, or yielded what its specification does not allow: a defect of the table, so `error` for its checks."""

    def __init__(self, table: str, problem: str) -> None:
        super().__init__(f"table {table}: {problem}")
        self.table = table
