from __future__ import annotations

import pytest

from hardaudit_plugins.web.apache.virtual_root import virtual_path


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/www/%0", "/www/www.domain.example"),
        ("/www/%1", "/www/www"),
        ("/www/%2+", "/www/domain.example"),
        ("/www/%-1", "/www/example"),
        ("/www/%-2+", "/www/www.domain"),
        ("/www/%2.1/%2.2/%2", "/www/d/o/domain"),
        ("/www/%9", "/www/_"),
        ("/www/%p", "/www/8080"),
        ("/www/100%%", "/www/100%"),
    ],
)
def test_parts_of_the_name_are_put_in_as_the_manual_says(pattern, path):
    """The examples of https://httpd.apache.org/docs/2.4/mod/mod_vhost_alias.html."""
    assert virtual_path(pattern, "WWW.domain.example", 8080) == path
