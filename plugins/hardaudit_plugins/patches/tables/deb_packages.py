"""`deb_packages`: the packages that dpkg knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.namespaces import MOUNT_NAMESPACE_ID, PID_WITH_NAMESPACE, own_namespace_only
from hardaudit_plugins.patches.dpkg_status import ADMINDIR, read_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="deb_packages",
    description="The packages that dpkg knows: installed, half-installed, or removed with their configuration left behind.",
    source="/var/lib/dpkg/status and the journal /var/lib/dpkg/updates, dpkg(1), dpkg-query(1)",
    columns=(
        Column("name", TEXT, "Package name, without the architecture"),
        Column("version", TEXT, "Version with epoch and revision, deb-version(7)", collate="version_dpkg"),
        Column("source", TEXT, "Source package, with its version in parentheses where it differs; empty when named like the package"),
        Column("size", BIGINT, "Installed size in KiB as the package declares it; NULL when it declares none"),
        Column("arch", TEXT, "Architecture, `all` for one that runs on every one"),
        Column("revision", TEXT, "The version's part after its last hyphen: the distribution's revision; empty for a native package"),
        Column("status", TEXT, "What is wanted, the error flag and the state, such as `install ok installed`"),
        Column("maintainer", TEXT, "Name and address of the maintainer"),
        Column("section", TEXT, "Section of the archive"),
        Column("priority", TEXT, "Priority: required, important, standard, optional, extra; `unknown` when there is none"),
        Column("admindir", TEXT, "dpkg's administrative directory; a constraint reads another one", additional=True),
        PID_WITH_NAMESPACE,
        MOUNT_NAMESPACE_ID,
    ),
    examples=(
        "SELECT name, version FROM deb_packages WHERE status = 'install ok installed'",
        "SELECT name, status FROM deb_packages WHERE status NOT LIKE '% ok installed'",
    ),
    osquery=True,
    notes=(
        "A status file that is cut, or a paragraph that dpkg would refuse, is a gap beside the packages that could be read; "
        "osquery returns none then."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each package in each administrative directory that is asked for."""
    if not own_namespace_only(context):
        return
    for admindir in context.constraints.texts("admindir") or [ADMINDIR]:
        for package in read_packages(context, admindir):
            size = package.installed_size or ""
            yield {
                "name": package.name,
                "version": package.version,
                "source": package.source or "",
                "size": int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None,
                "arch": package.arch,
                "revision": package.revision,
                "status": package.status,
                "maintainer": package.maintainer or "",
                "section": package.section or "",
                "priority": package.priority,
                "admindir": admindir,
                "pid_with_namespace": 0,
                "mount_namespace_id": "",
            }


TABLE = Table(SPEC, generate)
