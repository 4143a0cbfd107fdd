"""`etc_hosts`: names with a static address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.base.osquery_values import strip
from hardaudit_plugins.namespaces import PID_WITH_NAMESPACE, own_namespace_only
from hardaudit_plugins.network import name_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="etc_hosts",
    description="Host names with a static address, which by default win over the name server.",
    source="/etc/hosts, hosts(5)",
    columns=(
        Column("address", TEXT, "IP address as written"),
        Column("hostnames", TEXT, "Names of the address, separated by a space; NULL when the line ends after the address"),
        PID_WITH_NAMESPACE,
    ),
    examples=("SELECT hostnames FROM etc_hosts WHERE address = '127.0.0.1'",),
    osquery=True,
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line with an address; an address may have several."""
    if not own_namespace_only(context):
        return
    for line in (context.read_text("/etc/hosts") or "").split("\n"):
        context.check_deadline()
        fields = name_files.fields(strip(line))
        if fields and not fields[0].startswith("#"):
            yield {"address": fields[0], "hostnames": _names(fields[1:]), "pid_with_namespace": 0}


def _names(fields: list[str]) -> str | None:
    names = []
    for field in fields:
        if field.startswith("#"):
            break
        names.append(field)
    return " ".join(names) if fields else None


TABLE = Table(SPEC, generate)
