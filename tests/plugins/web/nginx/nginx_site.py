"""nginx sites of a root directory that a test writes."""

from __future__ import annotations

from contextlib import contextmanager

from hardaudit.target.target import Target
from hardaudit_plugins.web.choices import explore
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.nginx.server import load_nginx
from hardaudit_plugins.web.php.fpm import load_fpm
from hardaudit_plugins.web.site import Request

POOL = """[www]
user = shop
group = shop
listen = /run/php/shop.sock
pm = static
pm.max_children = 1
"""
PHP = """location ~ \\.php$ {
    fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
    fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_pass unix:/run/php/shop.sock;
}
"""


class Nginx:
    """What the audit says about a root directory's nginx."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.evidence = Evidence(target, lambda: None)
        self.sites = load_nginx(self.evidence, load_fpm(self.evidence))
        self.site = self.sites[0] if self.sites else None

    @property
    def gaps(self) -> list[str]:
        return [detail for _, detail in self.evidence._gaps]

    def verdict(self, path: str, script: str | None = None, *, host: str = "shop.test", method: str = "GET", crafted: bool = False):
        script = script or f"/var/www/shop{path}"
        files = Files(self.target, {script: "<?php"})
        request = Request(path, script, host, method)
        return explore(lambda choices: self.site.verdict(request, files, choices), crafted=crafted)


def server(body: str, *, listen: str = "80", name: str = "shop.test") -> str:
    return f"server {{\nlisten {listen};\nserver_name {name};\nroot /var/www/shop;\n{body}\n}}\n"


@contextmanager
def nginx(root, *servers: str, http: str = "", main: str = "user www-data;\n"):
    """The sites of a configuration with these server blocks, each in a file of its own."""
    root.write("/etc/nginx/nginx.conf", f"{main}events {{}}\nhttp {{\n{http}\ninclude sites-enabled/*.conf;\n}}\n")
    root.mkdir("/etc/nginx/sites-available")
    root.mkdir("/var/www/shop/images") if (root.directory / "var/www/shop").exists() else root.write("/var/www/shop/images/photo.jpg", "")
    root.write("/etc/php/8.2/fpm/php-fpm.conf", "[global]\ninclude=/etc/php/8.2/fpm/pool.d/*.conf\n")
    root.write("/etc/php/8.2/fpm/pool.d/www.conf", POOL)
    for number, text in enumerate(servers):
        root.write(f"/etc/nginx/sites-enabled/{number}.conf", text)
    with Target.directory(root.path) as target:
        yield Nginx(target)
