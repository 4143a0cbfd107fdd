"""`kernel_images`: the installed kernels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.patches.kernels import installed_kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="kernel_images",
    description="The kernels that are installed on this host. A container, and a machine whose kernel comes from outside, has none.",
    source="/boot/vmlinuz-RELEASE, /lib/modules/RELEASE/vmlinuz; /var/lib/dpkg/status; uname(2)",
    columns=(
        Column("release", TEXT, "Kernel release as uname -r prints it"),
        Column("path", TEXT, "The image"),
        Column("package", TEXT, "Debian package that brought it; NULL when none did"),
        Column("package_version", TEXT, "Version of that package", collate="version_dpkg"),
        Column("flavour", TEXT, "What sets the kernel apart from others of its age, without numbers: -amd, -cloud-amd, -generic"),
        Column("newest", INTEGER, "1 for the newest of its flavour, else 0"),
        Column("running", INTEGER, "1 for the kernel that runs, 0 for the others, NULL on a root directory"),
    ),
    examples=("SELECT release, running FROM kernel_images WHERE newest = 1",),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each installed kernel."""
    running = os.uname().release if context.target.live else None
    kernels = installed_kernels(context)
    newest = {kernel.flavour: kernel.release for kernel in kernels}  # the last of each flavour
    for kernel in kernels:
        yield {
            "release": kernel.release,
            "path": kernel.path,
            "package": kernel.package,
            "package_version": kernel.package_version,
            "flavour": kernel.flavour,
            "newest": int(newest[kernel.flavour] == kernel.release),
            "running": None if running is None else int(kernel.release == running),
        }


TABLE = Table(SPEC, generate)
