"""`extended_attributes`: extended attributes of files and directories."""

from __future__ import annotations

import base64
import errno
import os
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.errors import NotRegularFileError
from hardaudit.target.table import Table
from hardaudit_plugins.filesystem.capabilities import capability_text
from hardaudit_plugins.filesystem.selection import select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.filesystem.entries import Entry

_CAPABILITY = "security.capability"

SPEC = TableSpec(
    name="extended_attributes",
    description=(
        "Extended attributes of regular files and directories. path or directory must be constrained by =, IN or LIKE. Symbolic links are "
        "followed."
    ),
    source="flistxattr(2), fgetxattr(2); xattr(7), capabilities(7)",
    columns=(
        Column("path", TEXT, "Absolute path; with LIKE, a directory or link to one ends in a slash", required=True, like=True),
        Column("directory", TEXT, "Directory that holds the file", required=True, like=True),
        Column("key", TEXT, "Attribute's name, such as user.comment"),
        Column("value", TEXT, "Capabilities in the words of getcap(8); printable text that ends in a NUL, without it; others in Base64"),
        Column("base64", INTEGER, "1 when value is in Base64, otherwise 0"),
    ),
    examples=("SELECT path, value FROM extended_attributes WHERE directory = '/usr/bin' AND key = 'security.capability'",),
    osquery=True,
    notes=(
        "Paths and patterns are those of the table file. Unlike osquery on Linux, a constraint on directory alone finds the files in it. "
        "FIFOs, sockets and devices are not opened and are a gap. As in osquery, the final NUL of a value in Base64 is left out."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each attribute of each file that the constraints name."""
    for entry, directory in select(context):
        if entry.type in ("unknown", "error"):
            continue
        if entry.type not in ("regular", "directory"):
            context.gap(GapReason.UNSUPPORTED, f"{directory}: its devices, FIFOs and sockets are not opened for their extended attributes")
            continue
        for name, content in _attributes(context, entry):
            key = host_text.decode(os.fsencode(name))
            value, encoded = _readable(key, content)
            yield {"path": entry.path, "directory": directory, "key": key, "value": value, "base64": int(encoded)}


def _attributes(context: TableContext, entry: Entry) -> list[tuple[str, bytes]]:
    """Names and values; none where the file system has no such attributes or the file vanished."""
    try:
        if entry.type == "directory":
            directory = context.target.open_directory(entry.path)
            try:
                return _read(context, directory, entry.path)
            finally:
                os.close(directory)
        with context.target.open(entry.path) as file:
            return _read(context, file.fileno(), entry.path)
    except NotRegularFileError:
        context.gap(GapReason.UNDECIDABLE, f"{entry.path}: something else took the file's place before it was read")
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENOTSUP):
            context.gap_for(error, entry.path)
    return []


def _read(context: TableContext, descriptor: int, path: str) -> list[tuple[str, bytes]]:
    contents = ((name, _content(context, descriptor, path, name)) for name in sorted(os.listxattr(descriptor)))
    return [(name, content) for name, content in contents if content is not None]


def _content(context: TableContext, descriptor: int, path: str, name: str) -> bytes | None:
    try:
        return os.getxattr(descriptor, name)
    except OSError as error:
        if error.errno != errno.ENODATA:  # removed since it was listed
            context.gap_for(error, f"{path}: {host_text.decode(os.fsencode(name))}")
        return None


def _readable(key: str, content: bytes) -> tuple[str, bool]:
    """A value as text, and whether that is Base64."""
    capabilities = capability_text(content) if key == _CAPABILITY else None
    if capabilities is not None:
        return capabilities, False
    text = content.removesuffix(b"\0")
    if len(text) < len(content) and all(0x20 <= byte < 0x7F for byte in text):
        return text.decode("ascii"), False
    return base64.b64encode(text).decode("ascii"), True


TABLE = Table(SPEC, generate)
