"""Which URLs lead to which directories."""

from __future__ import annotations

import pytest
from nginx_site import PHP, nginx, server


def ways(found) -> set[tuple[str, str]]:
    return {(mapping.url, mapping.directory) for mapping in found.site.mappings()}


@pytest.mark.parametrize(
    ("body", "way"),
    [
        ("", ("/", "/var/www/shop/")),
        ("location /media/ { alias /srv/up/; }", ("/media/", "/srv/up/")),
        ("location /media { alias /srv/up; }", ("/media/", "/srv/up/")),
        ("location /media { alias /srv/up/; }", ("/media/", "/srv/up/")),
        ("location /media { alias /srv/up/; }", ("/media../", "/srv/")),
        ("location /a/ { location /a/b/ { alias /srv/up/; } }", ("/a/b/", "/srv/up/")),
        ("location /files/ { root /srv; }", ("/", "/srv/")),
        ("location ~ ^/media/(.*)$ { alias /srv/up/$1; }", ("/media/", "/srv/up/")),
        ("location ~ ^/(a|b)/(.+\\.php)$ { alias /srv/$1/$2; }", ("/b/", "/srv/b/")),
        ("location ~ ^/media/(?<rest>.+)$ { alias /srv/up/$rest; }", ("/media/", "/srv/up/")),
        ("location /x/ { root /srv/$host; }", ("/", "/srv/shop.test/")),
        ("location ~ ^/m/(?<p>.+\\.php)$ { fastcgi_param SCRIPT_FILENAME $document_root/images/$p; }", ("/m/", "/var/www/shop/images/")),
        ("location / { fastcgi_param SCRIPT_FILENAME /srv/app$fastcgi_script_name; }", ("/", "/srv/app/")),
        ("location /m/ { alias /srv/up/; fastcgi_param SCRIPT_FILENAME $document_root$uri; }", ("/", "/srv/up/")),
        ("location /x/ { root relative; }", ("/", "/usr/share/nginx/relative/")),
        ("rewrite ^/pics/(.*)$ /images/$1 last;", ("/pics/", "/var/www/shop/images/")),
        ("location /c/ { try_files /images$uri =404; }", ("/", "/var/www/shop/images/")),
        ("location /m/ { if ($uri) { root /srv/if; } }", ("/", "/srv/if/")),
    ],
)
def test_a_url_prefix_leads_to_a_directory(root, body, way):
    with nginx(root, server(body + PHP)) as found:
        assert way in ways(found)
        assert found.gaps == []


def test_an_alias_without_its_slash_opens_the_directories_beside_it(root):
    root.write("/srv/uploads/x", "")
    with nginx(root, server("location /m/ { alias /srv/up; }")) as found:
        assert ("/m/loads/", "/srv/uploads/") in ways(found)


@pytest.mark.parametrize(
    "body",
    [
        "location ~ /media/(?:x|.*)(..)$ { alias /srv/$1; }",
        "location /a/ { alias /srv/$module_x/; }",
        "location /a/ { root /srv/$module_x; }",
    ],
)
def test_a_way_that_cannot_be_told_is_a_gap(root, body):
    with nginx(root, server(body)) as found:
        assert found.site.mappings()
        assert any("/etc/nginx/sites-enabled/0.conf:5" in gap for gap in found.gaps)


def test_the_document_root_is_that_of_the_server(root):
    with nginx(root, server(""), "server { listen 81; }\n") as found:
        assert [site.docroot for site in found.sites] == ["/var/www/shop", "/usr/share/nginx/html"]
        assert [site.listen for site in found.sites] == [("*:80",), ("*:81",)]
        assert str(found.site.place) == "/etc/nginx/sites-enabled/0.conf:1"
