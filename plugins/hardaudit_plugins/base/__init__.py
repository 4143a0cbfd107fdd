"""Domain `base`: which system this is, and who is asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.plugin.discover import tables_in
from hardaudit.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit.target.table import Table


@hookimpl
def hardaudit_tables() -> Iterable[Table]:
    """The domain's tables."""
    return tables_in("hardaudit_plugins.base.tables")
