"""Shared by the tests of the filesystem domain."""

from __future__ import annotations

import ctypes
import json
import os
from contextlib import contextmanager
from functools import lru_cache

import pytest

from hardaudit.engine.engine import Engine
from hardaudit.plugin.discover import tables_in
from hardaudit.target.target import Target
from hardaudit_plugins.accounts.tables import groups, users

_NOBODY = 65534
_PR_SET_DUMPABLE = 4


@lru_cache(maxsize=1)
def _tables():
    """The tables of the domain and those that they read."""
    return [*tables_in("hardaudit_plugins.filesystem.tables"), users.TABLE, groups.TABLE]


@pytest.fixture
def engine_over():
    """An engine over a root directory, for a test that acts between two rows."""

    @contextmanager
    def opened(root):
        with Target.directory(root.path) as target, Engine(target, _tables()) as engine:
            yield engine

    return opened


@pytest.fixture
def query_as_nobody(require_root):
    """A query's rows and (reason, detail) of its gaps, as a user without privilege; the root's own path need not be open to that user."""
    return _query_as_nobody


def _query_as_nobody(sql, root):
    tables = _tables()
    reader, writer = os.pipe()
    with Target.directory(root.path) as target:
        child = os.fork()
        if child == 0:
            try:
                report = _unprivileged_report(target, tables, sql)
            except BaseException as error:
                report = [[repr(error)], []]
            os.write(writer, json.dumps(report).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        rows, gaps = json.load(pipe)
    os.waitpid(child, 0)
    return rows, gaps


def _unprivileged_report(target, tables, sql):
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self/fd stays root's
    with Engine(target, tables) as engine:
        answer = engine.run(sql)
    return [answer.tuples, [(gap.reason.value, gap.detail) for gap in answer.gaps]]
