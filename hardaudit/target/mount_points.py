"""What is mounted where on the live host, and which of it a walk descends into.

Source: /proc/self/mountinfo, proc_pid_mountinfo(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LOCAL = """
aufs bcachefs btrfs devtmpfs ecryptfs erofs exfat ext2 ext3 ext4 f2fs hfs hfsplus iso9660 jfs minix msdos nilfs2 ntfs ntfs3 overlay ramfs
reiserfs romfs rootfs shiftfs squashfs tmpfs udf ufs vfat xfs zfs zonefs
"""
_KERNEL = """
binder binfmt_misc bpf cgroup cgroup2 configfs cpuset debugfs devpts efivarfs fusectl fuse.lxcfs hugetlbfs mqueue nfsd nsfs proc pstore
resctrl rpc_pipefs securityfs selinuxfs smackfs sysfs tracefs usbfs xenfs
"""
LOCAL_TYPES = frozenset(_LOCAL.split())
"""File systems on this machine's own disks and memory."""

KERNEL_TYPES = frozenset(_KERNEL.split())
"""File systems whose files are the kernel's own interfaces, not stored files."""

_SUBVOLUMES = frozenset({"bcachefs", "btrfs"})
"""File systems whose directories may differ in st_dev without a mount between them."""

_ESCAPE = re.compile(r"\\([0-7]{3})")


class Crossing(Enum):
    """What a walk does where it meets a mount point."""

    DESCEND = "descend"
    SKIP = "skip"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of mountinfo.

    `root`: the directory of the file system that is shown at `point`. `device`: major:minor. `options`: of the file system.
    """

    identity: int
    parent: int
    device: str
    root: str
    point: str
    type: str
    options: frozenset[str]

    @property
    def has_subvolumes(self) -> bool:
        """Whether st_dev may change inside it without a mount."""
        return self.type in _SUBVOLUMES

    @property
    def crossing(self) -> Crossing:
        """Whether stored files are below it that a walk can read without waiting for another machine or program."""
        if self.type in LOCAL_TYPES:
            return Crossing.DESCEND
        if self.type in KERNEL_TYPES or self._is_private or (self.type == "autofs" and "direct" not in self.options):
            return Crossing.SKIP  # an indirect autofs holds nothing itself; what it has mounted has lines of its own
        return Crossing.GAP

    @property
    def _is_private(self) -> bool:
        """A FUSE mount of a user who lets nobody else in, root included, fuse(4): no other user reaches what is below."""
        return self.type.startswith("fuse") and "allow_other" not in self.options and "user_id=0" not in self.options


def parse_mountinfo(text: str) -> list[Mount]:
    """The mounts in the order of mountinfo. Raises ValueError naming the line that is not of its form."""
    return [_parse_line(line) for line in text.split("\n") if line]


def _parse_line(line: str) -> Mount:
    before, separator, after = line.partition(" - ")
    left, right = before.split(" "), after.split(" ")
    if not separator or len(left) < 6 or len(right) < 3 or not (left[0].isdecimal() and left[1].isdecimal()):
        raise ValueError(f"not a line of mountinfo: {line!r}")
    root, point = (_ESCAPE.sub(lambda match: chr(int(match[1], 8)), field) for field in left[3:5])
    return Mount(int(left[0]), int(left[1]), left[2], root, point, right[0], frozenset(right[2].split(",")))


class MountPoints:
    """The mounts that a path reaches, by mount point; those that another mount covers are left out."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self._order = {mount.identity: index for index, mount in enumerate(mounts)}
        self._mounts = {mount.point: mount for mount in _visible(mounts)}
        self._names: dict[str, dict[str, Mount]] = {}
        for point, mount in self._mounts.items():
            directory, _, name = point.rpartition("/")
            if name:
                self._names.setdefault(directory + "/", {})[name] = mount

    def directly_below(self, prefix: str) -> dict[str, Mount] | None:
        """The mounts on names of the directory `prefix`, which ends with a slash; None when there are none."""
        return self._names.get(prefix)

    def containing(self, path: str) -> Mount | None:
        """The mount that `path` lies on."""
        while path not in self._mounts and path != "/":
            path = path.rpartition("/")[0] or "/"
        return self._mounts.get(path)

    def at(self, path: str) -> Mount | None:
        """The mount whose mount point is `path`."""
        return self._mounts.get(path)

    def shown_elsewhere(self, mount: Mount) -> Iterator[str]:
        """Other paths at which all of `mount` is seen, as of a bind mount.

        Only through a mount that is older, so of two that show the same directory one is walked.
        """
        for other in self._mounts.values():
            if other.device != mount.device or self._order[other.identity] >= self._order[mount.identity]:
                continue
            inner = _relative(mount.root, other.root)
            if inner is not None and self._is_plain(alias := _join(other.point, inner), other):
                yield alias

    def _is_plain(self, directory: str, mount: Mount) -> bool:
        """Whether `directory` is seen on `mount` and nothing else is mounted in it."""
        return self.containing(directory) == mount and not any(
            point != directory and _relative(point, directory) is not None for point in self._mounts
        )


def _visible(mounts: Sequence[Mount]) -> Iterator[Mount]:
    """Those that no other is mounted over, from the root mount down."""
    known = {mount.identity for mount in mounts}
    children: dict[int, list[Mount]] = {}
    for mount in mounts:
        children.setdefault(mount.parent, []).append(mount)
    pending = [mount for mount in mounts if mount.parent not in known or mount.parent == mount.identity][:1]
    seen: set[int] = set()
    while pending:
        mount = pending.pop()
        if mount.identity in seen:
            continue
        seen.add(mount.identity)
        below = children.get(mount.identity, [])
        covering = [child for child in below if child.point == mount.point and child.identity != mount.identity]
        if covering:
            pending.append(covering[-1])
            continue
        yield mount
        points = {child.point for child in below}
        pending.extend(child for child in below if not _has_ancestor(child.point, mount.point, points))


def _has_ancestor(point: str, top: str, points: set[str]) -> bool:
    """Whether one of `points` lies strictly between `top` and `point`."""
    while (point := point.rpartition("/")[0]) and point != top:
        if point in points:
            return True
    return False


def _relative(path: str, directory: str) -> str | None:
    """`path` seen from `directory`, empty for itself; None when it is not inside."""
    if path == directory:
        return ""
    prefix = directory if directory.endswith("/") else directory + "/"
    return path[len(prefix) :] if path.startswith(prefix) else None


def _join(directory: str, relative: str) -> str:
    return f"{directory.rstrip('/')}/{relative}" if relative else directory
