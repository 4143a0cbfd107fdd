"""What goes wrong while a table is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.errors import HardauditError

if TYPE_CHECKING:
    from hardaudit.model.gap import GapReason


class ExtensionError(HardauditError):
    """The tables cannot be served: no osqueryd is there, or it refuses them, or someone else could stand in for it."""


class AnswerError(Exception):
    """A table's rows cannot be given, or not all: osquery's query is to fail with the message, and the table has a gap of that reason."""

    def __init__(self, reason: GapReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
