"""`etc_protocols`: names of the protocols above IP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.network import name_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

_PATH = "/etc/protocols"

SPEC = TableSpec(
    name="etc_protocols",
    description="Names of IP protocols and their numbers.",
    source="/etc/protocols, protocols(5)",
    columns=(
        Column("name", TEXT, "Name of the protocol"),
        Column("number", INTEGER, "Number of the protocol, in an IP header"),
        Column("alias", TEXT, "Another name, the first if there are several; NULL without one"),
        Column("comment", TEXT, "Comment of the line; NULL without one"),
    ),
    examples=("SELECT name FROM etc_protocols WHERE number = 6",),
    osquery=True,
    notes="A line without a number is left out as in osquery, and is a gap.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line with a name and a number."""
    for line, fields, comment in name_files.entries(context, _PATH):
        if len(fields) < 2:
            context.gap(GapReason.UNDECIDABLE, f"{_PATH}:{line}: not of the form `name number`")
            continue
        yield {
            "name": fields[0],
            "number": name_files.number(context, fields[1], f"{_PATH}:{line}"),
            "alias": fields[2] if len(fields) > 2 else None,
            "comment": comment,
        }


TABLE = Table(SPEC, generate)
