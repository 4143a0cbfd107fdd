"""/etc/nsswitch.conf: whether accounts come from somewhere else than the files that are read here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.nsswitch import CONFIGURATION, other_sources, sources

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.nsswitch import Database

_USER_RECORDS = ("/etc/userdb", "/run/userdb", "/run/host/userdb", "/usr/local/lib/userdb", "/usr/lib/userdb")
_RECORD_ENDINGS: dict[str, tuple[str, ...]] = {"passwd": (".user",), "shadow": (".user", ".user-privileged"), "group": (".group",)}
_HOME_RECORDS = "/var/lib/systemd/home"


def report_other_sources(context: TableContext, database: Database) -> frozenset[str]:
    """Record a gap for each source of `database` whose entries are not read, and return the names of all its sources.

    `systemd` serves the users of running services, which matter only while these run, and records in files, which are a gap when there
    are any.
    """
    named = sources(context, database)
    for source in sorted(other_sources(context, database)):
        context.gap(GapReason.UNSUPPORTED, f"{CONFIGURATION}: {database} also comes from {source!r}, which is not read")
    if "systemd" in named:
        _report_records(context, database)
    return named


def report_sudoers_sources(context: TableContext) -> None:
    """Record a gap for each place besides files that rules of sudo come from, sudoers.ldap(5)."""
    for source in sorted(other_sources(context, "sudoers")):
        context.gap(GapReason.UNSUPPORTED, f"{CONFIGURATION}: rules of sudo also come from {source!r}, which is not read")


def _report_records(context: TableContext, database: Database) -> None:
    """systemd-userdbd(8) and systemd-homed(8) make accounts of JSON records in these directories."""
    endings = _RECORD_ENDINGS[database]
    for directory in _USER_RECORDS:
        for name in context.list_directory(directory, optional=True):
            if name.endswith(endings):
                context.gap(GapReason.UNSUPPORTED, f"{directory}/{name}: a record of systemd, which is not read, adds to {database}")
                break
    if any(name.endswith(".identity") for name in context.list_directory(_HOME_RECORDS, optional=True)):
        context.gap(GapReason.UNSUPPORTED, f"{_HOME_RECORDS}: accounts of systemd-homed, which are not read, add to {database}")
