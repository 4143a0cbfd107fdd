"""Listeners and network namespaces of the tests' own, so that the machine's are not touched."""

import json
import os
import subprocess
import sys

import pytest

QUERY = """
import json, os, sys
from hardaudit.engine.engine import Engine
from hardaudit.plugin.discover import tables_in
from hardaudit.target.target import Target
tables = [table for domain in ("network", "processes", "accounts") for table in tables_in(f"hardaudit_plugins.{domain}.tables")]
with Target.live_host() as target, Engine(target, tables) as engine:
    if "USER_ID" in os.environ:
        os.setgroups([]); os.setgid(int(os.environ["USER_ID"])); os.setuid(int(os.environ["USER_ID"]))
    answer = engine.run(sys.argv[1], json.loads(os.environ.get("PARAMETERS", "{}")))
print(json.dumps([answer.rows, [(gap.table, gap.reason.value, gap.detail) for gap in answer.gaps]]))
"""


@pytest.fixture
def query_in_namespace(require_root, require_tool):
    """Rows and gaps of a query in a new network namespace, after a shell script has set it up."""

    def run(sql, script="true", **environment):
        command = f'set -e\n{script}\nexec "$PYTHON" -c "$QUERY" "$SQL"'
        variables = {"PYTHON": sys.executable, "QUERY": QUERY, "SQL": sql, **environment}
        done = subprocess.run(
            [require_tool("unshare"), "--net", "sh", "-c", command],
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        rows, gaps = json.loads(done.stdout.splitlines()[-1])
        return rows, gaps

    return run
