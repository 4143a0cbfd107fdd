"""`mounts`: what is mounted where."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

_MOUNTS = "/proc/mounts"
_ESCAPE = re.compile(r"\\(011|012|040|043|134)")
_REMOTE = frozenset(
    "9p afs beegfs ceph cifs coda gfs2 lustre ncpfs nfs nfs4 ocfs2 orangefs smb3 smbfs virtiofs".split()  # noqa: SIM905 a list of words
)
_SIZES = ("blocks_size", "blocks", "blocks_free", "blocks_available", "inodes", "inodes_free")

SPEC = TableSpec(
    name="mounts",
    description="Mounted file systems, as this process sees them, in the order in which they were mounted.",
    source="/proc/mounts, proc_mounts(5); statvfs(3)",
    columns=(
        Column("device", TEXT, "Device, or another name for the source"),
        Column("device_alias", TEXT, "For a name below /dev the device node that it leads to through links; otherwise the device"),
        Column("path", TEXT, "Directory where it is mounted"),
        Column("type", TEXT, "Type of the file system"),
        Column("blocks_size", BIGINT, "Size of a block in bytes"),
        Column("blocks", BIGINT, "Blocks in all"),
        Column("blocks_free", BIGINT, "Free blocks"),
        Column("blocks_available", BIGINT, "Free blocks for users without privilege"),
        Column("inodes", BIGINT, "Inodes in all"),
        Column("inodes_free", BIGINT, "Free inodes"),
        Column("flags", TEXT, "Mount options, separated by commas"),
    ),
    examples=("SELECT path, flags FROM mounts WHERE path IN ('/tmp', '/dev/shm')",),
    live_only=True,
    osquery=True,
    notes=(
        "A network file system, one of FUSE, and what is mounted below either is not asked for its sizes, because a server that does not "
        "answer would stop the audit: the sizes are NULL and, if the query reads them, a gap. An automounter's sizes are NULL, not 0."
    ),
)


class Mount(NamedTuple):
    """A line of /proc/mounts."""

    device: str
    path: str
    type: str
    flags: str

    def may_hang(self) -> bool:
        """Whether another machine or a user's process answers for it."""
        return self.type in _REMOTE or self.type.startswith("fuse")

    def holds(self, path: str) -> bool:
        """Whether the way to a path leads through it."""
        return path == self.path or path.startswith(self.path.rstrip("/") + "/")


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each mount."""
    text = context.read_text(_MOUNTS)
    if text is None:
        return
    mounts = _mounts(context, text)
    barriers = [mount for mount in mounts if mount.may_hang()]
    wants_sizes = not context.columns_used.isdisjoint(_SIZES)
    for mount in mounts:
        context.check_deadline()
        sizes = _sizes(context, mount, barriers) if wants_sizes else {}
        yield {
            "device": mount.device,
            "device_alias": _alias(mount.device),
            "path": mount.path,
            "type": mount.type,
            **sizes,
            "flags": mount.flags,
        }


def _mounts(context: TableContext, text: str) -> list[Mount]:
    mounts = []
    for number, line in enumerate(text.split("\n"), start=1):
        fields = [_ESCAPE.sub(_decode, field) for field in line.split(" ")]
        if len(fields) >= 4:
            device, path, kind, flags = fields[:4]
            mounts.append(Mount(device, path, kind, flags))
        elif line:
            context.gap(GapReason.UNSUPPORTED, f"{_MOUNTS}:{number}: not a line of a mount table")
    return mounts


def _decode(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 8))


def _sizes(context: TableContext, mount: Mount, barriers: Sequence[Mount]) -> dict[str, int]:
    """The sizes by column; none, and a gap, when they cannot be had."""
    if mount.type == "autofs":  # asking would mount what it stands for
        return {}
    barrier = next((found for found in barriers if found.holds(mount.path)), None)
    if barrier is not None:
        context.gap(GapReason.UNSUPPORTED, f"{mount.path}: sizes are not read through {barrier.type}, whose server may not answer")
        return {}
    try:
        found = os.statvfs(host_text.encode(mount.path))
    except OSError as error:
        context.gap_for(error, mount.path)
        return {}
    values = (found.f_bsize, found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree)
    return {column: min(value, 2**63 - 1) for column, value in zip(_SIZES, values, strict=True)}


def _alias(device: str) -> str:
    """Only names below /dev are looked up: any other is free text, and may lead to a server that does not answer."""
    if not device.startswith("/dev/"):
        return device
    try:
        return host_text.decode(os.path.realpath(host_text.encode(device), strict=True))
    except OSError:
        return device


TABLE = Table(SPEC, generate)
