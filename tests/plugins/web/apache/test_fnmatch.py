from __future__ import annotations

import pytest

from hardaudit_plugins.web.apache.fnmatch import has_wildcards, matches_wildcard


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("/home/*/public_html/", "/home/ann/public_html/", True),
        ("/home/*/public_html/", "/home/a/b/public_html/", False),
        ("*.php", "x.php", True),
        ("*.php", "sub/x.php", False),
        ("x.ph?", "x.php", True),
        ("x.ph?", "x.ph", False),
        ("x.[pP][hH][pP]", "x.PhP", True),
        ("[!a]x", "bx", True),
        ("[!a]x", "ax", False),
        ("[a-c]x", "bx", True),
        ("[a-c]x", "dx", False),
        (r"\*.php", "*.php", True),
        (r"\*.php", "x.php", False),
        ("a[b", "a[b", True),
        ("a.b", "axb", False),
        ("x.php", "x.php\n", False),
    ],
)
def test_wildcards_match_within_a_directory(pattern, text, expected):
    assert matches_wildcard(pattern, text) is expected


@pytest.mark.parametrize(("pattern", "expected"), [("a*", True), ("a?", True), ("[ab]", True), ("[ab", False), (r"a\*", False), ("plain", False)])
def test_a_wildcard_is_an_unescaped_one(pattern, expected):
    assert has_wildcards(pattern) is expected


def test_many_wildcards_end_in_bounded_time():
    with pytest.raises(TimeoutError):
        matches_wildcard("*a" * 40 + "b", "a" * 5000)
