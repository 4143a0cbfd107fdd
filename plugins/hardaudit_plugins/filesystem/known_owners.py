"""The user and group numbers that belong to somebody on the target, for telling files that nobody owns."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.nsswitch import other_sources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit.target.table import TableContext
    from hardaudit.target.target import Target

_NUMBER = re.compile(rb"^[A-Za-z0-9_][^:\n\0]*:[^:\n\0]*:([0-9]{1,10}):", re.MULTILINE)  # no comments, no entries of NIS
_SUBORDINATE = re.compile(r"^[^:\n]+:([0-9]{1,10}):([0-9]{1,10})$", re.MULTILINE)
_DYNAMIC_USERS = "/run/systemd/dynamic-uid"


@dataclass(frozen=True, slots=True)
class Numbers:
    """User or group numbers: single ones, and ranges of subordinate numbers, subuid(5), as sorted starts with their ends."""

    single: frozenset[int]
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    def __contains__(self, number: int) -> bool:
        """Whether the number belongs to somebody."""
        if number in self.single:
            return True
        place = bisect.bisect_right(self.starts, number)
        return place > 0 and number < self.ends[place - 1]


@dataclass(frozen=True, slots=True)
class KnownOwners:
    """Whom the target knows. `elsewhere`: the sources outside /etc that know more users or groups, empty when there are none."""

    uids: Numbers
    gids: Numbers
    elsewhere: str

    def unowned(self, uid: int, gid: int) -> int | None:
        """1 for a file whose user or group nobody knows, 0 for others, None where it depends on a source that cannot be read."""
        if uid in self.uids and gid in self.gids:
            return 0
        return None if self.elsewhere else 1


def numbers_in_etc(target: Target) -> tuple[frozenset[int], frozenset[int]] | None:
    """The numbers of /etc/passwd and /etc/group as they stand, or None when one cannot be read.

    For choosing what to keep of a walk: lines in doubt do not count. What is unowned in the end `known_owners` decides.
    """
    try:
        passwd, group = (target.read_bytes(path) for path in ("/etc/passwd", "/etc/group"))
    except OSError:
        return None
    return frozenset(map(int, _NUMBER.findall(passwd))), frozenset(map(int, _NUMBER.findall(group)))


def known_owners(context: TableContext) -> KnownOwners | None:
    """The target's users and groups, whose gaps become the caller's; None when there are none to compare with."""
    uids = {uid for row in context.rows("users") if isinstance(uid := row["uid"], int)}
    gids = {gid for row in context.rows("groups") if isinstance(gid := row["gid"], int)}
    if not uids or not gids:
        context.gap(GapReason.MISSING_SOURCE, "no users or no groups are known here: whether a file has an owner cannot be said")
        return None
    dynamic = {int(name) for name in context.list_directory(_DYNAMIC_USERS, optional=True) if name.isdecimal() and len(name) <= 10}
    return KnownOwners(
        _with_ranges(uids | dynamic, context.read_text("/etc/subuid", optional=True)),
        _with_ranges(gids | dynamic, context.read_text("/etc/subgid", optional=True)),
        ", ".join(sorted(other_sources(context, "passwd") | other_sources(context, "group"))),
    )


def _with_ranges(single: Iterable[int], text: str | None) -> Numbers:
    """The numbers and subordinate ranges of users, which a user's containers have their files as."""
    ranges: list[tuple[int, int]] = []
    for start, count in sorted((int(match[1]), int(match[2])) for match in _SUBORDINATE.finditer(text or "")):
        end = start + count
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        else:
            ranges.append((start, end))
    return Numbers(frozenset(single), tuple(start for start, _ in ranges), tuple(end for _, end in ranges))
