"""A real Apache for a test: its own ServerRoot below a temporary directory and a port of its own on 127.0.0.1."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hardaudit_plugins.web.choices import Choices

if TYPE_CHECKING:
    from collections.abc import Mapping


class WatchedChoices(Choices):
    """The choices of a plain request, and whether one was asked for."""

    def __init__(self) -> None:
        super().__init__((), crafted=False)
        self.asked: list[str] = []

    def undecidable(self, key: str, reason: str) -> bool:
        """Note the question."""
        self.asked.append(key)
        return super().undecidable(key, reason)


MODULES = Path("/usr/lib/apache2/modules")
BASE = """
ServerRoot {root}
PidFile {root}/pid
Listen 127.0.0.1:{port}
ServerName main.test
User www-data
Group www-data
DefaultRuntimeDir {root}
Mutex file:{root}
ErrorLog {root}/error.log
LogLevel {level}
{modules}
StartServers 1
ServerLimit 4
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 100
<Directory />
    Options FollowSymLinks
    AllowOverride None
    Require all granted
</Directory>
"""


@dataclass(frozen=True)
class Response:
    """The status and the headers, names in lower case."""

    status: int
    headers: Mapping[str, str]


class PrivateApache:
    """A running Apache; `with` ends it. `@PORT@` in the configuration is its port."""

    def __init__(self, program: str, root: Path, configuration: str, modules: tuple[str, ...], level: str = "error") -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        for directory in (root, *root.parents):
            if directory != Path("/tmp") and str(directory).startswith("/tmp/"):
                directory.chmod(0o755)
        self.port = _free_port()
        loads = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in modules)
        text = BASE.format(root=root, port=self.port, modules=loads, level=level) + configuration.replace("@PORT@", str(self.port))
        (root / "httpd.conf").write_bytes(text.encode())
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> PrivateApache:
        command = [self._program, "-f", str(self.root / "httpd.conf"), "-DFOREGROUND"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        for _ in range(200):
            if self._process.poll() is not None:
                stderr = self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
                raise AssertionError(f"apache2 does not start: {stderr[-2000:]} {self.log()[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError("apache2 does not listen")

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            if self._process.stderr:
                self._process.stderr.close()

    def log(self) -> str:
        """The error log so far."""
        path = self.root / "error.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def get(self, target: str, host: str = "main.test", headers: Mapping[str, str] | None = None) -> Response:
        """A GET of a plain client: Host, and no other header."""
        lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in (headers or {}).items()), "", ""]
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall("\r\n".join(lines).encode())
            response = http.client.HTTPResponse(connection, method="GET")
            response.begin()
            found = {name.lower(): value.encode("latin-1").decode(errors="surrogateescape") for name, value in response.getheaders()}
            return Response(response.status, found)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
