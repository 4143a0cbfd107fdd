"""`ld_so_preload`: names as the dynamic linker takes them apart."""

import os
import shutil
import subprocess

import pytest

from hardaudit.model.gap import GapReason


def test_names_colons_and_comments(query, root):
    root.write("/etc/ld.so.preload", "# /not/this.so\n/lib/a.so:/lib/b.so\tc.so # d.so\n\n  /lib/e f.so")
    answer = query("SELECT library, path, line FROM ld_so_preload", root)
    assert [(row["library"], row["line"]) for row in answer.rows] == [
        ("/lib/a.so", 2),
        ("/lib/b.so", 2),
        ("c.so", 2),
        ("/lib/e", 4),
        ("f.so", 4),
    ]
    assert {row["path"] for row in answer.rows} == {"/etc/ld.so.preload"}


def test_no_file_is_the_normal_state(query, root):
    answer = query("SELECT * FROM ld_so_preload", root)
    assert (answer.rows, answer.gaps) == ([], ())


def test_what_cannot_be_read_is_a_gap(query, root):
    os.mkfifo(f"{root.path}/etc/ld.so.preload")
    answer = query("SELECT * FROM ld_so_preload", root)
    assert answer.rows == []
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


@pytest.mark.real
def test_the_dynamic_linker_takes_the_same_names(query, root, require_root, require_tool, tmp_path):
    """On a copy of /etc in a mount namespace of its own, so that the machine's programs are not touched."""
    with open("/proc/self/maps") as maps:
        c_library = next(line.split()[-1] for line in maps if "/libc.so.6" in line)
    libraries = [tmp_path / name for name in ("a.so", "b.so", "c.so")]
    for library in libraries:
        shutil.copy(os.path.join(os.path.dirname(c_library), "libm.so.6"), library)
    a, b, c = libraries
    preload = root.write("/etc/ld.so.preload", f"# {a}x\n{a}:{b} # {b}x\n\t{c}")
    shutil.copytree("/etc", tmp_path / "etc", symlinks=True, ignore=shutil.ignore_patterns("ssl", "alternatives"))
    script = f"mount --bind {tmp_path}/etc /etc && cp {preload} /etc/ld.so.preload && exec cat /proc/self/maps"
    done = subprocess.run([require_tool("unshare"), "--mount", "sh", "-c", script], capture_output=True, text=True, check=True)
    names = [row["library"] for row in query("SELECT library FROM ld_so_preload", root).rows]
    assert names == [str(library) for library in libraries]
    assert set(names) <= {line.split()[-1] for line in done.stdout.split("\n") if line}
    assert "cannot be preloaded" not in done.stderr
