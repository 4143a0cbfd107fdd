"""`web_settings`: what a site's configuration comes to where the checks ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.web.docroots import docroots_of
from hardaudit_plugins.web.execution import ways_of
from hardaudit_plugins.web.servers import servers_of
from hardaudit_plugins.web.site import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.web.site import Site

SPEC = TableSpec(
    name="web_settings",
    description=(
        "The effective value of settings that matter for hardening, in words that are the same for Apache and nginx, for each site and, "
        "of those that differ by directory, for the document root and each upload directory."
    ),
    source="The configuration of Apache (with .htaccess files) and nginx, merged as the servers do; their compiled defaults",
    columns=(
        Column("server", TEXT, "apache or nginx"),
        Column("site", TEXT, "First name of the site"),
        Column("url", TEXT, "URL prefix for which the value holds; empty for the whole site"),
        Column("directory", TEXT, "Directory for which the value holds; empty for the whole site"),
        Column(
            "name",
            TEXT,
            "worker_user and worker_group (whom requests are served as; no group where it is the user's), version_disclosure (1 if "
            "responses name the version), server_signature (1 if error pages do), trace_method (1 if TRACE is answered), tls (1 if "
            "the site speaks TLS), tls_protocol (a row for each protocol version it takes, as TLSv1.2), hsts (the Strict-Transport- "
            "Security header's value, empty without), plain_http (1 if it serves content without TLS, 0 if it only redirects or "
            "does not listen), directory_listing (1 if one without index file is listed)",
            index=True,
        ),
        Column("value", TEXT, "Value; NULL where it cannot be decided, which is a gap too"),
        Column("config_path", TEXT, "File that sets it; NULL for a compiled default"),
        Column("config_line", INTEGER, "Line in that file, from 1; NULL for a compiled default"),
    ),
    examples=(
        "SELECT site, value FROM web_settings WHERE name = 'tls_protocol'",
        "SELECT site, directory FROM web_settings WHERE name = 'directory_listing' AND value = '1'",
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each setting of each site, and of its docroot and upload directories."""
    docroots = docroots_of(context)
    if docroots is None:
        return
    wanted = context.constraints.texts("name")
    uploads = [str(row["path"]) for row in context.rows("upload_directories", only=("path",))] if _by_directory(wanted) else []
    for site in docroots.sites:
        context.check_deadline()
        directories = list(site.mappings()[:1]) if _by_directory(wanted) else []
        directories += [Mapping(way.url, way.path, None) for path in uploads for way in ways_of(site, path) if way.file is None]
        try:
            yield from _rows(context, site, list(dict.fromkeys(directories)))
        except OSError as error:
            context.gap_for(error, str(error.filename or site.name))
    servers_of(context)  # for gaps that came up meanwhile


def _by_directory(wanted: list[str] | None) -> bool:
    return wanted is None or "directory_listing" in wanted


def _rows(context: TableContext, site: Site, directories: list[Mapping]) -> Iterator[Row]:
    for setting in site.settings(directories):
        if setting.value is None:
            context.gap(GapReason.UNDECIDABLE, f"{site.name or site.server} {setting.url}: {setting.name} cannot be decided")
        yield {
            "server": site.server,
            "site": site.name,
            "url": setting.url,
            "directory": setting.directory.rstrip("/") or setting.directory,
            "name": setting.name,
            "value": setting.value,
            "config_path": setting.place.path if setting.place else None,
            "config_line": setting.place.line if setting.place else None,
        }


TABLE = Table(SPEC, generate)
