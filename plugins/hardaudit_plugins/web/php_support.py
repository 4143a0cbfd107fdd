"""Until when branches of PHP get security fixes, and from whom: the dated list that comes with the package, `php_support.csv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from importlib import resources

_COMPILED = "Compiled "
_PHP_NET = "php.net"


@dataclass(frozen=True, slots=True)
class PhpSupport:
    """The list, and the date of its compilation as YYYY-MM-DD.

    `ends`: of each branch (`8.2`) the first second, Unix UTC, after the PHP project's support. `packaged`: the branches that releases of
    distributions have as their own, as (platform, major, minor, branch); minor is None where it says nothing.
    """

    compiled: str
    ends: dict[str, int]
    packaged: frozenset[tuple[str, int, int | None, str]]

    def end_of(self, branch: str) -> int | None:
        """When the PHP project's support of a branch ends; None for one that is newer than the list.

        A branch that is older than all of the list, or missing between others, ended with the next newer one of the list at the latest.
        """
        newer = [known for known in self.ends if _order(known) >= _order(branch)]
        return self.ends[min(newer, key=_order)] if newer else None

    def is_distributions_own(self, platform: str, major: int, minor: int, branch: str) -> bool:
        """Whether a release of a distribution supports a branch as its own package for as long as the release itself."""
        return not self.packaged.isdisjoint({(platform, major, minor, branch), (platform, major, None, branch)})

    def knows_release(self, platform: str, major: int, minor: int) -> bool:
        """Whether the list has a branch of that release at all."""
        return any(vendor == platform and number == major and part in (None, minor) for vendor, number, part, _ in self.packaged)


def _order(branch: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in branch.split("."))


@lru_cache(maxsize=1)
def php_support() -> PhpSupport:
    """The list."""
    lines = resources.files("hardaudit_plugins.web").joinpath("php_support.csv").read_text("utf-8").split("\n")
    rows = list(csv.DictReader(line for line in lines if line and not line.startswith("#")))
    return PhpSupport(
        compiled=lines[0].partition(_COMPILED)[2][:10],
        ends={row["branch"]: _day_after(row["support"]) for row in rows if row["vendor"] == _PHP_NET},
        packaged=frozenset(
            (row["vendor"], int(row["major"]), int(row["minor"]) if row["minor"] else None, row["branch"])
            for row in rows
            if row["vendor"] != _PHP_NET
        ),
    )


def _day_after(day: str) -> int:
    after = date.fromisoformat(day) + timedelta(days=1)
    return int(datetime(after.year, after.month, after.day, tzinfo=timezone.utc).timestamp())
