"""`suid_bin`: set-user-ID and set-group-ID programs in the usual places."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.filesystem import entries
from hardaudit_plugins.namespaces import PID_WITH_NAMESPACE, own_namespace_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.filesystem.entries import Entry

_PLACES = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/tmp")  # noqa: S108 searched, nothing is written

SPEC = TableSpec(
    name="suid_bin",
    description="Regular files with the set-user-ID or set-group-ID bit below the directories of programs and /tmp.",
    source=f"{', '.join(_PLACES)} and everything below, symbolic links to files included; names from the tables users and groups",
    columns=(
        Column("path", TEXT, "Absolute path of the file or of a link to it"),
        Column("username", TEXT, "Owner's name; the user ID where it has none"),
        Column("groupname", TEXT, "Group's name; the group ID where it has none"),
        Column("permissions", TEXT, "S: set-user-ID, G: set-group-ID, SG: both"),
        PID_WITH_NAMESPACE,
    ),
    examples=("SELECT path, username FROM suid_bin WHERE permissions LIKE '%S%'",),
    osquery=True,
    notes="Where /bin is a link to /usr/bin, as on merged systems, its programs appear under both paths, as in osquery.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each path that has or leads to such a file."""
    if not own_namespace_only(context):
        return
    users = _names(context, "users", "uid", "username")
    groups = _names(context, "groups", "gid", "groupname")
    for place in _PLACES:
        for entry in _everything_below(context, place):
            mode = entry.status.st_mode
            if entry.type != "regular" or not mode & (stat.S_ISUID | stat.S_ISGID):
                continue
            yield {
                "path": entry.path,
                "username": users.get(entry.status.st_uid, str(entry.status.st_uid)),
                "groupname": groups.get(entry.status.st_gid, str(entry.status.st_gid)),
                "permissions": ("S" if mode & stat.S_ISUID else "") + ("G" if mode & stat.S_ISGID else ""),
                "pid_with_namespace": 0,
            }


def _everything_below(context: TableContext, place: str) -> Iterator[Entry]:
    """A directory's content at every depth; the directory itself may be a link, links below it are not followed."""
    directory = entries.open_directory(context, place)
    if directory is None:
        return
    try:
        for child in entries.children(context, directory, place + "/"):
            yield child.entry
            if child.entry.type == "directory" and not child.entry.link:
                yield from entries.below(context, directory, child)
    finally:
        os.close(directory)


def _names(context: TableContext, table: str, number: str, name: str) -> dict[int, str]:
    """Names by number, the first of several as getpwuid(3) and getgrgid(3) find it; not read when the query does not ask for it."""
    names: dict[int, str] = {}
    if name in context.columns_used:
        for row in context.rows(table):
            key, value = row[number], row[name]
            if isinstance(key, int) and isinstance(value, str):
                names.setdefault(key, value)
    return names


TABLE = Table(SPEC, generate)
