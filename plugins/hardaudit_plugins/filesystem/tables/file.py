"""`file`: files and their attributes, by path or directory."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.filesystem.paths import file_name
from hardaudit_plugins.filesystem.selection import select
from hardaudit_plugins.namespaces import MOUNT_NAMESPACE_ID, PID_WITH_NAMESPACE, own_namespace_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.filesystem.selection import Selected

SPEC = TableSpec(
    name="file",
    description=(
        "Files and their attributes. path or directory must be constrained by =, IN or LIKE. The attributes are those of the file that a "
        "symbolic link leads to, or of the link itself when it leads nowhere."
    ),
    source="lstat(2), stat(2), readlink(2), getdents(2)",
    columns=(
        Column("path", TEXT, "Absolute path; with LIKE, a directory or link to one ends in a slash", required=True, index=True, like=True),
        Column("directory", TEXT, "Directory that holds the file, as the query spells it", required=True, like=True),
        Column("filename", TEXT, "Last part of the path; . when the path ends in a slash"),
        Column("inode", BIGINT, "Inode number"),
        Column("uid", BIGINT, "User ID of the owner"),
        Column("gid", BIGINT, "Group ID of the owner"),
        Column("mode", TEXT, "Permission bits, four octal digits, such as 4755"),
        Column("device", BIGINT, "For a device node, the device that it stands for (st_rdev); otherwise 0"),
        Column("size", BIGINT, "Size in bytes"),
        Column("block_size", INTEGER, "Preferred block size for reading and writing, in bytes"),
        Column("atime", BIGINT, "Last access, Unix seconds"),
        Column("mtime", BIGINT, "Last change of the content, Unix seconds"),
        Column("ctime", BIGINT, "Last change of content or attributes, Unix seconds"),
        Column("btime", BIGINT, "Creation time; 0 as in osquery on Linux"),
        Column("hard_links", INTEGER, "Number of hard links"),
        Column("symlink", INTEGER, "1 when the path itself is a symbolic link, otherwise 0"),
        Column(
            "type", TEXT, "regular, directory, character, block, fifo or socket; unknown: a link that leads nowhere; error: one that loops"
        ),
        Column("symlink_target_path", TEXT, "Text of the symbolic link, unresolved; empty without a link"),
        PID_WITH_NAMESPACE,
        MOUNT_NAMESPACE_ID,
    ),
    examples=(
        "SELECT path, mode, uid FROM file WHERE path = '/etc/shadow'",
        "SELECT path, type FROM file WHERE directory = '/etc/cron.d'",
        "SELECT path FROM file WHERE path LIKE '/srv/%%' AND filename LIKE '%.php'",
    ),
    osquery=True,
    notes=(
        "In LIKE, % stands for any characters within one name but not a dot at its start, and a trailing %% for everything below. As in "
        "osquery, path LIKE '/srv/%' and the first level of '/srv/%%' leave hidden names out: directory = '/srv' has them all. As in "
        "osquery, %% enters a directory once: one that a symbolic link led to earlier in the walk, itself or from above, is listed but not "
        "entered. That is a gap, which names the directory and the link: file_tree has everything below it, directory = its files. Unlike "
        "osquery, %% lists links to directories but never follows them; . and .. are never walked; a row that path and directory both "
        "find appears once; [, {, ?, * and the backslash stand for themselves; what may not be read, a pattern without a place to look in, "
        "and a directory that LIKE misses for its trailing slash are gaps."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each file that the constraints name."""
    if not own_namespace_only(context):
        return
    wants_target = "symlink_target_path" in context.columns_used
    for selected in select(context):
        target = ""
        if wants_target and selected.entry.link:
            text = _link_text(context, selected.entry.path)
            if text is None:
                continue
            target = text
        yield _row(selected, target)


def _row(selected: Selected, target: str) -> Row:
    path, kind, status, link = selected.entry
    return {
        "path": path,
        "directory": selected.directory,
        "filename": file_name(path),
        "inode": _signed(status.st_ino),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "mode": f"{status.st_mode & 0o7777:04o}",
        "device": _signed(status.st_rdev),
        "size": status.st_size,
        "block_size": status.st_blksize,
        "atime": status.st_atime_ns // 10**9,
        "mtime": status.st_mtime_ns // 10**9,
        "ctime": status.st_ctime_ns // 10**9,
        "btime": 0,
        "hard_links": _signed(status.st_nlink),
        "symlink": int(link),
        "type": kind,
        "symlink_target_path": target,
        "pid_with_namespace": 0,
        "mount_namespace_id": "",
    }


def _signed(number: int) -> int:
    """An unsigned 64-bit number of the kernel as SQLite's signed one."""
    return number if number < 2**63 else number - 2**64


def _link_text(context: TableContext, path: str) -> str | None:
    """A link's text; None when it vanished meanwhile, and, with a gap, when it is no link any more or cannot be read."""
    try:
        return context.target.readlink(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            context.gap_for(error, path)
        return None


TABLE = Table(SPEC, generate)
