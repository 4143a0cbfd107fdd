"""`php_settings`: the ini settings of the PHP that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.php.served import served
from hardaudit_plugins.web.servers import servers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="php_settings",
    description=(
        "The effective value of each php.ini setting for each way that PHP serves a site: mod_php, a pool of PHP-FPM, php-cgi. Never the "
        "command line's. Directories that have values of their own (.user.ini, .htaccess, [PATH=] sections) have rows of their own."
    ),
    source=(
        "/etc/php/*/{apache2,fpm,cgi}/php.ini and conf.d (/etc/php.ini and /etc/php.d elsewhere), FPM's pools, the web server's "
        "php_value lines, .user.ini; compiled defaults of main/main.c and the extensions"
    ),
    columns=(
        Column("sapi", TEXT, "apache2handler, fpm-fcgi or cgi-fcgi"),
        Column("version", TEXT, "PHP version, major and minor: 8.2; NULL where no path tells it"),
        Column("pool", TEXT, "FPM pool; NULL for other SAPIs"),
        Column("site", TEXT, "First name of the site that it serves; NULL for a pool that no site uses"),
        Column("directory", TEXT, "Directory for which the value holds, and below; NULL for the whole site"),
        Column("name", TEXT, "Name of the setting, as PHP spells it", index=True),
        Column(
            "value",
            TEXT,
            "Value as PHP takes it: 1 or empty for On and Off, sizes and lists as written; NULL for none, and where it is not known",
        ),
        Column("config_path", TEXT, "File that sets it; NULL for a compiled default"),
        Column("config_line", INTEGER, "Line in that file, from 1; NULL for a compiled default"),
    ),
    examples=(
        "SELECT site, value, config_path FROM php_settings WHERE name = 'allow_url_include'",
        "SELECT sapi, pool, name, value FROM php_settings WHERE name IN ('expose_php', 'display_errors')",
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each setting of each way PHP serves."""
    servers = servers_of(context)
    evidence = Evidence(context.target, context.check_deadline)
    names = context.constraints.texts("name")
    try:
        for way in served(evidence, servers.sites, servers.fpm):
            for name in sorted(way.entries) if names is None else [name for name in names if name in way.entries]:
                entry = way.entries[name]
                yield {
                    "sapi": way.sapi,
                    "version": way.version or None,
                    "pool": way.pool,
                    "site": way.site,
                    "directory": way.directory,
                    "name": name,
                    "value": entry.value,
                    "config_path": None if entry.place is None else entry.place.path,
                    "config_line": None if entry.place is None else entry.place.line,
                }
    finally:
        evidence.report_to(context)
        servers.evidence.report_to(context)


TABLE = Table(SPEC, generate)
