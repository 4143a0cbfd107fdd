"""The policies that come with hardaudit: a YAML file each, named after the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.plugin.discover import policies_in
from hardaudit.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@hookimpl
def hardaudit_policies() -> Iterable[Path]:
    """The files beside this one."""
    return policies_in(__name__)
