"""Lines that are there to keep PHP away, and whether they do."""

from __future__ import annotations

import pytest
from nginx_site import PHP, nginx, server

UPLOADS = "/var/www/shop/images"
DENY = "location ~* ^/images/.*\\.php$ {\ndeny all;\n}\n"


def protections(found) -> list[tuple[str, bool | None, int]]:
    return [(found.kind, found.effective, found.place.line) for found in found.site.protections(UPLOADS)]


@pytest.mark.parametrize(
    ("body", "kind", "effective", "line"),
    [
        (DENY + PHP, "deny all", True, 6),
        (PHP + DENY, "deny all", False, 11),
        ("location ^~ /images/ { }\n" + PHP, "location ^~ /images/", True, 5),
        ("location /images/ {\ndeny all;\n}\n" + PHP, "deny all", False, 6),
        ("location /images/ { }\n" + PHP, "location /images/", False, 5),
        ("location ~ ^/images/.*\\.(php|phtml)$ { return 403; }\n" + PHP, "return 403", True, 5),
        ("location /images/ { location ~ \\.php$ { deny all; } }\n" + PHP, "deny all", True, 5),
        ("if ($uri ~ ^/images/.*php) { return 404; }\n" + PHP, "return 404", True, 5),
        ("location /images/ { deny all; }", "deny all", False, 5),
        ("location ~ ^/images/.*php { fastcgi_param PHP_ADMIN_VALUE 'engine=off'; fastcgi_param REQUEST_METHOD GET; "
         "fastcgi_param SCRIPT_FILENAME $document_root$uri; fastcgi_pass unix:/run/php/shop.sock; }\n" + PHP, "fastcgi_param PHP_ADMIN_VALUE engine=off", False, 5),
    ],
)  # fmt: skip
def test_a_protection_is_tried_by_leaving_it_out(root, body, kind, effective, line):
    with nginx(root, server(body)) as found:
        assert (kind, effective, line) in protections(found)


def test_protections_beyond_the_first_forty_are_a_gap(root):
    with nginx(root, server("".join(f"location /images/{number}/ {{ deny all; }}\n" for number in range(41)) + PHP)) as found:
        assert len(protections(found)) == 40
        assert found.gaps == [f"{UPLOADS}: more than 40 lines are there to keep PHP from running; only the first are looked at"]


def test_two_protections_that_stand_in_for_each_other_both_count(root):
    with nginx(root, server("location ^~ /images/ { }\n" + DENY + PHP)) as found:
        assert [effective for _, effective, _ in protections(found)] == [True, True]


def test_the_reason_names_the_location_that_comes_first(root):
    with nginx(root, server(PHP + DENY)) as found:
        (protection,) = found.site.protections(UPLOADS)
        assert "location ~ \\.php$ of /etc/nginx/sites-enabled/0.conf:5" in protection.reason
        assert "comes first" in protection.reason


def test_a_file_that_nothing_includes_protects_nothing(root):
    root.write("/etc/nginx/sites-available/shop.conf", server(DENY))
    root.write("/etc/nginx/sites-available/other.conf", server(DENY, name="other.test"))
    root.write("/etc/nginx/snippets/uploads.conf", DENY)
    with nginx(root, server(PHP)) as found:
        listed = [(str(found.place), found.effective, found.reason) for found in found.site.protections(UPLOADS)]
    assert listed == [
        ("/etc/nginx/sites-available/shop.conf:6", False, "/etc/nginx/sites-available/shop.conf is not enabled: nothing includes it"),
        ("/etc/nginx/snippets/uploads.conf:2", False, "/etc/nginx/snippets/uploads.conf is not enabled: nothing includes it"),
    ]


def test_an_enabled_link_is_the_same_file(root):
    root.write("/etc/nginx/sites-available/shop.conf", server(DENY + PHP))
    root.mkdir("/etc/nginx/sites-enabled")
    root.symlink("/etc/nginx/sites-enabled/shop.conf", "../sites-available/shop.conf")
    with nginx(root) as found:
        assert protections(found) == [("deny all", True, 6)]


def test_an_htaccess_file_protects_nothing(root):
    root.write(f"{UPLOADS}/.htaccess", "# keep out\nphp_flag engine off\n")
    with nginx(root, server(PHP)) as found:
        assert protections(found) == [("php_flag engine off", False, 2)]


def test_a_directory_that_no_url_reaches_has_none(root):
    with nginx(root, server(DENY + PHP)) as found:
        assert list(found.site.protections("/srv/elsewhere")) == []


def test_what_cannot_be_tried_is_undecided(root):
    with nginx(root, server("if ($module_x) { return 404; }\n" + DENY + PHP.replace("unix:/run/php/shop.sock", "$module_y"))) as found:
        assert [effective for _, effective, _ in protections(found)] == [None]
