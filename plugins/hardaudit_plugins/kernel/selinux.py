"""SELinux' file system."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

_MOUNTS, _FILESYSTEMS = "/proc/self/mounts", "/proc/filesystems"
_DEPTH_LIMIT = 6


def find_selinuxfs(context: TableContext) -> str | None:
    """Where selinuxfs is mounted; empty where SELinux is off, as a kernel without it proves; None, with a gap, where it is unclear."""
    mounts = context.read_text(_MOUNTS)
    if mounts is None:
        return None
    for line in mounts.split("\n"):
        fields = line.split(" ")
        if len(fields) > 2 and fields[2] == "selinuxfs":
            return fields[1].replace("\\040", " ")
    filesystems = context.read_text(_FILESYSTEMS)
    if filesystems is None:
        return None
    if any(line.endswith("\tselinuxfs") for line in filesystems.split("\n")):
        context.gap(GapReason.MISSING_SOURCE, f"{_MOUNTS}: selinuxfs is not mounted although SELinux is on; mount it on /sys/fs/selinux")
        return None
    return ""


def files_below(context: TableContext, directory: str) -> Iterator[str]:
    """The files below a directory of selinuxfs, in order. What cannot be listed is a gap."""
    pending = [(directory, 0)]
    while pending:
        current, depth = pending.pop()
        below: list[tuple[str, int]] = []
        for name in context.list_directory(current):
            context.check_deadline()
            path = f"{current}/{name}"
            try:
                is_directory = stat.S_ISDIR(context.target.lstat(path).st_mode)
            except OSError as error:
                context.gap_for(error, path)
                continue
            if not is_directory:
                yield path
            elif depth < _DEPTH_LIMIT:
                below.append((path, depth + 1))
            else:
                context.gap(GapReason.TRUNCATED, f"{path}: deeper than {_DEPTH_LIMIT} levels")
        pending.extend(reversed(below))
