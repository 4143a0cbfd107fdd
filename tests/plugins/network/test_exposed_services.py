"""The checks on listeners, asked about real ones in a network namespace of the test's own."""

import json
from pathlib import Path

import pytest

import hardaudit_plugins.network
from hardaudit.policy.check_file import load_check

pytestmark = pytest.mark.real

CHECKS = Path(hardaudit_plugins.network.__file__).parent / "checks"
PROGRAM = """
import socket, sys, time
kept = []
for family, kind, address in [(2, 1, "192.0.2.1"), (10, 1, "2001:db8::1"), (2, 2, "192.0.2.1"), (2, 1, "127.0.0.1"), (10, 1, "::1")]:
    made = socket.socket(family, kind)
    made.bind((address, 3306))
    kept.append(made.listen() if kind == 1 else None)
    kept.append(made)
print("ready", flush=True)
time.sleep(5)
"""
SET_UP = """
ip address add 192.0.2.1/32 dev lo
ip address add 2001:db8::1/128 dev lo nodad
ip link set lo up
"$PYTHON" -c "$PROGRAM" > "$READY" 2>&1 &
for attempt in 1 2 3 4 5 6 7 8 9 10; do grep -q ready "$READY" && break; sleep 0.2; done
"""


@pytest.fixture
def subjects(query_in_namespace, tmp_path):
    """Subjects of a check's findings for the listeners of PROGRAM, without the process' name."""

    def run(name, **params):
        check = load_check(str(CHECKS / f"{name}.yaml"))
        parameters = {key: value if isinstance(value, bool) else json.dumps(value) for key, value in {**check.defaults, **params}.items()}
        ready = tmp_path / "ready"
        ready.write_text("")
        rows, _ = query_in_namespace(check.query, SET_UP, PROGRAM=PROGRAM, READY=str(ready), PARAMETERS=json.dumps(parameters))
        return {row["subject"].rpartition(" ")[0] for row in rows if row["port"] == 3306}

    return run


def test_everything_beyond_loopback_is_exposed(subjects):
    assert subjects("exposed_services") == {"tcp 192.0.2.1:3306", "tcp [2001:db8::1]:3306", "udp 192.0.2.1:3306"}


def test_what_the_allow_list_lets_through(subjects):
    allow = [{"protocol": "tcp", "port": 3306, "address": "192.0.2.0/24"}, {"address": "2001:db8::/32", "port": 3307}]
    assert subjects("exposed_services", allow=allow) == {"tcp [2001:db8::1]:3306", "udp 192.0.2.1:3306"}


def test_an_exposed_database(subjects):
    assert subjects("data_services_exposed") == {"tcp 192.0.2.1:3306", "tcp [2001:db8::1]:3306"}
