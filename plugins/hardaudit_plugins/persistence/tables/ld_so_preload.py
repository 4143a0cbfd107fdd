"""`ld_so_preload`: the libraries that are loaded into every program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="ld_so_preload",
    description="A row for each library that the dynamic linker loads into every program it starts; usually none.",
    source="/etc/ld.so.preload, ld.so(8)",
    columns=(
        Column("library", TEXT, "Library as it is written: a path, possibly with $LIB or $PLATFORM, or a name that is searched for"),
        Column("path", TEXT, "File that names it: /etc/ld.so.preload"),
        Column("line", INTEGER, "Line's number, from 1"),
    ),
    examples=("SELECT library, line FROM ld_so_preload",),
)

_PATH = "/etc/ld.so.preload"


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each name; blanks and colons separate, `#` starts a comment. No file is the normal state."""
    text = context.read_text(_PATH, optional=True)
    for number, line in enumerate((text or "").split("\n"), start=1):
        context.check_deadline()
        names = line.partition("#")[0].replace(":", " ").replace("\t", " ")
        for library in names.split(" "):
            if library:
                yield {"library": library, "path": _PATH, "line": number}


TABLE = Table(SPEC, generate)
