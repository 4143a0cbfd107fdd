"""Whether files that steer an audit can be changed by someone who could not run it.

As root, hardaudit runs the code of its plugins and believes its policies. A file, or any directory above it, that another user may change
hands that user root's verdict, or root.

Out of reach: what Python runs before hardaudit does (`.pth` files, `sitecustomize`, hardaudit's own modules and the libraries that it
imports; only the directories on the search path are looked at), access lists that are not POSIX ones, such as NFSv4's, members of the group
root, and whoever writes to the disk below the file system.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from typing import TYPE_CHECKING

from hardaudit.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_LINKS = 40  # the kernel's own limit, path_resolution(7)
_ACL = "system.posix_acl_access"
_ACL_USER, _ACL_GROUP, _ACL_WRITE = 0x02, 0x08, 0x02  # linux/posix_acl.h


def refuse_unless_trusted(path: str, *, user: int | None = None) -> None:
    """Raise PluginError, naming the path and its mode, when someone else than root may change `path`; `user` defaults to the effective one.

    Every directory and link on the way is looked at, as the kernel would go it. A directory with the sticky bit, such as /tmp, is no
    danger to an entry that belongs to root (inode(7)). Only root's audits are guarded: for anyone else there is nothing to gain that they
    could not do themselves.
    """
    user = os.geteuid() if user is None else user
    if user != 0:
        return
    place, problem = "", None
    try:
        for place, status, below in _way(_absolute(path)):
            problem = _problem(place, status, below)
            if problem:
                break
    except OSError as error:
        raise PluginError(f"{path}: {error.strerror}") from error
    if problem:
        raise PluginError(
            f"{place}: {problem} (mode {stat.S_IMODE(status.st_mode):04o}, owner {status.st_uid}:{status.st_gid}), so root does not "
            f"use it: chown root:root and chmod go-w it, or move it below a directory that only root can change"
        )


def refuse_untrusted_search_path(entries: Iterable[str]) -> None:
    """Raise PluginError for a place in which Python looks for modules (`sys.path`) and someone else than root may put some."""
    for entry in entries:
        place = _absolute(entry)
        while not os.path.lexists(place):
            place = os.path.dirname(place)  # who may make what is missing there
        refuse_unless_trusted(place)


def _absolute(path: str) -> str:
    """The path from the root. Raises PluginError where the working directory, which it is relative to, is gone."""
    try:
        return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
    except FileNotFoundError as error:
        raise PluginError("the working directory is gone: change to one that is there, such as /") from error


def _way(path: str) -> list[tuple[str, os.stat_result, os.stat_result | None]]:
    """Every directory and link that is passed to where an absolute path leads, and what is found there.

    Each with its lstat and that of the name that is looked up in it; None for the last. Raises OSError.
    """
    passed: list[tuple[str, os.stat_result, os.stat_result | None]] = []
    place, status = "/", os.lstat("/")
    names = path.split("/")[::-1]
    links = 0
    while names:
        name = names.pop()
        if name in ("", "."):
            continue
        if name == "..":
            place = os.path.dirname(place)
            status = os.lstat(place)
            continue
        entry = os.path.join(place, name)
        found = os.lstat(entry)
        passed.append((place, status, found))
        if not stat.S_ISLNK(found.st_mode):
            place, status = entry, found
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        passed.append((entry, found, None))
        target = os.readlink(entry)
        names.extend(target.split("/")[::-1])
        if target.startswith("/"):
            place, status = "/", os.lstat("/")
    passed.append((place, status, None))
    return passed


def _problem(path: str, status: os.stat_result, below: os.stat_result | None) -> str | None:
    """Who else could change what is at `path`, or, for a directory, the name in it whose status is `below`."""
    if status.st_uid != 0:
        return f"user {status.st_uid} owns it"
    is_sticky = below is not None and status.st_mode & stat.S_ISVTX and below.st_uid == 0
    if is_sticky or stat.S_ISLNK(status.st_mode):
        return None  # a link's mode means nothing; its directory and its target are looked at
    if status.st_mode & stat.S_IWOTH:
        return "everyone may write it"
    if not status.st_mode & stat.S_IWGRP:
        return None
    # With an access list this bit is the list's mask, acl(5).
    return f"group {status.st_gid} may write it" if status.st_gid != 0 else _writer_by_access_list(path)


def _writer_by_access_list(path: str) -> str | None:
    """Whom a POSIX access list lets write besides the owner and the group."""
    try:
        content = os.getxattr(path, _ACL, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return None
        raise
    for tag, permissions, number in struct.iter_unpack("<HHI", content[4:]):
        if permissions & _ACL_WRITE and number != 0 and tag in (_ACL_USER, _ACL_GROUP):
            return f"{'user' if tag == _ACL_USER else 'group'} {number} may write it by its access list"
    return None
