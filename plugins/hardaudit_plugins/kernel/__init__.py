"""Domain `kernel`: the running kernel, its settings, and how hard it makes an attacker's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.plugin.discover import checks_in, tables_in
from hardaudit.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hardaudit.target.table import Table


@hookimpl
def hardaudit_tables() -> Iterable[Table]:
    """The domain's tables."""
    return tables_in("hardaudit_plugins.kernel.tables")


@hookimpl
def hardaudit_checks() -> Iterable[Path]:
    """The domain's checks."""
    return checks_in("hardaudit_plugins.kernel.checks")
