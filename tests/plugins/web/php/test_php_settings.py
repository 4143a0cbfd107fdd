"""The table php_settings, on root directories with the files of whole servers."""

from __future__ import annotations

import pytest

NGINX = """events {{}}
http {{
    server {{
        listen 80;
        server_name shop.example;
        root /var/www/shop;
        location ~ \\.php$ {{
            fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
            {parameters}
            fastcgi_pass unix:/run/php/php8.2-fpm.sock;
        }}
    }}
}}
"""
POOL = "[www]\nuser = www-data\nlisten = /run/php/php8.2-fpm.sock\npm = ondemand\npm.max_children = 5\n"


@pytest.fixture
def host(root):
    """nginx with a site and PHP-FPM 8.2 with a pool that it uses."""
    root.write("/usr/sbin/nginx", "", mode=0o755)
    root.write("/etc/nginx/nginx.conf", NGINX.format(parameters=""))
    root.write(
        "/etc/php/8.2/fpm/php.ini", "[PHP]\ndisplay_errors = Off\nmemory_limit = 128M\nmysqli.allow_local_infile = On\nengine = On\n"
    )
    root.write("/etc/php/8.2/fpm/conf.d/10-opcache.ini", "zend_extension=opcache.so\n")
    root.write("/etc/php/8.2/fpm/php-fpm.conf", "include=/etc/php/8.2/fpm/pool.d/*.conf\n")
    root.write("/etc/php/8.2/fpm/pool.d/www.conf", POOL)
    root.mkdir("/var/www/shop/images")
    return root


@pytest.fixture
def value(query):
    """The rows of a setting: value and line by site and directory."""

    def find(root, name):
        answer = query("SELECT site, directory, value, config_path, config_line FROM php_settings WHERE name = :name", root, {"name": name})
        return {(row["site"], row["directory"]): (row["value"], row["config_path"], row["config_line"]) for row in answer.rows}

    return find


SHOP = ("shop.example", None)
IMAGES = ("shop.example", "/var/www/shop/images")


def test_a_compiled_default_has_no_line(host, value) -> None:
    assert value(host, "allow_url_include") == {SHOP: ("0", None, None)}


def test_a_file_sets_what_the_default_was(host, value) -> None:
    assert value(host, "display_errors") == {SHOP: ("", "/etc/php/8.2/fpm/php.ini", 2)}


def test_a_setting_of_an_extension_is_there_if_it_is_loaded_or_set(host, value) -> None:
    assert value(host, "opcache.enable") == {SHOP: ("1", None, None)}
    assert value(host, "mysqli.allow_local_infile") == {SHOP: ("1", "/etc/php/8.2/fpm/php.ini", 4)}
    assert value(host, "mbstring.language") == {}


def test_a_setting_that_fpm_does_not_know_is_none(host, value) -> None:
    assert value(host, "engine") == {}


def test_a_pools_value_comes_over_the_files_and_user_ini_over_it(host, value) -> None:
    host.write("/etc/php/8.2/fpm/pool.d/zz.conf", "[www]\nphp_flag[display_errors] = off\nphp_admin_value[memory_limit] = 64M\n")
    host.write("/var/www/shop/images/.user.ini", "display_errors = 1\nmemory_limit = 1G\nallow_url_include = 1\n")
    assert value(host, "display_errors") == {
        SHOP: ("0", "/etc/php/8.2/fpm/pool.d/zz.conf", 2),
        IMAGES: ("1", "/var/www/shop/images/.user.ini", 1),
    }
    assert value(host, "memory_limit") == {SHOP: ("64M", "/etc/php/8.2/fpm/pool.d/zz.conf", 3)}
    assert value(host, "allow_url_include") == {SHOP: ("0", None, None)}


def test_disabled_functions_add_up(host, value) -> None:
    host.write("/etc/php/8.2/fpm/php.ini", "disable_functions = exec\n")
    host.write("/etc/php/8.2/fpm/pool.d/zz.conf", "[www]\nphp_admin_value[disable_functions] = system\n")
    assert value(host, "disable_functions") == {SHOP: ("exec,system", "/etc/php/8.2/fpm/pool.d/zz.conf", 2)}


def test_what_nginx_sends_comes_over_the_pool(host, value) -> None:
    host.write("/etc/nginx/nginx.conf", NGINX.format(parameters='fastcgi_param PHP_ADMIN_VALUE "open_basedir=$document_root:/tmp";'))
    host.write("/etc/php/8.2/fpm/pool.d/zz.conf", "[www]\nphp_admin_value[open_basedir] = /\n")
    assert value(host, "open_basedir") == {SHOP: ("/var/www/shop:/tmp", "/etc/nginx/nginx.conf", 9)}


def test_a_section_for_a_path_or_host_comes_over_everything(host, value) -> None:
    host.write(
        "/etc/php/8.2/fpm/php.ini",
        "display_errors = 0\n[PATH=/var/www/shop/images]\ndisplay_errors = 1\n[HOST=shop.example]\nexpose_php = 0\n",
    )
    host.write("/var/www/shop/images/.user.ini", "display_errors = 2\n")
    assert value(host, "display_errors") == {SHOP: ("0", "/etc/php/8.2/fpm/php.ini", 1), IMAGES: ("1", "/etc/php/8.2/fpm/php.ini", 3)}
    assert value(host, "expose_php") == {SHOP: ("0", "/etc/php/8.2/fpm/php.ini", 5)}


def test_a_pool_that_no_site_uses_has_rows_without_a_site(host, value) -> None:
    host.write("/etc/php/8.2/fpm/pool.d/other.conf", POOL.replace("www]", "other]").replace("8.2-fpm", "-other"))
    assert value(host, "expose_php") == {SHOP: ("1", None, None), (None, None): ("1", None, None)}


def test_a_value_from_the_environment_is_unknown_and_a_gap(host, query) -> None:
    host.write("/etc/php/8.2/fpm/php.ini", "expose_php = ${EXPOSE}\n")
    answer = query("SELECT value, config_line FROM php_settings WHERE name = 'expose_php'", host)
    assert [tuple(row.values()) for row in answer.rows] == [(None, 1)]
    assert [gap for gap in answer.gaps if "php.ini:1: the value of ${EXPOSE}" in gap.detail]


def test_mod_php_serves_apaches_sites(root, value) -> None:
    root.write("/usr/sbin/apache2", "", mode=0o755)
    root.write("/etc/apache2/apache2.conf", "Include mods-enabled/*.load\nInclude sites-enabled/*.conf\nListen 80\n")
    root.write("/etc/apache2/mods-enabled/php8.2.load", "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n")
    site = (
        "ServerName shop.example\nDocumentRoot /var/www/shop\nphp_admin_flag display_errors off\nphp_admin_value disable_functions exec\n"
    )
    directory = "<Directory /var/www/shop/images>\nphp_flag engine off\nphp_value display_errors 1\n</Directory>\n"
    alias = "Alias /images /var/www/shop/images\n"
    root.write("/etc/apache2/sites-enabled/shop.conf", f"<VirtualHost *:80>\n{site}{alias}{directory}</VirtualHost>\n")
    root.write("/etc/php/8.2/apache2/php.ini", "display_errors = On\ndisable_functions = system\n")
    root.mkdir("/var/www/shop/images")
    assert value(root, "display_errors")[SHOP] == ("0", "/etc/apache2/sites-enabled/shop.conf", 4)
    assert IMAGES not in value(root, "display_errors")
    assert value(root, "engine")[IMAGES][0] == "0"
    assert value(root, "disable_functions")[SHOP] == ("system", "/etc/php/8.2/apache2/php.ini", 2)


def test_mod_php_reads_the_php_ini_that_phpinidir_names(root, value) -> None:
    root.write("/etc/apache2/apache2.conf", "Include mods-enabled/*.load\nInclude mods-enabled/*.conf\nListen 80\nServerName shop.example\n")
    root.write("/etc/apache2/mods-enabled/php8.2.load", "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n")
    root.write("/etc/apache2/mods-enabled/php8.2.conf", "PHPIniDir /srv/php\n")
    root.write("/etc/php/8.2/apache2/php.ini", "expose_php = On\n")
    root.write("/srv/php/php.ini", "expose_php = Off\n")
    assert set(value(root, "expose_php").values()) == {("", "/srv/php/php.ini", 1)}


def test_a_loadmodule_line_anywhere_counts(root, value) -> None:
    line = "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n"
    root.write("/etc/apache2/apache2.conf", f"{line}Listen 80\nServerName shop.example\n")
    root.write("/etc/php/8.2/apache2/php.ini", "expose_php = On\n")
    assert set(value(root, "expose_php").values()) == {("1", "/etc/php/8.2/apache2/php.ini", 1)}
