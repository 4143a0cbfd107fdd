"""`web_settings`: what a site's configuration comes to where the checks ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

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
            "worker_user (whom requests are served as), version_disclosure (1 if responses name the version), server_signature (1 if error pages "
            "do), trace_method (1 if TRACE is answered), tls (1 if the site speaks TLS on an address), tls_protocol (a row for each protocol version "
            "it accepts, as TLSv1.2), hsts (the Strict-Transport-Security header's value, empty without), plain_http (1 if it serves content "
            "without TLS, 0 if it only redirects there or does not listen), directory_listing (1 if a directory without index file is listed)",
            index=True,
        ),
        Column("value", TEXT, "Value; NULL where it cannot be decided, which is a gap too"),
        Column("config_path", TEXT, "File that sets it; NULL for a compiled default"),
        Column("config_line", INTEGER, "Line in that file, from 1; NULL for a compiled default"),
    ),
    examples=("SELECT site, value FROM web_settings WHERE name = 'tls_protocol'", "SELECT site, directory FROM web_settings WHERE name = 'directory_listing' AND value = '1'"),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each setting of each site."""
    del context
    yield from ()


TABLE = Table(SPEC, generate)
