"""`rpm_packages`: the packages that rpm installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.namespaces import MOUNT_NAMESPACE_ID, PID_WITH_NAMESPACE, own_namespace_only
from hardaudit_plugins.rpm import header as rpm_header
from hardaudit_plugins.rpm.database import RpmDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.rpm.header import RpmHeader

SPEC = TableSpec(
    name="rpm_packages",
    description="The packages that rpm installed.",
    source="rpmdb.sqlite in /usr/lib/sysimage/rpm, /var/lib/rpm or /usr/share/rpm, rpm(8)",
    columns=(
        Column("name", TEXT, "Package name", index=True),
        Column("version", TEXT, "Version, without epoch and release", index=True, collate="version_rhel"),
        Column("release", TEXT, "Release: the distribution's revision of the version", index=True),
        Column("source", TEXT, "File name of the source package"),
        Column("size", BIGINT, "Installed size in bytes"),
        Column("sha1", TEXT, "SHA-1 of the package's header, in hexadecimal", collate="nocase"),
        Column("arch", TEXT, "Architecture, `noarch` for one that runs on every one", index=True),
        Column("epoch", INTEGER, "Epoch; NULL when the package has none, which counts as 0", index=True),
        Column("install_time", INTEGER, "When it was installed, Unix seconds"),
        Column("vendor", TEXT, "Who built it"),
        Column("package_group", TEXT, "Group that the package declares"),
        PID_WITH_NAMESPACE,
        MOUNT_NAMESPACE_ID,
    ),
    examples=("SELECT name, version, release FROM rpm_packages WHERE name = 'openssl'",),
    osquery=True,
    notes="Databases of the older kinds, Berkeley DB and ndb, are a gap; so is a host without any rpm database.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each installed package."""
    if own_namespace_only(context):
        for header in RpmDatabase(context).read(rpm_header.parse_header):
            yield _row(header)


def _row(header: RpmHeader) -> Row:
    texts, numbers = header.texts, header.numbers
    size = numbers.get(rpm_header.SIZE, numbers.get(rpm_header.LONGSIZE))
    return {
        "name": texts.get(rpm_header.NAME, ""),
        "version": texts.get(rpm_header.VERSION, ""),
        "release": texts.get(rpm_header.RELEASE, ""),
        "source": texts.get(rpm_header.SOURCERPM, ""),
        "size": None if size is None or size >= 2**63 else size,
        "sha1": texts.get(rpm_header.SHA1HEADER, ""),
        "arch": texts.get(rpm_header.ARCH, ""),
        "epoch": numbers.get(rpm_header.EPOCH),
        "install_time": numbers.get(rpm_header.INSTALLTIME),
        "vendor": texts.get(rpm_header.VENDOR, ""),
        "package_group": texts.get(rpm_header.GROUP, ""),
        "pid_with_namespace": 0,
        "mount_namespace_id": "",
    }


TABLE = Table(SPEC, generate)
