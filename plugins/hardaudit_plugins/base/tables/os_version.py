"""`os_version`: which distribution and release this is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.base.machine import architecture_of_programs
from hardaudit_plugins.base.os_release import defaults, os_release_fields, release_file_fields, typed
from hardaudit_plugins.namespaces import MOUNT_NAMESPACE_ID, PID_WITH_NAMESPACE, own_namespace_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="os_version",
    description="One row: the distribution's name, release and code name, as the system's own release files give them.",
    source="/etc/os-release or /usr/lib/os-release, os-release(5); /etc/oracle-release, /etc/redhat-release, /etc/gentoo-release; uname(2)",
    columns=(
        Column("name", TEXT, "Distribution's name, such as Debian GNU/Linux"),
        Column("version", TEXT, "Release as the distribution writes it, such as 12 (bookworm)", collate="version"),
        Column("major", INTEGER, "First number of the release; 0 where it has none"),
        Column("minor", INTEGER, "Second number of the release; 0 where it has none"),
        Column("patch", INTEGER, "Third number of the release; 0 where it has none"),
        Column("build", TEXT, "Image or build identifier (BUILD_ID)"),
        Column("platform", TEXT, "Distribution's identifier (ID), such as debian"),
        Column("platform_like", TEXT, "Identifiers of the distributions it is derived from (ID_LIKE), separated by spaces"),
        Column("codename", TEXT, "Release's code name, such as bookworm"),
        Column("arch", TEXT, "Machine architecture as uname -m names it; below a root directory, what its programs are for"),
        PID_WITH_NAMESPACE,
        MOUNT_NAMESPACE_ID,
    ),
    examples=("SELECT name, version, platform, codename FROM os_version WHERE platform = 'debian'",),
    osquery=True,
    notes="/usr/lib/os-release is read where /etc/os-release is missing. Where no release file can be read there is no row and a gap; "
    "osquery returns a row named Unknown.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """The row, or a gap where no release file says what this is."""
    if not own_namespace_only(context):
        return
    release = _os_release(context)
    older = _older_release(context)
    if release is None and older is None:
        context.gap(GapReason.MISSING_SOURCE, "/etc/os-release: no release file can be read, so the distribution is not known")
        return
    fields = defaults() | os_release_fields(release or "") | (older or {})
    if older and not fields["platform"] and "centos" in fields["name"].lower():
        fields["platform"] = "centos"
    yield typed(fields) | {"arch": _architecture(context), "pid_with_namespace": 0, "mount_namespace_id": ""}


def _os_release(context: TableContext) -> str | None:
    """The text of os-release; the vendor's copy counts only where the first is missing, not where it cannot be read."""
    path = "/etc/os-release"
    try:
        return context.target.read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        return context.read_text("/usr/lib/os-release", optional=True)
    except OSError as error:
        context.gap_for(error, path)
        return None


def _older_release(context: TableContext) -> dict[str, str] | None:
    """Values of a release file from before os-release(5), which prevail. Oracle's stands beside a redhat-release and keeps the platform."""
    oracle = context.read_text("/etc/oracle-release", optional=True)
    if oracle is not None:
        return release_file_fields(oracle)
    for distribution, path in (("rhel", "/etc/redhat-release"), ("gentoo", "/etc/gentoo-release")):
        content = context.read_text(path, optional=True)
        if content is not None:
            return {"platform": distribution, "platform_like": distribution} | release_file_fields(content)
    return None


def _architecture(context: TableContext) -> str | None:
    if context.target.live:
        return os.uname().machine
    machine = architecture_of_programs(context.target)
    if machine is None and "arch" in context.columns_used:
        context.gap(GapReason.UNDECIDABLE, "/bin/sh: no program below the root tells which architecture it is for")
    return machine


TABLE = Table(SPEC, generate)
