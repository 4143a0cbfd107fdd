"""The names of scheduled queries in results logs, and the checks that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER = -1
"""The number of a query that is none of the policy's."""

APPLIES = ":applies"
"""What follows a check's id in the name of the query that tells whether the check applies."""

_REMEMBERED = 65_536
_LONGEST = 1024


class QueryNames:
    """The policy's queries by number: those of `checks` first, in order, then the `:applies` queries of `conditional` ones.

    A name in a log stands for query C if it is C, or begins with `pack` and a character D that is no letter or digit (osqueryd's
    `--pack_delimiter`) and ends with D and C; of several, the longest C.
    """

    def __init__(self, checks: Sequence[str], conditional: Sequence[str]) -> None:
        self.checks = tuple(checks)
        self.names = (*checks, *(f"{check}{APPLIES}" for check in conditional))
        self._numbers = {name: number for number, name in enumerate(self.names)}
        self._longest = max(map(len, self.names), default=0)
        self._remembered: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def number(self, name: str) -> int:
        """The query that a name stands for, or OTHER."""
        known = self._remembered.get(name)
        if known is None:
            known = self._find(name)
            if len(self._remembered) < _REMEMBERED and len(name) <= _LONGEST:
                self._remembered[name] = known
        return known

    def applies_number(self, check: str) -> int | None:
        """The query that tells whether a check applies; None when it always does."""
        return self._numbers.get(f"{check}{APPLIES}")

    def _find(self, name: str) -> int:
        if name in self._numbers:
            return self._numbers[name]
        delimiter = name[4:5]
        if not name.startswith("pack") or not delimiter or delimiter.isalnum() or len(name) > _LONGEST:
            return OTHER
        at = name.find(delimiter, max(4, len(name) - self._longest - 1))
        while at >= 0:  # from the left: the first that fits is the longest
            number = self._numbers.get(name[at + 1 :])
            if number is not None:
                return number
            at = name.find(delimiter, at + 1)
        return OTHER
