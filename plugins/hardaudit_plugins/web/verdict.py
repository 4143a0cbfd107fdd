"""What a server would do with a request, and where its configuration says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ORDER = {True: 2, None: 1, False: 0}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a configuration file; lines count from 1."""

    path: str
    line: int

    def __str__(self) -> str:
        """As messages name it."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class HandedOn:
    """A request that goes on to another HTTP server: `address` as `host:port`, `host` the Host header that it gets, `path` its new path."""

    address: str
    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether PHP runs the uploaded file; `executes` is None where that cannot be decided, and `reason` then says why.

    `handler` is what runs it or would (`mod_php`, `fpm unix:/run/php/php8.2-fpm.sock`, `cgi /usr/bin/php-cgi`), or None. `place` is the
    line that decides: the one that hands the file to PHP, or the one that keeps it away from it.
    """

    executes: bool | None
    reason: str
    handler: str | None = None
    place: Place | None = None
    handed_on: HandedOn | None = None


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that counts of several requests: one that runs PHP, else one that is not decided. The first of equals."""
    found: Verdict | None = None
    for verdict in verdicts:
        if verdict.executes is True:
            return verdict
        if found is None or _ORDER[verdict.executes] > _ORDER[found.executes]:
            found = verdict
    return found or Verdict(False, "no request is possible")
