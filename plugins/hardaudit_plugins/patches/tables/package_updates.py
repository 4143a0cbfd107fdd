"""`package_updates`: newer versions of installed packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.patches.apt_freshness import SILENT_SECURITY_DAYS, STALE_DAYS
from hardaudit_plugins.patches.apt_indexes import read_state
from hardaudit_plugins.patches.apt_preferences import read_preferences
from hardaudit_plugins.patches.kernel_updates import kernel_updates
from hardaudit_plugins.patches.pending_updates import installed_packages, offers, other_updates, security_updates
from hardaudit_plugins.rpm.database import RpmDatabase
from hardaudit_plugins.rpm.header import parse_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.patches.apt_indexes import AptState
    from hardaudit_plugins.patches.pending_updates import Update

SPEC = TableSpec(
    name="package_updates",
    description=(
        "Newer versions of installed Debian packages, by the package lists on this host: of each package the newest that a security suite "
        "offers, and the one that APT would choose among the other repositories. No network is used; run apt-get update before."
    ),
    source=(
        "/var/lib/dpkg/status; the lists in /var/lib/apt/lists that sources.list(5) asks for, plain or compressed; apt_preferences(5); "
        "APT::Default-Release of apt.conf(5)"
    ),
    columns=(
        Column("name", TEXT, "Package name"),
        Column("arch", TEXT, "Architecture of the installed package"),
        Column("installed_version", TEXT, "The version that is installed", collate="version_dpkg"),
        Column("candidate_version", TEXT, "The newer version", collate="version_dpkg"),
        Column("security", INTEGER, "1 when a security suite offers it, else 0; `security = 1` reads only those suites", index=True),
        Column("held", INTEGER, "1 when the package is on hold, so that APT leaves it as it is, else 0"),
        Column("priority", INTEGER, "APT's pin priority for the newer version; it never installs one of 0 or less"),
        Column("outranked", INTEGER, "1 when by its priority APT never installs it, or prefers another repository; else 0"),
        Column("source", TEXT, "Source package of the newer version"),
        Column("origin", TEXT, "Origin of the repository that offers it, such as Debian"),
        Column("archive", TEXT, "Suite as the repository calls itself, such as stable-security"),
        Column("codename", TEXT, "Code name of the suite"),
        Column("component", TEXT, "Component; empty in a flat repository"),
        Column("uri", TEXT, "URI of the repository"),
        Column("index_path", TEXT, "The package list that has the newer version"),
    ),
    examples=(
        "SELECT name, installed_version, candidate_version FROM package_updates WHERE security = 1",
        "SELECT count(DISTINCT name) AS pending FROM package_updates WHERE held = 0",
    ),
    notes=(
        "Security updates are listed whatever pins say, since a pin does not close a hole. An update that Ubuntu phases in is "
        f"listed before its phase has come. A list that is missing, damaged, or older than {STALE_DAYS} days is a gap; so are a suite of "
        f"security updates that has published nothing for {SILENT_SECURITY_DAYS} days, and hosts of rpm packages. A kernel is listed when "
        "no package that follows its kind is installed and a security suite has a newer one of the same source under another name."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each newer version."""
    rpm = RpmDatabase(context)
    if rpm.path and next(rpm.read(parse_header), None):
        context.gap(GapReason.UNSUPPORTED, "pending updates of rpm packages cannot be told from files: ask dnf or zypper on the host")
    state = read_state(context)
    if state is None:
        return
    _note_gaps(context, state)
    try:
        yield from (_row(update) for update in _updates(context, state))
    except TimeoutError:
        context.gap(GapReason.UNDECIDABLE, "a regular expression in APT's preferences takes too long: the updates after this are not read")


def _updates(context: TableContext, state: AptState) -> Iterator[Update]:
    permits = context.constraints.permits
    preferences = read_preferences(context, state.configuration.value("APT::Default-Release", ""))
    packages = installed_packages(context, state.architecture)
    wanted = [index for index in state.indexes if index.present and (index.security or permits("security", 0))]
    offered = offers(context, packages, state.architecture, wanted)
    if permits("security", 1):
        yield from security_updates(packages, offered, preferences, state.indexes)
        yield from kernel_updates(context, packages, [index for index in wanted if index.security])
    if permits("security", 0):
        yield from other_updates(packages, offered, preferences)


def _note_gaps(context: TableContext, state: AptState) -> None:
    """Whatever keeps the lists from proving that nothing is pending."""
    permits = context.constraints.permits
    wanted = [index for index in state.indexes if index.security or permits("security", 0)]
    if not state.indexes:
        context.gap(GapReason.MISSING_SOURCE, "no repository is configured in /etc/apt/sources.list or sources.list.d")
    elif permits("security", 1) and not any(index.security for index in state.indexes):
        context.gap(GapReason.MISSING_SOURCE, "no repository of security updates is configured in /etc/apt/sources.list or sources.list.d")
    for index in wanted:
        if index.missing:
            context.gap(GapReason.MISSING_SOURCE, f"{index.path}: this package list was never fetched; run apt-get update")
        until = index.release.valid_until if index.release else None
        if index.release and until is not None and until < state.now:
            days = (state.now - until) // 86_400
            context.gap(GapReason.STALE_DATA, f"{index.release.path}: expired {days} days ago; run apt-get update")
    if state.refreshed is None:
        context.gap(GapReason.STALE_DATA, "nothing says when the package lists were last refreshed; run apt-get update")
    elif state.now - state.refreshed > STALE_DAYS * 86_400:
        days = (state.now - state.refreshed) // 86_400
        context.gap(GapReason.STALE_DATA, f"/var/lib/apt/lists: last refreshed {days} days ago; run apt-get update")
    elif permits("security", 1):
        for path, days in state.silent_security_releases().items():
            context.gap(GapReason.STALE_DATA, f"{path}: published {days} days ago: the mirror of these security updates may stand still")


def _row(update: Update) -> Row:
    package, index = update.package, update.index
    fields = index.release.fields if index.release else {}
    return {
        "name": package.name,
        "arch": package.declared,
        "installed_version": str(package.version),
        "candidate_version": str(update.offer.version),
        "security": int(update.security),
        "held": int(package.held),
        "priority": update.priority,
        "outranked": int(update.outranked),
        "source": update.offer.source,
        "origin": fields.get("origin"),
        "archive": fields.get("suite"),
        "codename": fields.get("codename"),
        "component": index.component,
        "uri": index.repository.uri,
        "index_path": index.path,
    }


TABLE = Table(SPEC, generate)
