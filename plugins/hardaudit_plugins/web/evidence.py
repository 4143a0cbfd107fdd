"""Files of the target that several tables evaluate together: read once a run, their gaps told to each table that uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.target.errors import gap_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit.model.gap import GapReason
    from hardaudit.target.table import TableContext
    from hardaudit.target.target import Target

_MOST_GAPS = 200


class Evidence:
    """What was read, and what could not be.

    `check_deadline` is called from every loop whose length the host decides. `memo`: what was made of files, by whatever identifies it.
    """

    def __init__(self, target: Target, check_deadline: Callable[[], None]) -> None:
        self.target = target
        self.check_deadline = check_deadline
        self.memo: dict[object, object] = {}
        self._gaps: dict[tuple[GapReason, str], None] = {}

    @property
    def is_complete(self) -> bool:
        """Whether everything was read and understood."""
        return not self._gaps

    def gap(self, reason: GapReason, detail: str) -> None:
        """Note evidence that could not be read or understood; `detail` names file and line. Beyond 200 the first ones stand for all."""
        if len(self._gaps) < _MOST_GAPS:
            self._gaps[reason, detail] = None

    def gap_for(self, error: OSError, path: str) -> None:
        """Note a gap for an error of the target while it read `path`."""
        self.gap(gap_reason(error), f"{path}: {error.strerror or error}")

    def read_text(self, path: str, *, optional: bool = False) -> str | None:
        """A regular file's text (`host_text.decode`), or None and a gap. `optional`: a file that does not exist is no gap."""
        try:
            return self.target.read_text(path)
        except OSError as error:
            if not (optional and isinstance(error, (FileNotFoundError, NotADirectoryError))):
                self.gap_for(error, path)
            return None

    def list_directory(self, path: str, *, optional: bool = False) -> list[str]:
        """A directory's names, sorted, or none and a gap. `optional`: a directory that does not exist is no gap."""
        try:
            return self.target.list_directory(path)
        except OSError as error:
            if not (optional and isinstance(error, (FileNotFoundError, NotADirectoryError))):
                self.gap_for(error, path)
            return []

    def report_to(self, context: TableContext) -> None:
        """Make the gaps those of a table that uses what was read here."""
        for reason, detail in self._gaps:
            context.gap(reason, detail)
