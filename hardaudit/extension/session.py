"""The engine behind the served tables: one at a time, for a short while, so that the scans of a join share what was generated.

A later query sees fresh facts. One thread makes, uses and closes the engine: generators may hold what no other thread may touch.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.engine.engine import Bounds, Engine
from hardaudit.engine.errors import TableDefectError
from hardaudit.errors import HardauditError
from hardaudit.extension import statement
from hardaudit.extension.errors import AnswerError
from hardaudit.extension.rows import MOST_BYTES, MOST_ROWS, EncodedRows
from hardaudit.model import gap_question
from hardaudit.model.gap import QUERY, Gap, GapReason
from hardaudit.target.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit.engine.engine import Query
    from hardaudit.extension.gap_book import GapBook
    from hardaudit.extension.question import Question
    from hardaudit.target.table import Table

CALL_SECONDS = 60.0
"""A call's time, the waiting for others included; osquery itself waits for five minutes."""

_GRACE = 5.0  # seconds after which a generator that does not stop in time is not waited for
_FRESH = 10.0  # seconds that an engine serves, besides those in which it worked
_IDLE = 2.0  # seconds without a call after which the next one, of another query then, gets a new engine
_MOST_WAITING = 16


@dataclass
class _Job:
    table: str
    question: Question
    deadline: float
    done: threading.Event = field(default_factory=threading.Event)
    rows: EncodedRows | None = None
    error: Exception | None = None


class Session:
    """Answers to questions, for use by several threads; one is worked on at a time."""

    def __init__(self, tables: Mapping[str, Table], gaps: GapBook, *, seconds: float = CALL_SECONDS) -> None:
        self._gaps = gaps
        self._seconds = seconds
        self._jobs: queue.Queue[_Job | None] = queue.Queue(_MOST_WAITING)
        self._worker = threading.Thread(target=_Worker(tables, gaps).work, args=(self._jobs,), name="tables", daemon=True)
        self._worker.start()

    def rows(self, table: str, question: Question) -> EncodedRows:
        """A table's rows. Raises AnswerError when they cannot all be given; that is a gap of the table too."""
        try:
            return self._answer(_Job(table, question, time.monotonic() + self._seconds))
        except AnswerError as error:
            self._gaps.add(table, [Gap(table, error.reason, str(error))])
            raise

    def _answer(self, job: _Job) -> EncodedRows:
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise AnswerError(GapReason.TIMEOUT, f"{job.table}: more than {_MOST_WAITING} queries at once: ask again") from None
        job.done.wait(self._seconds + _GRACE)
        if job.error is not None:
            raise job.error
        if job.rows is None:
            raise AnswerError(GapReason.TIMEOUT, f"{job.table}: not read within {self._seconds:g} s, and not stopped by then")
        return job.rows

    def close(self, seconds: float) -> None:
        """End the engine, once what it does is done, if that is soon."""
        with contextlib.suppress(queue.Full):
            self._jobs.put(None, timeout=seconds)
            self._worker.join(seconds)


class _Worker:
    def __init__(self, tables: Mapping[str, Table], gaps: GapBook) -> None:
        self._tables = tables
        self._gaps = gaps
        self._open = contextlib.ExitStack()
        self._engine: Engine | None = None
        self._expires = 0.0

    def work(self, jobs: queue.Queue[_Job | None]) -> None:
        """Do the jobs until None comes."""
        while True:
            try:
                job = jobs.get(timeout=_IDLE)
            except queue.Empty:
                self._end()
                job = jobs.get()
            if job is None:
                return self._end()
            try:
                job.rows = self._rows(job)
            except Exception as error:  # a defect is the caller's to report: the next job must be done all the same
                job.error = error
            job.done.set()

    def _rows(self, job: _Job) -> EncodedRows:
        started = time.monotonic()
        if started >= job.deadline:
            raise AnswerError(GapReason.TIMEOUT, f"{job.table}: other queries took too long: ask again")
        self._gaps.begin(job.table)
        wanted = statement.write(self._tables[job.table].spec, job.question)
        self._gaps.add(job.table, [Gap(job.table, GapReason.UNDECIDABLE, gap_question.untold(name)) for name in wanted.untold])
        encoded = EncodedRows(wanted.columns)
        bounds = Bounds(seconds=job.deadline - started, rows=MOST_ROWS + 1, characters=MOST_BYTES)
        keep = False
        try:
            self._read(job.table, self._current(started).query(wanted.sql, wanted.parameters, bounds), encoded)
            keep = True
        finally:
            self._expires += time.monotonic() - started
            if not keep:
                self._end()  # a table that was cut short would stay so
        return encoded

    def _read(self, table: str, query: Query, encoded: EncodedRows) -> None:
        """Read all rows, or raise AnswerError; the table's gaps are recorded either way."""
        try:
            with contextlib.closing(query.rows) as rows:  # type: ignore[type-var]  # a generator: closing it ends the tables'
                for values in rows:
                    encoded.add(values if encoded.columns else ())
        except AnswerError as error:
            raise AnswerError(error.reason, f"{table}: {error}") from error
        except (HardauditError, TableDefectError) as error:
            raise AnswerError(GapReason.UNDECIDABLE, str(error)) from error
        finally:
            self._gaps.add(table, [gap for gap in query.gaps if gap.table != QUERY])
        for gap in query.gaps:
            if gap.table == QUERY:
                raise AnswerError(gap.reason, f"{table}: {gap.detail}: narrow the query")

    def _current(self, now: float) -> Engine:
        if now > self._expires:
            self._end()
        if self._engine is None:
            target = self._open.enter_context(Target.live_host())
            self._engine = Engine(target, self._tables.values())
            self._open.callback(self._engine.run_state.clear)  # what tables share ends in this thread, not where Python collects garbage
            self._open.callback(self._engine.close)
            self._expires = now + _FRESH
        return self._engine

    def _end(self) -> None:
        self._engine = None
        self._open.close()
