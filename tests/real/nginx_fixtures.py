"""Fixtures for tests against a real nginx."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nginx_server import Server


class Kept:
    """The server of a module's tests."""

    directory: Path
    server: Server | None = None


@pytest.fixture(scope="module")
def kept_nginx() -> Iterator[Kept]:
    with tempfile.TemporaryDirectory(prefix="nginx-") as directory:
        holder = Kept()
        Path(directory).chmod(0o755)
        holder.directory = Path(directory)
        yield holder
        if holder.server is not None:
            holder.server.stop()


@pytest.fixture
def real_nginx(require_root, require_tool, kept_nginx) -> Server:
    for tool in ("nginx", "unshare", "ip", "mount"):
        require_tool(tool)
    if not list(Path("/etc/php").glob("*/fpm/pool.d/www.conf")):
        require_tool("Debian's php-fpm")
    if kept_nginx.server is None:
        root = kept_nginx.directory / "root"
        root.mkdir()
        root.chmod(0o755)
        kept_nginx.server = Server(root)
        kept_nginx.server.start()
    return kept_nginx.server
