"""Accounts: users, groups, passwords, sudo, SSH keys, and the settings that govern logins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.plugin.discover import checks_in, tables_in
from hardaudit.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from hardaudit.target.table import Table


@hookimpl
def hardaudit_tables() -> list[Table]:
    """The tables of this domain."""
    return tables_in("hardaudit_plugins.accounts.tables")


@hookimpl
def hardaudit_checks() -> list[Path]:
    """The checks of this domain."""
    return checks_in("hardaudit_plugins.accounts.checks")
