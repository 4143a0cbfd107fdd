"""`process_open_files` against files that the test holds open, and lsof(8)."""

import contextlib
import os
import subprocess

import pytest

pytestmark = pytest.mark.real


def test_files_and_only_files(query, tmp_path):
    paths = [tmp_path / "kept", tmp_path / "gone", tmp_path / "pipe:[1] socket:[2]"]
    with contextlib.ExitStack() as stack:
        numbers = [stack.enter_context(path.open("w")).fileno() for path in paths]
        paths[1].unlink()
        ends = os.pipe()
        rows = query(f"SELECT pid, fd, path FROM process_open_files WHERE pid = {os.getpid()}").rows
    for end in ends:
        os.close(end)
    found = {row["fd"]: row["path"] for row in rows}
    assert [found[number] for number in numbers] == [str(paths[0]), f"{paths[1]} (deleted)", str(paths[2])]
    assert not {*ends} & found.keys()
    assert {row["pid"] for row in rows} == {os.getpid()}


def test_the_same_as_lsof(query, require_tool, tmp_path):
    with open(tmp_path / "open", "w"):
        query("SELECT 1 FROM process_open_files LIMIT 1")
        lsof = subprocess.run(
            [require_tool("lsof"), "-p", str(os.getpid()), "-F", "ftn"], capture_output=True, text=True, check=False
        ).stdout
        rows = query(f"SELECT fd, path FROM process_open_files WHERE pid = {os.getpid()} AND path LIKE '/%'").rows
    seen, number = {}, None
    for line in lsof.splitlines():
        if line[0] == "f":
            number = int(line[1:]) if line[1:].isdigit() else None
        elif line[0] == "n" and number is not None and line[1:].startswith(str(tmp_path)):
            seen[number] = line[1:]
    assert seen
    assert seen.items() <= {row["fd"]: row["path"] for row in rows}.items()


def test_a_join_on_the_process(query):
    answer = query("SELECT count(*) AS number FROM processes p JOIN process_open_files f USING (pid) WHERE p.pid = " + str(os.getpid()))
    assert (
        answer.rows[0]["number"]
        == query(f"SELECT count(*) AS number FROM process_open_files WHERE pid = {os.getpid()}").rows[0]["number"]
        > 0
    )


def test_what_another_user_may_not_see_is_one_gap(query_as_nobody):
    _, gaps = query_as_nobody("SELECT pid FROM process_open_files")
    assert [reason for reason, _ in gaps] == ["permission_denied"]
    assert "more processes" in gaps[0][1]
