from __future__ import annotations

import pytest

from hardaudit_plugins.web.inversion import inverted


@pytest.mark.parametrize(
    ("pattern", "replacement", "pairs"),
    [
        ("^/pics/(.*)$", "/srv/p/$1", [("/pics/", "/srv/p/")]),
        ("^/pics(/.*)?$", "/srv/p$1", [("/pics", "/srv/p")]),
        ("^/(pics|photos)/(.*)$", "/srv/$1/$2", [("/pics/", "/srv/pics/"), ("/photos/", "/srv/photos/")]),
        ("^/img(?:s)?/(.*)$", "/srv/u/$1", [("/imgs/", "/srv/u/"), ("/img/", "/srv/u/")]),
        (r"^/(.*\.php)$", "/var/www/shop/$1", [("/", "/var/www/shop/")]),
        (r"^/a\.b/(.*)", "/x/$1", [("/a.b/", "/x/")]),
        ("(?i)^/U/(.+)$", "/srv/u/$1", [("/U/", "/srv/u/")]),
        ("^/m(.+)/(.*)$", "/srv/up$1/$2", [("/m", "/srv/up")]),
    ],
)
def test_a_pattern_that_begins_with_plain_text_is_turned_round(pattern, replacement, pairs):
    assert inverted(pattern, replacement) == pairs


@pytest.mark.parametrize(("pattern", "replacement"), [("^/[a-z]+/(.*)$", "/x/$1"), ("^/x/(.*)$", "/fixed"), ("^/(.*)$", "%{X}"), ("", "")])
def test_every_other_pattern_is_left_alone(pattern, replacement):
    assert inverted(pattern, replacement) == []


def test_alternatives_are_bounded():
    assert len(inverted("^/" + "(a|b)" * 30 + "/(.*)$", "/x/$31")) <= 64
