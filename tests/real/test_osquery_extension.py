"""The extension in a real osqueryd: one that the test starts for itself, found on PATH or named by HARDAUDIT_OSQUERYD."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from osquery.extensions.ExtensionManager import Client
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

from hardaudit.audit.registry import Registry

pytestmark = pytest.mark.real_osquery

EXTENSION = (sys.executable, "-m", "hardaudit", "osquery-extension")


def osqueryd_program():
    named = os.environ.get("HARDAUDIT_OSQUERYD")
    found = named or shutil.which("osqueryd", path=f"{os.environ.get('PATH', '')}:/usr/bin:/opt/osquery/bin")
    if not found:
        pytest.skip("needs osqueryd: on PATH, or named by HARDAUDIT_OSQUERYD")
    return found


class Osqueryd:
    """An ephemeral osqueryd in a private directory."""

    def __init__(self, folder, *flags):
        self.socket = str(folder / "em")
        (folder / "flags").touch()
        self._log = (folder / "stderr").open("wb")
        self._process = subprocess.Popen(
            [
                osqueryd_program(),
                f"--flagfile={folder}/flags",
                "--ephemeral",
                "--disable_database",
                "--disable_watchdog",
                "--disable_logging",
                "--config_path=/dev/null",
                f"--extensions_socket={self.socket}",
                f"--pidfile={folder}/pid",
                f"--database_path={folder}/database",
                f"--logger_path={folder}",
                *flags,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )
        self._stderr = folder / "stderr"

    def told(self):
        return self._stderr.read_text(errors="replace")[-2000:]

    def ask(self, sql):
        """Status and rows of a query."""
        transport = TSocket(unix_socket=self.socket)
        transport.setTimeout(120_000)
        buffered = TBufferedTransport(transport)
        buffered.open()
        try:
            reply = Client(TBinaryProtocol(buffered)).query(sql)
        finally:
            buffered.close()
        return reply.status, reply.response or []

    def query(self, sql):
        status, rows = self.ask(sql)
        assert status.code == 0, status.message
        return rows

    def wait(self):
        self.until(lambda: self.query("SELECT 1 AS one") == [{"one": "1"}])

    def until(self, holds, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(Exception):
                if holds():
                    return
            assert self._process.poll() is None, self.told()
            assert time.monotonic() < deadline, self.told()
            time.sleep(0.1)

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


@pytest.fixture(scope="module")
def folder():
    path = Path(tempfile.mkdtemp(prefix="ha-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def osqueryd(folder):
    started = Osqueryd(folder)
    try:
        started.wait()
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def extension(osqueryd):
    """The extension's process, registered."""
    process = subprocess.Popen([*EXTENSION, "--socket", osqueryd.socket, "--timeout", "10"], stderr=subprocess.PIPE, text=True)
    try:
        told = process.stderr.readline()
        assert " tables are served " in told, told
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.usefixtures("extension")
class TestServed:
    def test_the_tables_that_osqueryd_lacks_with_their_columns_and_types(self, osqueryd):
        own = {name: table.spec for name, table in Registry().tables.items() if not table.spec.osquery}
        for name, spec in own.items():
            found = {row["name"]: row["type"] for row in osqueryd.query(f"PRAGMA table_info({name})")}
            shown = [column for column in spec.columns if not column.hidden]
            assert found == {column.name: "BIGINT" if column.type.is_integer else column.type.value for column in shown}, name
        names = {row["name"] for row in osqueryd.query("SELECT name FROM osquery_registry WHERE registry = 'table'")}
        assert own.keys() | {"hardaudit_gaps", "users"} <= names

    def test_a_join_of_a_table_of_osquery_s_with_one_of_ours(self, osqueryd):
        rows = osqueryd.query("SELECT u.username, p.username AS ours FROM users u JOIN account_passwords p ON p.uid = u.uid")
        assert {"username": "root", "ours": "root"} in rows
        local = {account.pw_name for account in pwd.getpwall()}
        assert {row["username"] for row in rows} <= local

    def test_a_constraint_reaches_the_generator(self, osqueryd):
        ((count,),) = [row.values() for row in osqueryd.query("SELECT count(*) FROM php_execution WHERE directory = '/srv/elsewhere'")]
        assert int(count) > 0

    def test_required_and_hidden_columns(self, osqueryd, tmp_path):
        (tmp_path / "a b").write_text("")
        sql = f"SELECT filename, size, hard_links FROM file_tree WHERE root = '{tmp_path}' AND type = 'regular'"
        assert osqueryd.query(sql) == [{"filename": "a b", "size": "0", "hard_links": "1"}]
        assert osqueryd.query(f"SELECT filename FROM file_tree('{tmp_path}') WHERE path LIKE '%b'") == [{"filename": "a b"}]
        assert len(osqueryd.query(f"SELECT path FROM file_tree WHERE root = '{tmp_path}' AND (filename = 'a b' OR size = 0)")) == 1
        assert osqueryd.ask("SELECT path FROM file_tree")[0].code != 0

    def test_numbers_beyond_32_bits(self, osqueryd, tmp_path):
        with (tmp_path / "large").open("wb") as file:
            file.truncate(2**33)
        rows = osqueryd.query(f"SELECT typeof(size) AS type, size FROM file_tree WHERE root = '{tmp_path}' AND filename = 'large'")
        assert rows == [{"type": "integer", "size": str(2**33)}]

    def test_the_gaps_of_a_query_in_its_second_arm(self, osqueryd):
        sql = """
            SELECT path AS subject, NULL AS hardaudit_gap FROM file_tree WHERE root = 'relative'
            UNION ALL
            SELECT NULL, json_object('table', table_name, 'reason', reason, 'detail', detail) FROM hardaudit_gaps WHERE table_name IN ('file_tree')
        """
        gaps = [row["hardaudit_gap"] for row in osqueryd.query(sql)]
        assert len(gaps) == 1
        assert '"table":"file_tree"' in gaps[0]
        assert "an absolute path is needed" in gaps[0]

    def test_every_example_of_our_tables_runs(self, osqueryd):
        for table in Registry().tables.values():
            for sql in () if table.spec.osquery else table.spec.examples:
                status, _ = osqueryd.ask(sql)
                assert status.code == 0, (sql, status.message)


def test_the_end(osqueryd, extension):
    extension.terminate()
    assert extension.wait(20) == 0
    assert osqueryd.query("SELECT name FROM osquery_extensions WHERE name = 'hardaudit'") == []
    assert osqueryd.ask("SELECT * FROM php_execution")[0].code != 0
    assert not list(Path(osqueryd.socket).parent.glob("em.*"))


@pytest.mark.usefixtures("require_root")
def test_osqueryd_starts_it_by_its_launcher():
    folder = Path(tempfile.mkdtemp(prefix="ha-"))
    launcher = folder / "hardaudit.ext"
    written = subprocess.run([*EXTENSION, "--write-launcher", str(launcher)], capture_output=True, text=True, check=True)
    (folder / "extensions.load").write_text(f"{launcher}\n")
    assert f"{launcher}\n" in written.stdout
    flags = (f"--extensions_autoload={folder}/extensions.load", "--extensions_timeout=20", "--extensions_require=hardaudit")
    started = Osqueryd(folder, *flags)
    try:
        started.wait()
        started.until(lambda: started.query("SELECT name FROM osquery_extensions WHERE name = 'hardaudit'"))
        assert started.query("SELECT count(*) AS n FROM hardaudit_gaps") == [{"n": "0"}]
    finally:
        started.stop()
        shutil.rmtree(folder, ignore_errors=True)
