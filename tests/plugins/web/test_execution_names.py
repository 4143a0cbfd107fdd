from __future__ import annotations

import pytest

from hardaudit_plugins.web.execution import STANDARD_NAMES, parts_of


@pytest.mark.parametrize(
    ("name", "stored", "appended"),
    [
        ("x.php", "x.php", ""),
        ("x.jpg/a.php", "x.jpg", "/a.php"),
        ("x.jpg/a/b.php", "x.jpg", "/a/b.php"),
        ("sub/x.php", "sub/x.php", ""),
        ("sub/deep/x.php", "sub/deep/x.php", ""),
        ("sub/x.jpg/a.php", "sub/x.jpg", "/a.php"),
        (".htaccess", ".htaccess", ""),
        (".hidden/x.php", ".hidden/x.php", ""),
    ],
)
def test_a_name_with_a_dot_before_a_slash_is_the_file_that_holds_the_code(name, stored, appended):
    assert parts_of(name) == (stored, appended)


def test_the_standard_names_are_those_of_the_table():
    assert len(STANDARD_NAMES) == len(set(STANDARD_NAMES)) == 12
