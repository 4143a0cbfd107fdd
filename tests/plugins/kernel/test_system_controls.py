"""`system_controls` against sysctl(8), and what it may not pass over."""

import os
import pickle
import subprocess
import traceback

import pytest

from hardaudit.model.gap import GapReason
from hardaudit_plugins.kernel.sysctl import like_matcher, may_hold

STABLE = (
    "kernel.osrelease",
    "kernel.core_pattern",
    "kernel.randomize_va_space",
    "net.ipv4.ip_local_port_range",
    "vm.swappiness",
    "fs.suid_dumpable",
)


@pytest.mark.real
@pytest.mark.parametrize("name", STABLE)
def test_value_is_what_sysctl_prints(query, require_tool, name):
    printed = subprocess.run([require_tool("sysctl"), "-n", name], capture_output=True, text=True, check=True).stdout.strip()
    answer = query(f"SELECT name, oid, subsystem, current_value, type FROM system_controls WHERE name = '{name}'")
    assert answer.rows == [
        {"name": name, "oid": None, "subsystem": name.partition(".")[0], "current_value": printed, "type": "string"},
    ]
    assert not answer.gaps


@pytest.mark.real
def test_every_setting_that_sysctl_names_is_there(query, require_root, require_tool):
    printed = subprocess.run([require_tool("sysctl"), "-aN"], capture_output=True, text=True, check=True).stdout
    answer = query("SELECT name FROM system_controls")
    assert {line.replace("/", ".") for line in printed.split("\n") if line} <= {row["name"] for row in answer.rows}


@pytest.mark.real
def test_what_can_only_be_written_is_null_without_a_gap(query):
    answer = query("SELECT current_value FROM system_controls WHERE name = 'vm.drop_caches'")
    assert (answer.rows, answer.gaps) == ([{"current_value": None}], ())


@pytest.mark.real
def test_root_reads_everything(query, require_root):
    assert query("SELECT count(current_value) FROM system_controls").gaps == ()


@pytest.mark.real
def test_what_only_root_may_read_is_a_gap_for_others(query, require_root):
    answer = _as_nobody(lambda: query("SELECT name, current_value FROM system_controls WHERE name = 'net.core.bpf_jit_harden'"))
    assert answer.rows == [{"name": "net.core.bpf_jit_harden", "current_value": None}]
    assert [gap.reason for gap in answer.gaps] == [GapReason.PERMISSION_DENIED]
    assert "/proc/sys/net/core/bpf_jit_harden" in answer.gaps[0].detail


@pytest.mark.real
def test_others_read_what_everyone_may_without_a_gap(query, require_root):
    answer = _as_nobody(lambda: query("SELECT current_value FROM system_controls WHERE name = 'kernel.randomize_va_space'"))
    assert len(answer.rows) == 1
    assert not answer.gaps


def _as_nobody(work):
    """What `work` returns in a child without root's rights."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(sender, pickle.dumps(work()))
        except BaseException:
            os.write(sender, pickle.dumps(traceback.format_exc()))
        finally:
            os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as stream:
        result = pickle.loads(stream.read())
    os.waitpid(child, 0)
    assert not isinstance(result, str), result
    return result


@pytest.mark.real
def test_a_join_looks_each_name_up(query):
    answer = query(
        "WITH wanted(name) AS (VALUES ('kernel.osrelease'), ('no.such_setting')) "
        "SELECT wanted.name, current.name IS NOT NULL AS found FROM wanted LEFT JOIN system_controls AS current ON current.name = wanted.name"
    )
    assert answer.rows == [{"name": "kernel.osrelease", "found": 1}, {"name": "no.such_setting", "found": 0}]
    assert not answer.gaps


@pytest.mark.parametrize(
    "name", ["net.ipv4", "net", "", ".", "kernel..osrelease", "kernel/osrelease", "../version", "..", "a." * 200, "kernel.osrelease.x"]
)
def test_names_of_no_setting(fake_host, name):
    answer = fake_host(f"SELECT * FROM system_controls WHERE name = '{name}'")
    assert (answer.rows, answer.gaps) == ([], ())


def test_interface_with_a_dot(fake_host, root):
    root.write("/proc/sys/net/ipv4/conf/eth0/rp_filter", "1\n")
    root.write("/proc/sys/net/ipv4/conf/eth0.100/rp_filter", "2\n")
    name = "net.ipv4.conf.eth0.100.rp_filter"
    assert fake_host(f"SELECT name, current_value FROM system_controls WHERE name = '{name}'").rows == [
        {"name": name, "current_value": "2"}
    ]


def test_like_reads_only_what_matches(fake_host, root):
    for interface, value in (("all", "0"), ("default", "1"), ("ETH0", "2")):
        root.write(f"/proc/sys/net/ipv4/conf/{interface}/rp_filter", f"{value}\n")
    os.mkfifo(f"{root.path}/proc/sys/net/ipv4/conf/all/other")
    root.write("/proc/sys/net/ipv6/conf/all/rp_filter", "9\n")
    answer = fake_host("SELECT name, current_value FROM system_controls WHERE name LIKE 'NET.ipv4.conf.%.rp_filter' ORDER BY name")
    assert [(row["name"].split(".")[3], row["current_value"]) for row in answer.rows] == [("ETH0", "2"), ("all", "0"), ("default", "1")]
    assert not answer.gaps


def test_subsystem(fake_host, root):
    root.write("/proc/sys/vm/swappiness", "60\n")
    answer = fake_host("SELECT name FROM system_controls WHERE subsystem = 'vm'")
    assert answer.rows == [{"name": "vm.swappiness"}]


def test_unset_stable_secret_is_empty(query):
    answer = query("SELECT current_value FROM system_controls WHERE name = 'net.ipv6.conf.all.stable_secret'")
    assert not answer.gaps
    assert all(row["current_value"] is not None for row in answer.rows)


def test_without_proc_sys_absence_is_a_gap(query, tmp_path):
    from hardaudit.engine.engine import Engine
    from hardaudit.plugin.discover import tables_in
    from hardaudit.target.target import Target

    with Target(str(tmp_path), live=True) as target, Engine(target, tables_in("hardaudit_plugins.kernel.tables")) as engine:
        for where in ("", " WHERE name = 'kernel.osrelease'", " WHERE name LIKE 'kernel.%'"):
            answer = engine.run(f"SELECT name FROM system_controls{where}")
            assert answer.rows == []
            assert [gap.reason for gap in answer.gaps] == [GapReason.MISSING_SOURCE], where


def test_a_disk_image_has_no_running_kernel(query, root):
    root.write("/proc/sys/kernel/osrelease", "6.1.0\n")
    answer = query("SELECT * FROM system_controls", root)
    assert answer.rows == []
    assert answer.gaps


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("kernel.%", "kernel.osrelease", True),
        ("%release", "kernel.OSRELEASE", True),
        ("kernel.os_elease", "kernel.osrelease", True),
        ("kernel", "kernel.osrelease", False),
        ("a.b", "axb", False),
        ("%[a]*", "x[a]*", True),
        ("É%", "é", False),
    ],
)
def test_like_is_sqlites(pattern, name, matches):
    import sqlite3

    assert sqlite3.connect(":memory:").execute("SELECT ? LIKE ?", (name, pattern)).fetchone() == (int(matches),)
    assert like_matcher((pattern,))(name) is matches


def test_directories_that_may_hold_matches():
    assert may_hold("net.ipv4.conf.%.rp_filter", "net.ipv4")
    assert may_hold("net.ipv4.conf.%.rp_filter", "net.ipv4.conf.eth0")
    assert may_hold("%", "net")
    assert not may_hold("net.ipv4.conf.%.rp_filter", "net.ipv4.neigh")
    assert not may_hold("net.ipv4.conf.%.rp_filter", "net.ipv")
