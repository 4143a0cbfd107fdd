"""nginx in front of Apache on the same host."""

from __future__ import annotations

import pytest
from apache_root import IMAGES, SHOP, write_apache

FRONT = """events {{}}
http {{
    server {{
        listen 80;
        server_name shop.example;
        root {root};
        location {location} {{ proxy_pass http://{backend}; proxy_set_header Host $host; }}
        location ^~ /static/ {{ }}
    }}
}}
"""


@pytest.fixture
def front(root, query):
    """nginx's verdict on x.php in the upload directory."""

    def asked(inside="", location="/", backend="127.0.0.1:8080", listen="127.0.0.1:8080"):
        write_apache(root, inside)
        apache = root.directory / "etc/apache2"
        (apache / "apache2.conf").write_text((apache / "apache2.conf").read_text().replace("Listen 80", f"Listen {listen}"))
        site = apache / "sites-enabled/shop.conf"
        site.write_text(site.read_text().replace("*:80", f"*:{listen.rpartition(':')[2]}"))
        root.write("/etc/nginx/nginx.conf", FRONT.format(root=SHOP, location=location, backend=backend))
        sql = f"SELECT executes, handler FROM php_execution WHERE directory = '{IMAGES}' AND file_name = 'x.php' AND server = 'nginx'"
        return query(sql, root).tuples

    return asked


def test_what_apache_runs_runs_through_nginx_too(front):
    assert front() == ((1, "mod_php"),)


def test_what_apache_keeps_from_running_does_not(front):
    assert front(f"<Directory {IMAGES}>\nphp_admin_flag engine off\n</Directory>") == ((0, None),)


def test_a_rule_about_addresses_sees_nginxs_own(front):
    """To Apache every visitor is 127.0.0.1."""
    assert front(f"<Directory {IMAGES}>\nRequire local\n</Directory>")[0][0] == 1


def test_a_backend_that_nobody_here_is_stays_undecided(front):
    assert front(backend="127.0.0.1:9999")[0][0] is None
    assert front(backend="192.0.2.7:8080")[0][0] is None


def test_a_path_that_nginx_changes_is_the_path_that_apache_sees(front):
    inside = "Alias /elsewhere /var/www/shop/images\n<Location /elsewhere>\nRequire all denied\n</Location>"
    assert front(inside, location="/images/", backend="127.0.0.1:8080/elsewhere/")[0][0] == 0
