"""Apache with PHP-FPM: handlers, ProxyPass, pools, php.ini."""

from __future__ import annotations

from cases_mod_php import (
    ACCESS_FILES,
    DENIED,
    GRANTED,
    HANDLERS,
    KEPT,
    MIME_LINES,
    NO_HANDLER,
    REWRITES,
    REWRITES_BY_DIRECTORY,
    SECTIONS,
    SRV,
)
from php_cases import (
    FILES_MATCH,
    FPM_URL,
    POOL,
    SHOP_POOL,
    SHOP_SOCKET,
    SOCKET,
    TCP_POOL,
    TO_FPM,
    add,
    section,
    vhost,
    with_access_files,
    within,
)
from php_harness import DOCROOT, UPLOADS, Case

CASES: list[Case] = []


def fpm(name, site=None, *, mods=(), files=None, ht=None, up=None, confs=("php8.2-fpm",), **kw):
    files = with_access_files(files, kw.get("directory", UPLOADS), ht, up)
    modules = ("proxy", "proxy_fcgi", "setenvif", *mods)
    add(CASES, Case("f-" + name, "apache", vhost() if site is None else site, modules, confs, files, fpm=True, **kw))


BARE = {"confs": ()}
fpm("conf-not-enabled", **BARE)
fpm("conf-modphp-too", mods=("php8.2",))
fpm("no-setenvif", confs=("php8.2-fpm",))
add(CASES, Case("f-no-proxy-fcgi", "apache", vhost(), ("proxy", "setenvif"), ("php8.2-fpm",), fpm=True))
add(
    CASES,
    Case(
        "f-modphp-handler-fpm",
        "apache",
        vhost(within(FILES_MATCH.format("\\.ph", TO_FPM))),
        ("php8.2", "proxy", "proxy_fcgi"),
        (),
        fpm=True,
    ),
)
add(CASES, Case("f-modphp-and-fpmconf", "apache", vhost(), ("php8.2", "proxy", "proxy_fcgi", "setenvif"), ("php8.2-fpm",), fpm=True))
add(
    CASES,
    Case(
        "f-modphp-engine-off-fpm",
        "apache",
        vhost(within("php_admin_flag engine off")),
        ("php8.2", "proxy", "proxy_fcgi", "setenvif"),
        ("php8.2-fpm",),
        fpm=True,
    ),
)
fpm("engine-ifmodule", vhost(within("<IfModule mod_php.c>\nphp_admin_flag engine off\n</IfModule>")))
fpm("engine-500-ht", vhost(override="All"), ht="php_flag engine off\n")
fpm("engine-ifmodule-ht", vhost(override="All"), ht="<IfModule mod_php8.c>\nphp_flag engine off\n</IfModule>\n")
for key, text in HANDLERS.items():
    if "php8" in key or "php7" in key:
        continue
    fpm("h-dir-" + key, vhost(within(text)))
    if key in ("none", "default", "forcetype-text", "php"):
        fpm("h-location-" + key, vhost(within(text, "/images", "Location")))
        fpm("h-dirfiles-" + key, vhost(within('<FilesMatch "\\.ph">\n' + text + "\n</FilesMatch>")))
        fpm("h-ht-" + key, vhost(override="All"), ht=text + "\n")
        fpm("h-htfiles-" + key, vhost(override="All"), ht='<FilesMatch "\\.ph">\n' + text + "\n</FilesMatch>\n")
for key in (
    "directory",
    "directorymatch",
    "location",
    "locationmatch",
    "files-glob",
    "filesmatch",
    "dir-filesmatch",
    "if-uri",
    "if-true",
    "files-if",
    "dir-if",
    "directory-glob",
    "location-glob",
    "if-handler",
    "if-filename",
    "location-file",
):
    fpm("sec-deny-" + key, vhost(SECTIONS[key].replace("@", DENIED)))
    fpm("sec-handler-" + key, vhost(SECTIONS[key].replace("@", NO_HANDLER)))
    fpm("sec-fpm-" + key, vhost(SECTIONS[key].replace("@", TO_FPM)), **BARE)
    fpm(
        "sec-ppm-deny-" + key,
        vhost(
            f'    ProxyPassMatch "^/(.*\\.php)$" "{FPM_URL}{DOCROOT}/"\n'.replace(
                "fcgi://localhost" + DOCROOT, "fcgi://localhost" + DOCROOT
            )
            + SECTIONS[key].replace("@", DENIED)
        ),
        **BARE,
    )
for key in (
    "unknown-500",
    "require-denied",
    "order-deny",
    "files-denied",
    "sethandler-none",
    "filesmatch-default",
    "removehandler",
    "options-none",
    "redirect-403",
    "redirectmatch",
    "if-require",
    "limit-get",
    "auth-basic",
    "empty",
    "whitelist2",
    "addtype-text",
    "forcetype",
    "zencart",
):
    for override in ("None", "All", "FileInfo", "Limit", "AuthConfig"):
        fpm(f"ht-{override.lower()}-{key}", vhost(override=override), ht=ACCESS_FILES[key])
EXTENSIONS = {
    "default": None,
    "empty": "security.limit_extensions =",
    "phtml": "security.limit_extensions = .php .phtml",
    "phar": "security.limit_extensions = .phar",
    "jpg": "security.limit_extensions = .php .jpg",
    "upper": "security.limit_extensions = .PHP",
    "nodot": "security.limit_extensions = php",
    "comma": "security.limit_extensions = .php,.phtml",
    "quoted": 'security.limit_extensions = ".php .phtml"',
    "commented": ";security.limit_extensions = .php .phtml",
    "false": "security.limit_extensions = false",
    "bak": "security.limit_extensions = .bak .inc",
    "tab": "security.limit_extensions = .php\t.phtml",
    "star": "security.limit_extensions = *",
    "php5": "security.limit_extensions = .php .php3 .php4 .php5 .php7",
    "double": "security.limit_extensions = .php.jpg",
    "emptyq": 'security.limit_extensions = ""',
}
for key, text in EXTENSIONS.items():
    files = {POOL: f"[www]\n{text}\n"} if text else {}
    fpm("lim-" + key, vhost(within(FILES_MATCH.format("\\.", TO_FPM), UPLOADS)), files=files)
    fpm("lim-all-" + key, vhost(within(TO_FPM)), files=files, **BARE)
    fpm("lim-stock-" + key, files=files)
POOL_LINES = {
    "pool-engine-off": "php_admin_flag[engine] = off",
    "pool-engine-value": "php_admin_value[engine] = 0",
    "pool-flag-off": "php_flag[engine] = off",
    "pool-value-off": "php_value[engine] = Off",
    "pool-Engine": "php_admin_flag[Engine] = off",
    "basedir-shop": "php_admin_value[open_basedir] = /var/www/shop",
    "basedir-other": "php_admin_value[open_basedir] = /srv:/tmp",
    "basedir-prefix": "php_admin_value[open_basedir] = /var/www/sh",
    "basedir-slash": "php_admin_value[open_basedir] = /var/www/shop/images/",
    "basedir-images": "php_admin_value[open_basedir] = /var/www/shop/images",
    "basedir-docroot": "php_value[open_basedir] = /var/www/shop:/tmp",
    "basedir-none": "php_admin_value[open_basedir] = none",
    "fixpath-0": "php_admin_value[cgi.fix_pathinfo] = 0",
    "fixpath-flag": "php_admin_flag[cgi.fix_pathinfo] = off",
    "disable": "php_admin_value[disable_functions] = exec,system",
    "chdir": "chdir = /srv",
    "autoprepend": "php_admin_value[auto_prepend_file] = none",
    "basedir-dot": "php_admin_value[open_basedir] = .",
    "env": "env[X] = 1",
    "basedir-sub": "php_admin_value[open_basedir] = /var/www/shop/images/sub",
}
for key, text in POOL_LINES.items():
    fpm("pool-" + key, files={POOL: f"[www]\n{text}\n"})
INI_LINES = {
    "engine": "engine = Off",
    "fixpath": "cgi.fix_pathinfo = 0",
    "fixpath1": "cgi.fix_pathinfo=1",
    "basedir": "open_basedir = /srv",
    "engine-apache": None,
    "section": f"[PATH={UPLOADS}]\nengine = Off",
    "section-parent": f"[PATH={DOCROOT}]\nengine=Off",
    "section-other": "[PATH=/srv]\nengine = Off",
    "section-host": "[HOST=shop.test]\nengine = Off",
    "section-host-other": "[HOST=other.test]\nengine=Off",
    "doc_root": "doc_root = /var/www/shop",
    "doc_root_other": "doc_root = /srv",
    "user_dir": "user_dir = public_html",
    "fixpath-off": "cgi.fix_pathinfo = Off",
    "discard": "cgi.discard_path = 1",
    "forceredirect": "cgi.force_redirect = 1",
    "section-basedir": f"[PATH={UPLOADS}]\nopen_basedir = /srv",
    "section-slash": f"[PATH={UPLOADS}/]\nengine = Off",
}
for key, text in INI_LINES.items():
    files = {"/etc/php/8.2/fpm/conf.d/zz.ini": text + "\n"} if text else {"/etc/php/8.2/apache2/conf.d/zz.ini": "engine = Off\n"}
    fpm("ini-" + key, files=files)
    fpm("ini-lim-" + key, vhost(within(TO_FPM)), files={**files, POOL: "[www]\nsecurity.limit_extensions =\n"}, **BARE)
fpm("userini-engine", files={UPLOADS + "/.user.ini": "engine = Off\n"})
fpm("userini-basedir", files={UPLOADS + "/.user.ini": "open_basedir = /srv\n"})
fpm("userini-basedir-doc", files={DOCROOT + "/.user.ini": "open_basedir = /srv\n"})
TO_SHOP_POOL = f'SetHandler "proxy:{SHOP_SOCKET}|fcgi://localhost"'
fpm(
    "sock-two-pools",
    vhost(within(FILES_MATCH.format("\\.(php|phtml)$", TO_SHOP_POOL))),
    files={POOL: SHOP_POOL + "security.limit_extensions = .php .phtml\n"},
    **BARE,
)
fpm(
    "sock-two-pools-engine",
    vhost(within(FILES_MATCH.format("\\.(php|phtml)$", TO_SHOP_POOL))),
    files={POOL: SHOP_POOL + "php_admin_flag[engine] = off\n"},
    **BARE,
)
fpm("sock-other-pool-engine", vhost(), files={POOL: SHOP_POOL + "php_admin_flag[engine] = off\n"})
fpm("sock-none", vhost(within(FILES_MATCH.format("\\.(php|phtml)$", TO_SHOP_POOL))), **BARE)
fpm("sock-none-over-stock", vhost(within(FILES_MATCH.format("\\.(php|phtml)$", TO_SHOP_POOL))))
fpm("sock-pool-disabled-file", vhost(within(FILES_MATCH.format("\\.(php|phtml)$", TO_SHOP_POOL))), files={POOL + ".off": SHOP_POOL}, **BARE)
fpm(
    "sock-other-host", vhost(within(FILES_MATCH.format("\\.php$", 'SetHandler "proxy:unix:/run/php/php8.2-fpm.sock|fcgi://php82"'))), **BARE
)
fpm(
    "sock-localhost-slash",
    vhost(within(FILES_MATCH.format("\\.php$", 'SetHandler "proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost/"'))),
    **BARE,
)
for key, listen, url in (
    ("tcp", "127.0.0.1:9000", "fcgi://127.0.0.1:9000"),
    ("tcp-port", "9000", "fcgi://127.0.0.1:9000"),
    ("tcp-localhost", "127.0.0.1:9000", "fcgi://localhost:9000"),
    ("tcp-wrong", "127.0.0.1:9001", "fcgi://127.0.0.1:9000"),
    ("tcp-slash", "127.0.0.1:9000", "fcgi://127.0.0.1:9000/"),
    ("tcp-any", "0.0.0.0:9000", "fcgi://127.0.0.1:9000"),
    ("tcp-v6", "[::]:9000", "fcgi://127.0.0.1:9000"),
    ("tcp-defport", "127.0.0.1:8000", "fcgi://127.0.0.1"),
):
    fpm(
        "sock-" + key,
        vhost(within(FILES_MATCH.format("\\.php$", f'SetHandler "proxy:{url}"'))),
        files={POOL: TCP_POOL.format(listen)},
        **BARE,
    )
fpm(
    "sock-allowed-clients",
    vhost(within(FILES_MATCH.format("\\.php$", 'SetHandler "proxy:fcgi://127.0.0.1:9000"'))),
    files={POOL: TCP_POOL.format("127.0.0.1:9000") + "listen.allowed_clients = 10.0.0.1\n"},
    **BARE,
)
fpm(
    "sock-allowed-clients-ok",
    vhost(within(FILES_MATCH.format("\\.php$", 'SetHandler "proxy:fcgi://127.0.0.1:9000"'))),
    files={POOL: TCP_POOL.format("127.0.0.1:9000") + "listen.allowed_clients = 10.0.0.1,127.0.0.1\n"},
    **BARE,
)
fpm(
    "sock-mode",
    vhost(within(FILES_MATCH.format("\\.php$", TO_SHOP_POOL))),
    files={
        POOL: SHOP_POOL.replace(
            "listen.owner = www-data\nlisten.group = www-data\n", "listen.owner = root\nlisten.group = root\nlisten.mode = 0600\n"
        )
    },
    **BARE,
)
fpm(
    "sock-mode-open",
    vhost(within(FILES_MATCH.format("\\.php$", TO_SHOP_POOL))),
    files={POOL: SHOP_POOL.replace("listen.owner = www-data\nlisten.group = www-data\n", "listen.mode = 0666\n")},
    **BARE,
)
fpm(
    "sock-pool-prefix",
    vhost(within(FILES_MATCH.format("\\.php$", 'SetHandler "proxy:unix:/run/php/$pool.sock|fcgi://localhost"'))),
    files={POOL: SHOP_POOL.replace("/run/php/upload.sock", "/run/php/$pool.sock")},
    **BARE,
)
fpm(
    "sock-pool-var",
    vhost(within(FILES_MATCH.format("\\.php$", TO_SHOP_POOL))),
    files={POOL: SHOP_POOL.replace("/run/php/upload.sock", "/run/php/$pool.sock")},
    **BARE,
)
fpm(
    "sock-pool-user",
    vhost(within(FILES_MATCH.format("\\.php$", TO_SHOP_POOL))),
    files={POOL: SHOP_POOL.replace("user = www-data\ngroup = www-data\nlisten =", "user = nobody\ngroup = nogroup\nlisten =")},
    **BARE,
)
fpm("chroot", vhost(within(FILES_MATCH.format("\\.php$", TO_SHOP_POOL))), files={POOL: SHOP_POOL + "chroot = /var/www\n"}, **BARE)
fpm(
    "chroot-docroot",
    vhost(f'    ProxyPassMatch "^/(.*\\.php)$" "{SHOP_SOCKET}|fcgi://localhost/shop/"'),
    files={POOL: SHOP_POOL + "chroot = /var/www\n"},
    **BARE,
)
fpm(
    "include-pool",
    vhost(within(FILES_MATCH.format("\\.php$", TO_SHOP_POOL))),
    files={"/etc/php/8.2/fpm/pool.d/inc/shop.conf": SHOP_POOL, POOL: "include = /etc/php/8.2/fpm/pool.d/inc/*.conf\n"},
    **BARE,
)
fpm(
    "pool-dup-limit",
    files={
        POOL: "[www]\nsecurity.limit_extensions = .php .phtml\n",
        "/etc/php/8.2/fpm/pool.d/zzz.conf": "[www]\nsecurity.limit_extensions = .php\n",
    },
)
fpm("pool-dup-earlier", files={"/etc/php/8.2/fpm/pool.d/aa.conf": "[www]\nsecurity.limit_extensions = .phar\n"})
fpm(
    "pool-www-edit",
    files={
        "/etc/php/8.2/fpm/pool.d/www.conf": "[www]\nuser = www-data\ngroup = www-data\nlisten = /run/php/php8.2-fpm.sock\nlisten.owner = www-data\nlisten.group = www-data\npm = static\npm.max_children = 2\nsecurity.limit_extensions = .php .phtml .phar\n"
    },
)
fpm(
    "pool-www-otherlisten",
    files={
        "/etc/php/8.2/fpm/pool.d/www.conf": "[www]\nuser = www-data\ngroup = www-data\nlisten = /run/php/other.sock\nlisten.owner = www-data\nlisten.group = www-data\npm = static\npm.max_children = 2\n"
    },
)
# proxy forms
PROXIED = {
    "ppm-stock": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/"',
    "ppm-dollar1": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "ppm-tail": f'ProxyPassMatch "^/(.*\\.php(/.*)?)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "ppm-noanchor": f'ProxyPassMatch "\\.php" "{SOCKET}|fcgi://localhost{DOCROOT}/"',
    "ppm-ci": f'ProxyPassMatch "(?i)^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "ppm-not": f'ProxyPassMatch "^/images/" !\n ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "ppm-not-late": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n ProxyPassMatch "^/images/" !',
    "pp-not": f'ProxyPass /images !\n ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "pp-images": f'ProxyPass /images/ "{SOCKET}|fcgi://localhost{DOCROOT}/images/"',
    "pp-all": f'ProxyPass / "{SOCKET}|fcgi://localhost{DOCROOT}/"',
    "pp-noslash": f'ProxyPass /images "{SOCKET}|fcgi://localhost{DOCROOT}/images"',
    "pp-noproxy-env": f'SetEnvIf Request_URI "^/images/" no-proxy\n ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "pp-location": f'<Location /images/>\n ProxyPass "{SOCKET}|fcgi://localhost{DOCROOT}/images/"\n </Location>',
    "ppm-location": f'<LocationMatch "^/(.*\\.php)$">\n ProxyPassMatch "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n </LocationMatch>',
    "ppm-locationmatch-pp": f'<LocationMatch "^/(.*\\.php)$">\n ProxyPass "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n </LocationMatch>',
    "pp-location-not": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n <Location /images/>\n ProxyPass !\n </Location>',
    "ppm-wrongroot": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost/srv/$1"',
    "ppm-setenv-script": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n ProxyFCGISetEnvIf "true" SCRIPT_FILENAME "/var/www/other/none.php"',
    "ppm-setenv-cond": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n ProxyFCGISetEnvIf "%{{REQUEST_URI}} =~ m#^/images/#" SCRIPT_FILENAME "/nope"',
    "ppm-admin-value": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n ProxyFCGISetEnvIf "true" PHP_ADMIN_VALUE "engine=0"',
    "ppm-value": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n SetEnv PHP_VALUE "engine=Off"',
    "ppm-admin-value-setenv": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n SetEnv PHP_ADMIN_VALUE "engine=Off"',
    "ppm-order-alias": f'Alias /images /srv/x\n ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "ppm-jpg": f'ProxyPassMatch "^/(.*\\.(php|jpg))$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "ppm-redirect": f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n RedirectMatch 403 ^/images/',
    "pp-php-path": f'ProxyPass /images/x.php "{SOCKET}|fcgi://localhost{DOCROOT}/images/x.php"',
    "pp-query": f'ProxyPassMatch "^/images/(.*\\.php)$" "{SOCKET}|fcgi://localhost{UPLOADS}/$1" timeout=5',
    "pp-enablereuse": f'<Proxy "{SOCKET}|fcgi://localhost" >\n ProxySet timeout=5\n </Proxy>\n' + FILES_MATCH.format("\\.php$", TO_FPM),
    "proxy-deny": '<Proxy "*">\n Require all denied\n </Proxy>',
    "proxy-deny-fcgi": '<Proxy "fcgi://localhost*">\n Require all denied\n </Proxy>',
    "proxymatch-deny": '<ProxyMatch "^fcgi:">\n Require all denied\n </ProxyMatch>',
    "ppm-proxy-deny": f'<Proxy "*">\n Require all denied\n </Proxy>\n ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "ppm-proxymatch-deny": f'<ProxyMatch "\\.php$">\n Require all denied\n </ProxyMatch>\n ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "ppm-files-deny": f'<Files "*.php">\n Require all denied\n </Files>\n ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"',
    "interpolate": f'ProxyPassInterpolateEnv On\n ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1" interpolate',
    "requests": "ProxyRequests On",
}
for key, text in PROXIED.items():
    fpm("pp-" + key, vhost("    " + text), **BARE)
    if 'Proxy "*"' in text or 'Proxy "fcgi' in text or "requests" in key or 'ProxyMatch "^fcgi' in text:
        fpm("pp-handler-" + key, vhost("    " + text))
fpm("pp-main", f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n' + vhost(), **BARE)
fpm(
    "pp-main-vhost-not",
    f'ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"\n' + vhost("    ProxyPass /images !"),
    **BARE,
)
fpm(
    "pp-tcp",
    vhost(f'    ProxyPassMatch "^/(.*\\.php)$" "fcgi://127.0.0.1:9000{DOCROOT}/$1"'),
    files={POOL: TCP_POOL.format("127.0.0.1:9000")},
    **BARE,
)
fpm(
    "pp-lim-jpg",
    vhost(f'    ProxyPassMatch "^/(.*\\.(php|jpg|inc|bak)(/.*)?)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"'),
    files={POOL: "[www]\nsecurity.limit_extensions =\n"},
    **BARE,
)
fpm(
    "pp-lim-jpg-apath",
    vhost(f'    ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"'),
    files={POOL: "[www]\nsecurity.limit_extensions =\n"},
    **BARE,
)
fpm(
    "pp-lim-jpg-apath-fix0",
    vhost(f'    ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"'),
    files={POOL: "[www]\nsecurity.limit_extensions =\n", "/etc/php/8.2/fpm/conf.d/zz.ini": "cgi.fix_pathinfo=0\n"},
    **BARE,
)
fpm(
    "pp-ht-deny",
    vhost(f'    ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"', override="All"),
    ht="Require all denied\n",
    **BARE,
)
fpm(
    "pp-rewrite-before",
    vhost(
        f'    RewriteEngine On\n RewriteRule ^/images/.*php$ - [F]\n ProxyPassMatch "^/(.*\\.php)$" "{SOCKET}|fcgi://localhost{DOCROOT}/$1"'
    ),
    mods=("rewrite",),
    **BARE,
)
fpm(
    "pp-rewrite-p",
    vhost(f"    RewriteEngine On\n RewriteRule ^/(.*\\.php)$ fcgi://127.0.0.1:9000{DOCROOT}/$1 [P]"),
    mods=("rewrite",),
    files={POOL: TCP_POOL.format("127.0.0.1:9000")},
    **BARE,
)
fpm(
    "pp-rewrite-p-unix",
    vhost(f"    RewriteEngine On\n RewriteRule ^/(.*\\.php)$ {SOCKET}|fcgi://localhost{DOCROOT}/$1 [P]"),
    mods=("rewrite",),
    **BARE,
)
fpm(
    "pp-rewrite-ht-p",
    vhost(override="All"),
    ht=f"RewriteEngine On\nRewriteRule ^(.*\\.php)$ fcgi://127.0.0.1:9000{UPLOADS}/$1 [P]\n",
    mods=("rewrite",),
    files={POOL: TCP_POOL.format("127.0.0.1:9000")},
    **BARE,
)
fpm(
    "pp-rewrite-h",
    vhost("    RewriteEngine On\n RewriteRule \\.(php|inc)$ - [H=proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost]"),
    mods=("rewrite",),
    files={POOL: "[www]\nsecurity.limit_extensions = .php .inc\n"},
    **BARE,
)
BALANCER = '<Proxy "balancer://php">\n BalancerMember "{}"\n</Proxy>\n'
fpm(
    "pp-balancer",
    BALANCER.format(f"{SOCKET}|fcgi://localhost") + vhost(within(FILES_MATCH.format("\\.php$", 'SetHandler "proxy:balancer://php"'))),
    mods=("proxy_balancer", "lbmethod_byrequests", "slotmem_shm"),
    **BARE,
)
fpm(
    "pp-balancer-ppm",
    BALANCER.format("fcgi://127.0.0.1:9000") + vhost(f'    ProxyPassMatch "^/(.*\\.php)$" "balancer://php{DOCROOT}/$1"'),
    mods=("proxy_balancer", "lbmethod_byrequests", "slotmem_shm"),
    files={POOL: TCP_POOL.format("127.0.0.1:9000")},
    **BARE,
)
fpm(
    "pp-balancer-nopool",
    BALANCER.format("fcgi://127.0.0.1:9001") + vhost(f'    ProxyPassMatch "^/(.*\\.php)$" "balancer://php{DOCROOT}/$1"'),
    mods=("proxy_balancer", "lbmethod_byrequests", "slotmem_shm"),
    files={POOL: TCP_POOL.format("127.0.0.1:9000")},
    **BARE,
)
fpm(
    "pp-balancer-unix-ppm",
    BALANCER.format(f"{SOCKET}|fcgi://localhost") + vhost(f'    ProxyPassMatch "^/(.*\\.php)$" "balancer://php{DOCROOT}/$1"'),
    mods=("proxy_balancer", "lbmethod_byrequests", "slotmem_shm"),
    **BARE,
)
# setting of variables with the handler
for key, text in {
    "script": 'ProxyFCGISetEnvIf "true" SCRIPT_FILENAME "/nope"',
    "script-cond": 'ProxyFCGISetEnvIf "%{REQUEST_URI} =~ /php/" SCRIPT_FILENAME "/srv/x.php"',
    "script-false": 'ProxyFCGISetEnvIf "false" SCRIPT_FILENAME "/srv/x.php"',
    "script-back": 'ProxyFCGISetEnvIf "reqenv(\'SCRIPT_FILENAME\') =~ m#^/var/www/(.*)$#" SCRIPT_FILENAME "/var/www/$1"',
    "admin": 'ProxyFCGISetEnvIf "true" PHP_ADMIN_VALUE "engine=Off"',
    "value": 'ProxyFCGISetEnvIf "true" PHP_VALUE "engine=0"',
    "unset": 'ProxyFCGISetEnvIf "true" !SCRIPT_FILENAME',
    "setenv-admin": 'SetEnv PHP_ADMIN_VALUE "engine = Off"',
    "setenv-value-nl": 'SetEnv PHP_VALUE "display_errors=1"',
    "setenv-basedir": 'SetEnv PHP_ADMIN_VALUE "open_basedir=/srv"',
    "setenv-flag": 'SetEnv PHP_ADMIN_FLAG "engine=off"',
    "setenvif": 'SetEnvIf Request_URI "^/images" PHP_VALUE=engine=off',
    "backend-type": "ProxyFCGIBackendType FPM",
    "backend-generic": "ProxyFCGIBackendType GENERIC",
    "setenv-script": "SetEnv SCRIPT_FILENAME /nope",
    "setenv-docroot": "SetEnv DOCUMENT_ROOT /srv",
}.items():
    fpm("env-dir-" + key, vhost(within(text)))
    fpm("env-vhost-" + key, vhost("    " + text))
for key in (
    "f",
    "front-reqfile",
    "cond-uri",
    "internal",
    "h-default",
    "t",
    "to-php",
    "cond-uri-not",
    "not",
    "h-none",
    "r301",
    "l-first",
    "jpg-a",
):
    fpm("rw-vhost-" + key, vhost("    RewriteEngine On\n    " + REWRITES[key]), mods=("rewrite",))
for key in ("f", "front", "to-txt", "images", "not-image", "h-none", "t", "jpg-to-php", "wordpress"):
    fpm("rw-ht-" + key, vhost(override="All"), mods=("rewrite",), ht="RewriteEngine On\n" + REWRITES_BY_DIRECTORY[key] + "\n")
for key, text in MIME_LINES.items():
    if key in ("addhandler", "addtype"):
        fpm("m-" + key, vhost("    " + text), **BARE)
fpm("m-addhandler-proxy", vhost(f'    AddHandler "proxy:{FPM_URL}" .php'), **BARE)
fpm(
    "m-addhandler-proxy-lim",
    vhost(f'    AddHandler "proxy:{FPM_URL}" .php .inc .jpg'),
    files={POOL: "[www]\nsecurity.limit_extensions =\n"},
    **BARE,
)
fpm("m-addhandler-proxy-remove", vhost(f'    AddHandler "proxy:{FPM_URL}" .php\n' + within("RemoveHandler .php")), **BARE)
fpm(
    "m-addtype-action",
    vhost(
        f"    AddType application/x-httpd-php .php\n Action application/x-httpd-php /fpm\n Alias /fpm /srv/none\n <Location /fpm>\n {TO_FPM}\n </Location>"
    ),
    mods=("actions",),
    **BARE,
)
fpm(
    "m-filesmatch-if-f",
    vhost(),
    confs=("fp",),
    files={
        "/etc/apache2/conf-available/fp.conf": FILES_MATCH.format(
            ".+\\.ph(?:ar|p|tml)$", '<If "-f %{REQUEST_FILENAME}">\n' + TO_FPM + "\n</If>"
        )
    },
)
fpm(
    "m-filesmatch-php7sock",
    vhost(),
    confs=("fp",),
    files={"/etc/apache2/conf-available/fp.conf": FILES_MATCH.format("\\.php$", TO_FPM.replace("8.2", "7.4"))},
)
fpm("m-location-fpm", vhost(within(TO_FPM, "/images", "Location")), **BARE)
fpm("m-vhost-fpm", vhost("    " + TO_FPM), **BARE)
fpm("m-vhost-fpm-lim", vhost("    " + TO_FPM), files={POOL: "[www]\nsecurity.limit_extensions =\n"}, **BARE)
fpm("m-if-fpm", vhost(section("If", '"%{REQUEST_URI} =~ /\\.php$/"', TO_FPM)), **BARE)
fpm("m-locationmatch-fpm", vhost(section("LocationMatch", '"\\.php(/|$)"', TO_FPM)), **BARE)
fpm("m-expr-handler", vhost(within('SetHandler "expr=proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost"')), **BARE)
fpm(
    "m-define-sock",
    "Define FPM unix:/run/php/php8.2-fpm.sock\n"
    + vhost(within(FILES_MATCH.format("\\.php$", 'SetHandler "proxy:${FPM}|fcgi://localhost"'))),
    **BARE,
)
fpm("m-acceptpathinfo", vhost(within("AcceptPathInfo On")), files={POOL: "[www]\nsecurity.limit_extensions =\n"})
fpm("m-acceptpathinfo-all", vhost(within(TO_FPM + "\nAcceptPathInfo On")), files={POOL: "[www]\nsecurity.limit_extensions =\n"}, **BARE)
fpm("m-nopathinfo-all", vhost(within(TO_FPM + "\nAcceptPathInfo Off")), files={POOL: "[www]\nsecurity.limit_extensions =\n"}, **BARE)
fpm("m-alias", vhost("    Alias /media /srv/uploads" + GRANTED), url="/media/", files=KEPT, **SRV)
fpm("m-link", vhost(), links={UPLOADS: "/srv/uploads"}, files=KEPT)
fpm("m-link-basedir", vhost(), links={UPLOADS: "/srv/uploads"}, files={**KEPT, POOL: "[www]\nphp_admin_value[open_basedir] = /var/www\n"})
fpm(
    "m-ht-override-proxy",
    vhost(override="FileInfo"),
    ht=FILES_MATCH.format("\\.inc$", TO_FPM) + "\n",
    files={POOL: "[www]\nsecurity.limit_extensions = .php .inc\n"},
)
fpm("m-override-none-nohandler", vhost(override="All"), **BARE)
fpm("m-override-fileinfo", vhost(override="FileInfo"), **BARE)
fpm("m-override-list", vhost(within("AllowOverrideList SetHandler")), **BARE)
fpm("m-override-limit", vhost(SECTIONS["dir-filesmatch"].replace("@", DENIED), override="Limit"))
fpm("m-override-authconfig", vhost(SECTIONS["dir-filesmatch"].replace("@", DENIED), override="AuthConfig"))
