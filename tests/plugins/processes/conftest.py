"""Processes of the tests' own, and queries by a user who may see little."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def wait_until_running():
    """Wait until a process' execve(2) of a path is over, which sets the binary first and the arguments last."""
    return _wait


def _wait(process, path):
    while os.readlink(f"/proc/{process.pid}/exe".encode()) != path or not Path(f"/proc/{process.pid}/cmdline").read_bytes():
        assert process.poll() is None, "the program ended at once"


@pytest.fixture
def run_program():
    """Start a program that lasts until the test ends: `run_program([path, argument …], **options of Popen)`."""
    started = []

    def start(arguments, **options):
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
        started.append(process)
        _wait(process, os.fsencode(os.path.realpath(options.get("executable", arguments[0]))))
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def sleeper(tmp_path):
    """A copy of sleep(1), to be deleted or replaced."""
    return shutil.copy(os.path.realpath(shutil.which("sleep")), tmp_path / "sleeper")


@pytest.fixture
def query_as_nobody(query, require_root):
    """Rows and gap reasons of a query that a child of this process makes as the user 65534."""

    def run(sql):
        query(sql)  # imports what the child could not read
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
                answer = query(sql)
                os.write(writer, json.dumps([answer.rows, [(gap.reason.value, gap.detail) for gap in answer.gaps]]).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
        assert answer, "the child failed"
        return json.loads(answer)

    return run
