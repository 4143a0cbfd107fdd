"""A live host whose /proc and /sys are files of a fixture."""

import pytest

from hardaudit.engine.engine import Engine
from hardaudit.plugin.discover import tables_in
from hardaudit.target.target import Target


@pytest.fixture
def fake_host(root):
    """Run SQL over the domain's tables as if the fixture's root directory were a running host."""
    tables = tables_in("hardaudit_plugins.kernel.tables")
    root.write("/proc/sys/kernel/osrelease", "6.1.0\n")

    def run(sql):
        with Target(root.path, live=True) as target, Engine(target, tables) as engine:
            return engine.run(sql)

    return run
