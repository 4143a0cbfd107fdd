"""`processes` against processes of the test's own, /proc and ps(1)."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from hardaudit.model.gap import GapReason

pytestmark = pytest.mark.real

SLEEP = os.path.realpath(shutil.which("sleep"))


def one(query, pid, columns="*"):
    (row,) = query(f"SELECT {columns} FROM processes WHERE pid = {pid}").rows
    return row


def test_a_process_of_our_own(query, run_program, tmp_path):
    process = run_program(["a  b", "1000"], executable=SLEEP, cwd=tmp_path)
    row = one(query, process.pid)
    assert row["name"] == "sleep"
    assert row["path"] == SLEEP
    assert row["cmdline"] == "a  b 1000"
    assert row["cwd"] == str(tmp_path)
    assert row["root"] == "/"
    assert row["state"] in ("R", "S")
    assert row["parent"] == os.getpid()
    assert row["pgroup"] == os.getpgid(process.pid)
    assert [row[key] for key in ("uid", "euid", "suid")] == list(os.getresuid())
    assert [row[key] for key in ("gid", "egid", "sgid")] == list(os.getresgid())
    assert row["on_disk"] == 1
    assert row["threads"] == 1
    assert row["wired_size"] == 0
    assert row["total_size"] >= row["resident_size"] > 0
    assert abs(row["start_time"] - time.time()) < 60
    assert row["nice"] == os.getpriority(os.PRIO_PROCESS, process.pid)


def test_times_of_this_process_are_milliseconds(query):
    deadline = time.process_time() + 0.2
    while time.process_time() < deadline:
        pass
    row = one(query, os.getpid())
    spent = os.times()
    assert abs(row["user_time"] + row["system_time"] - 1000 * (spent.user + spent.system)) < 200


def test_the_same_processes_as_ps(query, require_tool):
    answer = query("SELECT pid, parent, uid, name FROM processes")
    listed = subprocess.run([require_tool("ps"), "-eo", "pid=,ppid=,ruid=,comm="], capture_output=True, text=True, check=True).stdout
    ps = {}
    for line in listed.splitlines():
        pid, parent, uid, name = line.split(None, 3)
        ps[int(pid)] = (int(parent), int(uid), name.removesuffix(" <defunct>"))
    ours = {row["pid"]: (row["parent"], row["uid"], row["name"]) for row in answer.rows}
    both = ours.keys() & ps.keys()
    assert len(both) > 0.8 * len(ps)
    for pid in both:
        assert ours[pid][:2] == ps[pid][:2]
    steady = [pid for pid in both if not ps[pid][2].startswith("kworker/")]  # they take another name with each job
    assert sum(ours[pid][2] == ps[pid][2] for pid in steady) >= len(steady) - 2


def test_a_deleted_binary(query, run_program, sleeper):
    process = run_program([str(sleeper), "1000"])
    assert one(query, process.pid, "on_disk, path") == {"on_disk": 1, "path": str(sleeper)}
    sleeper.unlink()
    assert one(query, process.pid, "on_disk, path") == {"on_disk": 0, "path": str(sleeper)}


def test_a_replaced_binary_is_deleted(query, run_program, sleeper):
    process = run_program([str(sleeper), "1000"])
    sleeper.unlink()
    shutil.copy(SLEEP, sleeper)
    assert one(query, process.pid, "on_disk, path") == {"on_disk": 0, "path": str(sleeper)}


def test_a_binary_whose_name_ends_like_a_deleted_one(query, run_program, sleeper):
    odd = sleeper.rename(f"{sleeper} (deleted)")
    process = run_program([str(odd), "1000"])
    assert one(query, process.pid, "on_disk, path") == {"on_disk": 1, "path": str(odd)}


def test_a_deleted_binary_is_not_excused_by_a_file_with_the_mark_in_its_name(query, run_program, sleeper):
    process = run_program([str(sleeper), "1000"])
    sleeper.unlink()
    shutil.copy(SLEEP, f"{sleeper} (deleted)")
    assert one(query, process.pid, "on_disk, path") == {"on_disk": 0, "path": str(sleeper)}


def test_a_binary_that_was_never_on_disk(query, wait_until_running):
    memory = os.memfd_create("unseen")
    with open(SLEEP, "rb") as program:
        os.write(memory, program.read())
    process = subprocess.Popen(["kworker/0:9", "1000"], executable=f"/proc/self/fd/{memory}", pass_fds=[memory], stdin=subprocess.DEVNULL)
    try:
        wait_until_running(process, b"/memfd:unseen (deleted)")
        assert one(query, process.pid, "on_disk, path, cmdline") == {"on_disk": 0, "path": "/memfd:unseen", "cmdline": "kworker/0:9 1000"}
    finally:
        process.kill()
        process.wait()
        os.close(memory)


def test_a_binary_in_another_mount_namespace_is_not_called_deleted(query, wait_until_running, tmp_path, require_root, require_tool):
    """As in a container: the path means another file system than the auditor's."""
    (tmp_path / "mount").mkdir()
    script = (
        f"mount -t tmpfs none {tmp_path}/mount && cp {SLEEP} {tmp_path}/mount/inside && echo ready && exec {tmp_path}/mount/inside 1000"
    )
    process = subprocess.Popen([require_tool("unshare"), "--mount", "sh", "-c", script], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        assert process.stdout.readline() == b"ready\n"
        wait_until_running(process, os.fsencode(tmp_path / "mount" / "inside"))
        assert one(query, process.pid, "on_disk, path") == {"on_disk": -1, "path": f"{tmp_path}/mount/inside"}
    finally:
        process.kill()
        process.wait()


ASK = """
import json, sys
from hardaudit.engine.engine import Engine
from hardaudit.plugin.discover import tables_in
from hardaudit.target.target import Target
with Target.live_host() as target, Engine(target, tables_in("hardaudit_plugins.processes.tables")) as engine:
    print(json.dumps(engine.run(sys.argv[1]).rows))
"""


def test_a_binary_on_a_detached_file_system_is_not_the_file_whose_name_it_bears(tmp_path, require_root, require_tool):
    """After umount -l the kernel names it by its path inside the file system, which may be that of a trusted program."""
    disguise = f"{tmp_path}{SLEEP}"
    script = f"""set -e
        mount -t tmpfs none {tmp_path}
        mkdir -p {os.path.dirname(disguise)}
        cp {SLEEP} {disguise}
        {disguise} 1000 & pid=$!
        until [ "$(readlink /proc/$pid/exe)" = {disguise} ]; do :; done
        umount -l {tmp_path}
        "$PYTHON" -c "$ASK" "SELECT on_disk, path FROM processes WHERE pid = $pid"
        kill $pid
    """
    done = subprocess.run(
        [require_tool("unshare"), "--mount", "sh", "-c", script],
        env={**os.environ, "PYTHON": sys.executable, "ASK": ASK},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (json.loads(done.stdout or "null"), done.stderr) == ([{"on_disk": 0, "path": SLEEP}], "")


def test_kernel_threads_have_no_binary(query):
    rows = query("SELECT path, on_disk, resident_size, cmdline FROM processes WHERE parent = 2").rows
    if not rows:
        pytest.skip("no kernel threads are visible here")
    assert {tuple(row.values()) for row in rows} == {("", -1, None, "")}


def test_hostile_names_and_arguments_survive(query, run_program, tmp_path):
    odd = os.fsencode(tmp_path) + b"/\xff\n\x1b[31m) R 1"
    shutil.copy(SLEEP, odd)
    process = run_program([b"\xfe\x1b[2J", b"1000"], executable=odd)
    row = one(query, process.pid)
    assert row["path"] == f"{tmp_path}/\uefff\n\x1b[31m) R 1"
    assert row["cmdline"] == "\ueffe\x1b[2J 1000"
    assert row["parent"] == os.getpid()
    assert query("SELECT pid FROM processes WHERE path = :path", parameters={"path": row["path"]}).rows == [{"pid": process.pid}]


def test_a_command_line_that_is_too_long_is_cut_and_a_gap(query, run_program):
    process = run_program(["sh", "-c", "kill -STOP $$", *["x" * 100_000] * 2], executable=shutil.which("sh"))
    answer = query(f"SELECT length(cmdline) AS length FROM processes WHERE pid = {process.pid}")
    assert answer.rows[0]["length"] == 128 * 1024
    assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]
    assert query(f"SELECT name FROM processes WHERE pid = {process.pid}").gaps == ()


def test_when_there_are_many_long_command_lines_the_rest_is_cut_shorter(query, run_program, monkeypatch):
    monkeypatch.setattr("hardaudit_plugins.processes.snapshot.SHORT_COMMAND_LINE", 100)
    monkeypatch.setattr("hardaudit_plugins.processes.snapshot._LONG_COMMAND_LINES", 1)
    arguments = ["sh", "-c", "kill -STOP $$", "x" * 1000]
    processes = sorted(run_program(arguments, executable=shutil.which("sh")).pid for _ in range(2))
    answer = query(f"SELECT length(cmdline) AS length FROM processes WHERE pid IN ({processes[0]}, {processes[1]}) ORDER BY pid")
    assert [row["length"] > 1000 for row in answer.rows] == [True, False]
    assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]


def test_a_process_that_ends_is_no_gap_and_no_row(query, run_program):
    process = run_program([SLEEP, "1000"])
    process.kill()
    process.wait()
    answer = query(f"SELECT * FROM processes WHERE pid IN ({process.pid}, 0, -1, 99999999999)")
    assert (answer.rows, answer.gaps) == ([], ())


def test_a_zombie_has_a_row(query, run_program):
    process = run_program([SLEEP, "1000"])
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    row = one(query, process.pid)
    assert (row["state"], row["name"], row["path"], row["on_disk"]) == ("Z", "sleep", "", -1)


def test_a_thread_is_no_process(query):
    import threading

    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert os.path.isdir(f"/proc/{thread.native_id}")
        assert query(f"SELECT pid FROM processes WHERE pid = {thread.native_id}").rows == []
    finally:
        done.set()
        thread.join()


def test_both_branches_of_an_or_find_a_busy_process_once(query):
    rows = query(f"SELECT pid FROM processes WHERE pid = {os.getpid()} OR parent = {os.getppid()}").rows
    assert [row["pid"] for row in rows].count(os.getpid()) == 1


def test_what_another_user_may_not_see_is_one_gap_a_file(query_as_nobody):
    rows, gaps = query_as_nobody("SELECT pid, path, on_disk, cwd, disk_bytes_read FROM processes")
    assert len(rows) > 1
    named = [detail.split("/")[3].split(":")[0] for reason, detail in gaps if reason == "permission_denied"]
    assert sorted(named) == ["cwd", "exe", "io"]
    assert any("more processes" in detail and "run as root" in detail for _, detail in gaps)
    rows, gaps = query_as_nobody("SELECT pid, name, uid, cmdline FROM processes")
    assert any(row["uid"] == 0 for row in rows)
    assert gaps == []


def test_hidden_processes_are_a_gap(tmp_path, require_root, require_tool):
    """hidepid=2, in a mount namespace of its own."""
    import sys

    program = (
        "import json, os\n"
        "from hardaudit.engine.engine import Engine\n"
        "from hardaudit.target.target import Target\n"
        "from hardaudit_plugins.processes.tables.processes import TABLE\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "with Target.live_host() as target, Engine(target, [TABLE]) as engine:\n"
        "    answer = engine.run('SELECT pid, uid FROM processes')\n"
        "    print(json.dumps([[row['uid'] for row in answer.rows], [gap.detail for gap in answer.gaps]]))\n"
    )
    mounted = f"mount -t proc -o hidepid=2 proc /proc && exec '{sys.executable}' -c \"$PROGRAM\""
    done = subprocess.run(
        [require_tool("unshare"), "--mount", "--pid", "--fork", "sh", "-c", mounted],
        capture_output=True, text=True, check=False, env={**os.environ, "PROGRAM": program},
    )  # fmt: skip
    if "mount:" in done.stderr:
        pytest.skip(f"proc cannot be mounted here: {done.stderr.strip()}")
    import json

    uids, gaps = json.loads(done.stdout)
    assert set(uids) == {65534}
    assert any("hidepid" in gap for gap in gaps)


def test_a_root_directory_has_no_processes(query, root):
    answer = query("SELECT pid FROM processes", root)
    assert answer.rows == []
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]
