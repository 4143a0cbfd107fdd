"""Whether files that steer an audit can be changed by someone who could not run it.

As root, hardaudit runs the code of its plugins and believes its policies. A file, or any directory above it, that another user may change
hands that user root's verdict, or root.
"""

from __future__ import annotations

import os
import stat

from hardaudit.errors import PluginError


def refuse_unless_trusted(path: str, *, user: int | None = None) -> None:
    """Raise PluginError, naming the path and its mode, when someone else than root may change `path`; `user` defaults to the effective one.

    Both the path as given and what its links lead to are looked at, with every directory above. A directory with the sticky bit, such as
    /tmp, is no danger to an entry that belongs to a trusted user (inode(7)). Only root's audits are guarded: for anyone else there is
    nothing to gain that they could not do themselves.
    """
    user = os.geteuid() if user is None else user
    if user != 0:
        return
    absolute = os.path.abspath(path)
    for name in dict.fromkeys((absolute, os.path.realpath(absolute))):
        _check_chain(name)


def _check_chain(path: str) -> None:
    below: os.stat_result | None = None
    while True:
        try:
            status = os.lstat(path)
        except OSError as error:
            raise PluginError(f"{path}: {error.strerror}") from error
        if problem := _problem(status, below):
            raise PluginError(
                f"{path}: {problem} (mode {stat.S_IMODE(status.st_mode):04o}, owner {status.st_uid}:{status.st_gid}), so root does not "
                f"use it: chown root:root and chmod go-w it, or move it below a directory that only root can change"
            )
        parent = os.path.dirname(path)
        if parent == path:
            return
        path, below = parent, status


def _problem(status: os.stat_result, below: os.stat_result | None) -> str | None:
    if status.st_uid != 0:
        return f"user {status.st_uid} owns it"
    if stat.S_ISLNK(status.st_mode):
        return None  # a link's mode means nothing; its directory and its target are looked at
    sticky = below is not None and status.st_mode & stat.S_ISVTX and below.st_uid == 0
    if status.st_mode & stat.S_IWOTH and not sticky:
        return "everyone may write it"
    if status.st_mode & stat.S_IWGRP and status.st_gid != 0 and not sticky:
        return f"group {status.st_gid} may write it"
    return None
