"""`php_execution` against the real Apache, nginx and PHP-FPM: whatever the configuration, both say the same of an uploaded file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cases_cgi import CASES as CGI
from cases_fpm import CASES as FPM
from cases_mod_php import CASES as MOD_PHP
from cases_nginx import CASES as NGINX
from php_harness import PROGRAMS, Case, batches, differences

pytestmark = pytest.mark.real

EVERY = os.environ.get("HARDAUDIT_PROFILE") == "thorough"


def chosen(cases: list[Case]) -> list[Case]:
    """Every case whose servers are shared; of those that need a start of their own, one in four unless the profile is thorough."""
    return cases


@pytest.fixture(autouse=True)
def servers(require_root, require_tool) -> None:
    for program in PROGRAMS:
        require_tool(program)


BATCHES = [batch for cases in (MOD_PHP, FPM, CGI, NGINX) for batch in batches(cases)]


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: f"{batch[0].name}+{len(batch) - 1}" if len(batch) > 1 else batch[0].name)
def test_the_table_agrees_with_the_servers(batch: list[Case], tmp_path: Path) -> None:
    found = differences(batch, tmp_path)
    assert not found, "\n".join(found)


def test_the_published_oracle(shared: Path, tmp_path: Path) -> None:
    oracle = shared / "oracles/php_execution"
    tool = Path(sys.executable).with_name("hardaudit")
    done = subprocess.run(
        [sys.executable, "compare.py", "cases.py", "truth.json", str(tool)],
        cwd=oracle,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
