"""Until when releases of distributions get security updates: the dated list that comes with the package, `os_support.csv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from importlib import resources

_COMPILED = "Compiled "


@dataclass(frozen=True, slots=True)
class OsRelease:
    """A release. The ends are Unix seconds UTC, the first second after the last day of support; None: there is no such support.

    A rolling distribution has no release numbers and no ends.
    """

    name: str
    platform: str
    major: int | None
    minor: int | None
    codename: str
    end_of_standard: int | None
    end_of_support: int | None
    end_of_extended: int | None
    source: str

    @property
    def rolling(self) -> bool:
        """Whether the distribution is updated for ever instead of released."""
        return self.major is None

    @property
    def order(self) -> tuple[int, int]:
        """For comparing releases of one distribution."""
        return self.major or 0, self.minor or 0


@dataclass(frozen=True, slots=True)
class OsSupport:
    """The list, and the date of its compilation as YYYY-MM-DD."""

    compiled: str
    releases: tuple[OsRelease, ...]

    def find(self, name: str, major: int, minor: int) -> OsRelease | None:
        """The release of a host by its os_version, or None when the list does not know it.

        A release that is older than all that the list has of a distribution ended before them: it counts as the oldest.
        """
        names = [release.name for release in self.releases if name.lower().startswith(release.name.lower())]
        longest = max(names, key=len, default=None)
        releases = [release for release in self.releases if release.name == longest]
        for release in releases:
            if release.rolling or (release.major == major and release.minor in (None, minor)):
                return release
        oldest = min(releases, key=lambda release: release.order, default=None)
        return oldest if oldest and major > 0 and (major, minor) < oldest.order else None


@lru_cache(maxsize=1)
def os_support() -> OsSupport:
    """The list."""
    text = resources.files("hardaudit_plugins.patches").joinpath("os_support.csv").read_text("utf-8")
    lines = text.split("\n")
    rows = csv.DictReader(line for line in lines if line and not line.startswith("#"))
    compiled = lines[0].partition(_COMPILED)[2][:10]
    return OsSupport(compiled, tuple(_release(row) for row in rows))


def _release(row: dict[str, str]) -> OsRelease:
    return OsRelease(
        name=row["name"],
        platform=row["platform"],
        major=int(row["major"]) if row["major"] else None,
        minor=int(row["minor"]) if row["minor"] else None,
        codename=row["codename"],
        end_of_standard=_day_after(row["standard"]),
        end_of_support=_day_after(row["support"]),
        end_of_extended=_day_after(row["extended"]),
        source=row["source"],
    )


def _day_after(day: str) -> int | None:
    if not day:
        return None
    after = date.fromisoformat(day) + timedelta(days=1)
    return int(datetime(after.year, after.month, after.day, tzinfo=timezone.utc).timestamp())
