"""`php_execution`: would an uploaded file run as PHP?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="php_execution",
    description=(
        "For a directory and the name of a file put into it: whether a request makes PHP run the file, through each site and URL that "
        "reaches the directory. Without a directory in the query, each upload directory; without a name, the standard names."
    ),
    source="The configuration of Apache (with .htaccess files), nginx and PHP-FPM, evaluated as the servers do; nothing is requested or run",
    columns=(
        Column("server", TEXT, "apache or nginx; NULL where no site reaches the directory"),
        Column("site", TEXT, "First name of the site; NULL where no site reaches the directory"),
        Column("url", TEXT, "Path of the request; NULL where no site reaches the directory"),
        Column("directory", TEXT, "Directory into which the file is put", index=True),
        Column(
            "file_name",
            TEXT,
            "Name of the file. x.jpg/a.php: x.jpg holds the code, the request appends /a.php; sub/x.php: in a directory sub; .htaccess: "
            "whether an uploaded .htaccess makes PHP run for a name that does not run without it",
            index=True,
        ),
        Column("executes", INTEGER, "1 if PHP runs the file, 0 if not, NULL where it cannot be decided, which is a gap too"),
        Column("handler", TEXT, "What runs it or would: mod_php, fpm and the address, cgi and the program; NULL for none"),
        Column("reason", TEXT, "Why, in a sentence"),
        Column("config_path", TEXT, "File of the line that decides; NULL where no line does"),
        Column("config_line", INTEGER, "That line, from 1"),
        Column(
            "crafted",
            INTEGER,
            "1 asks whether any request does it, whose sender chooses method, headers and query string; by default a plain GET is meant",
            additional=True,
            hidden=True,
        ),
    ),
    examples=(
        "SELECT site, url, directory, file_name, handler FROM php_execution WHERE executes = 1",
        "SELECT executes, reason FROM php_execution WHERE directory = '/var/www/shop/images' AND file_name = 'photo.php.jpg'",
        "SELECT url, reason FROM php_execution WHERE directory = '/var/www/shop/images' AND crafted = 1 AND executes = 1",
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each directory, name, site and URL."""
    del context
    yield from ()


TABLE = Table(SPEC, generate)
