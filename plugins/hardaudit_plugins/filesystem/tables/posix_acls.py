"""`posix_acls`: access control lists, which grant what the mode bits do not show."""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING, NamedTuple

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit.target.walk import canonical
from hardaudit_plugins.filesystem.entries import note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="posix_acls",
    description=(
        "The entries of files' POSIX access control lists. A file without a list, which most are, has no rows: its mode says everything. "
        "Symbolic links are followed."
    ),
    source="getxattr(2) of system.posix_acl_access and system.posix_acl_default; acl(5)",
    columns=(
        Column("path", TEXT, "Absolute path", required=True, index=True),
        Column("type", TEXT, "access: what holds for the file; default: what files made in the directory get"),
        Column("tag", TEXT, "user_obj, user, group_obj, group, mask or other"),
        Column("id", BIGINT, "User or group ID of the entries user and group; NULL for the others"),
        Column("readable", INTEGER, "1 if the entry lets read, the mask taken into account"),
        Column("writable", INTEGER, "1 if the entry lets write, the mask taken into account"),
        Column("executable", INTEGER, "1 if the entry lets execute or search, the mask taken into account"),
    ),
    examples=("SELECT tag, id FROM posix_acls WHERE path = '/etc/shadow' AND type = 'access' AND readable = 1",),
    notes=(
        "With a list the mode's three group bits are the list's mask. A file system without such lists has no rows; NFSv4's own lists "
        "are not read. Read permission on the file is not needed."
    ),
)

_ATTRIBUTES = (("access", "system.posix_acl_access"), ("default", "system.posix_acl_default"))
_TAGS = {0x01: "user_obj", 0x02: "user", 0x04: "group_obj", 0x08: "group", 0x10: "mask", 0x20: "other"}
_NAMED, _MASKED = frozenset(("user", "group")), frozenset(("user", "group_obj", "group"))
_VERSION, _HEADER, _ENTRY = 2, struct.Struct("<I"), struct.Struct("<HHI")  # linux/posix_acl_xattr.h
_READ, _WRITE, _EXECUTE = 4, 2, 1
_NO_LIST = (errno.ENODATA, errno.ENOTSUP)


class AclEntry(NamedTuple):
    """An entry; `identity`: of a named user or group, else None. `permissions`: rwx as 4, 2, 1, after the mask."""

    tag: str
    identity: int | None
    permissions: int


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each entry of each list of each path that is asked for."""
    for path in context.constraints.texts("path") or []:
        context.check_deadline()
        for kind, content in _lists(context, path):
            try:
                entries = parse_acl(content)
            except ValueError as error:
                context.gap(GapReason.UNSUPPORTED, f"{path}: its access control list {error}")
                continue
            for entry in entries:
                yield {
                    "path": path,
                    "type": kind,
                    "tag": entry.tag,
                    "id": entry.identity,
                    "readable": int(bool(entry.permissions & _READ)),
                    "writable": int(bool(entry.permissions & _WRITE)),
                    "executable": int(bool(entry.permissions & _EXECUTE)),
                }


def _lists(context: TableContext, path: str) -> list[tuple[str, bytes]]:
    """Kind and content of the lists of a file; none, and a gap unless there is no such file, when they cannot be read."""
    if not path.startswith("/"):
        return []
    try:
        directory, _, name = canonical(context.target, path).rpartition("/")
        descriptor = context.target.open_directory(directory or "/")
    except OSError as error:
        note(context, error, path)
        return []
    try:
        return [(kind, content) for kind, key in _ATTRIBUTES if (content := _attribute(context, path, descriptor, name, key)) is not None]
    finally:
        os.close(descriptor)


def _attribute(context: TableContext, path: str, directory: int, name: str, key: str) -> bytes | None:
    """An attribute of a name in an open directory; there is no getxattrat(2) before Linux 6.13, but /proc leads through the descriptor."""
    place = b"/proc/self/fd/%d/%s" % (directory, host_text.encode(name or "."))
    try:
        return os.getxattr(place, key, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOENT and not os.path.exists("/proc/self/fd"):
            context.gap(GapReason.MISSING_SOURCE, f"{path}: access control lists are read through /proc, which is not mounted here")
        elif error.errno not in _NO_LIST:
            note(context, error, path)
        return None


def parse_acl(content: bytes) -> list[AclEntry]:
    """The entries of a list as the kernel stores it. Raises ValueError with what is wrong."""
    if len(content) < _HEADER.size or (len(content) - _HEADER.size) % _ENTRY.size:
        raise ValueError("is cut")
    if _HEADER.unpack_from(content)[0] != _VERSION:
        raise ValueError("is of an unknown version")
    raw = list(_ENTRY.iter_unpack(content[_HEADER.size :]))
    mask = next((permissions for tag, permissions, _ in raw if _TAGS.get(tag) == "mask"), 7)
    return [_entry(tag, permissions, identity, mask) for tag, permissions, identity in raw]


def _entry(number: int, permissions: int, identity: int, mask: int) -> AclEntry:
    tag = _TAGS.get(number)
    if tag is None:
        raise ValueError(f"has an entry of the unknown kind {number}")
    return AclEntry(tag, identity if tag in _NAMED else None, permissions & mask if tag in _MASKED else permissions)


TABLE = Table(SPEC, generate)
