"""An extension that serves tables of the test to a fake osqueryd, in this process."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from fake_osquery import FakeOsquery
from served_tables import Served


@pytest.fixture
def folder():
    """A private directory whose path leaves room for a socket's name."""
    path = Path(tempfile.mkdtemp(prefix="ha-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def osquery(folder):
    """A fake osqueryd."""
    with FakeOsquery(str(folder / "em")) as made:
        yield made


@pytest.fixture
def served(folder):
    """Serve tables to what listens at the socket."""
    running = []

    def start(*tables, interval=0.1):
        running.append(Served(str(folder / "em"), tables, interval))
        return running[-1].started()

    yield start
    for each in running:
        each.end()
