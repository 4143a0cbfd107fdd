"""What is shown while a command works."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from hardaudit.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.audit.run import Progress

_SHOWN = 60  # characters of what is being done


@contextlib.contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """A progress bar on stderr when that is a terminal; nothing otherwise."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=None)

    def show(number: int, total: int, name: str) -> None:
        bar.start()  # with the first check, so that an error before it stands alone
        bar.update(task, total=total, completed=number, description=escape(printable(name[-_SHOWN:])))

    try:
        yield show
    finally:
        bar.stop()
