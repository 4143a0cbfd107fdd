"""The domain's checks on whole root directories: hardened servers pass, and each thing that is changed in one fails the check for it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hardaudit.audit.registry import Registry
from hardaudit.audit.verdict import decide
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.model.policy import Selection
from hardaudit.plugin.discover import checks_in
from hardaudit.policy.check_file import load_check
from hardaudit.target.target import Target

CHECKS = {check.id.partition("/")[2]: check for check in map(load_check, checks_in("hardaudit_plugins.web.checks"))}
TABLES = tuple(Registry().tables.values())
WEB, DEPLOY = 33, 1000
SHOP = "/var/www/shop"
CODE = "<?" + "php echo 1;\n"  # no file of this project has PHP's own mark in it
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 57
MODULES = ("mpm_prefork", "authz_core", "authz_host", "mime", "dir", "alias", "headers", "ssl", "rewrite", "autoindex")
APACHE = """ServerRoot "/etc/apache2"
User ${APACHE_RUN_USER}
Group ${APACHE_RUN_GROUP}
Listen 80
Listen 443
TypesConfig /etc/mime.types
ServerTokens Prod
ServerSignature Off
TraceEnable Off
<Directory />
    AllowOverride None
    Require all denied
</Directory>
IncludeOptional mods-enabled/*.load
IncludeOptional mods-enabled/*.conf
IncludeOptional sites-enabled/*.conf
"""
MOD_PHP = """<FilesMatch "\\.php$">
    SetHandler application/x-httpd-php
</FilesMatch>
"""
SITE = """<VirtualHost *:80>
    ServerName shop.example
    DocumentRoot /var/www/shop
    Redirect permanent / https://shop.example/
</VirtualHost>
<VirtualHost *:443>
    ServerName shop.example
    DocumentRoot /var/www/shop
    SSLEngine on
    SSLCertificateFile /etc/ssl/shop.pem
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    Header always set Strict-Transport-Security "max-age=31536000"
    php_admin_value open_basedir /var/www/shop:/tmp
    php_admin_flag session.cookie_secure on
    <Directory /var/www/shop>
        AllowOverride None
        Require all granted
    </Directory>
    <Directory /var/www/shop/images>
        php_admin_flag engine off
        <FilesMatch ".+">
            SetHandler default-handler
        </FilesMatch>
    </Directory>
</VirtualHost>
"""
INI = """expose_php = Off
display_errors = Off
log_errors = On
allow_url_fopen = Off
enable_dl = Off
disable_functions = exec,passthru,popen,proc_open,shell_exec,system
session.cookie_httponly = 1
session.cookie_samesite = Lax
session.use_strict_mode = 1
"""
NGINX = """user www-data;
events {}
http {
    server_tokens off;
    server {
        listen 80;
        server_name shop.example;
        return 301 https://$host$request_uri;
    }
    server {
        listen 443 ssl;
        server_name shop.example;
        root /var/www/shop;
        ssl_certificate /etc/ssl/shop.pem;
        ssl_certificate_key /etc/ssl/shop.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        add_header Strict-Transport-Security "max-age=31536000" always;
        location ^~ /images/ { }
        location ~ \\.php$ {
            try_files $uri =404;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param SCRIPT_NAME $fastcgi_script_name;
            fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
            fastcgi_pass unix:/run/php/shop.sock;
        }
    }
}
"""
POOL = """[shop]
user = shop
group = shop
listen = /run/php/shop.sock
pm = ondemand
pm.max_children = 5
php_admin_value[open_basedir] = /var/www/shop:/tmp
php_admin_flag[session.cookie_secure] = on
"""


def package(name, version):
    return f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\nDescription: x\n\n"


@pytest.fixture
def host(root, require_root):
    """A Debian without a web server, and the files of a shop."""
    root.write("/etc/os-release", 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nID=debian\n')
    root.write("/bin/sh", ELF)
    root.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\n")
    accounts = (("root", 0), ("www-data", WEB), ("deploy", DEPLOY), ("shop", 1001))
    root.write("/etc/passwd", "".join(f"{name}:x:{uid}:{uid}::/:/usr/sbin/nologin\n" for name, uid in accounts))
    root.write("/etc/group", "".join(f"{name}:x:{uid}:\n" for name, uid in accounts) + "adm:x:4:\n")
    root.write("/etc/mime.types", "text/html html\nimage/jpeg jpg jpeg\n")
    root.write("/etc/ssl/shop.pem")
    root.mkdir(SHOP, 0o755, DEPLOY, DEPLOY)
    root.write(f"{SHOP}/index.php", CODE, 0o640, DEPLOY, WEB)
    root.write(f"{SHOP}/includes/configure.php", CODE, 0o640, DEPLOY, WEB)
    root.mkdir(f"{SHOP}/images", 0o750, WEB, WEB)
    root.write(f"{SHOP}/images/a.jpg", b"\xff\xd8\xff\xe0", 0o640, WEB, WEB)
    return root


@pytest.fixture
def apache(host):
    """Apache with mod_php."""
    host.write("/usr/sbin/apache2", "", 0o755)
    host.write("/etc/apache2/envvars", "export APACHE_RUN_USER=www-data\nexport APACHE_RUN_GROUP=www-data\n")
    host.write("/etc/apache2/apache2.conf", APACHE)
    modules = {name: f"mod_{name}.so" for name in MODULES} | {"php8.2": "libphp8.2.so"}
    for name, file in modules.items():
        host.write(f"/usr/lib/apache2/modules/{file}", ELF)
        host.write(
            f"/etc/apache2/mods-enabled/{name}.load", f"LoadModule {name.rstrip('.0123456789')}_module /usr/lib/apache2/modules/{file}\n"
        )
    host.write("/etc/apache2/mods-enabled/php8.2.conf", MOD_PHP)
    host.write("/etc/apache2/sites-enabled/shop.conf", SITE)
    host.write("/etc/php/8.2/apache2/php.ini", INI)
    host.mkdir("/etc/php/8.2/apache2/conf.d")
    host.write("/var/lib/dpkg/status", package("apache2-bin", "2.4.65-1~deb12u1") + package("libapache2-mod-php8.2", "8.2.29-1~deb12u1"))
    return host


@pytest.fixture
def nginx(host):
    """nginx with PHP-FPM, whose pool has an account of its own."""
    os.chown(f"{host.path}{SHOP}/images", 1001, 1001)
    host.write("/usr/sbin/nginx", "", 0o755)
    host.write("/etc/nginx/nginx.conf", NGINX)
    host.write("/usr/sbin/php-fpm8.2", "", 0o755)
    host.write("/etc/php/8.2/fpm/php-fpm.conf", "[global]\ninclude=/etc/php/8.2/fpm/pool.d/*.conf\n")
    host.write("/etc/php/8.2/fpm/pool.d/shop.conf", POOL)
    host.write("/etc/php/8.2/fpm/php.ini", INI)
    host.mkdir("/etc/php/8.2/fpm/conf.d")
    host.write("/var/lib/dpkg/status", package("nginx", "1.22.1-9+deb12u2") + package("php8.2-fpm", "8.2.29-1~deb12u1"))
    return host


def verdicts(place, *names, **params):
    """State and subjects of the named checks, of all without names."""
    with Target.directory(place.path) as target, Engine(target, TABLES) as engine:
        found = {}
        for name in names or CHECKS:
            selection = Selection(severity=CHECKS[name].severity, params={**CHECKS[name].defaults, **params})
            result = decide(CHECKS[name], selection, engine, Bounds(seconds=60))
            found[name] = (result.state.value, [finding.subject for finding in result.findings])
        return found


def edit(place, path, old, new):
    file = place.directory / path.lstrip("/")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


ADVICE = ("fail", [f"{SHOP}/images"])  # uploads_in_docroot: the shop can do nothing about it
NO_CMS = {"unfinished_installation", "default_admin_names"}
NO_CGI = {"php_enable_dl", "php_cgi_force_redirect"}


def test_a_hardened_apache_passes(apache):
    expected = {name: ("pass", []) for name in CHECKS} | dict.fromkeys(NO_CMS | NO_CGI, ("not_applicable", []))
    assert verdicts(apache) == expected | {"uploads_in_docroot": ADVICE}


def test_a_hardened_nginx_passes(nginx):
    expected = {name: ("pass", []) for name in CHECKS} | dict.fromkeys(NO_CMS | NO_CGI | {"htaccess_takeover"}, ("not_applicable", []))
    assert verdicts(nginx) == expected | {"uploads_in_docroot": ADVICE}


def test_without_a_web_server_nothing_applies(host):
    assert {name: state for name, (state, _) in verdicts(host).items() if state != "not_applicable"} == {}


@pytest.mark.parametrize("server", ["apache", "nginx"])
def test_a_configuration_that_cannot_be_read_leaves_nothing_passed(server, request):
    place = request.getfixturevalue(server)
    path = f"{place.path}/etc/apache2/apache2.conf" if server == "apache" else f"{place.path}/etc/nginx/nginx.conf"
    os.unlink(path)
    os.mkfifo(path)
    states = {name: state for name, (state, _) in verdicts(place).items()}
    assert {name for name, state in states.items() if state == "pass"} == set()


CHANGES = [
    ("php_execution_in_uploads", "php_admin_flag engine off", "", [f"{SHOP}/images"]),
    ("htaccess_takeover", "php_admin_flag engine off", "AllowOverride All", [f"{SHOP}/images"]),
    ("php_double_extension", "SSLEngine on", "SSLEngine on\nAddHandler application/x-httpd-php .php", [SHOP]),
    ("directory_listing", "Require all granted", "Options Indexes\nRequire all granted", [SHOP, f"{SHOP}/images"]),
    ("old_tls_protocols", "-all +TLSv1.2", "all -SSLv3", ["shop.example: TLSv1", "shop.example: TLSv1.1"]),
    ("https_missing", "Redirect permanent / https://shop.example/", "", ["shop.example"]),
    ("hsts", "max-age=31536000", "max-age=300", ["shop.example"]),
    ("php_open_basedir", "php_admin_value open_basedir /var/www/shop:/tmp", "", ["apache2handler 8.2 by default"]),
    ("php_session_secure", "php_admin_flag session.cookie_secure on", "", ["shop.example"]),
    ("php_working_files", "SSLEngine on", f"SSLEngine on\nphp_value session.save_path {SHOP}/sess", [f"session.save_path: {SHOP}/sess"]),
    ("php_prepended_files", "SSLEngine on", "SSLEngine on\nphp_value auto_prepend_file start.inc", ["start.inc"]),
]


@pytest.mark.parametrize(("name", "old", "new", "subjects"), CHANGES, ids=[change[0] for change in CHANGES])
def test_one_change_of_the_virtual_host_fails_its_check(apache, name, old, new, subjects):
    edit(apache, "/etc/apache2/sites-enabled/shop.conf", old, new)
    if name == "php_execution_in_uploads":
        edit(apache, "/etc/apache2/sites-enabled/shop.conf", "SetHandler default-handler", "")
    assert verdicts(apache, name) == {name: ("fail", subjects)}


@pytest.mark.parametrize(
    ("name", "old", "new", "subjects"),
    [
        ("version_disclosure", "ServerTokens Prod\n", "", ["apache: compiled default"]),
        ("server_signature", "ServerSignature Off", "ServerSignature On", ["apache: /etc/apache2/apache2.conf"]),
        ("trace_method", "TraceEnable Off\n", "", ["apache: compiled default"]),
        ("server_as_root", "User ${APACHE_RUN_USER}", "User root", ["apache: /etc/apache2/apache2.conf"]),
    ],
)
def test_one_change_of_the_main_configuration_fails_its_check(apache, name, old, new, subjects):
    edit(apache, "/etc/apache2/apache2.conf", old, new)
    assert verdicts(apache, name) == {name: ("fail", subjects)}


PHP_INI = "/etc/php/8.2/fpm/php.ini"


@pytest.mark.parametrize(
    ("name", "old", "new", "subjects"),
    [
        ("php_expose_php", "expose_php = Off\n", "", ["fpm-fcgi 8.2 by default"]),
        ("php_display_errors", "display_errors = Off\n", "", ["display_errors: fpm-fcgi 8.2 by default"]),
        ("php_display_errors", "display_errors = Off", "display_errors = stdout", [f"display_errors: {PHP_INI}"]),
        ("php_log_errors", "log_errors = On", "log_errors = Off", [PHP_INI]),
        ("php_allow_url_fopen", "allow_url_fopen = Off\n", "", ["fpm-fcgi 8.2 by default"]),
        ("php_allow_url_include", "log_errors = On", "log_errors = On\nallow_url_include = yes", [PHP_INI]),
        ("php_disable_functions", "system\n", "\n", [PHP_INI]),
        ("php_session_httponly", "session.cookie_httponly = 1\n", "", ["fpm-fcgi 8.2 by default"]),
        ("php_session_samesite", "session.cookie_samesite = Lax\n", "", ["fpm-fcgi 8.2 by default"]),
        ("php_session_ids", "session.use_strict_mode = 1\n", "", ["session.use_strict_mode: fpm-fcgi 8.2 by default"]),
    ],
)
def test_one_line_of_php_ini_fails_its_check(nginx, name, old, new, subjects):
    edit(nginx, PHP_INI, old, new)
    assert verdicts(nginx, name) == {name: ("fail", subjects)}


@pytest.mark.parametrize(
    ("name", "path", "old", "new", "subjects"),
    [
        ("php_execution_in_uploads", "/etc/nginx/nginx.conf", "location ^~ /images/ { }", "", [f"{SHOP}/images"]),
        ("ineffective_protection", "/etc/nginx/nginx.conf", "location ^~ /images/ { }", "location /images/ { deny all; }", None),
        ("php_as_root", "/etc/php/8.2/fpm/pool.d/shop.conf", "user = shop", "user = root", ["shop.example"]),
        ("server_as_root", "/etc/nginx/nginx.conf", "user www-data;", "user root;", ["nginx: /etc/nginx/nginx.conf"]),
        ("php_user_groups", "/etc/group", "adm:x:4:", "adm:x:4:shop", ["shop: adm"]),
        ("php_end_of_life", "/etc/os-release", 'VERSION_ID="12"\nVERSION="12 (bookworm)"', 'VERSION_ID="10"', None),
    ],
)
def test_one_change_of_nginx_or_its_pool_fails_its_check(nginx, name, path, old, new, subjects):
    edit(nginx, path, old, new)
    if name == "php_end_of_life":  # PHP of the distribution's own branch ends with it
        edit(nginx, "/var/lib/dpkg/status", "php8.2-fpm", "php7.3-fpm")
        edit(nginx, "/var/lib/dpkg/status", "8.2.29-1~deb12u1", "7.3.31-1~deb10u1")
        (nginx.directory / "etc/php/8.2").rename(nginx.directory / "etc/php/7.3")
        edit(nginx, "/etc/php/7.3/fpm/php-fpm.conf", "/8.2/", "/7.3/")
    state, found = verdicts(nginx, name)[name]
    assert state == "fail"
    assert subjects is None or found == subjects


def test_an_empty_list_of_extensions_lets_pictures_run(nginx):
    edit(nginx, "/etc/nginx/nginx.conf", "            try_files $uri =404;\n", "")
    edit(nginx, "/etc/php/8.2/fpm/pool.d/shop.conf", "listen =", "security.limit_extensions =\nlisten =")
    assert verdicts(nginx, "php_path_info") == {"php_path_info": ("fail", [SHOP])}


FILES = [
    ("php_files_in_uploads", f"{SHOP}/images/x.php", CODE, 0o444, WEB, None),
    ("override_files_in_uploads", f"{SHOP}/images/.htaccess", "AddType application/x-httpd-php .jpg\n", 0o644, WEB, None),
    ("programs_in_uploads", f"{SHOP}/images/x", ELF, 0o755, WEB, None),
    ("php_in_other_files", f"{SHOP}/images/b.jpg", b"\xff\xd8\xff\xe0" + CODE.encode(), 0o644, WEB, None),
    ("web_shells", f"{SHOP}/images/s.php", CODE.replace("echo 1", "@ev" + "al($_PO" + "ST['x'])"), 0o644, WEB, None),
    ("code_writable", f"{SHOP}/includes/application_top.php", CODE, 0o666, DEPLOY, None),
    ("configuration_readable", f"{SHOP}/wp-config.php", CODE, 0o644, DEPLOY, None),
    ("installers_left", f"{SHOP}/zc_install/index.php", CODE, 0o644, DEPLOY, f"{SHOP}/zc_install"),
    ("version_control_in_docroot", f"{SHOP}/.git/HEAD", "ref", 0o644, DEPLOY, f"{SHOP}/.git"),
    ("secrets_in_docroot", f"{SHOP}/.env", "PASSWORD=x\n", 0o640, DEPLOY, None),
    ("secrets_in_docroot", f"{SHOP}/keys/shop.key", "x", 0o640, DEPLOY, None),
    ("dumps_and_backups", f"{SHOP}/includes/configure.php~", "x", 0o640, DEPLOY, None),
    ("dumps_and_backups", f"{SHOP}/shop.sql.gz", "x", 0o640, DEPLOY, None),
    ("debug_pages", f"{SHOP}/Info.php", CODE, 0o640, DEPLOY, None),
    ("administration_tools", f"{SHOP}/tools/adminer-4.8.1.php", CODE, 0o640, DEPLOY, None),
]


@pytest.mark.parametrize(("name", "path", "content", "mode", "uid", "subject"), FILES, ids=[f"{row[0]}-{n}" for n, row in enumerate(FILES)])
def test_one_file_more_fails_its_check(apache, name, path, content, mode, uid, subject):
    apache.write(path, content, mode, uid, uid)
    assert verdicts(apache, name) == {name: ("fail", [subject or path])}


def test_an_upload_directory_that_is_open_to_everyone_fails_its_check(apache):
    apache.mkdir(f"{SHOP}/media", 0o777)
    assert verdicts(apache, "world_writable_uploads") == {"world_writable_uploads": ("fail", [f"{SHOP}/media"])}


def test_a_site_that_the_web_server_owns_is_one_finding(apache):
    os.chown(f"{apache.path}{SHOP}", WEB, WEB)
    found = verdicts(apache, "code_writable", "php_files_in_uploads")
    assert found == {"code_writable": ("fail", [SHOP]), "php_files_in_uploads": ("pass", [])}


def test_two_sites_with_php_of_one_account_share_it(apache):
    edit(
        apache,
        "/etc/apache2/sites-enabled/shop.conf",
        "<VirtualHost *:80>",
        "<VirtualHost *:80>\nServerName b.example\nDocumentRoot /var/www/b\n</VirtualHost>\n<VirtualHost *:80>",
    )
    apache.write("/var/www/b/index.html", "hello")
    assert verdicts(apache, "shared_php_user") == {"shared_php_user": ("pass", [])}
    apache.write("/var/www/b/index.php", CODE, 0o640, DEPLOY, WEB)
    assert verdicts(apache, "shared_php_user") == {"shared_php_user": ("fail", ["www-data"])}


def test_a_document_root_behind_a_link_is_looked_at_too(apache):
    (apache.directory / "var/www/shop").rename(apache.directory / "srv-shop")
    apache.symlink(SHOP, "/srv-shop")
    apache.write("/srv-shop/info.php", CODE, 0o644, DEPLOY, WEB)
    apache.write("/srv-shop/images/x.php", CODE, 0o644, WEB, WEB)
    found = verdicts(apache, "debug_pages", "php_files_in_uploads", "php_execution_in_uploads")
    assert found == {
        "debug_pages": ("fail", ["/srv-shop/info.php"]),
        "php_files_in_uploads": ("fail", ["/srv-shop/images/x.php"]),
        "php_execution_in_uploads": ("pass", []),
    }
    edit(apache, "/etc/apache2/sites-enabled/shop.conf", "php_admin_flag engine off", "")
    edit(apache, "/etc/apache2/sites-enabled/shop.conf", "SetHandler default-handler", "")
    assert verdicts(apache, "php_execution_in_uploads")["php_execution_in_uploads"][0] == "fail"


def test_directories_of_a_policy_are_asked_about(apache):
    edit(
        apache,
        "/etc/apache2/sites-enabled/shop.conf",
        "    SSLEngine on\n",
        "    SSLEngine on\n    Alias /drop /srv/drop\n    <Directory /srv/drop>\n    Require all granted\n    </Directory>\n",
    )
    apache.mkdir("/srv/drop", 0o755)
    assert verdicts(apache, "php_execution_in_uploads")["php_execution_in_uploads"] == ("pass", [])
    found = verdicts(apache, "php_execution_in_uploads", directories=["/srv/drop"])
    assert found == {"php_execution_in_uploads": ("fail", ["/srv/drop"])}


def test_the_queries_of_the_how_to_run(apache):
    page = (Path(__file__).parents[3] / "docs/how-to/audit-a-web-server.md").read_text("utf-8")
    queries = [query.replace('\\"', '"') for query in re.findall(r'hardaudit query "((?:[^"\\]|\\.)*)"', page)]
    assert len(queries) >= 8
    with Target.directory(apache.path) as target, Engine(target, TABLES) as engine:
        for query in queries:
            assert engine.run(query, {}, Bounds(seconds=60)).columns


@pytest.mark.parametrize("server", ["apache", "nginx"])
def test_every_setting_of_php_that_a_check_asks_for_has_a_value_on_a_bare_server(server, request):
    place = request.getfixturevalue(server)
    for ini in ("apache2", "fpm"):
        if (place.directory / f"etc/php/8.2/{ini}").exists():
            place.write(f"/etc/php/8.2/{ini}/php.ini", "")
    sql = " ".join(check.query for name, check in CHECKS.items() if "php_settings" in check.query)
    named = set(re.findall(r"'((?:session\.|opcache\.|cgi\.)?[a-z_]+)'", sql)) & PHP_SETTINGS
    assert named >= PHP_SETTINGS - {"opcache.file_cache", "sys_temp_dir", "auto_append_file"}
    with Target.directory(place.path) as target, Engine(target, TABLES) as engine:
        answer = engine.run("SELECT DISTINCT name FROM php_settings", {}, Bounds(seconds=60))
    missing = PHP_SETTINGS - {row["name"] for row in answer.rows}
    assert missing <= {"cgi.force_redirect", "opcache.file_cache"}


PHP_SETTINGS = {
    "allow_url_fopen", "allow_url_include", "auto_append_file", "auto_prepend_file", "cgi.force_redirect", "disable_functions", "display_errors",
    "display_startup_errors", "enable_dl", "error_log", "expose_php", "file_uploads", "log_errors", "opcache.file_cache", "open_basedir",
    "session.cookie_httponly", "session.cookie_samesite", "session.cookie_secure", "session.save_path", "session.use_only_cookies",
    "session.use_strict_mode", "session.use_trans_sid", "sys_temp_dir", "upload_tmp_dir",
}  # fmt: skip
