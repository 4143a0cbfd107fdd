"""nsswitch.conf(5): where users, groups and the rules of sudo come from besides the files that tables read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext

Database = Literal["passwd", "group", "shadow", "sudoers"]

CONFIGURATION = "/etc/nsswitch.conf"

_LINE = re.compile(r"^[ \t\v\f\r]*(passwd|group|shadow|sudoers)[ \t\v\f\r:]+([^\n]*)", re.MULTILINE)
_LONGEST_LINE = 16_384  # characters; nobody writes longer ones
_MOST_SOURCES = 100
_READ_HERE = frozenset({"files", "compat", "systemd", "mymachines"})


def sources(context: TableContext, database: Database) -> frozenset[str]:
    """The services of a database, those of every line that names it. `files` alone is the default.

    The C library takes blanks for the colon, and since glibc 2.33 it reads on after a `#`: what follows are services too. Not so sudo.
    """
    found: set[str] = set()
    for match in _LINE.finditer(context.read_text(CONFIGURATION, optional=True) or ""):
        context.check_deadline()
        name, services = match.groups()
        if name != database:
            continue
        if len(services) > _LONGEST_LINE or len(found) > _MOST_SOURCES:
            context.gap(GapReason.TRUNCATED, f"{CONFIGURATION}: more sources of {database} than anybody writes; not all are read")
            break
        if name == "sudoers":
            services = services.partition("#")[0]
        found.update(_without_actions(services).replace("#", " ").split())
    return frozenset(found or {"files"})


def other_sources(context: TableContext, database: Database) -> frozenset[str]:
    """The services of a database that may have entries which no table shows.

    `systemd` and `mymachines` serve what runs at the moment; records in files, which `systemd` serves too, are not looked for here. `sss`
    is on every Red Hat system; it serves nobody until sssd is configured.
    """
    read_here = frozenset({"files"}) if database == "sudoers" else _READ_HERE
    others = sources(context, database) - read_here
    return others if "sss" not in others or _sssd_is_configured(context) else others - {"sss"}


def _without_actions(services: str) -> str:
    """`files [NOTFOUND=return] ldap` without what is in brackets."""
    parts = services.split("[")
    return parts[0] + " ".join(part.partition("]")[2] for part in parts[1:])


def _sssd_is_configured(context: TableContext) -> bool:
    """Whether sssd has a configuration; without one it does not start. A place that may not be looked into counts as one."""
    try:
        if context.target.exists("/etc/sssd/sssd.conf"):
            return True
        return any(name.endswith(".conf") for name in context.target.list_directory("/etc/sssd/conf.d"))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
