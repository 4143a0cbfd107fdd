"""What the lists of cases are written with."""

from __future__ import annotations

from php_harness import DOCROOT, HOST, UPLOADS

SOCKET = "unix:/run/php/php8.2-fpm.sock"
FPM_URL = f"{SOCKET}|fcgi://localhost"
TO_FPM = f'SetHandler "proxy:{FPM_URL}"'
PHP_CONF = "/etc/apache2/mods-available/php8.2.conf"
NO_PHP_CONF = {PHP_CONF: "# nothing\n"}
FILES_MATCH = '<FilesMatch "{}">\n {}\n</FilesMatch>'
POOL = "/etc/php/8.2/fpm/pool.d/zz.conf"
ANY_EXTENSION = {POOL: "[www]\nsecurity.limit_extensions =\n"}
TCP_POOL = "[tcp]\nuser = www-data\ngroup = www-data\nlisten = {}\npm = ondemand\npm.max_children = 2\n"
SHOP_SOCKET = "unix:/run/php/upload.sock"
SHOP_POOL = (
    "[upload]\nuser = www-data\ngroup = www-data\nlisten = /run/php/upload.sock\nlisten.owner = www-data\nlisten.group = www-data\n"
    "pm = ondemand\npm.max_children = 2\n"
)


def vhost(body="", docroot=DOCROOT, override="None", port=80, name=HOST, options="FollowSymLinks"):
    """A virtual host of Apache."""
    return (
        f"<VirtualHost *:{port}>\n    ServerName {name}\n    DocumentRoot {docroot}\n    <Directory {docroot}>\n        Options {options}\n"
        f"        AllowOverride {override}\n        Require all granted\n    </Directory>\n{body}\n</VirtualHost>\n"
    )


def section(kind, argument, inner):
    return f"    <{kind} {argument}>\n        {inner}\n    </{kind}>\n"


def within(inner, argument=UPLOADS, kind="Directory"):
    return section(kind, f'"{argument}"', inner)


def server(locations, root=DOCROOT, extra="", listen="80", name=HOST):
    """A server block of nginx."""
    return f"server {{\n    listen {listen};\n    server_name {name};\n    root {root};\n    index index.php index.html;\n{extra}\n{locations}\n}}\n"


def with_access_files(files, directory, uploads, docroot):
    """The files, and .htaccess files in the upload directory and in the docroot."""
    files = dict(files or {})
    if uploads is not None:
        files[f"{directory}/.htaccess"] = uploads
    if docroot is not None:
        files[f"{DOCROOT}/.htaccess"] = docroot
    return files


def add(cases, case):
    assert case.name not in {known.name for known in cases}, case.name
    cases.append(case)
