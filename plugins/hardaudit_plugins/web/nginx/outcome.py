"""What a phase of nginx says of a request that goes no further."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit_plugins.web.verdict import Place, Verdict


class BadLocationError(Exception):
    """A request that nginx answers 500, as a location makes no file of its URI."""


@dataclass(frozen=True, slots=True)
class Status:
    """A status that nginx answers with, before `error_page` has its say.

    `final`: it has none (`return 403 text`). `target`: where a redirect leads. `refused`: the configuration turns everybody away.
    `listed`: a directory's listing.
    """

    code: int
    reason: str
    place: Place | None
    final: bool = False
    target: str = ""
    refused: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """The request goes on with another URI, or in a named location, which the exchange holds already."""

    named: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The end: a verdict."""

    verdict: Verdict


Outcome = Status | Redirect | Answer
