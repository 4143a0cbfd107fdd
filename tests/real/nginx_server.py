"""A private nginx with PHP-FPM for tests: its configuration and files are those of a root directory, which is audited too."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from hardaudit.target.target import Target
from hardaudit_plugins.web.choices import explore
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.nginx.server import load_nginx
from hardaudit_plugins.web.nginx.site import NginxSite
from hardaudit_plugins.web.php.fpm import load_fpm
from hardaudit_plugins.web.site import Request

CODE = "<?php echo 'RAN ' . __FILE__; /* SOURCE */ ?>"
NAMES = ("x.php", "x.PHP", "x.phtml", "x.phar", "x.php5", "x.inc", "x.php.jpg", "x.php.bak", "x.jpg", "x.jpg/a.php", "sub/x.php")
MAIN = """user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/null;
events { worker_connections 64; }
http {
    include mime.types;
    default_type application/octet-stream;
    access_log off;
    server_names_hash_bucket_size 128;
    variables_hash_max_size 4096;
    upstream pool { server unix:/run/php/wide.sock; }
    map $uri $chosen { default unix:/run/php/%s; ~\\.phtml$ unix:/run/php/wide.sock; }
    map $uri $is_php { default 0; "~*\\.ph(p|tml)$" 1; }
    map $request_method $posts { POST 1; default 0; }
    map $uri $captured { ~^/images/(?<tail>.+)$ /files/$tail; ~*^/(pics|media)/(.*)$ /images/$2; default ""; }
    map $request_uri $asked { volatile; ~x\\.php 1; default 0; }
    map $host $by_host { hostnames; *.test /images; default /files; }
    map $tail $again { "" 0; x.php 1; default 2; }
    geo $inside { default 1; 10.0.0.0/8 0; }
    include sites-enabled/*;
}
"""
POOLS = {
    "wide": "security.limit_extensions = .php .phtml .inc .jpg",
    "every": "security.limit_extensions =",
    "plain": "php_admin_value[cgi.fix_pathinfo] = 0",
}


class RememberedFiles(Files):
    """Files that do not change while many requests are asked about them."""

    def __init__(self, target: Target) -> None:
        super().__init__(target, {})
        self._known: dict[str, str] = {}

    def real(self, path: str) -> str:
        if path not in self._known:
            self._known[path] = super().real(path)
        return self._known[path]


@dataclass(frozen=True)
class Asked:
    """A request, and the script that is the uploaded one."""

    host: str
    path: str
    script: str
    method: str = "GET"
    port: int = 80


class Server:
    """The root directory, and the server on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for tree in ("nginx", "php"):
            shutil.copytree(f"/etc/{tree}", root / "etc" / tree, symlinks=True)
        for name in ("passwd", "group", "os-release"):
            shutil.copy(f"/etc/{name}", root / "etc" / name)
        (root / "etc/shop.htpasswd").write_text("bob:x\n")
        for directory in ("var/www", "srv", "run/php"):
            (root / directory).mkdir(parents=True)
        for enabled in [*(root / "etc/nginx/sites-enabled").iterdir(), *(root / "etc/nginx/modules-enabled").iterdir()]:
            enabled.unlink()
        self.socket = self._pools()
        (root / "etc/nginx/nginx.conf").write_text(MAIN % self.socket)
        self._restricted: set[str] = set()
        self._child: subprocess.Popen[str] | None = None

    def _pools(self) -> str:
        """Write the pools; the name of the stock one's socket."""
        stock = max((self.root / "etc/php").glob("*/fpm/pool.d/www.conf"))
        listen = next(line.partition("=")[2].strip() for line in stock.read_text().splitlines() if line.startswith("listen ="))
        for name, line in POOLS.items():
            stock.with_name(f"{name}.conf").write_text(
                f"[{name}]\nuser = www-data\ngroup = www-data\nlisten = /run/php/{name}.sock\nlisten.owner = www-data\n"
                f"pm = static\npm.max_children = 1\n{line}\n"
            )
        return listen.rpartition("/")[2]

    def site(self, number: int, body: str) -> None:
        """Enable a site `sN.test` with the document root /var/www/sN and the files of an upload in several directories."""
        (self.root / "etc/nginx/sites-enabled" / f"s{number}.conf").write_text(body)
        if "allow" in body or "deny" in body:
            self._restricted.add(f"s{number}.test")
        else:
            self._restricted.discard(f"s{number}.test")
        self.fill(f"/var/www/s{number}/images")
        self.fill(f"/var/www/s{number}/files")
        self.fill(f"/srv/s{number}")
        (self.root / f"var/www/s{number}/index.php").write_text(CODE)
        if not (link := self.root / f"var/www/s{number}/link").is_symlink():
            link.symlink_to(f"/srv/s{number}")
        (self.root / f"var/www/s{number}/page.html").write_text("page")

    def fill(self, directory: str) -> None:
        """Put a file of each name into a directory."""
        place = self.root / directory.lstrip("/")
        if place.exists():
            return
        (place / "sub").mkdir(parents=True)
        for name in NAMES:
            if name != "x.jpg/a.php":
                (place / name).write_text(CODE)

    def forget(self) -> None:
        """Disable every site."""
        for path in (self.root / "etc/nginx/sites-enabled").iterdir():
            path.unlink()

    def start(self) -> None:
        """Start the namespaces and PHP-FPM in them."""
        command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        probe = Path(__file__).with_name("nginx_probe.py")
        self._child = subprocess.Popen(
            [*command, sys.executable, str(probe), str(self.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdout is not None
        assert self._child.stdout.readline() == "ready\n"

    def stop(self) -> None:
        """End everything in the namespaces."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def answers(self, requests: list[Asked]) -> list[tuple[int, str, int, str]] | str:
        """For each request status and beginning of the body, as the host itself and as a visitor gets them.

        nginx's message where it does not start.
        """
        assert self._child is not None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(
            json.dumps([[ask.port, ask.host, ask.path, ask.method, ask.host in self._restricted] for ask in requests]) + "\n"
        )
        self._child.stdin.flush()
        answers = json.loads(self._child.stdout.readline())
        if isinstance(answers, dict):
            return str(answers["refused"])
        assert not any(-1 in answer for answer in answers), "nginx does not answer"
        return [(status, body, other_status, other) for status, body, other_status, other in answers]

    def real(self, requests: list[Asked]) -> list[set[str]] | str:
        """For each request the scripts that PHP ran, for the host or a visitor; or nginx's message where it does not start."""
        answers = self.answers(requests)
        if isinstance(answers, str):
            return answers
        return [
            {body.partition("RAN ")[2] for body in (own, other) if "RAN " in body and "SOURCE" not in body} for _, own, _, other in answers
        ]

    def sites(self, target: Target) -> tuple[list[NginxSite], Evidence]:
        """The sites that the audit finds, and what it could not read."""
        evidence = Evidence(target, lambda: None)
        return list(load_nginx(evidence, load_fpm(evidence))), evidence  # type: ignore[arg-type]

    def audited(self, requests: list[Asked], *, crafted: bool = False) -> list[tuple[bool | None, str]]:
        """For each request whether PHP runs its script, as the configuration says, and why."""
        with Target.directory(str(self.root)) as target:
            sites = {site.name: site for site in self.sites(target)[0]}
            found = []
            files = RememberedFiles(target)
            for ask in requests:
                request = Request(ask.path, ask.script, ask.host, ask.method)
                verdict = explore(lambda choices, request=request: sites[request.host].verdict(request, files, choices), crafted=crafted)  # type: ignore[misc]
                found.append((verdict.executes, f"{verdict.reason} ({verdict.place})"))
            return found


WAYS = (("/images/", "/var/www/s%d/images/"), ("/media/", "/srv/s%d/"), ("/files/", "/var/www/s%d/files/"), ("/pics/", "/srv/s%d/"))
FURTHER = """/ /images /images/ /images/sub /images/sub/ /media /media/ /media../s%d/x.php /images//x.php /images/./x.php /images/sub/../x.php /images/x.php/
    /images/x.php/y.php /imagesx.php /images/x.phpx /index.php /index.php/a/x.php /page.html/x.php /nothing.php /x/images/x.php""".split()


def requests(number: int) -> list[Asked]:
    """Requests for each file name in each directory of a site, and for other paths that locations are tripped up by."""
    host = f"s{number}.test"
    found = [Asked(host, url + name, directory % number + name.removesuffix("/a.php")) for url, directory in WAYS for name in NAMES]
    script = f"/var/www/s{number}/images/x.php"
    found += [Asked(host, path.replace("%d", str(number)), script) for path in FURTHER]
    found += [
        Asked(host, f"/images/{name}", f"/var/www/s{number}/images/{name.removesuffix('/a.php')}", "POST")
        for name in ("x.php", "x.jpg", "x.jpg/a.php")
    ]
    return [
        *found,
        *(Asked(host, f"/link/{name}", f"/srv/s{number}/{name.removesuffix('/a.php')}") for name in ("x.php", "x.jpg", "x.jpg/a.php")),
    ]


def differences(server: Server, requests: list[Asked]) -> list[str] | None:
    """Where the audit and the real server do not agree; None where nginx does not start."""
    ran = server.real(requests)
    if isinstance(ran, str):
        return None
    expected = [
        (Asked(ask.host, ask.path, script, ask.method, ask.port), script in scripts)
        for ask, scripts in zip(requests, ran, strict=True)
        for script in sorted({ask.script} | scripts)
    ]
    said = server.audited([ask for ask, _ in expected])
    return [
        f"{ask.method} http://{ask.host}{ask.path}: {ask.script} {'runs' if really else 'does not run'}, not {verdict}: {why}"
        for (ask, really), (verdict, why) in zip(expected, said, strict=True)
        if verdict is not really
    ]


def missed_for_attackers(server: Server, requests: list[Asked]) -> list[str] | None:
    """Requests with query string, headers and method of their sender's choice that run PHP, and that the audit takes to run none."""
    crafted = [replace(ask, path=f"{ask.path}?a=b", method=method) for ask in requests for method in ("GET", "POST")]
    ran = server.real(crafted)
    if isinstance(ran, str):
        return None
    asked = [
        replace(ask, path=ask.path.removesuffix("?a=b"), script=script)
        for ask, scripts in zip(crafted, ran, strict=True)
        for script in sorted(scripts)
    ]
    said = server.audited(asked, crafted=True)
    return [
        f"{ask.method} http://{ask.host}{ask.path}: {ask.script} runs: {why}"
        for ask, (verdict, why) in zip(asked, said, strict=True)
        if verdict is False
    ]
