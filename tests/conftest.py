"""What every test may use: a private root directory, queries through the real engine, and guards for tests against real software."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from installed_tables import builtin_tables

from hardaudit.engine.engine import Answer, Bounds, Engine
from hardaudit.target.target import Target

IN_CI = os.environ.get("CI") == "true"


class Root:
    """A root directory to audit, made of the files that a test writes."""

    def __init__(self, path: Path) -> None:
        self.directory = path
        self.path = str(path)

    def _at(self, path: str) -> Path:
        place = self.directory / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def write(self, path: str, content: str | bytes = "", mode: int = 0o644, uid: int | None = None, gid: int | None = None) -> Path:
        place = self._at(path)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        if uid is not None or gid is not None:
            os.chown(place, -1 if uid is None else uid, -1 if gid is None else gid)
        place.chmod(mode)
        return place

    def mkdir(self, path: str, mode: int = 0o755, uid: int | None = None, gid: int | None = None) -> Path:
        place = self._at(path)
        place.mkdir(exist_ok=True)
        if uid is not None or gid is not None:
            os.chown(place, -1 if uid is None else uid, -1 if gid is None else gid)
        place.chmod(mode)
        return place

    def symlink(self, path: str, target: str) -> Path:
        place = self._at(path)
        place.symlink_to(target)
        return place


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """An empty root directory with an /etc, so that it counts as a system."""
    made = Root(tmp_path / "root")
    made.directory.mkdir()
    made.write("/etc/hostname", "fixture\n")
    return made


@pytest.fixture
def query():
    """Run SQL over the installed tables, on a root directory or, without one, on this host."""

    def run(sql: str, root: Root | str | None = None, parameters: dict | None = None, seconds: float = 60.0) -> Answer:
        place = root.path if isinstance(root, Root) else root
        with (
            Target.live_host() if place is None else Target.directory(place) as target,
            Engine(target, builtin_tables()) as engine,
        ):
            return engine.run(sql, parameters, Bounds(seconds=seconds))

    return run


def _missing(reason: str) -> None:
    if IN_CI:
        pytest.fail(f"{reason}: under CI nothing real may be skipped")
    pytest.skip(reason)


@pytest.fixture
def require_root() -> None:
    """Skip (fail under CI) without root."""
    if os.geteuid() != 0:
        _missing("needs root")


@pytest.fixture
def require_tool():
    """The path of a program of the system; skip (fail under CI) without it."""

    def find(name: str) -> str:
        path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if path is None:
            _missing(f"needs {name}")
        return path or ""

    return find


@pytest.fixture
def shared() -> Path:
    """The directory with recorded rows of a real osquery."""
    place = os.environ.get("HARDAUDIT_SHARED")
    if not place or not Path(place).is_dir():
        pytest.skip("HARDAUDIT_SHARED names no directory with osquery's schema and recorded rows")
    return Path(place)
