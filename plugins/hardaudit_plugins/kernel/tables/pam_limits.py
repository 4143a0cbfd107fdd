"""`pam_limits`: the resource limits that sessions are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.kernel.drop_ins import drop_in_files, first_existing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="pam_limits",
    description="A row for each line of limits.conf and limits.d that pam_limits understands, in the order in which it reads them.",
    source="/etc/security/limits.conf, /etc/security/limits.d/*.conf, limits.conf(5); /etc/pam.d, pam.conf(5)",
    columns=(
        Column("domain", TEXT, "Whom it limits: a user, @group, %group, a range of IDs, or * for everyone but root"),
        Column("type", TEXT, "hard, soft, or - for both"),
        Column("item", TEXT, "What is limited, such as core or nofile; NULL on a line that exempts its domain from all limits"),
        Column("value", TEXT, "The limit, in the item's unit, or unlimited; core is in KiB"),
        Column("position", INTEGER, "Place in the order of reading, from 1: of two lines for one domain and item the later counts"),
        Column("applied", INTEGER, "1 when some PAM service loads pam_limits.so with this configuration, 0 when none does"),
        Column("path", TEXT, "File that has the line"),
        Column("line", INTEGER, "Line's number, from 1"),
    ),
    examples=("SELECT domain, type, value FROM pam_limits WHERE item = 'core'",),
)

_SECURITY = ("/etc/security", "/usr/etc/security")
_SERVICES = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line with four fields, or two of which the second is `-`; pam_limits passes over all others."""
    applied = int(_is_applied(context))
    position = 0
    for path in _files(context):
        text = context.read_text(path, optional=True)
        for number, line in enumerate((text or "").split("\n"), start=1):
            context.check_deadline()
            fields = line.partition("#")[0].split(None, 4)[:4]
            if len(fields) == 4 or (len(fields) == 2 and fields[1] == "-"):
                position += 1
                domain, kind, item, value = [*fields, None, None][:4]
                yield {
                    "domain": domain,
                    "type": kind and kind.lower(),
                    "item": item and item.lower(),
                    "value": value and value.lower(),
                    "position": position,
                    "applied": applied,
                    "path": path,
                    "line": number,
                }


def _files(context: TableContext) -> list[str]:
    """The main file, the vendor's where the administrator has none, and the drop-ins by name."""
    main = first_existing(context, [f"{place}/limits.conf" for place in _SECURITY])
    return [path for path in (main, *drop_in_files(context, [f"{place}/limits.d" for place in _SECURITY])) if path]


def _is_applied(context: TableContext) -> bool:
    """Whether any PAM service has a session line that loads pam_limits.so without a configuration of its own."""
    for directory in _SERVICES:
        for name in context.list_directory(directory, optional=True):
            context.check_deadline()
            text = context.read_text(f"{directory}/{name}", optional=True)
            if text is not None and any(map(_loads_pam_limits, text.split("\n"))):
                return True
    text = context.read_text("/etc/pam.conf", optional=True)
    return text is not None and any(_loads_pam_limits(" ".join(line.split()[1:])) for line in text.split("\n"))


def _loads_pam_limits(line: str) -> bool:
    fields = line.split()
    if not fields or fields[0].removeprefix("-").lower() != "session":
        return False
    return any(field.endswith("pam_limits.so") for field in fields) and not any(field.startswith("conf=") for field in fields)


TABLE = Table(SPEC, generate)
