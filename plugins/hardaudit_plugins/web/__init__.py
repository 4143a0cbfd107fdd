"""Web servers, PHP, what visitors may upload, and whether it would run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.plugin.discover import checks_in, tables_in
from hardaudit.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from hardaudit.target.table import Table


@hookimpl
def hardaudit_tables() -> list[Table]:
    """The domain's tables."""
    return tables_in("hardaudit_plugins.web.tables")


@hookimpl
def hardaudit_checks() -> list[Path]:
    """The domain's checks."""
    return checks_in("hardaudit_plugins.web.checks")
