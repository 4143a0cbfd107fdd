"""/etc/nsswitch.conf: whether accounts come from somewhere else than the files that are read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hardaudit.model.gap import GapReason
from hardaudit_plugins.accounts.lines import LineGaps, directives

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext

Database = Literal["passwd", "group", "shadow", "sudoers"]

_CONFIGURATION = "/etc/nsswitch.conf"
_LOCAL = frozenset({"files", "compat", "systemd", "mymachines"})
_USER_RECORDS = ("/etc/userdb", "/run/userdb", "/run/host/userdb", "/usr/local/lib/userdb", "/usr/lib/userdb")
_RECORD_ENDINGS: dict[str, tuple[str, ...]] = {"passwd": (".user",), "shadow": (".user", ".user-privileged"), "group": (".group",)}
_HOME_RECORDS = "/var/lib/systemd/home"


def report_other_sources(context: TableContext, database: Database) -> frozenset[str]:
    """Record a gap for each source of `database` whose entries are not read, and return the names of all its sources.

    `files` alone is the default of nsswitch.conf(5). `systemd` serves the users of running services, which matter only while these run,
    and records in files, which are a gap when there are any. `sss` is on every Red Hat system; it serves nobody until sssd is configured.
    """
    sources = _sources(context, database)
    for source in sorted(sources - _LOCAL):
        if source == "sss" and not _sssd_is_configured(context):
            continue
        context.gap(GapReason.UNSUPPORTED, f"{_CONFIGURATION}: {database} also comes from {source!r}, which is not read")
    if "systemd" in sources:
        _report_records(context, database)
    return sources


def report_sudoers_sources(context: TableContext) -> None:
    """Record a gap for each place besides files that rules of sudo come from, sudoers.ldap(5)."""
    for source in sorted(_sources(context, "sudoers") - {"files"}):
        if source != "sss" or _sssd_is_configured(context):
            context.gap(GapReason.UNSUPPORTED, f"{_CONFIGURATION}: rules of sudo also come from {source!r}, which is not read")


def _sources(context: TableContext, database: Database) -> frozenset[str]:
    """The services of a database, those of every line that names it; the actions in brackets are left out."""
    text = context.read_text(_CONFIGURATION, optional=True) or ""
    found: set[str] = set()
    gaps = LineGaps(context, _CONFIGURATION)
    for _, line in directives(context, text, gaps):
        name, colon, services = line.partition("#")[0].partition(":")
        if colon and name.strip() == database:
            found.update(_without_actions(services).split())
    gaps.close()
    return frozenset(found or {"files"})


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
