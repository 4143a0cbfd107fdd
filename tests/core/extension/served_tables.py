"""Tables of a test, and an extension that serves them in a thread of this process."""

from __future__ import annotations

import threading
import time

from hardaudit.extension.serve import serve
from hardaudit.model.table import TableSpec
from hardaudit.target.table import Table


def table_of(name, columns, generate, **options):
    """A table of the test; `generate` is a generator over the context, or a list of rows."""
    rows = generate if callable(generate) else lambda _context: iter(generate)
    return Table(TableSpec(name, "rows of the test", "the test", tuple(columns), (), **options), rows)


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


class Served:
    """A running extension. `lines`: what it told its user; `error`: what it raised."""

    def __init__(self, path, tables, interval):
        self.stop = threading.Event()
        self.lines: list[str] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._serve, args=(path, {table.spec.name: table for table in tables}, interval))
        self._thread.start()

    def _serve(self, path, tables, interval):
        try:
            serve(path, tables, self.stop, self.lines.append, timeout=0.3, interval=interval)
        except Exception as error:
            self.error = error

    def started(self):
        until(lambda: self.lines or self.error)
        return self

    def ended(self):
        """Wait until it ended by itself."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self

    def end(self):
        self.stop.set()
        return self.ended()
