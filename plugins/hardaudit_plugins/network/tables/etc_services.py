"""`etc_services`: names of ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.base.osquery_values import split
from hardaudit_plugins.network import name_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

_PATH = "/etc/services"

SPEC = TableSpec(
    name="etc_services",
    description="Names of services, with the port and protocol that each is meant for.",
    source="/etc/services, services(5)",
    columns=(
        Column("name", TEXT, "Name of the service"),
        Column("port", INTEGER, "Port"),
        Column("protocol", TEXT, "Protocol: tcp, udp, sctp …"),
        Column("aliases", TEXT, "Other names, separated by a space"),
        Column("comment", TEXT, "Comment of the line; NULL without one"),
    ),
    examples=("SELECT name, protocol FROM etc_services WHERE port = 22",),
    osquery=True,
    notes="A line that is no `name port/protocol` is left out as in osquery, and is a gap.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line with a name, port and protocol."""
    for line, fields, comment in name_files.entries(context, _PATH):
        port_and_protocol = split(fields[1], "/") if len(fields) > 1 else []
        if len(port_and_protocol) != 2:
            context.gap(GapReason.UNDECIDABLE, f"{_PATH}:{line}: not of the form `name port/protocol`")
            continue
        yield {
            "name": fields[0],
            "port": name_files.number(context, port_and_protocol[0], f"{_PATH}:{line}"),
            "protocol": port_and_protocol[1],
            "aliases": " ".join(fields[2:]),
            "comment": comment,
        }


TABLE = Table(SPEC, generate)
