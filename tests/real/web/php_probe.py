"""Run in mount, net and pid namespaces of its own: lay a root's files over the machine's, start the servers, request every file name.

usage: php_probe.py ROOT JOB, where JOB names a file with {"servers": [...], "cases": [{name, directory, url, host, port}, ...]} in JSON. Prints
{case: {file name: {"executes": bool, "status": int, "source": bool}}}, or {"error": text} where a server does not start. When the process
ends, its pid namespace ends, and every server in it.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CODE = "<?php echo 'RAN'.(6*7); /* SOURCE-SEEN */ ?>"
NAMES = {
    "x.php": "x.php",
    "x.PHP": "x.PHP",
    "x.phtml": "x.phtml",
    "x.phar": "x.phar",
    "x.php5": "x.php5",
    "x.inc": "x.inc",
    "x.php.jpg": "x.php.jpg",
    "x.php.bak": "x.php.bak",
    "x.jpg": "x.jpg",
    "x.jpg/a.php": "x.jpg",
    "sub/x.php": "sub/x.php",
}
"""File name of the table: the file that holds the code; the name itself is what is requested."""
LAID_OVER = ("etc/apache2", "etc/nginx", "etc/php", "var/www", "srv", "home")
EMPTY = ("run", "var/log", "var/lib/nginx")
NEEDED = ("run/php", "run/apache2", "run/lock/apache2", "var/log/apache2", "var/log/nginx")
START = {"fpm": ("php-fpm8.2", "--daemonize"), "apache": ("apache2ctl", "start"), "nginx": ("nginx",)}
HANDLERS = (
    "SetHandler application/x-httpd-php",
    "AddHandler application/x-httpd-php .jpg .php",
    "AddType application/x-httpd-php .jpg .php",
    'SetHandler "proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost"',
)
OPENERS = ("php_flag engine on", "Require all granted", "Order allow,deny\nAllow from all", "RewriteEngine Off")
TEXTS = tuple(
    "\n".join((*opened, *handler))
    for count in range(len(OPENERS) + 1)
    for opened in itertools.combinations(OPENERS, count)
    for handler in [(), *((line,) for line in HANDLERS)]
    if opened or handler
)
TAKEOVERS = (*TEXTS, *(f'<FilesMatch "\\.(jpg|php)$">\n{text}\n</FilesMatch>' for text in TEXTS if "Rewrite" not in text))
"""What an attacker writes into an uploaded .htaccess."""


class StartError(Exception):
    """A server does not start; says what it printed."""


def run(*command: str) -> None:
    with tempfile.TemporaryFile("w+") as printed:  # no pipe: a server keeps it open
        done = subprocess.run(command, stdout=printed, stderr=printed, check=False)
        printed.seek(0)
        if done.returncode:
            raise StartError(f"{command}: {printed.read()}"[-3000:])


def enter(root: str) -> None:
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    for directory in EMPTY:
        run("mount", "-t", "tmpfs", "tmpfs", f"/{directory}")
    for directory in LAID_OVER:
        run("mount", "--bind", f"{root}/{directory}", f"/{directory}")
    for directory in NEEDED:
        Path(f"/{directory}").mkdir(parents=True, exist_ok=True)


def get(case: dict, path: str) -> dict:
    """One request; a server that has just been started may refuse the first ones."""
    for _ in range(50):
        connection = http.client.HTTPConnection("127.0.0.1", case["port"], timeout=20)
        try:
            connection.request("GET", path, headers={"Host": case["host"]})
            response = connection.getresponse()
            body = response.read().decode("latin-1")
        except ConnectionRefusedError:
            time.sleep(0.1)
        except (http.client.HTTPException, OSError):  # the server closed without an answer
            return {"executes": False, "status": 0, "source": False}
        else:
            source = "SOURCE-SEEN" in body
            return {"executes": "RAN42" in body and not source, "status": response.status, "source": source}
        finally:
            connection.close()
    return {"executes": False, "status": 0, "source": False}


def put(place: Path, text: str) -> None:
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)


def takeover(case: dict) -> dict:
    """Does an uploaded .htaccess make PHP run for a name that does not run without it?"""
    directory = Path(case["directory"], "sub")
    try:
        for name in ("x.jpg", "x.php"):
            put(directory / name, CODE)
            if not get(case, f"{case['url']}sub/{name}")["executes"]:
                for text in TAKEOVERS:
                    put(directory / ".htaccess", f"{text}\n")
                    found = get(case, f"{case['url']}sub/{name}")
                    if found["executes"]:
                        return {**found, "with": text, "name": name}
            shutil.rmtree(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return {"executes": False, "status": None, "source": False}


def probe(case: dict) -> dict:
    """Each name alone in the directory, requested."""
    directory = Path(case["directory"])
    found = {}
    for name, holds in NAMES.items():
        place = directory / holds
        put(place, CODE)
        found[name] = get(case, case["url"] + name)
        place.unlink()
        shutil.rmtree(directory / "sub", ignore_errors=True)
    nothing = {"executes": False, "status": None, "source": False}
    found[".htaccess"] = takeover(case) if case["server"] == "apache" else nothing
    return found


def main() -> int:
    root, job = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    try:
        enter(root)
        for server in job["servers"]:
            run(*START[server])
    except StartError as error:
        print(json.dumps({"error": str(error)}))
        return 0
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        answers = dict(zip((case["name"] for case in job["cases"]), pool.map(probe, job["cases"]), strict=True))
    print(json.dumps(answers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
