"""Under which paths the URLs of each site reach the directories that were walked."""

from __future__ import annotations

import errno
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit.target.walk import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hardaudit.target.target import Target
    from hardaudit_plugins.web.site import Site

MOST_REACHES = 5_000
"""Ways to directories that are told apart at most: docroots, aliases, and links in them."""


@dataclass(frozen=True, slots=True)
class Reach:
    """A site (its number), the path by which its configuration gets to a directory, and the directory without links.

    `through`: the directories without links that were passed on the way, more than one where a link in a docroot was followed.
    """

    site: int
    path: str
    real: str
    through: tuple[str, ...]

    def path_of(self, real: str) -> str:
        """The path by which the site gets to `real`, which is `self.real` or below it."""
        return f"{self.path.rstrip('/')}{real[len(self.real.rstrip('/')) :]}".rstrip("/") or "/"


class Reaches:
    """Every reach, to be asked by directory."""

    def __init__(self, reaches: Iterable[Reach]) -> None:
        self._by_real: dict[str, list[Reach]] = {}
        for reach in reaches:
            self._by_real.setdefault(reach.real, []).append(reach)

    @property
    def starts(self) -> list[str]:
        """The directories without links where reaches start."""
        return sorted(self._by_real)

    def __iter__(self) -> Iterator[Reach]:
        """All of them."""
        for reaches in self._by_real.values():
            yield from reaches

    def of(self, real: str) -> Iterator[Reach]:
        """The reaches by which sites get to a directory without links, the nearest start last."""
        end = 0
        while end >= 0:
            yield from self._by_real.get(real[:end] or "/", ())
            if end == len(real) or real == "/":
                return
            end = real.find("/", end + 1)
            if end < 0:
                end = len(real)

    def sites_of(self, real: str) -> list[int]:
        """The numbers of the sites that get to a directory without links."""
        return sorted({reach.site for reach in self.of(real)})


def configured(target: Target, sites: Sequence[Site], problem: Callable[[GapReason, str], None]) -> list[Reach]:
    """The reaches that the configuration spells out: document roots and aliases that exist."""
    found: dict[tuple[int, str], Reach] = {}
    for number, site in enumerate(sites):
        for directory in [*([site.docroot] if site.docroot else []), *(mapping.directory for mapping in site.mappings())]:
            path = directory.rstrip("/") or "/"
            if (number, path) in found or not path.startswith("/"):
                continue
            try:
                real = canonical(target, path)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                    problem(gap_reason(error), f"{path}: {error.strerror}")
                continue
            found[number, path] = Reach(number, path, real, (real,))
    return list(found.values())


class Links:
    """Links to directories, by path, to be asked for those below a directory."""

    def __init__(self, links: Mapping[str, str]) -> None:
        self.to = links
        self._paths = sorted(links)

    def below(self, directory: str) -> list[str]:
        """The paths of the links below a directory."""
        prefix = directory.rstrip("/") + "/"
        return self._paths[bisect_left(self._paths, prefix) : bisect_left(self._paths, prefix[:-1] + "0")]  # 0 comes after /


def through_links(
    starts: Sequence[Reach], links: Links, problem: Callable[[GapReason, str], None], check_deadline: Callable[[], None]
) -> list[Reach]:
    """`starts`, and what they come to by way of `links`: the link's path without links before it, to the directory that it leads to.

    A link back to a directory that was passed on the way leads to nothing new.
    """
    found = {(reach.site, reach.path): reach for reach in starts}
    waiting = deque(starts)
    while waiting:
        reach = waiting.popleft()
        check_deadline()
        for link in links.below(reach.real):
            path, led_to = reach.path_of(link), links.to[link]
            if led_to in reach.through or (reach.site, path) in found:
                continue
            if len(found) >= MOST_REACHES:
                problem(
                    GapReason.TRUNCATED, f"more than {MOST_REACHES:,} ways through links to directories of sites: the others are not known"
                )
                return list(found.values())
            found[reach.site, path] = further = Reach(reach.site, path, led_to, (*reach.through, led_to))
            waiting.append(further)
    return list(found.values())
