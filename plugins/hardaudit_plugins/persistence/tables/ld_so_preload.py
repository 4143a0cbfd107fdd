"""`ld_so_preload`: the libraries that are loaded into every program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="ld_so_preload",
    description="A row for each library that the dynamic linker loads into every program it starts; usually none.",
    source="/etc/ld.so.preload, ld.so(8), as glibc reads it",
    columns=(
        Column("library", TEXT, "Library as it is written: a path, possibly with $LIB or $PLATFORM, or a name that is searched for"),
        Column("path", TEXT, "File that names it: /etc/ld.so.preload"),
        Column("line", INTEGER, "Line's number, from 1"),
    ),
    examples=("SELECT library, line FROM ld_so_preload",),
    notes="glibc removes only the first comment whole: of later ones it loads what is left, so what looks like a comment may be a row.",
)

_PATH = "/etc/ld.so.preload"
_NAME = re.compile(rb"[^ \t\n:]+")


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each name, in the order of loading. No file is the normal state."""
    try:
        content = context.target.read_bytes(_PATH)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        context.gap_for(error, _PATH)
        return
    line, counted = 1, 0
    for start, name in preloaded(content):
        context.check_deadline()
        line, counted = line + content.count(b"\n", counted, start), start
        yield {"library": host_text.decode(name), "path": _PATH, "line": line}


def preloaded(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Offset and name of each library that glibc loads for a file of this content.

    The text is a C string: nothing after a NUL is seen, but for the last name of a file that does not end with a separator, which glibc
    takes by itself.
    """
    text = _without_comments(content)
    end = 1 + max(text.rfind(separator) for separator in (b" ", b"\t", b"\n", b":"))
    nul = text.find(b"\0", 0, end)
    for match in _NAME.finditer(text, 0, end if nul < 0 else nul):
        yield match.start(), match[0]
    name = text[end:].partition(b"\0")[0]
    if name:
        yield end, name


def _without_comments(content: bytes) -> bytes:
    """The content with spaces for the comments, as far as glibc gets.

    Its search for the next `#` starts at the beginning of the file each time, and looks at only as many bytes as are left after the
    comments so far: later comments are blanked in part or not at all.
    """
    text = bytearray(content)
    left = len(text)
    while left > 0:
        place = text.find(b"#", 0, left)
        if place < 0:
            break
        end = text.find(b"\n", place + 1, left)
        end = left if end < 0 else end
        text[place:end] = b" " * (end - place)
        left -= end
    return bytes(text)


TABLE = Table(SPEC, generate)
