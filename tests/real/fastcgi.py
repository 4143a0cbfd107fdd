"""A FastCGI client, and a private php-fpm for the tests to ask."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

_BEGIN, _END, _PARAMS, _STDIN, _STDOUT, _STDERR = 1, 3, 4, 5, 6, 7


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def _pair(name: bytes, value: bytes) -> bytes:
    lengths = b"".join(
        struct.pack("!B", len(part)) if len(part) < 128 else struct.pack("!I", len(part) | 1 << 31) for part in (name, value)
    )
    return lengths + name + value


def _exactly(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        if not piece:
            raise ConnectionError("the FastCGI server closed the connection")
        content += piece
    return content


def _connect(connection: socket.socket, path: str) -> None:
    """A server that has just made its socket may not listen yet."""
    for _ in range(100):
        try:
            connection.connect(path)
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise ConnectionRefusedError(path)


def ask(path: str, parameters: dict[str, str]) -> bytes:
    """What the FastCGI server at a Unix socket answers: the headers and the body."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        _connect(connection, path)
        pairs = b"".join(_pair(os.fsencode(name), os.fsencode(value)) for name, value in parameters.items())
        begin = _record(_BEGIN, struct.pack("!HB5x", 1, 0))
        connection.sendall(begin + (_record(_PARAMS, pairs) if pairs else b"") + _record(_PARAMS, b"") + _record(_STDIN, b""))
        out = b""
        while True:
            _, kind, _, size, padding, _ = struct.unpack("!BBHHBB", _exactly(connection, 8))
            content = _exactly(connection, size + padding)[:size]
            if kind == _STDOUT:
                out += content
            elif kind == _END:
                return out


class PrivateFpm:
    """A php-fpm on its own files below a directory: php-fpm.conf, php.ini, conf.d/*.ini. Stopped by `stop`."""

    def __init__(self, program: str, directory: Path) -> None:
        environment = {"PATH": os.environ["PATH"], "PHP_INI_SCAN_DIR": str(directory / "conf.d")}
        self._log = directory / "start.log"
        command = [
            program,
            "--nodaemonize",
            "--allow-to-run-as-root",
            "-c",
            str(directory / "php.ini"),
            "-y",
            str(directory / "php-fpm.conf"),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd="/", start_new_session=True)

    def wait_for(self, sockets: list[Path]) -> None:
        """Until every socket is there."""
        for _ in range(400):
            if all(path.exists() for path in sockets):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"php-fpm did not start: {self._log.read_text()[-2000:]}")

    def starts(self) -> bool:
        """Whether it goes on running, rather than refusing its configuration."""
        for _ in range(100):
            if self._process.poll() is not None:
                return False
            if "ready to handle connections" in self._log.read_text():
                return True
            time.sleep(0.05)
        return True

    def stop(self) -> None:
        """End it and its workers."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
