"""What a server block's configuration comes to, for the checks."""

from __future__ import annotations

import pytest
from nginx_site import PHP, nginx, server

from hardaudit_plugins.web.site import Mapping

TLS = "ssl_certificate c; ssl_certificate_key k;\n"


def settings(found, directories=()) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for setting in found.site.settings([Mapping(url, directory, None) for url, directory in directories]):
        values.setdefault(setting.name, []).append(setting.value)
    return values


def test_a_plain_server_discloses_its_version_and_serves_without_tls(root):
    with nginx(root, server(PHP)) as found:
        assert settings(found) == {
            "worker_user": ["www-data"],
            "worker_group": [""],
            "version_disclosure": ["1"],
            "server_signature": ["1"],
            "trace_method": ["0"],
            "tls": ["0"],
            "hsts": [""],
            "plain_http": ["1"],
        }


@pytest.mark.parametrize(
    ("http", "body", "shown"),
    [("server_tokens off;", "", "0"), ("server_tokens off;", "server_tokens on;", "1"), ("", "server_tokens build;", "1")],
)
def test_version_disclosure_is_inherited(root, http, body, shown):
    with nginx(root, server(body), http=http) as found:
        assert settings(found)["version_disclosure"] == [shown]


def test_the_user_is_a_default_of_the_program_where_none_is_set(root):
    root.write("/usr/sbin/nginx", b"\x7fELF\0nginx/1.24.0\0 --prefix=/usr/share/nginx --user=www --conf-path=/etc/nginx/nginx.conf \0")
    with nginx(root, server(TLS, listen="443 ssl"), main="") as found:
        assert settings(found)["worker_user"] == ["www"]
        assert settings(found)["tls_protocol"] == ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]


@pytest.mark.parametrize(
    ("version", "protocols"),
    [
        ("1.22.1", ["TLSv1", "TLSv1.1", "TLSv1.2"]),
        ("1.26.0", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        ("1.27.3", ["TLSv1.2", "TLSv1.3"]),
    ],
)
def test_tls_protocols_default_to_those_of_the_version(root, version, protocols):
    root.write("/usr/sbin/nginx", f"nginx/{version}\0 --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf \0")
    with nginx(root, server(TLS, listen="443 ssl")) as found:
        assert settings(found)["tls_protocol"] == protocols
        assert found.gaps == []


def test_tls_protocols_of_an_unknown_version_are_not_known(root):
    with nginx(root, server(TLS, listen="443 ssl")) as found:
        assert settings(found)["tls_protocol"] == [None]


def test_what_depends_on_another_module_is_not_known(root):
    with nginx(root, server("if ($module_x) { return 301 https://x; }\n")) as found:
        assert settings(found)["plain_http"] == [None]
        assert settings(found, [("/images/", "/var/www/shop/images/")])["directory_listing"] == [None]
        assert found.gaps == []


def test_tls_protocols_are_those_of_the_addresss_default_server(root):
    first = server(TLS + "ssl_protocols TLSv1.3;", listen="443 ssl")
    second = server(TLS + "ssl_protocols TLSv1;", listen="443 ssl default_server", name="other.test")
    with nginx(root, first, second) as found:
        assert settings(found)["tls_protocol"] == ["TLSv1"]
        assert settings(found)["tls"] == ["1"]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("add_header Strict-Transport-Security 'max-age=1' always;", "max-age=1"),
        ("add_header strict-transport-security 'max-age=1';\nlocation / { }", "max-age=1"),
        ("add_header Strict-Transport-Security 'max-age=1';\nlocation / { add_header X y; }", ""),
        ("more_set_headers 'Strict-Transport-Security: max-age=2';", "max-age=2"),
        ("add_header X y;", ""),
    ],
)
def test_headers_of_a_location_replace_those_of_the_server(root, body, value):
    with nginx(root, server(body), http="add_header Strict-Transport-Security 'max-age=9';" if body == "" else "") as found:
        assert settings(found)["hsts"] == [value]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("return 301 https://$host$request_uri;", "0"),
        ("if ($scheme = http) { return 301 https://$host$request_uri; }\nlisten 443 ssl;", "0"),
        ("location / { return 308 https://shop.test$request_uri; }\nlocation /.well-known/ { }", "0"),
        ("rewrite ^ https://shop.test$request_uri permanent;", "0"),
        ("return 444;", "0"),
        ("return 301 http://www.shop.test$request_uri;", "1"),
        ("location = / { return 301 https://shop.test/; }", "1"),
        ("return 200 hello;", "1"),
    ],
)
def test_a_server_that_only_redirects_to_tls_serves_nothing_plain(root, body, value):
    with nginx(root, server(body)) as found:
        assert settings(found)["plain_http"] == [value]


def test_a_server_with_tls_alone_serves_nothing_plain(root):
    with nginx(root, server(TLS, listen="443 ssl")) as found:
        assert settings(found)["plain_http"] == ["0"]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("", "0"),
        ("autoindex on;", "1"),
        ("autoindex on;\nlocation /images/ { autoindex off; }", "0"),
        ("location /images/ { autoindex on; }", "1"),
        ("location /images/ { autoindex on; deny all; }", "0"),
        ("location /images/ { autoindex on; try_files $uri =404; }", "0"),
        ("location /images/ { autoindex on; try_files $uri $uri/ =404; }", "1"),
        ("location /images { autoindex on; location ~ /$ { return 403; } }", "0"),
        ("location /images/ { fancyindex on; }", "1"),
    ],
)
def test_a_directory_is_listed_where_autoindex_holds(root, body, value):
    root.write("/var/www/shop/images/index.html", "")
    with nginx(root, server(body)) as found:
        assert settings(found, [("/images/", "/var/www/shop/images/")])["directory_listing"] == [value]
