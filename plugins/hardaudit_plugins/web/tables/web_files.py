"""`web_files`: what lies in docroots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.web.docroots import docroots_of
from hardaudit_plugins.web.file_rows import file_rows

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
        Column(
            "upload",
            INTEGER,
            "1 if its directory is one that a user of a site may write, or is at or below one that a content management system uploads "
            "into",
            index=True,
        ),
        Column("type", TEXT, "regular, directory, symlink, fifo, socket, character or block", index=True),
        Column("mode", TEXT, "Permission bits, four octal digits"),
        Column("uid", BIGINT, "User ID of the owner"),
        Column("gid", BIGINT, "Group ID of the owner"),
        Column("size", BIGINT, "Bytes"),
        Column("mtime", BIGINT, "Last change of the content, Unix seconds"),
        Column("ctime", BIGINT, "Last change of content, owner, mode or links, Unix seconds"),
        Column(
            "extension",
            TEXT,
            "What follows the last dot of the name, in lower case; empty without one; of .htaccess and the like all but the dot",
            index=True,
            additional=True,
        ),
        Column(
            "web_writable",
            INTEGER,
            "1 if a user of the site (the server's or its PHP's) may write it, or create files in the directory; root is not counted",
            index=True,
        ),
        Column(
            "sniffed_type",
            TEXT,
            "Kind of the content by its first 4 KiB: php, html, svg, xml, script, jpeg, png, gif, webp, ico, bmp, pdf, zip, gzip, bzip2, "
            "xz, zstd, 7z, rar, tar, elf, sqlite, sql, text, data, empty; NULL for what is no regular file or could not be read",
        ),
        Column(
            "contains_php",
            INTEGER,
            "1 if PHP code is in the content of a file whose name says it is something else; 0 if not; NULL for what is no regular file, "
            "is PHP by name, or could not be read",
            index=True,
        ),
        Column(
            "rule",
            TEXT,
            "Name of the web-shell rule that matches; of several each has a row; NULL for none. Ask with rule > '', which makes no row "
            "for the files that match none",
            index=True,
            ranges=True,
        ),
        Column("rules", TEXT, "Directory of further YARA rules (*.yar, *.yara)", additional=True, hidden=True),
    ),
    examples=(
        "SELECT path, site FROM web_files WHERE upload = 1 AND extension = 'php'",
        "SELECT path, sniffed_type FROM web_files WHERE extension IN ('jpg', 'png', 'gif') AND contains_php = 1",
        "SELECT path, rule FROM web_files WHERE rule > ''",
    ),
    notes=(
        "PHP by name is what ends in php, php3 to php8, phtml, pht, phar or phps; inc is not, as servers hand such files out. Code is "
        "looked for in the first and the last 64 KiB of a file, in the first 1 MiB of texts, SVG and icons, and in the comments, Exif and "
        "XMP of JPEG, PNG (inflated) and WebP. Web-shell rules are held against the first and last 8 MiB of files that are PHP or other "
        "code by name, of .htaccess and .user.ini, and of any other file that has PHP in it. Further rules are files on the machine that "
        "audits: a directory, given by its absolute path, that only root can change; they may use the variables filename, filepath and "
        "extension. A query that asks for contains_php = 1 or rule > '' makes rows only of what was found."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each file and site, and each rule that matches."""
    docroots = docroots_of(context)
    if docroots is None:
        return
    asked_for = context.constraints.texts("rules")
    for asked in [None] if asked_for is None else asked_for:
        for row in file_rows(context, docroots, asked):
            row["rules"] = asked
            yield row


TABLE = Table(SPEC, generate)
