"""Paths taken apart; expectations from Boost.Filesystem's table of decompositions (path decomposition table, v3)."""

from __future__ import annotations

import pytest

from hardaudit_plugins.filesystem.paths import file_name, parent_path


@pytest.mark.parametrize(
    ("path", "parent", "name"),
    [
        ("", "", ""),
        (".", "", "."),
        ("..", "", ".."),
        ("foo", "", "foo"),
        ("/", "", "/"),
        ("/foo", "/", "foo"),
        ("foo/", "foo", "."),
        ("/foo/", "/foo", "."),
        ("foo/bar", "foo", "bar"),
        ("/foo/bar", "/foo", "bar"),
        ("//net", "", "//net"),
        ("//net/", "//net", "/"),
        ("//net/foo", "//net/", "foo"),
        ("///foo///", "///foo", "."),
        ("///foo///bar", "///foo", "bar"),
        ("/.", "/", "."),
        ("/..", "/", ".."),
        ("./..", ".", ".."),
        ("/foo/.", "/foo", "."),
        ("foo/..", "foo", ".."),
    ],
)
def test_decomposition(path, parent, name):
    assert (parent_path(path), file_name(path)) == (parent, name)
