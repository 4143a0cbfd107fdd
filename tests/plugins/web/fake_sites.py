"""Sites made by a test, in place of those that a server's configuration comes to."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

from hardaudit.engine.engine import Engine
from hardaudit.plugin.discover import tables_in
from hardaudit.target.target import Target
from hardaudit_plugins.accounts.tables import groups, user_groups, users
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.php.fpm import Fpm
from hardaudit_plugins.web.servers import Servers
from hardaudit_plugins.web.site import Mapping, Setting
from hardaudit_plugins.web.verdict import Place

PASSWD = (
    "root:x:0:0:root:/root:/bin/sh\n"
    "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
    "shop:x:1001:1001::/srv/shop:/usr/sbin/nologin\n"
    "ann:x:1002:1002::/home/ann:/bin/sh\n"
)
GROUP = "root:x:0:\nwww-data:x:33:\nshop:x:1001:\nann:x:1002:\nmedia:x:2000:www-data\n"


PLACE = Place("/etc/apache2/sites-enabled/shop.conf", 1)


@dataclass(frozen=True)
class FakeSite:
    """What the tables of files ask of a site."""

    name: str = "shop.example"
    docroot: str | None = "/var/www/shop"
    aliases: tuple[tuple[str, str], ...] = ()
    php: tuple[str, ...] = ()
    worker: str = "www-data"
    worker_group: str = ""
    server: str = "apache"
    listen: tuple[str, ...] = ("*:80",)
    place: Place = PLACE

    def mappings(self):
        own = [] if self.docroot is None else [("/", f"{self.docroot}/")]
        return [Mapping(url, directory, None) for url, directory in (*own, *self.aliases)]

    def php_users(self):
        return self.php

    def settings(self, _directories):
        return iter([Setting("worker_user", self.worker, None), Setting("worker_group", self.worker_group, None)])


@contextmanager
def web_engine(root, *sites):
    """An engine over a root directory whose servers have these sites."""
    tables = [*tables_in("hardaudit_plugins.web.tables"), users.TABLE, groups.TABLE, user_groups.TABLE]
    with Target.directory(root.path) as target, Engine(target, tables) as engine:
        evidence = Evidence(target, engine.check_deadline)
        engine.run_state["web_servers"] = Servers(tuple(sites), Fpm((), complete=True), evidence)
        yield engine


def ask(root, sql, *sites, **bounds):
    """The answer to one query."""
    with web_engine(root, *sites) as engine:
        return engine.run(sql, **bounds)


def with_accounts(root):
    """The root directory with the accounts that the sites' users come from."""
    root.write("/etc/passwd", PASSWD)
    root.write("/etc/group", GROUP)
    root.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\n")
    return root
