"""`process_namespaces` against /proc and a namespace of the test's own."""

import os
import subprocess

import pytest

pytestmark = pytest.mark.real

KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


def namespaces(query, pid):
    (row,) = query(f"SELECT * FROM process_namespaces WHERE pid = {pid}").rows
    return row


def test_this_process(query):
    expected = {f"{kind}_namespace": os.readlink(f"/proc/self/ns/{kind}").removeprefix(f"{kind}:[").removesuffix("]") for kind in KINDS}
    assert namespaces(query, os.getpid()) == {"pid": os.getpid(), **expected}


def test_a_network_namespace_of_its_own(query, require_root, require_tool):
    process = subprocess.Popen([require_tool("unshare"), "--net", "sh", "-c", "echo ready; exec sleep 1000"], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        there, here = namespaces(query, process.pid), namespaces(query, os.getpid())
    finally:
        process.kill()
        process.wait()
    assert {kind for kind in KINDS if there[f"{kind}_namespace"] != here[f"{kind}_namespace"]} == {"net"}


def test_what_another_user_may_not_see_is_a_gap(query_as_nobody):
    rows, gaps = query_as_nobody("SELECT pid, net_namespace FROM process_namespaces WHERE pid = 1")
    assert rows == [{"pid": 1, "net_namespace": None}]
    assert {reason for reason, _ in gaps} == {"permission_denied"}
