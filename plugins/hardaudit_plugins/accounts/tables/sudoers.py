"""`sudoers`: who may do what with sudo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.name_service import report_sudoers_sources
from hardaudit_plugins.accounts.sudo_files import rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="sudoers",
    description="Rules, aliases and settings of sudo, a row a line, those of included files after the line that includes them.",
    source="/etc/sudoers and what it includes, sudoers(5); /etc/nsswitch.conf for rules that come from elsewhere",
    columns=(
        Column("source", TEXT, "File with the line"),
        Column("header", TEXT, "First word: a user, a %group, #uid, Defaults, an alias' kind, @includedir"),
        Column("rule_details", TEXT, "The rest of the line, comments included; long lines are joined"),
    ),
    examples=("SELECT source, header, rule_details FROM sudoers WHERE rule_details LIKE '%NOPASSWD%'",),
    osquery=True,
    notes=(
        "A rule for a user ID (#1000) has a row; osquery takes it for a comment. Files beyond the 128th of a directory have rows. "
        "A missing included file, includes that never end and a line that is no rule are gaps."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line that is not a comment."""
    report_sudoers_sources(context)
    for rule in rules(context):
        yield {"source": rule.source, "header": rule.line.header, "rule_details": rule.line.rest}


TABLE = Table(SPEC, generate)
