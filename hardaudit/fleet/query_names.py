"""The names of scheduled queries in results logs, and the checks that they stand for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.osquery.exported import APPLIES, PACK

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER = -1
"""The number of a query that is none of the policy's."""

_REMEMBERED = 65_536
_LONGEST = 1024


class QueryNames:
    """The policy's queries by number: those of `checks` first, in order, then the `:applies` queries of `conditional` ones.

    A name in a log stands for query C if it is C, or begins with `pack` and a character D that is no letter or digit (osqueryd's
    `--pack_delimiter`) and ends with D and C; of several, the longest C. What is between may be any name of a pack, but not that of a
    pack which was exported of another policy than the one named `policy`: its queries have other parameters.
    """

    def __init__(self, policy: str, checks: Sequence[str], conditional: Sequence[str]) -> None:
        self._own = re.compile(rf"{re.escape(PACK + policy)}(-[0-9a-f]{{8}})?")  # osquery_pack._pack_name
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

    def of_another_policy(self, name: str) -> str | None:
        """The pack of a query that stands for none only because the pack was exported of another policy."""
        _, pack = self._place(name)
        return pack if pack is not None and self._is_anothers(pack) else None

    def _is_anothers(self, pack: str) -> bool:
        return pack.startswith(PACK) and not self._own.fullmatch(pack)

    def _find(self, name: str) -> int:
        number, pack = self._place(name)
        return OTHER if pack is not None and self._is_anothers(pack) else number

    def _place(self, name: str) -> tuple[int, str | None]:
        """The query by its name alone, and its pack if it is in one."""
        if name in self._numbers:
            return self._numbers[name], None
        delimiter = name[4:5]
        if not name.startswith("pack") or not delimiter or delimiter.isalnum() or len(name) > _LONGEST:
            return OTHER, None
        at = name.find(delimiter, max(4, len(name) - self._longest - 1))
        while at >= 0:  # from the left: the first that fits is the longest
            number = self._numbers.get(name[at + 1 :])
            if number is not None:
                return number, name[5:at].strip(delimiter)
            at = name.find(delimiter, at + 1)
        return OTHER, None
