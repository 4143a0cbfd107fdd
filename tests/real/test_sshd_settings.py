"""`sshd_settings` against the installed sshd: whatever the configuration, both must say the same, and object to the same.

sshd runs in a mount namespace of its own whose /etc/ssh, /etc/passwd and /etc/group are the fixture's and whose /run is empty, with `-T`: it
prints its settings and ends. Nothing of the machine is touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sshd_configurations import CONNECTIONS, DOUBTFUL, blocks, configurations

from hardaudit.audit.registry import Registry
from hardaudit.engine.engine import Answer, Bounds, Engine
from hardaudit.target.target import Target

pytestmark = pytest.mark.real

TABLES = tuple(Registry().tables.values())
PASSWD = """root:x:0:0:root:/root:/bin/bash
sshd:x:101:65534::/run/sshd:/usr/sbin/nologin
alice:x:1001:1001::/home/alice:/bin/bash
bob:x:1002:1002::/home/bob/:/bin/bash
"""
GROUP = """root:x:0:
nogroup:x:65534:
alice:x:1001:
bob:x:1002:
sudo:x:27:alice
admins:x:1010:alice,bob
users:x:100:bob
"""
SCRIPT = """
set -e
mount -t tmpfs tmpfs /run && mkdir /run/sshd
mount --bind "$1/etc/ssh" /etc/ssh
mount --bind "$1/etc/passwd" /etc/passwd
mount --bind "$1/etc/group" /etc/group
shift; cd /; set +e
for spec in "$@"; do
    /usr/sbin/sshd -T -C "$spec"
    echo "=status $?"
done
"""


@dataclass(frozen=True)
class Outcome:
    """What sshd printed, and whether it accepted the configuration."""

    accepted: bool
    text: str

    @property
    def settings(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for line in self.text.split("\n"):
            keyword, _, value = line.partition(" ")
            if keyword:
                found[keyword].append(value)
        return dict(found)


class Machine:
    """A root directory with an sshd in it, which both sides look at."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in ("etc/ssh/sshd_config.d", "etc/ssh/more", "usr/sbin", "root"):
            (directory / name).mkdir(parents=True)
        shutil.copy("/usr/sbin/sshd", directory / "usr/sbin/sshd")
        (directory / "etc/passwd").write_text(PASSWD)
        (directory / "etc/group").write_text(GROUP)
        shutil.copy("/etc/services", directory / "etc/services")
        for kind in ("rsa", "ecdsa", "ed25519"):
            key = directory / f"etc/ssh/ssh_host_{kind}_key"
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(key)], check=True)

    def configure(self, files: dict[str, str]) -> None:
        """Make these the only configuration; names are relative to /etc/ssh."""
        for folder in ("sshd_config.d", "more"):
            shutil.rmtree(self.directory / "etc/ssh" / folder)
            (self.directory / "etc/ssh" / folder).mkdir()
        for name, text in files.items():
            (self.directory / "etc/ssh" / name).write_bytes(text.encode("utf-8", "surrogateescape"))

    def sshd(self, *connections: str) -> list[Outcome]:
        """What sshd prints for each connection, given as its option -C wants it."""
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", str(self.directory), *connections],
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done
        outcomes, lines = [], []
        for line in done.stdout.decode("utf-8", "surrogateescape").split("\n"):
            if line.startswith("=status "):
                outcomes.append(Outcome(line == "=status 0", "\n".join(lines)))
                lines = []
            else:
                lines.append(line)
        assert len(outcomes) == len(connections), done
        for line in done.stderr.decode("utf-8", "surrogateescape").split("\n"):
            print(line)  # shown when the test fails
        return outcomes

    def query(self, *statements: tuple[str, dict[str, object]]) -> list[Answer]:
        """The answers of one run."""
        with Target.directory(str(self.directory)) as target, Engine(target, TABLES) as engine:
            return [engine.run(sql, parameters, Bounds(seconds=60)) for sql, parameters in statements]


def missing() -> str | None:
    """What this machine lacks for these tests."""
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/usr/sbin/sshd").exists() or not shutil.which("ssh-keygen"):
        return "needs sshd and ssh-keygen"
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        return "needs to be allowed to make mount namespaces"
    return None


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    if reason := missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with tempfile.TemporaryDirectory(prefix="sshd_settings") as directory:
        yield Machine(Path(directory))


NOT_PRINTED = {"debianbanner"}  # sshd -T leaves it out before OpenSSH 10
COLUMNS = ("user", "host", "address", "local_address", "local_port")


def found(answer: Answer) -> dict[str, list[str]]:
    """The rows' values by keyword, in order."""
    values = defaultdict(list)
    for row in answer.rows:
        values[row["keyword"]].append(row["value"])
    return {keyword: listed for keyword, listed in values.items() if keyword not in NOT_PRINTED}


def by_sshd(outcome: Outcome) -> dict[str, list[str]]:
    return {keyword: listed for keyword, listed in outcome.settings.items() if keyword not in NOT_PRINTED}


def specification(connection: dict[str, object]) -> str:
    names = dict(zip(COLUMNS, ("user", "host", "addr", "laddr", "lport"), strict=True))
    return ",".join(f"{names[name]}={value}" for name, value in connection.items())


def question(connection: dict[str, object]) -> tuple[str, dict[str, object]]:
    where = " AND ".join(f"{name} = :{name}" for name in connection) or "context = ''"
    return f"SELECT keyword, value, config_path, config_line FROM sshd_settings WHERE {where}", connection


NOBODY = {"local_port": 9}  # matches nothing: sshd without -C refuses `Match LocalPort`


def check(machine: Machine, files: dict[str, str], *connections: dict[str, object]) -> None:
    """Both sides agree: on the settings of every connection, or that sshd does not start."""
    machine.configure(files)
    outcomes = machine.sshd(*(specification(connection) for connection in (NOBODY, *connections)))
    answers = machine.query(question({}), *map(question, connections))
    if not all(outcome.accepted for outcome in outcomes):
        assert answers[0].gaps, files
        return
    for answer, outcome in zip(answers, outcomes, strict=True):
        assert not answer.gaps, files
        assert found(answer) == by_sshd(outcome)


def test_the_compiled_defaults(machine: Machine) -> None:
    check(machine, {"sshd_config": ""}, {"user": "root"})


def test_the_distribution_s_own_configuration(machine: Machine) -> None:
    check(machine, {"sshd_config": Path("/etc/ssh/sshd_config").read_text()}, {"user": "alice"})


@settings(max_examples=int(os.environ.get("HARDAUDIT_EXAMPLES", "100")), deadline=None, suppress_health_check=list(HealthCheck))
@given(files=configurations(), connections=st.lists(CONNECTIONS, min_size=1, max_size=3))
def test_any_configuration(machine: Machine, files: dict[str, str], connections: list[dict[str, object]]) -> None:
    check(machine, files, *connections)


@pytest.mark.parametrize("line", DOUBTFUL, ids=repr)
def test_sshd_accepts_what_has_no_gap(machine: Machine, line: str) -> None:
    """Both ways: a gap where sshd refuses to start, none where it starts."""
    machine.configure({"sshd_config": f"Port 22\n{line}\n"})
    outcome = machine.sshd("user=alice,host=h,addr=10.0.0.1,laddr=10.0.0.2,lport=22")[0]
    answer = machine.query(question({}))[0]
    assert bool(answer.gaps) != outcome.accepted, (answer.gaps, outcome.text)
    assert all(gap.detail.startswith("/etc/ssh/sshd_config:2: ") for gap in answer.gaps), answer.gaps


@settings(max_examples=int(os.environ.get("HARDAUDIT_EXAMPLES", "40")), deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=blocks())
def test_the_rows_of_a_block_are_what_its_connections_get(
    machine: Machine, drawn: tuple[list[str], dict[str, tuple[str, ...]], list[str]]
) -> None:
    lines, about, nested = drawn
    files = {"sshd_config": "\n".join(lines), "more/c.conf": "\n".join(nested)}
    machine.configure(files)
    connections = (f"user={user},host=h,addr={address},laddr=::1,lport=22" for user, address in (*about.values(), ("nosuch", "::1")))
    *outcomes, elsewhere = machine.sshd(*connections)
    answer = machine.query(("SELECT * FROM sshd_settings", {}))[0]
    if answer.gaps:
        assert not elsewhere.accepted
        return
    assert {row["context"] for row in answer.rows} == {"", *about}
    for criteria, outcome in zip(about, outcomes, strict=True):
        rows = found(Answer(answer.columns, tuple(row for row in answer.tuples if row[0] == criteria), (), 0))
        assert rows == {keyword: values for keyword, values in by_sshd(outcome).items() if keyword in rows}
        changed = {keyword for keyword, values in by_sshd(outcome).items() if values != by_sshd(elsewhere).get(keyword)}
        assert changed <= {row["keyword"] for row in answer.rows if row["context"] and criteria.startswith(row["context"])}
    for row in answer.rows:
        if row["config_path"]:
            text = files[row["config_path"].removeprefix("/etc/ssh/")].split("\n")[row["config_line"] - 1]
            assert text.strip(' \t"').lower().startswith((row["keyword"], *ALIASES.get(row["keyword"], ()))), (row, text)


ALIASES = {
    "kbdinteractiveauthentication": ("challengeresponseauthentication",),
    "pubkeyacceptedalgorithms": ("pubkeyacceptedkeytypes",),
}
