"""`hash`: digests of regular files."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.errors import NotRegularFileError, ReadLimitError
from hardaudit.target.table import Table
from hardaudit_plugins.filesystem.selection import select
from hardaudit_plugins.namespaces import MOUNT_NAMESPACE_ID, PID_WITH_NAMESPACE, own_namespace_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

READ_LIMIT = 50 * 2**20
"""Bytes of a file that are read at most: osquery's default for its flag read_max."""

_CHUNK = 2**18
_ALGORITHMS = ("md5", "sha1", "sha256")

SPEC = TableSpec(
    name="hash",
    description="Digests of regular files, through symbolic links. path or directory must be constrained by =, IN or LIKE.",
    source="The files' content",
    columns=(
        Column("path", TEXT, "Absolute path", required=True, index=True, like=True),
        Column("directory", TEXT, "Directory that holds the file, as the query spells it", required=True, like=True),
        Column("md5", TEXT, "MD5 in lower-case hexadecimal; NULL when the file could not be read", collate="nocase"),
        Column("sha1", TEXT, "SHA-1 in lower-case hexadecimal; NULL when the file could not be read", collate="nocase"),
        Column("sha256", TEXT, "SHA-256 in lower-case hexadecimal; NULL when the file could not be read", collate="nocase"),
        PID_WITH_NAMESPACE,
        MOUNT_NAMESPACE_ID,
    ),
    examples=(
        "SELECT path, sha256 FROM hash WHERE path = '/usr/bin/sudo'",
        "SELECT f.path, h.sha256 FROM file f JOIN hash h USING (path) WHERE f.directory = '/etc'",
    ),
    osquery=True,
    notes=(
        "Paths and patterns are those of the table file, differences from osquery included. Only the digests that the query reads are "
        "computed. A file of more than 50 MiB, osquery's default limit, or one that may not be read has NULL digests and a gap; in "
        "osquery, empty digests."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each regular file that the constraints name."""
    if not own_namespace_only(context):
        return
    algorithms = [name for name in _ALGORITHMS if name in context.columns_used]
    for entry, directory in select(context):
        if entry.type != "regular":
            continue
        digests = _digests(context, entry.path, algorithms) if algorithms else {}
        if digests is not None:
            yield {"path": entry.path, "directory": directory, **digests, "pid_with_namespace": 0, "mount_namespace_id": ""}


def _digests(context: TableContext, path: str, algorithms: list[str]) -> dict[str, str] | None:
    """Hexadecimal digests by algorithm; none, and a gap, when the file cannot be read; None when there is no regular file any more."""
    try:
        return _read(context, path, algorithms)
    except NotRegularFileError:
        context.gap(GapReason.UNDECIDABLE, f"{path}: something else took the file's place before it was read")
        return None
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        context.gap_for(error, path)
        return {}


def _read(context: TableContext, path: str, algorithms: list[str]) -> dict[str, str]:
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    total = 0
    with context.target.open(path) as file:
        if os.fstat(file.fileno()).st_size > READ_LIMIT:
            raise ReadLimitError(path, READ_LIMIT)
        while chunk := file.read(_CHUNK):
            context.check_deadline()
            total += len(chunk)
            if total > READ_LIMIT:
                raise ReadLimitError(path, READ_LIMIT)
            for digest in hashes.values():
                digest.update(chunk)
    return {name: digest.hexdigest() for name, digest in hashes.items()}


TABLE = Table(SPEC, generate)
