"""Fixtures: engines whose tables an osquery of the test's choice reads."""

from __future__ import annotations

import contextlib

import pytest
from false_osquery import Canned, Server, engine_over, real_catalog
from installed_tables import builtin_tables

from hardaudit.engine.engine import Bounds
from hardaudit.osquery.socket_reader import SocketReader


@pytest.fixture
def serve(tmp_path):
    """Start a false osqueryd with these tables and answers; its server and a reader of it."""
    with contextlib.ExitStack() as closing:

        def start(answers, tables=None, log=list):
            path = str(tmp_path / f"osquery{len(list(tmp_path.iterdir()))}.em")
            server = Server(path, Canned({**real_catalog(), **(tables or {})}, answers))
            closing.callback(server.close)
            reader = SocketReader(path, f"the socket {path}", log=log)
            closing.callback(reader.close)
            return server, reader

        yield start


@pytest.fixture
def ask(serve):
    """Ask SQL of an engine over a false osqueryd with these answers; no table is read a second time by hardaudit itself."""

    def run(sql, answers, tables=None, log=list, seconds=20.0):
        server, reader = serve(answers, tables, log)
        bare = [table for table in builtin_tables() if not table.spec.osquery]
        with engine_over(reader, embedded=bare) as engine:
            answer = engine.run(sql, bounds=Bounds(seconds=seconds))
        return answer, server.asked[2:]

    return run
