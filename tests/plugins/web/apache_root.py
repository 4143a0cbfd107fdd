"""A root directory with Apache, mod_php and a shop whose visitors upload into images/."""

from __future__ import annotations

MODULES = "mpm_prefork access_compat alias allowmethods authz_core authz_host autoindex dir env headers mime php proxy proxy_fcgi remoteip rewrite setenvif ssl".split()
CONF = """User www-data
Group www-data
Listen 80
TypesConfig /etc/mime.types
<Directory />
AllowOverride None
Require all denied
</Directory>
<FilesMatch "^\\.ht">
Require all denied
</FilesMatch>
<FilesMatch ".+\\.ph(?:ar|p|tml)$">
SetHandler application/x-httpd-php
</FilesMatch>
IncludeOptional sites-enabled/*.conf
"""
SHOP, IMAGES = "/var/www/shop", "/var/www/shop/images"
HANDLER_LINE = len(MODULES) + CONF.split("\n").index("SetHandler application/x-httpd-php") + 1
"""Where apache2.conf hands PHP's files to it."""


def write_apache(root, inside="", *, override="None", outside="", left_out=()):
    """The server with one virtual host; `inside` is put into it, `outside` before it."""

    def load(name):
        library = "libphp8.2" if name == "php" else f"mod_{name}"
        return f"LoadModule {name}_module /usr/lib/apache2/modules/{library}.so\n"

    root.write("/etc/apache2/apache2.conf", "".join(load(name) for name in MODULES if name not in left_out) + CONF)
    site = (
        f"ServerName shop.example\nDocumentRoot {SHOP}\n<Directory {SHOP}>\nAllowOverride {override}\nRequire all granted\n</Directory>\n"
    )
    root.write("/etc/apache2/sites-enabled/shop.conf", f"{outside}<VirtualHost *:80>\n{site}{inside}\n</VirtualHost>\n")
    root.write("/etc/mime.types", "image/jpeg jpg jpeg\napplication/x-trash bak\n")
    root.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n")
    root.write("/etc/group", "root:x:0:\nwww-data:x:33:\n")
    root.write(f"{SHOP}/index.html", "hello")
    root.mkdir(IMAGES)
    return root
