"""`kernel_modules`: what is loaded into the running kernel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="kernel_modules",
    description="A row for each module that is loaded into the running kernel.",
    source="/proc/modules, proc(5)",
    columns=(
        Column("name", TEXT, "Module's name"),
        Column("size", BIGINT, "Memory that it takes, in bytes"),
        Column("used_by", TEXT, "Modules that depend on it, separated by commas; - for none"),
        Column("status", TEXT, "Live, Loading or Unloading"),
        Column("address", TEXT, "Where it is loaded; zeros where kernel.kptr_restrict hides it"),
    ),
    examples=("SELECT name, size FROM kernel_modules WHERE status = 'Live'",),
    live_only=True,
    osquery=True,
)

_PATH = "/proc/modules"
_LINE = re.compile(r"(\S+) ([0-9]{1,18}) \S+ (\S+) (\S+) (\S+)(?: .*)?")


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line; a kernel built without modules has no /proc/modules, and that is no gap."""
    text = context.read_text(_PATH, optional=_is_built_without_modules(context))
    for number, line in enumerate((text or "").split("\n"), start=1):
        context.check_deadline()
        if not line:
            continue
        module = _LINE.fullmatch(line)
        if module is None:
            context.gap(GapReason.UNSUPPORTED, f"{_PATH}:{number}: is not a module's line")
            continue
        name, size, users, status, address = module.groups()
        yield {"name": name, "size": int(size), "used_by": users.removesuffix(","), "status": status, "address": address}


def _is_built_without_modules(context: TableContext) -> bool:
    """Every kernel with modules has the setting kernel.modules_disabled."""
    settings = context.list_directory("/proc/sys/kernel")
    return bool(settings) and "modules_disabled" not in settings


TABLE = Table(SPEC, generate)
