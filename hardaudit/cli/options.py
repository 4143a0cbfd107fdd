"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hardaudit.target.target import Target

root_option = click.option(
    "--root",
    metavar="DIR",
    help="Audit the system whose root is DIR, a mounted disk or unpacked image, instead of this host; nothing of this host is read.",
)


def target_of(root: str | None) -> Target:
    """The target that `--root` names. Raises TargetError when it cannot be opened."""
    from hardaudit.target.target import Target  # noqa: PLC0415 not needed for --help

    return Target.live_host() if root is None else Target.directory(root)
