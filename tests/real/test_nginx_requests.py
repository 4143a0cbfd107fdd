"""What the audit says of requests against what a real nginx with PHP-FPM does with them, for written and for generated server blocks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nginx_cases import CASES, server
from nginx_configurations import server as generated
from nginx_server import Asked, Server, differences, requests

pytestmark = pytest.mark.real

AT_ONCE = 5


class Kept:
    """The server of this module's tests, and what was found of the written cases."""

    directory: Path
    server: Server | None = None
    differences: dict[str, list[str]] | None = None


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    with tempfile.TemporaryDirectory(prefix="nginx-") as directory:
        holder = Kept()
        Path(directory).chmod(0o755)
        holder.directory = Path(directory)
        yield holder
        if holder.server is not None:
            holder.server.stop()


@pytest.fixture
def real_server(require_root, require_tool, kept) -> Server:
    for tool in ("nginx", "unshare", "ip", "mount"):
        require_tool(tool)
    if not list(Path("/etc/php").glob("*/fpm/pool.d/www.conf")):
        require_tool("Debian's php-fpm")
    if kept.server is None:
        root = kept.directory / "root"
        root.mkdir()
        root.chmod(0o755)
        kept.server = Server(root)
        kept.server.start()
    return kept.server


@pytest.fixture
def found_differences(real_server, kept) -> dict[str, list[str]]:
    """The differences of every case: one start of the server tells all."""
    if kept.differences is None:
        real_server.forget()
        for number, body in enumerate(CASES.values()):
            real_server.site(number, server(number, body))
        found = differences(real_server, [request for number in range(len(CASES)) for request in requests(number)])
        assert found is not None
        kept.differences = {name: [line for line in found if f"//s{number}.test/" in line] for number, name in enumerate(CASES)}
    return kept.differences


@pytest.mark.parametrize("name", CASES)
def test_a_written_server_block_is_understood_as_nginx_does(name, found_differences):
    assert found_differences[name] == []


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.tuples(*(generated(number) for number in range(AT_ONCE))))
def test_a_generated_server_block_is_understood_as_nginx_does(real_server, bodies):
    real_server.forget()
    for number, body in enumerate(bodies):
        real_server.site(number, body)
    asked: list[Asked] = [request for number in range(AT_ONCE) for request in requests(number)]
    assert differences(real_server, asked) in ([], None)
