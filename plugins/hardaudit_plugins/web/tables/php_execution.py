"""`php_execution`: would an uploaded file run as PHP?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.web.docroots import docroots_of
from hardaudit_plugins.web.execution import STANDARD_NAMES, Execution, named_or_uploads, undecided_gap, ways_to
from hardaudit_plugins.web.servers import servers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row, Value
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.web.execution import Way

SPEC = TableSpec(
    name="php_execution",
    description=(
        "For a directory and the name of a file put into it: whether a request makes PHP run the file, through each site and URL that "
        "reaches the directory. Without a directory in the query, each upload directory; without a name, the standard names."
    ),
    source="The configuration of Apache (with .htaccess files), nginx and PHP-FPM, evaluated as the servers do; nothing is requested",
    columns=(
        Column("server", TEXT, "apache or nginx; NULL where no site reaches the directory"),
        Column("site", TEXT, "First name of the site; NULL where no site reaches the directory"),
        Column("url", TEXT, "Path of the request; NULL where no site reaches the directory"),
        Column("directory", TEXT, "Directory into which the file is put", additional=True),
        Column(
            "file_name",
            TEXT,
            "Name of the file. x.jpg/a.php: x.jpg holds the code, the request appends /a.php; sub/x.php: in a directory sub; .htaccess: "
            "whether an uploaded .htaccess makes PHP run for a name that does not run without it",
            additional=True,
        ),
        Column("executes", INTEGER, "1 if PHP runs the file, 0 if not, NULL where it cannot be decided, which is a gap too"),
        Column("handler", TEXT, "What runs it or would: mod_php, fpm and the address, cgi and the program; NULL for none"),
        Column("reason", TEXT, "Why, in a sentence"),
        Column("config_path", TEXT, "File of the line that decides; NULL where no line does"),
        Column("config_line", INTEGER, "That line, from 1"),
        Column(
            "crafted",
            INTEGER,
            "1 asks whether any request does it, whose sender chooses method, headers and query string, and whether any .htaccess does, "
            "protections taken back; by default a plain GET is meant, and the usual texts of a .htaccess",
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
    docroots = docroots_of(context)
    if docroots is None:
        return
    servers = servers_of(context)
    asked_for = context.constraints.integers("crafted")
    for asked in [None] if asked_for is None else asked_for:
        execution = Execution(context.target, servers.fpm, servers.sites, crafted=bool(asked), check_deadline=context.check_deadline)
        for directory in named_or_uploads(context):
            ways = ways_to(context, docroots, directory)
            for file_name in context.constraints.texts("file_name") or STANDARD_NAMES:
                rows = list(_rows(context, execution, directory, file_name, ways))
                for row in rows or [_unreached(directory, file_name, is_complete=servers.evidence.is_complete)]:
                    yield {**row, "crafted": asked}


def _rows(context: TableContext, execution: Execution, directory: str, file_name: str, ways: list[Way]) -> Iterator[dict[str, Value]]:
    for way in ways:
        context.check_deadline()
        answer = execution.answer(way, file_name)
        if answer is None:
            continue
        undecided_gap(context, answer, way.site)
        verdict = answer.verdict
        yield {
            "server": way.site.server,
            "site": way.site.name,
            "url": answer.url,
            "directory": directory,
            "file_name": file_name,
            "executes": None if verdict.executes is None else int(verdict.executes),
            "handler": verdict.handler,
            "reason": verdict.reason,
            "config_path": verdict.place.path if verdict.place else None,
            "config_line": verdict.place.line if verdict.place else None,
        }


def _unreached(directory: str, file_name: str, *, is_complete: bool) -> dict[str, Value]:
    reason = (
        "no URL of any site reaches the directory"
        if is_complete
        else "no URL that is known reaches the directory, and not all could be read"
    )
    return {"directory": directory, "file_name": file_name, "executes": 0 if is_complete else None, "reason": reason}


TABLE = Table(SPEC, generate)
