"""`php_execution` against the real Apache, nginx and PHP-FPM: whatever the configuration, both say the same of an uploaded file."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from cases_cgi import CASES as CGI
from cases_fpm import CASES as FPM
from cases_mod_php import CASES as MOD_PHP
from cases_nginx import CASES as NGINX
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from php_agreement import disagreements, minimal, shown
from php_harness import PROGRAMS, Case, batches, differences
from upload_configurations import UPLOAD_CONFIGURATIONS, Upload

pytestmark = pytest.mark.real

THOROUGH = os.environ.get("HARDAUDIT_PROFILE") == "thorough"
ONE_IN = 1 if THOROUGH else 12
TOGETHER = 40


ANOTHER_ADDRESS = {
    *(
        "a-acl-not-ip",
        "a-acl-not-local",
        "a-ht-all-requireall",
        "a-ht-all-requirenone",
        "a-ht-all-allow-deny",
        "a-sec-deny-if-ip",
        "a-sec-handler-if-ip",
    ),
    *("n-php-in-deny-local", "n-php-server-deny-local", "n-php-in-if-remote", "n-php-server-if-remote", "n-geo"),
}
"""The server refuses this machine's own address only; the table tells of visitors from any."""
ANOTHER_URL = {
    "n-alias-same",
    "n-alias-rewrite-only",
    "n-nest-alias-outer-re",
    "n-srv-first-default-wins",
    "n-srv-other-docroot-open",
    "a-rw-pics-only",
}
"""The file runs through a URL or site other than the one that is requested."""
FAIRLY_UNDECIDED = {
    *(
        "f-sock-tcp-wrong",
        "f-pp-balancer-nopool",
        "f-userini-basedir",
        "f-userini-basedir-doc",
        "f-ini-section-basedir",
        "f-ini-lim-section-basedir",
    ),
    *(
        "n-proxy-images",
        "n-scgi",
        "n-uwsgi",
        "n-post-action",
        "n-userini-basedir",
        "n-ini-bare-section-basedir",
        "a-sec-deny-if-ge",
        "a-sec-handler-if-ge",
    ),
    *("f-pool-basedir-dot", "n-pool-basedir-dot", "n-pool-bare-basedir-dot"),
    *("n-ini-section-basedir", "n-userini-othername", "n-split-clients", "n-sock-tcp-wrong"),
    *("a-rw-vhost-cond-time", "a-rw-vhost-cond-laF", "a-rw-vhost-p", "a-proxy-all", "a-proxy-php", "a-proxy-late-not"),
}
"""What happens depends on another machine, a clock or a directory that no configuration names, or on a variable that is not evaluated."""
SAID_TO_RUN = {"f-sock-allowed-clients", "f-sock-mode", "n-sock-perm", "a-ht-upper-all", "a-conf-ifversion->_2.4.10"}
"""Sockets that the web server may not open, a text that the test does not try, and a version that the root does not tell."""
NOT_COMPARED = ANOTHER_ADDRESS | ANOTHER_URL | FAIRLY_UNDECIDED | SAID_TO_RUN


@pytest.fixture(autouse=True)
def servers(require_root, require_tool) -> None:
    for program in PROGRAMS:
        require_tool(program)


def chosen(cases: list[Case]) -> list[Case]:
    """All in the profile `thorough`; else a part that is the same on each run."""
    return [case for case in cases if zlib.crc32(case.name.encode()) % ONE_IN == 0 and case.name not in NOT_COMPARED]


BATCHES = [batch for cases in (MOD_PHP, FPM, CGI, NGINX) for batch in batches(chosen(cases))]


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: f"{batch[0].name}+{len(batch) - 1}" if len(batch) > 1 else batch[0].name)
def test_the_table_agrees_with_the_servers(batch: list[Case], tmp_path: Path) -> None:
    found = differences(batch, tmp_path)
    assert not found, "\n".join(found)


@settings(
    max_examples=int(os.environ.get("HARDAUDIT_EXAMPLES", "50" if THOROUGH else "1")),
    deadline=None,
    phases=[Phase.generate],  # a difference is made smaller below, many candidates in one server
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(UPLOAD_CONFIGURATIONS, min_size=TOGETHER, max_size=TOGETHER))
def test_any_configuration_of_apache(uploads: list[Upload]) -> None:
    for upload, lines in disagreements(uploads)[:1]:
        smallest, found = minimal(upload, lines)
        pytest.fail("\n".join([*found, shown(smallest)]))


def test_the_published_cases(shared: Path) -> None:
    oracle = shared / "oracles/php_execution"
    tool = str(Path(sys.executable).with_name("hardaudit"))
    command = [sys.executable, "compare.py", "cases.py", "truth.json", tool]
    done = subprocess.run(command, cwd=oracle, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
