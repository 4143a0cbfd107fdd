"""`ld_so_preload`: names as the dynamic linker takes them apart."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from hardaudit.model.gap import GapReason
from hardaudit_plugins.persistence.tables.ld_so_preload import preloaded


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
@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("", []),
        ("\n \t:\n", []),
        ("A", ["A"]),
        ("A:B\tC D\nE", ["A", "B", "C", "D", "E"]),
        ("# A\nB\n", ["B"]),
        ("A # B", ["A"]),
        ("A#B\nC", ["A", "C"]),
        ("# comment\n# A\nB\n", None),
        ("# a comment that is long enough\nA\n# B\nC # D\n", None),
        ("A\n#\n#B\n#C\n#D", None),
        ("A\nB#C\nD#E:F\nG #H:I", None),
        ("A\0B\nC\nD", ["A", "D"]),
    ],
)
def test_the_dynamic_linker_takes_the_same_names(root, require_root, require_tool, tmp_path, content, names):
    """On a copy of the linker's files in a mount namespace of its own, so that the machine's programs are not touched.

    A capital stands for a library that does not exist: the linker names each that it cannot load.
    """
    text = re.sub("[A-I]", lambda match: f"/nowhere/{match[0]}.so", content)
    preload = root.write("/etc/ld.so.preload", text)
    root.write("/etc/ld.so.cache", Path("/etc/ld.so.cache").read_bytes())
    script = 'mount --bind "$1" /etc && exec "$2" --argv0 true "$3" 2>&1 >/dev/null'
    linker = next(place for place in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if os.path.exists(place))
    arguments = [require_tool("unshare"), "--mount", "sh", "-c", script, "sh", f"{root.path}/etc", linker, require_tool("true")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    loaded = re.findall(r"object '(.*?)' from /etc/ld.so.preload", done.stdout)
    ours = [name.decode() for _, name in preloaded(preload.read_bytes())]
    assert ours == loaded
    if names is not None:
        assert ours == [f"/nowhere/{name}.so" for name in names]


def test_a_comment_that_is_loaded_all_the_same(query, root):
    """What the linker does with a second comment, recorded from glibc 2.36; a plain reading would take it for a comment and see nothing."""
    root.write("/etc/ld.so.preload", "#\n# nothing to see here\n#/tmp/.x/hide.so\n")
    assert [row["library"] for row in query("SELECT library FROM ld_so_preload", root).rows][-1] == "#/tmp/.x/hide.so"
