"""Network: listening sockets and the processes behind them, addresses, packet filters, and the static name files."""

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
    """The tables of this domain."""
    return tables_in("hardaudit_plugins.network.tables")


@hookimpl
def hardaudit_checks() -> Iterable[Path]:
    """The checks of this domain."""
    return checks_in("hardaudit_plugins.network.checks")
