"""The tables of the installed plugins, loaded once for all tests."""

from __future__ import annotations

from functools import lru_cache

from hardaudit.plugin.manager import PluginManager
from hardaudit.target.table import Table


@lru_cache(maxsize=1)
def builtin_tables() -> tuple[Table, ...]:
    """Every table of the installed plugins."""
    manager = PluginManager.of_installation()
    tables = [table for _, group in manager.contributions("hardaudit_tables") for table in group]
    assert not manager.refusals, manager.refusals
    return tuple(tables)
