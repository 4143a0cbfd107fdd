"""`kernel_info`: the running kernel and how it was started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="kernel_info",
    description="One row: the running kernel's release, and what its boot loader told it.",
    source="/proc/version, /proc/cmdline, proc(5)",
    columns=(
        Column("version", TEXT, "Kernel release, as uname -r prints it", collate="version"),
        Column("arguments", TEXT, "Kernel's arguments but for BOOT_IMAGE= and root=, separated by a space"),
        Column("path", TEXT, "Kernel's image as the boot loader names it (BOOT_IMAGE=); NULL where it does not"),
        Column("device", TEXT, "Root device (root=); NULL where there is no such argument"),
    ),
    examples=("SELECT version, arguments FROM kernel_info",),
    live_only=True,
    osquery=True,
)

_ARGUMENTS, _VERSION = "/proc/cmdline", "/proc/version"


def generate(context: TableContext) -> Iterator[Row]:
    """The row; a part that cannot be read is NULL and a gap."""
    arguments = context.read_text(_ARGUMENTS)
    yield {**(_arguments(arguments) if arguments is not None else {}), "version": _version(context)}


def _arguments(line: str) -> dict[str, str]:
    """The columns of /proc/cmdline. A BOOT_IMAGE= or root= that is repeated counts as the last."""
    row, others = {}, []
    for argument in line.split():
        if argument.startswith("BOOT_IMAGE="):
            row["path"] = argument.removeprefix("BOOT_IMAGE=")
        elif argument.startswith("root="):
            row["device"] = argument.removeprefix("root=")
        else:
            others.append(argument)
    return {**row, "arguments": " ".join(others)}


def _version(context: TableContext) -> str | None:
    text = context.read_text(_VERSION)
    if text is None:
        return None
    words = text.split()
    if len(words) < 3 or words[1] != "version":
        context.gap(GapReason.UNSUPPORTED, f"{_VERSION}: is not of the form NAME version RELEASE")
        return None
    return words[2]


TABLE = Table(SPEC, generate)
