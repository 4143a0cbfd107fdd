"""Who may write a file, by its mode bits and its access control list, as the kernel decides it: acl(5), path_resolution(7)."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.filesystem.tables.posix_acls import parse_acl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit_plugins.filesystem.tables.posix_acls import AclEntry

_WRITE, _SEARCH = 2, 1


@dataclass(frozen=True, slots=True)
class User:
    """A user that serves requests: `gids` has the primary group and the supplementary ones."""

    name: str
    uid: int
    gids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Permission:
    """What decides who may write: type and mode bits (st_mode), owner, group, and the list as the kernel stores it, empty without one."""

    mode: int
    uid: int
    gid: int
    acl: bytes = b""


def may_write(permission: Permission, user: User) -> str | None:
    """How a user may write: by owner, group, other or acl; None if not. For a directory it means to make files in it.

    User 0 may write whatever the bits say, which nobody needs to be told of each file: it is asked for like any other user. Directories
    above, read-only mounts and immutable files are not looked at. Raises ValueError with what is wrong with the list.
    """
    needed = _WRITE | _SEARCH if stat.S_ISDIR(permission.mode) else _WRITE
    if stat.S_ISLNK(permission.mode):
        return None
    entries = parse_acl(permission.acl) if permission.acl else []
    if user.uid == permission.uid:
        return "owner" if permission.mode >> 6 & needed == needed else None
    if entries:
        return _by_list(entries, permission, user, needed)
    if permission.gid in user.gids:
        return "group" if permission.mode >> 3 & needed == needed else None
    return "other" if permission.mode & needed == needed else None


def _by_list(entries: Sequence[AclEntry], permission: Permission, user: User, needed: int) -> str | None:
    """An entry of the user's own decides; else any of its groups' that grants; else, if it is in none of them, that of all others."""
    for entry in entries:
        if entry.tag == "user" and entry.identity == user.uid:
            return "acl" if entry.permissions & needed == needed else None
    matched = False
    for entry in entries:
        group = permission.gid if entry.tag == "group_obj" else entry.identity if entry.tag == "group" else None
        if group not in user.gids:
            continue
        matched = True
        if entry.permissions & needed == needed:
            return "group" if entry.tag == "group_obj" else "acl"
    if matched:
        return None
    return "other" if permission.mode & needed == needed else None
