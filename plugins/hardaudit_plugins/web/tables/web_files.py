"""`web_files`: what lies in docroots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="web_files",
    description=(
        "Everything in the docroots and the directories that sites' URLs reach, from one walk. What files hold is looked into only where a "
        "query asks for it."
    ),
    source="The web servers' configuration, getdents64(2), fstatat(2) and the files' content; web-shell rules of this package, YARA syntax",
    columns=(
        Column("path", TEXT, "Absolute path without links, except a link itself"),
        Column("site", TEXT, "First name of the site that reaches it; of several sites each has a row"),
        Column("upload", INTEGER, "1 if it is in an upload directory", index=True),
        Column("type", TEXT, "regular, directory, symlink, fifo, socket, character or block", index=True),
        Column("mode", TEXT, "Permission bits, four octal digits"),
        Column("uid", BIGINT, "User ID of the owner"),
        Column("gid", BIGINT, "Group ID of the owner"),
        Column("size", BIGINT, "Bytes"),
        Column("mtime", BIGINT, "Last change of the content, Unix seconds"),
        Column("ctime", BIGINT, "Last change of content, owner, mode or links, Unix seconds"),
        Column("extension", TEXT, "What follows the last dot of the name, in lower case; empty without one", index=True),
        Column("web_writable", INTEGER, "1 if a user of the site (the server's or its PHP's) may write it, or create files in the directory", index=True),
        Column("sniffed_type", TEXT, "Kind of the content by its first bytes: php, html, svg, jpeg, png, gif, webp, ico, zip, gzip, sql, elf, text, data …; NULL for what is no regular file"),
        Column(
            "contains_php",
            INTEGER,
            "1 if PHP code is in the content of a file whose name says it is something else; looked for in its head and tail, and in the metadata of images; "
            "0 if not; NULL for what is no regular file or is PHP by name",
        ),
        Column("rule", TEXT, "Name of the web-shell rule that matches; of several each has a row; NULL for none. Reads the files that may hold code"),
        Column("rules", TEXT, "Directory of further YARA rules (*.yar, *.yara)", additional=True, hidden=True),
    ),
    examples=(
        "SELECT path, site FROM web_files WHERE upload = 1 AND extension = 'php'",
        "SELECT path, sniffed_type FROM web_files WHERE extension IN ('jpg', 'png', 'gif') AND contains_php = 1",
        "SELECT path, rule FROM web_files WHERE rule IS NOT NULL",
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each file and site, and each rule that matches."""
    del context
    yield from ()


TABLE = Table(SPEC, generate)
