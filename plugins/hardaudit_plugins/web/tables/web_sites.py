"""`web_sites`: the sites that the web servers serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.web.servers import servers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="web_sites",
    description=(
        "Every Apache virtual host and main server and every nginx server block in effect: what the enabled configuration includes, "
        "conditions evaluated. A row for each user that the site's PHP runs as, and one where it has no PHP."
    ),
    source="/etc/apache2/apache2.conf or /etc/httpd/conf/httpd.conf, /etc/nginx/nginx.conf and what they include; PHP-FPM's pools",
    columns=(
        Column("server", TEXT, "apache or nginx", index=True),
        Column("site", TEXT, "First name of the site (ServerName, server_name); empty for one without a name"),
        Column("listen", TEXT, "Addresses and ports as configured, with commas between them: *:80, [::]:443"),
        Column("docroot", TEXT, "Document root; NULL where there is none"),
        Column("user", TEXT, "User that its PHP runs as: mod_php's, or that of an FPM pool it uses; NULL where it has no PHP"),
        Column("config_path", TEXT, "File in which the site's section begins"),
        Column("config_line", INTEGER, "Line in that file, from 1"),
    ),
    examples=(
        "SELECT server, site, docroot, user FROM web_sites",
        "SELECT site FROM web_sites WHERE server = 'nginx' AND docroot LIKE '/home/%'",
    ),
    notes="An address that is listened on without a virtual host of its own is the main server's.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each site and each user of its PHP."""
    for site in servers_of(context).sites:
        for user in site.php_users() or (None,):
            yield {
                "server": site.server,
                "site": site.name,
                "listen": ", ".join(site.listen),
                "docroot": site.docroot,
                "user": user,
                "config_path": site.place.path,
                "config_line": site.place.line,
            }


TABLE = Table(SPEC, generate)
