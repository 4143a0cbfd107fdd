"""Path patterns, held against glob(3) of the C library, which osquery calls, and SQLite's own LIKE."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardaudit.model import host_text
from hardaudit_plugins.filesystem.globbing import NamePattern

_BASE = "/srv/1/2/3/4/5"  # so deep that no `..` of a pattern or tree leads out of /srv
_GLOB_MARK, _GLOB_BRACE, _GLOB_TILDE = 1 << 1, 1 << 10, 1 << 12

_NAMES = st.text(alphabet="ab.%_[]{}*?\\ ~\nAé", min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))
_PIECES = st.sampled_from(
    ["%", "%%", "a", "b", ".", "_", "[", "]", "?", "*", "{", "}", "\\", "A", "é", "..", "%a", "a%", ".%", "[a]%", "{a,b}", ""]
)


class _GlobT(ctypes.Structure):
    _fields_ = (
        ("gl_pathc", ctypes.c_size_t),
        ("gl_pathv", ctypes.POINTER(ctypes.c_char_p)),
        ("rest", ctypes.c_char * 256),
    )


def c_glob(pattern: bytes) -> list[bytes]:
    """glob(3) with osquery's flags."""
    library, found = ctypes.CDLL(None), _GlobT()
    if library.glob(pattern, _GLOB_TILDE | _GLOB_MARK | _GLOB_BRACE, None, ctypes.byref(found)) != 0:
        return []
    try:
        return [found.gl_pathv[index] for index in range(found.gl_pathc)]
    finally:
        library.globfree(ctypes.byref(found))


def walk(root: str, path: str) -> list[str]:
    """Everything below a directory, directories and links to them with a slash, no link followed."""
    found = []
    for place, directories, files in os.walk(root + path.rstrip("/")):
        base = place[len(root) :]
        found += [f"{base}/{name}/" for name in directories] + [f"{base}/{name}" for name in files]
    return found


def reference(root: str, pattern: str) -> set[str]:
    """osquery's way: glob(3) with * for %, below directories for a final %%, then SQLite's LIKE. Literal characters are escaped for glob."""
    recursive = pattern.endswith("%%")
    escaped = "".join("*" if character == "%" else f"\\{character}" if character in "*?[]{}\\~," else character for character in pattern)
    bases = [name.decode()[len(root) :] for name in c_glob((root + escaped).encode())]
    found = set(bases)
    if recursive:
        for base in bases:
            inside = base.endswith("/") and not base.endswith(("/./", "/../")) and not os.path.islink(root + base.rstrip("/"))
            found.update(walk(root, base) if inside else ())
    database = sqlite3.connect(":memory:")
    return {path for path in found if database.execute("SELECT ? LIKE ?", (path, pattern)).fetchone()[0]}


def build(root: str, files: list[tuple[list[str], str]]) -> None:
    """Files, directories and links; what another entry is in the way of is left out."""
    for (*parents, name), kind in files:
        directory = "/".join([root + _BASE, *parents])
        place = f"{directory}/{name}"
        with contextlib.suppress(OSError):
            os.makedirs(directory, exist_ok=True)
            if kind == "file":
                open(place, "x").close()
            elif kind == "directory":
                os.mkdir(place)
            else:
                os.symlink(kind, place)


_TREES = st.lists(
    st.tuples(st.lists(_NAMES, min_size=1, max_size=4), st.sampled_from(["file", "file", "directory", "..", ".", "nowhere", "a"])),
    max_size=12,
)
# glob(3) drops one of two slashes at the end, and LIKE then drops the row
_PATTERNS = (
    st.lists(st.lists(_PIECES, min_size=1, max_size=3).map("".join), min_size=1, max_size=4)
    .map(lambda parts: f"{_BASE}/{'/'.join(parts)}")
    .filter(lambda pattern: not pattern.endswith("//"))
)


@pytest.mark.real
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=_TREES, pattern=_PATTERNS)
def test_like_finds_what_glob_finds(root, engine_over, files, pattern):
    shutil.rmtree(root.path + "/srv", ignore_errors=True)
    os.makedirs(root.path + _BASE)
    build(root.path, files)
    with engine_over(root) as engine:
        answer = engine.run("SELECT path FROM file WHERE path LIKE :pattern", {"pattern": host_text.decode(pattern.encode())})
    got = [path for (path,) in answer.tuples]
    assert len(got) == len(set(got))
    assert set(got) == reference(root.path, pattern)


@pytest.mark.parametrize(
    ("component", "matching", "others"),
    [
        ("%", ["a", "a.b", "é", "\n"], [".a", "."]),
        (".%", [".", "..", ".a"], ["a"]),
        ("a%", ["a", "ab"], ["ba", "A"]),
        ("%a", ["a", "ba"], [".a", "ab"]),
        ("a%a", ["aa", "aba"], ["a", "ab"]),
        ("%a%b%", ["ab", "xaxbx"], ["ba", "b"]),
        ("a%b%b", ["abb", "axbxb"], ["ab"]),
        ("a_", ["a_"], ["ab"]),
        ("%%", ["a"], [".a"]),
    ],
)
def test_a_component_matches_whole_names(component, matching, others):
    pattern = NamePattern(component)
    assert [name for name in [*matching, *others] if pattern.matches(name)] == matching
