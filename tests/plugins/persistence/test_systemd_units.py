"""systemd_units and systemd_unit_commands, on written unit files and beside the real systemctl."""

from __future__ import annotations

import os
import subprocess

import pytest

from hardaudit.model.gap import GapReason

SQL = "SELECT id, unit_file_state AS state, load_state, description, fragment_path, user, source_path FROM systemd_units"
WANTED = "[Install]\nWantedBy=multi-user.target\n"


def _service(description: str = "d", install: str = "", **service: str) -> str:
    settings = "".join(f"{key}={value}\n" for key, value in ({"ExecStart": "/bin/true"} | service).items())
    return f"[Unit]\nDescription={description}\n[Service]\n{settings}{install}"


@pytest.fixture
def units(root):
    lib, etc, run = "/usr/lib/systemd/system", "/etc/systemd/system", "/run/systemd/system"
    root.symlink("/lib", "usr/lib")
    root.write(f"{lib}/enabled.service", _service("Enabled one", WANTED, User="www-data"))
    root.symlink(f"{etc}/multi-user.target.wants/enabled.service", f"{lib}/enabled.service")
    root.write(f"{lib}/disabled.service", _service(install=WANTED))
    root.write(f"{lib}/static.service", _service())
    root.symlink(f"{lib}/multi-user.target.wants/static.service", "../static.service")
    root.write(f"{lib}/indirect.service", _service(install="[Install]\nAlso=enabled.service\n"))
    root.write(f"{lib}/aliased.service", _service(install="[Install]\nAlias=other.service\n"))
    root.symlink(f"{etc}/other.service", f"{lib}/aliased.service")
    root.write(f"{lib}/masked.service", _service(install=WANTED))
    root.symlink(f"{etc}/masked.service", "/dev/null")
    root.write(f"{etc}/emptied.service", "")
    root.symlink(f"{run}/hidden.service", "/dev/null")
    root.write("/opt/app/linked.service", _service("Linked", WANTED))
    root.symlink(f"{etc}/linked.service", "/opt/app/linked.service")
    root.write(f"{lib}/runtime.service", _service(install=WANTED))
    root.symlink(f"{run}/multi-user.target.wants/runtime.service", f"{lib}/runtime.service")
    root.write(f"{lib}/getty@.service", _service("Getty on %I", "[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n", User="u%i"))
    root.symlink(f"{etc}/getty.target.wants/getty@tty1.service", f"{lib}/getty@.service")
    root.write(f"{etc}/overridden.service", _service("Mine"))
    root.write(f"{lib}/overridden.service", _service("Theirs", WANTED))
    root.write("/run/systemd/generator/made.service", _service() + "[Unit]\nSourcePath=/etc/init.d/made\n")
    root.write(f"{lib}/some.timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n")
    root.symlink(f"{etc}/timers.target.wants/some.timer", f"{lib}/some.timer")
    root.write(f"{lib}/multi-user.target", "[Unit]\nDescription=Multi\n")
    root.symlink(f"{etc}/default.target", f"{lib}/multi-user.target")
    root.write(f"{lib}/not-a-unit.conf", "x")
    root.write(f"{lib}/bad name.service", "x")
    return root


def test_each_unit_and_its_state(units, query):
    answer = query(SQL, units)
    assert {row["id"]: row["state"] for row in answer.rows} == {
        "aliased.service": "enabled",
        "disabled.service": "disabled",
        "emptied.service": "masked",
        "enabled.service": "enabled",
        "getty@tty1.service": "enabled",
        "hidden.service": "masked-runtime",
        "indirect.service": "indirect",
        "linked.service": "linked",
        "made.service": "generated",
        "masked.service": "masked",
        "multi-user.target": "indirect",
        "overridden.service": "static",
        "runtime.service": "enabled-runtime",
        "some.timer": "enabled",
        "static.service": "static",
    }
    assert not answer.gaps
    rows = {row["id"]: row for row in answer.rows}
    assert (rows["enabled.service"]["description"], rows["enabled.service"]["user"]) == ("Enabled one", "www-data")
    assert rows["enabled.service"]["fragment_path"] == "/usr/lib/systemd/system/enabled.service"
    assert (rows["getty@tty1.service"]["description"], rows["getty@tty1.service"]["user"]) == ("Getty on tty1", "utty1")
    assert (rows["overridden.service"]["description"], rows["made.service"]["source_path"]) == ("Mine", "/etc/init.d/made")
    assert (rows["masked.service"]["load_state"], rows["static.service"]["load_state"]) == ("masked", "loaded")


@pytest.mark.real
def test_the_states_are_those_of_the_real_systemctl(units, query, require_tool):
    listed = subprocess.run(
        [require_tool("systemctl"), f"--root={units.path}", "list-unit-files", "--no-legend", "--no-pager", "--full"], capture_output=True, text=True, check=True
    )
    theirs = {words[0]: words[1] for words in (line.split() for line in listed.stdout.splitlines())}
    ours = {row["id"]: row["state"] for row in query(SQL, units).rows}
    assert theirs.pop("getty@.service") == "enabled"
    assert ours.pop("getty@tty1.service") == "enabled"
    assert {name: state for name, state in theirs.items() if state != "alias"} == ours


@pytest.mark.real
def test_this_hosts_states_are_those_of_the_real_systemctl(query, require_tool):
    listed = subprocess.run([require_tool("systemctl"), "--root=/", "list-unit-files", "--no-legend", "--no-pager", "--full"], capture_output=True, text=True, check=True)
    theirs = {words[0]: words[1] for words in (line.split() for line in listed.stdout.splitlines()) if words[1] not in ("alias", "transient", "generated")}
    if len(theirs) < 20:
        pytest.skip("this host has too few units to compare")
    ours = {row["id"]: row["state"] for row in query(SQL).rows}
    assert {name: state for name, state in theirs.items() if "@." not in name} == {name: state for name, state in ours.items() if name in theirs}


def test_drop_ins_are_applied_in_order(root, query):
    lib, etc = "/usr/lib/systemd/system", "/etc/systemd/system"
    root.write(f"{lib}/web-shop.service", _service("Base", ExecStart="/usr/bin/base", User="a"))
    root.write(f"{etc}/web-shop.service.d/20-b.conf", "[Service]\nUser=c\n")
    root.write(f"{lib}/web-shop.service.d/20-b.conf", "[Service]\nUser=hidden by the one in /etc\n")
    root.write(f"{lib}/web-.service.d/10-a.conf", "[Service]\nUser=b\nExecStart=\nExecStart=-/opt/new --x \\\n  # comment\n  --y\n")
    root.write(f"{etc}/service.d/30.conf", "[Unit]\nDescription=Last\n")
    root.write(f"{etc}/web-shop.service.d/note.txt", "[Service]\nUser=d\n")
    (row,) = query(SQL, root).rows
    assert (row["user"], row["description"]) == ("c", "Last")
    commands = query("SELECT setting, executable, command, prefixes, user, path, line FROM systemd_unit_commands", root).rows
    assert commands == [
        {"setting": "ExecStart", "executable": "/opt/new", "command": "/opt/new --x  --y", "prefixes": "-", "user": "c", "path": f"{lib}/web-.service.d/10-a.conf", "line": 4}
    ]


def test_several_commands_and_quotes(root, query):
    root.write("/etc/systemd/system/a@.service", '[Service]\nExecStartPre=!!+/bin/one %i ; /bin/two\nExecStart="/opt/my app" 50%%\n')
    root.symlink("/etc/systemd/system/x.target.wants/a@b-c.service", "../a@.service")
    commands = query("SELECT id, setting, executable, command, prefixes FROM systemd_unit_commands", root).rows
    assert [tuple(row.values()) for row in commands] == [
        ("a@b-c.service", "ExecStartPre", "/bin/one", "/bin/one b-c", "!!+"),
        ("a@b-c.service", "ExecStartPre", "/bin/two", "/bin/two", ""),
        ("a@b-c.service", "ExecStart", "/opt/my app", '"/opt/my app" 50%', ""),
    ]


def test_states_that_only_systemd_knows_are_a_gap_when_they_are_asked_for(units, query):
    assert not query("SELECT id, user FROM systemd_units", units).gaps
    answer = query("SELECT id, active_state FROM systemd_units", units)
    assert {row["active_state"] for row in answer.rows} == {None}
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


def test_a_unit_that_cannot_be_read_is_a_gap(root, query):
    root.mkdir("/etc/systemd")
    root.mkdir("/etc/systemd/system")
    os.mkfifo(root.directory / "etc/systemd/system/pipe.service")
    root.symlink("/etc/systemd/system/gone.service", "/opt/gone.service")
    answer = query(SQL, root)
    assert {row["id"]: row["load_state"] for row in answer.rows} == {"pipe.service": "error", "gone.service": "error"}
    assert {(gap.reason, gap.detail.partition(":")[0]) for gap in answer.gaps} == {
        (GapReason.UNSUPPORTED, "/etc/systemd/system/pipe.service"),
        (GapReason.MISSING_SOURCE, "/etc/systemd/system/gone.service"),
    }


def test_a_host_without_systemd_has_no_units_and_no_gap(root, query):
    answer = query(SQL, root)
    assert not answer.rows
    assert not answer.gaps


def test_the_object_path_is_systemds(root, query):
    root.write("/etc/systemd/system/9a-b.service", _service())
    assert query("SELECT object_path FROM systemd_units", root).rows == [{"object_path": "/org/freedesktop/systemd1/unit/_39a_2db_2eservice"}]
