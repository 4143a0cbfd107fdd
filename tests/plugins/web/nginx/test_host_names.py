"""Names of servers that are patterns, and document roots that depend on them."""

from __future__ import annotations

import pytest
from nginx_site import PHP, nginx, server


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("shop.test", "shop.test"),
        ("*.shop.test", "www.shop.test"),
        ("shop.*", "shop.example"),
        (r"~^shop\.(?<tld>.+)$", "shop.a"),
        (r"~^(www|img)\d{2}\.shop\.test$", "www11.shop.test"),
        (r"~^[a-z]+[^a]?(?:x|y)*\.test", "a.test"),
        (r"~SHOP\.test$", "shop.test"),
    ],
)
def test_a_name_that_fits_is_found_and_reaches_the_server(root, name, host):
    with nginx(root, server(PHP, name=f"'{name}'"), "server { listen 80 default_server; return 403; }\n") as found:
        assert found.site.names == (host,)
        assert found.verdict("/images/x.php", host=host).executes is True


def test_a_pattern_for_which_no_name_is_found_is_not_a_no(root):
    with nginx(root, server(PHP, name=r"~^(?=shop)[^.]+\.test$"), "server { listen 80 default_server; return 403; }\n") as found:
        (host,) = found.site.names
        assert found.verdict("/images/x.php", host=host).executes is True


@pytest.mark.parametrize("name", [r"~^(?<who>.+)\.test$", r"~^(?<who>[a-z]+)\.(?:test|example)$"])
def test_a_root_that_the_name_decides_is_found_among_the_directories(root, name):
    text = server(PHP, name=name).replace("root /var/www/shop;", "root /var/www/$who;")
    with nginx(root, text, "server { listen 80 default_server; return 403; }\n") as found:
        assert ("/", "/var/www/shop/") in {(mapping.url, mapping.directory) for mapping in found.site.mappings()}
        assert any(found.verdict("/images/x.php", host=host).executes for host in found.site.names)


def test_a_root_that_a_map_decides_is_found(root):
    text = server(PHP).replace("root /var/www/shop;", "root /var/www/$sub;")
    with nginx(root, text, http="map $host $sub { default other; shop.test shop; }") as found:
        assert found.site.docroot == "/var/www/shop"
        assert found.verdict("/images/x.php").executes is True
        assert found.gaps == []


def test_a_root_that_set_decides_is_found(root):
    with nginx(root, server("set $base /srv/up;\nlocation /m/ { root $base; }\n" + PHP)) as found:
        assert ("/", "/srv/up/") in {(mapping.url, mapping.directory) for mapping in found.site.mappings()}
        assert found.gaps == []


def test_a_root_that_a_location_captures_is_a_gap(root):
    with nginx(root, server(r"location ~ ^/~(?<user>[a-z]+)/ { root /home/$user; }")) as found:
        assert found.site.mappings()
        assert any("0.conf:5" in gap for gap in found.gaps)


def test_names_beyond_the_first_64_are_a_gap(root):
    with nginx(root, server(PHP, name=" ".join(f"shop{number}.test" for number in range(65)))) as found:
        assert "shop63.test" in found.site.names
        assert found.gaps == ["/etc/nginx/sites-enabled/0.conf:1: more than 64 names; only the first are asked for"]
