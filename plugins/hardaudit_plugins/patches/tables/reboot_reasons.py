"""`reboot_reasons`: why this host needs a reboot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.patches.kernels import reboot_reasons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="reboot_reasons",
    description=(
        "Why updates that are installed are not in effect until this host is rebooted: a package's scripts said so, or a kernel that is "
        "newer than the running one, or a newer build of it, is installed. No row: no reason."
    ),
    source="/run/reboot-required and reboot-required.pkgs; kernel_images; uname(2)",
    columns=(
        Column("reason", TEXT, "flag_file or kernel"),
        Column("subject", TEXT, "The flag file, or the release of the kernel that waits"),
        Column("detail", TEXT, "The packages that asked for the reboot, or what is installed and what runs"),
    ),
    examples=("SELECT reason, subject, detail FROM reboot_reasons",),
    live_only=True,
    notes="Services that still use replaced libraries are not looked at; see process_open_files.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each reason."""
    uname = os.uname()
    for reason in reboot_reasons(context, uname.release, uname.version):
        yield {"reason": reason.reason, "subject": reason.subject, "detail": reason.detail}


TABLE = Table(SPEC, generate)
