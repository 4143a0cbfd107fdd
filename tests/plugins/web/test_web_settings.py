from __future__ import annotations

import pytest
from apache_root import IMAGES, write_apache


@pytest.fixture
def values(query, root):
    def asked(name, column="value"):
        return [row[0] for row in query(f"SELECT {column} FROM web_settings WHERE name = '{name}' ORDER BY directory, value", root).tuples]

    return asked


@pytest.mark.parametrize(
    ("lines", "name", "expected"),
    [
        ("", "version_disclosure", ["1"]),
        ("ServerTokens Prod\n", "version_disclosure", ["0"]),
        ("ServerTokens OS\n", "version_disclosure", ["1"]),
        ("", "server_signature", ["0"]),
        ("ServerSignature On\n", "server_signature", ["1"]),
        ("", "trace_method", ["1"]),
        ("TraceEnable Off\n", "trace_method", ["0"]),
        ("", "worker_user", ["www-data"]),
        ("", "tls", ["0"]),
        ("", "plain_http", ["1"]),
    ],
)
def test_settings_of_the_server_and_their_defaults(values, root, lines, name, expected):
    write_apache(root, outside=lines)
    assert values(name) == expected


@pytest.mark.parametrize(
    ("inside", "plain"),
    [
        ("Redirect permanent / https://shop.example/", "0"),
        ("Redirect /old https://shop.example/old", "1"),
        ("Redirect / http://www.shop.example/", "1"),
        ("RewriteEngine On\nRewriteRule ^(.*)$ https://shop.example$1 [R=301,L]", "0"),
        ("RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R,L]", "0"),
        ("RewriteEngine On\nRewriteCond %{TIME_HOUR} <12\nRewriteRule ^ https://shop.example/ [R,L]", "1"),
        ("RewriteEngine On\nRewriteRule ^/admin https://shop.example/admin [R,L]", "1"),
    ],
)
def test_a_site_serves_without_tls_unless_every_url_is_sent_there(values, root, inside, plain):
    write_apache(root, inside)
    assert values("plain_http") == [plain]


@pytest.mark.parametrize(
    ("libraries", "line", "protocols"),
    [
        ((), "", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        (("libssl.so.3",), "", ["TLSv1.2", "TLSv1.3"]),
        (("libssl.so.3", "libssl.so.1.1"), "", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        (("libssl.so.3",), "SSLCipherSuite DEFAULT@SECLEVEL=0\n", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        ((), "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1\n", ["TLSv1.2", "TLSv1.3"]),
        ((), "SSLProtocol TLSv1.3\n", ["TLSv1.3"]),
        ((), "SSLProtocol -all +TLSv1.2\n", ["TLSv1.2"]),
        ((), "SSLProtocol +SSLv3 +TLSv1.2\n", ["SSLv3", "TLSv1.2"]),
    ],
)
def test_the_protocols_that_are_spoken(values, root, libraries, line, protocols):
    write_apache(root, f"SSLEngine on\n{line}")
    for name in libraries:
        root.write(f"/usr/lib/x86_64-linux-gnu/{name}", "")
    assert values("tls_protocol") == protocols


def test_hsts_is_the_headers_value(values, root):
    write_apache(root, 'Header always set Strict-Transport-Security "max-age=31536000"')
    assert values("hsts") == ["max-age=31536000"]
    write_apache(root, 'Header set Strict-Transport-Security "max-age=1"\nHeader unset Strict-Transport-Security')
    assert values("hsts") == [""]


def test_a_listing_is_the_options_of_each_directory(query, root, require_root):
    write_apache(root, f"Options +Indexes\n<Directory {IMAGES}>\nOptions -Indexes\n</Directory>")
    root.mkdir(IMAGES, 0o755, 33, 33)
    answer = query("SELECT url, directory, value FROM web_settings WHERE name = 'directory_listing' ORDER BY url", root)
    assert answer.tuples == (("/", "/var/www/shop", "1"), ("/images/", IMAGES, "0"))
