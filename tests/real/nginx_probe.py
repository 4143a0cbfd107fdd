"""Runs inside fresh mount, network and process namespaces, started by `nginx_server`: serves a root directory with the real nginx and PHP-FPM.

Reads a JSON line from standard input for each set of requests and answers with one. A request is [port, host, path, method, from outside too]; an answer is
the [status, body] that the host itself gets, and those that a visitor from outside gets. An answer
{"refused": text} means that nginx does not start with its configuration.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

OUTSIDE = "45.83.64.1"
"""An address that the namespace has too, so that requests can come from it."""


def run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stdout}{done.stderr}")


def wait_for(ready) -> None:
    for _ in range(400):
        if ready():
            return
        time.sleep(0.01)
    raise SystemExit("a server does not come up")


def can_connect(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, host: str, path: str, method: str, source: str) -> list:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5, source_address=(source, 0))
    try:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host)
        if "?" in path:
            connection.putheader("X-Y", "z")
            connection.putheader("Cookie", "a=1")
        if method == "POST":
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        answer = connection.getresponse()
        return [answer.status, answer.read().decode("latin-1")[:500]]
    except (http.client.HTTPException, ConnectionError):
        return [0, ""]
    except TimeoutError:
        return [-1, ""]
    finally:
        connection.close()


def both(port: int, host: str, path: str, method: str, from_outside: bool) -> list:
    answer = ask(port, host, path, method, "127.0.0.1")
    return [*answer, *(ask(port, host, path, method, OUTSIDE) if from_outside else answer)]


def serve(requests: list) -> object:
    test = subprocess.run(["nginx", "-t", "-q"], capture_output=True, text=True, check=False)
    if test.returncode:
        return {"refused": test.stderr[-400:]}
    server = subprocess.Popen(["nginx", "-g", "daemon off; master_process off;"], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: can_connect(80))
        return [both(*request) for request in requests]
    finally:
        server.kill()
        server.wait()


def main() -> None:
    root = sys.argv[1]
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{OUTSIDE}/32", "dev", "lo")
    for directory in ("etc/nginx", "etc/php", "var/www", "srv"):
        run("mount", "--bind", f"{root}/{directory}", f"/{directory}")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("mount", "-t", "tmpfs", "tmpfs", "/var/log")
    for directory in ("/run/php", "/var/log/nginx", "/var/lib/nginx"):
        Path(directory).mkdir(parents=True, exist_ok=True)
    (fpm,) = [name for name in sorted(os.listdir("/usr/sbin")) if name.startswith("php-fpm")][-1:]
    run(fpm, "--daemonize")
    wait_for(lambda: any(path.suffix == ".sock" for path in Path("/run/php").iterdir()))
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)


main()
