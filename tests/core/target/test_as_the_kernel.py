"""The descent goes where the kernel goes with openat2(2) and RESOLVE_IN_ROOT, for any tree and any path."""

from __future__ import annotations

import ctypes
import errno
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardaudit.target import confined

pytestmark = pytest.mark.real

_OPENAT2 = 437  # on every architecture
_RESOLVE_IN_ROOT = 0x10
_syscall = ctypes.CDLL(None, use_errno=True).syscall


class _How(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


def by_the_kernel(root_fd, path, follow):
    flags = os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    how = _How(flags, 0, _RESOLVE_IN_ROOT)
    fd = _syscall(_OPENAT2, root_fd, path.encode(), ctypes.byref(how), ctypes.sizeof(how))
    if fd < 0:
        raise OSError(ctypes.get_errno(), path)
    return fd


def outcome(locate):
    """The inode that was reached, or the error."""
    try:
        fd = locate()
    except OSError as error:
        return errno.errorcode[error.errno]
    try:
        return os.fstat(fd).st_ino
    finally:
        os.close(fd)


@pytest.fixture(scope="module", autouse=True)
def require_openat2():
    fd = os.open("/", os.O_PATH)
    try:
        os.close(by_the_kernel(fd, "/", follow=True))
    except OSError as error:
        pytest.skip(f"openat2 is not there: {error}")
    finally:
        os.close(fd)


names = st.sampled_from(["a", "b", "c", "link", "file"])
parts = st.sampled_from(["a", "b", "c", "link", "file", "..", ".", "", "no"])
paths = st.builds(
    lambda start, middle, end: start + "/".join(middle) + end,
    st.sampled_from(["", "/", "//"]),
    st.lists(parts, min_size=1, max_size=7),
    st.sampled_from(["", "/"]),
)
trees = st.lists(st.tuples(st.lists(names, min_size=1, max_size=3), st.one_of(st.just("directory"), st.just("file"), paths)), max_size=10)


def build(root, tree):
    for place, kind in tree:
        path = root.joinpath(*place)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "directory":
                path.mkdir()
            elif kind == "file":
                path.touch()
            else:
                path.symlink_to(kind)
        except OSError:
            continue  # two of the tree's entries contradict each other


@settings(max_examples=400, deadline=None)
@given(tree=trees, asked=st.lists(paths, min_size=1, max_size=12), follow=st.booleans())
def test_any_path_leads_where_the_kernel_goes(tree, asked, follow):
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "root"
        root.mkdir()
        (Path(place) / "a").mkdir()  # what a way out would find
        build(root, tree)
        root_fd = os.open(root, os.O_PATH)
        try:
            for path in asked:
                if path:
                    ours = outcome(lambda path=path: confined.locate(root_fd, path, follow=follow))
                    assert ours == outcome(lambda path=path: by_the_kernel(root_fd, path, follow)), path
        finally:
            os.close(root_fd)


@pytest.mark.parametrize("count", [39, 40, 41])
def test_as_many_links_as_the_kernel_follows(tmp_path, count):
    (tmp_path / "0").touch()
    for number in range(count):
        (tmp_path / str(number + 1)).symlink_to(str(number))
    fd = os.open(tmp_path, os.O_PATH)
    try:
        assert outcome(lambda: confined.locate(fd, f"/{count}", follow=True)) == outcome(lambda: by_the_kernel(fd, f"/{count}", True))
    finally:
        os.close(fd)
