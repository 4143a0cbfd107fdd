"""How fresh APT's package lists are.

The time of a list file says nothing: APT gives it the server's, and leaves the file alone when the repository has not changed. What does
speak: the stamps of successful updates, the directory of the lists, which changes when a list does, and the dates in the Release files,
which were current when they were fetched. The first two are also made by whoever copies a disk; a distribution that is alive publishes
something every few days, so lists of which none is newer than some weeks are old whatever the stamps say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.patches.apt_release import LISTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.patches.apt_release import Release

STALE_DAYS = 7
"""Lists that were last refreshed longer ago no longer prove that no update is pending."""

SILENT_SECURITY_DAYS = 30
"""A suite of security updates that has published nothing for longer no longer proves that none is pending: its mirror may stand still."""

_SILENCE_DAYS = 14  # for how long all repositories of a living distribution together may publish nothing
_STAMPS = ("/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/periodic/update-stamp", LISTS)


def last_refresh(context: TableContext, releases: Iterable[Release], now: int) -> int | None:
    """When the lists were last refreshed, Unix seconds; None when nothing says. Times in the future are no evidence."""
    published = [time for release in releases if (time := release.date) is not None and time <= now + 86_400]
    times = list(published)
    for path in _STAMPS:
        try:
            times.append(int(context.target.stat(path).st_mtime))
        except FileNotFoundError:
            continue
        except OSError as error:
            context.gap_for(error, path)
    newest = max((time for time in times if time <= now + 86_400), default=None)
    return min(newest, max(published) + _SILENCE_DAYS * 86_400) if newest is not None and published else newest
