"""nginx with PHP-FPM."""

from __future__ import annotations

from cases_fpm import EXTENSIONS, INI_LINES, POOL_LINES
from cases_mod_php import KEPT
from php_cases import ANY_EXTENSION, POOL, SHOP_POOL, SHOP_SOCKET, SOCKET, TCP_POOL, add, server
from php_harness import DOCROOT, HOST, UPLOADS, Case

CASES: list[Case] = []


def nginx(name, locations, *, root=DOCROOT, extra="", listen="80", server_name=HOST, before="", after="", files=None, **kw):
    site = before + server(locations, root=root, extra=extra, listen=listen, name=server_name) + after
    add(CASES, Case("n-" + name, "nginx", site, files=dict(files or {}), fpm=True, **kw))


def php(pattern="\\.php$", body="", passto=SOCKET, kind="~", snippet=True):
    inner = (
        "include snippets/fastcgi-php.conf;"
        if snippet
        else "include fastcgi_params;\n fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;"
    )
    return f"    location {kind} {pattern} {{\n        {body}\n        {inner}\n        fastcgi_pass {passto};\n    }}\n"


PHP_LOC = php()
PHP_BARE = php(snippet=False)
for key, text in POOL_LINES.items():
    nginx("pool-" + key, PHP_LOC, files={POOL: f"[www]\n{text}\n"})
    nginx("pool-bare-" + key, PHP_BARE, files={POOL: f"[www]\n{text}\n"})
for key, text in INI_LINES.items():
    files = {"/etc/php/8.2/fpm/conf.d/zz.ini": text + "\n"} if text else {"/etc/php/8.2/apache2/conf.d/zz.ini": "engine = Off\n"}
    nginx("ini-" + key, PHP_LOC, files=files)
    nginx("ini-bare-" + key, PHP_BARE, files=files)
nginx("userini-basedir", PHP_LOC, files={UPLOADS + "/.user.ini": "open_basedir = /srv\n"})
nginx(
    "userini-disabled",
    PHP_LOC,
    files={UPLOADS + "/.user.ini": "open_basedir = /srv\n", "/etc/php/8.2/fpm/conf.d/zz.ini": "user_ini.filename =\n"},
)
nginx(
    "userini-othername",
    PHP_LOC,
    files={UPLOADS + "/.my.ini": "open_basedir = /srv\n", "/etc/php/8.2/fpm/conf.d/zz.ini": "user_ini.filename = .my.ini\n"},
)
nginx("userini-prepend", PHP_LOC, files={UPLOADS + "/.user.ini": "auto_prepend_file = none\n"})
for key, listen, url in (
    ("tcp", "127.0.0.1:9000", "127.0.0.1:9000"),
    ("tcp-port", "9000", "127.0.0.1:9000"),
    ("tcp-localhost", "127.0.0.1:9000", "localhost:9000"),
    ("tcp-wrong", "127.0.0.1:9001", "127.0.0.1:9000"),
    ("tcp-any", "0.0.0.0:9000", "127.0.0.1:9000"),
):
    nginx("sock-" + key, PHP_LOC.replace(SOCKET, url), files={POOL: TCP_POOL.format(listen)})

for key, pat, kind in (
    ("ci", "\\.php$", "~*"),
    ("loose", "\\.php", "~"),
    ("slash", "\\.php(/|$)", "~"),
    ("captive", "^(.+\\.php)(.*)$", "~"),
    ("any", "[^/]\\.php(/|$)", "~"),
    ("phs", "\\.ph(p|tml|ar|p5)$", "~*"),
    ("images-only", "^/images/.*\\.php$", "~"),
    ("root-only", "^/[^/]+\\.php$", "~"),
    ("index-only", "^/index\\.php$", "~"),
    ("not-images", "^/(?!images/).*\\.php$", "~"),
    ("exact", "/images/x.php", "="),
    ("prefix", "/images/", ""),
    ("caret", "/images/", "^~"),
    ("quoted", '"\\.(php|inc){1}$"', "~"),
    ("named", "^/(?<d>[a-z]+)/.*\\.php$", "~"),
    ("bak", "\\.(php|inc|bak|jpg|php5|phtml|phar)$", "~"),
    ("noanchor-jpg", "\\.(php|jpg)", "~*"),
):
    nginx("loc-" + key, php(pat, kind=kind))
    nginx("loc-bare-" + key, php(pat, kind=kind, snippet=False))
    nginx("loc-lim-" + key, php(pat, kind=kind), files=ANY_EXTENSION)
    nginx("loc-bare-lim-" + key, php(pat, kind=kind, snippet=False), files=ANY_EXTENSION)
PROTECTIONS = {
    "deny": "location {} {{ deny all; }}",
    "return403": "location {} {{ return 403; }}",
    "return404": "location {} {{ return 404; }}",
    "return444": "location {} {{ return 444; }}",
    "return200": "location {} {{ return 200 ok; }}",
    "return301": "location {} {{ return 301 /; }}",
    "empty": "location {} {{ }}",
    "tryfiles": "location {} {{ try_files $uri =404; }}",
    "internal": "location {} {{ internal; }}",
    "types": "location {} {{ types {{ }} default_type text/plain; }}",
    "auth": "location {} {{ auth_basic x; auth_basic_user_file /srv/none; }}",
    "allow-local": "location {} {{ allow 127.0.0.1; deny all; }}",
    "limitexcept": "location {} {{ limit_except GET {{ deny all; }} }}",
    "limitexcept-post": "location {} {{ limit_except POST {{ deny all; }} }}",
}
MATCHES = {
    "caret": "^~ /images/",
    "prefix": "/images/",
    "re": "~ ^/images/",
    "re-php": "~* ^/images/.*\\.ph(p|tml|ar)$",
    "exact": "= /images/x.php",
    "caret-noslash": "^~ /images",
    "re-ci": "~* \\.php$",
    "root": "/",
    "longer": "^~ /images/sub/",
    "re-anchor": "~ /(images|media)/.*\\.(php|inc)$",
    "neg": "~ ^/images/(?!.*\\.(jpg|png)$)",
}
for pk, p in PROTECTIONS.items():
    for mk, m in MATCHES.items():
        if pk in ("deny", "return403", "empty", "tryfiles") or mk in ("caret", "re-php", "prefix"):
            nginx(f"pro-{pk}-{mk}-before", "    " + p.format(m) + "\n" + PHP_LOC)
            if mk.startswith("re") or mk == "neg":
                nginx(f"pro-{pk}-{mk}-after", PHP_LOC + "\n    " + p.format(m))
BODY = {
    "deny": "deny all;",
    "allow-deny": "allow 127.0.0.1; deny all;",
    "deny-allow": "deny all; allow all;",
    "allow-all-deny": "allow all; deny all;",
    "deny-other": "deny 10.0.0.0/8;",
    "deny-local": "deny 127.0.0.0/8;",
    "deny-unix": "deny unix:;",
    "auth": "auth_basic x; auth_basic_user_file /srv/pw;",
    "auth-off": "auth_basic off;",
    "satisfy-any": "satisfy any; allow 127.0.0.1; deny all; auth_basic x; auth_basic_user_file /srv/pw;",
    "satisfy-any-deny": "satisfy any; deny all; auth_basic x; auth_basic_user_file /srv/pw;",
    "internal": "internal;",
    "return": "return 403;",
    "if-uri": "if ($uri ~ ^/images/) { return 403; }",
    "if-uri-nc": 'if ($uri ~* "^/IMAGES/") { return 403; }',
    "if-not": "if ($uri !~ ^/admin/) { return 404; }",
    "if-request-uri": "if ($request_uri ~ /images/) { return 403; }",
    "if-docroot": "if ($document_uri ~* images) { return 403; }",
    "if-method": "if ($request_method = POST) { return 403; }",
    "if-method-get": "if ($request_method = GET) { return 403; }",
    "if-method-re": "if ($request_method !~ ^(GET|HEAD)$) { return 405; }",
    "if-f": "if (!-f $request_filename) { return 404; }",
    "if-f-yes": "if (-f $request_filename) { return 403; }",
    "if-f-doc": "if (!-f $document_root$fastcgi_script_name) { return 404; }",
    "if-e": "if (-e $request_filename) { return 404; }",
    "if-d": "if (-d $document_root/images) { return 404; }",
    "if-host": "if ($host = shop.test) { return 403; }",
    "if-host-not": "if ($host != shop.test) { return 301 http://shop.test/; }",
    "if-ua": "if ($http_user_agent ~ bot) { return 403; }",
    "if-ua-empty": "if ($http_user_agent = '') { return 403; }",
    "if-arg": "if ($arg_x) { return 403; }",
    "if-args": "if ($args = '') { return 403; }",
    "if-cookie": "if ($http_cookie !~ ok) { return 403; }",
    "if-referer": "valid_referers none blocked server_names; if ($invalid_referer) { return 403; }",
    "if-referer-strict": "valid_referers server_names; if ($invalid_referer) { return 403; }",
    "if-set": "set $bad 0; if ($uri ~ images) { set $bad 1; } if ($bad) { return 403; }",
    "if-set2": 'set $bad \'\'; if ($uri ~ images) { set $bad "${bad}A"; } if ($request_method = GET) { set $bad "${bad}B"; } if ($bad = AB) { return 403; }',
    "if-scheme": "if ($scheme = http) { return 301 https://$host$request_uri; }",
    "if-https": "if ($https) { return 403; }",
    "if-remote": "if ($remote_addr = 127.0.0.1) { return 403; }",
    "if-port": "if ($server_port = 80) { return 403; }",
    "if-server-name": "if ($server_name = shop.test) { return 403; }",
    "rewrite-break": "rewrite ^/images/(.*)\\.php$ /images/$1.txt break;",
    "rewrite-last": "rewrite ^/images/(.*)\\.php$ /images/$1.txt last;",
    "rewrite-403": "rewrite ^/images/ /forbid last;",
    "rewrite-redirect": "rewrite ^/images/(.*)$ /x/$1 redirect;",
    "rewrite-http": "rewrite ^/images/(.*)$ http://o.test/$1;",
    "rewrite-plain": "rewrite ^/images/(.*)$ /pics/$1;",
    "rewrite-index": "rewrite ^ /index.php break;",
    "rewrite-if": "if ($uri ~ ^/images/(.*)$) { rewrite ^ /nope/$1 last; }",
    "break": "break; return 403;",
    "if-break": "if ($uri ~ images) { break; } return 403;",
    "limit-except": "limit_except GET { deny all; }",
    "limit-except-post": "limit_except POST { deny all; }",
    "limit-except-head": "limit_except HEAD { deny all; }",
    "tryfiles-404": "try_files $uri =404;",
    "tryfiles-index": "try_files $uri /index.php;",
    "tryfiles-nouri": "try_files /none.php =403;",
    "tryfiles-doc": "try_files $document_root$uri =404;",
    "root": "root /srv/none;",
    "root-same": "root /var/www/shop;",
    "error-page": "error_page 403 = /images/x.php; deny all;",
    "error-page-404": "error_page 404 /x.php;",
    "auth-request": "auth_request /auth;",
    "auth-request-off": "auth_request off;",
    "client-max": "client_max_body_size 1k;",
    "disable-symlinks": "disable_symlinks on;",
}
for key, text in BODY.items():
    files = {"/srv/pw": "u:x\n"}
    extra = "    location = /auth { return 403; }\n" if "/auth" in text else ""
    nginx("php-in-" + key, php(body=text) if "try_files" not in text else php(body=text, snippet=False), files=files, extra=extra)
    if not any(w in text for w in ("internal", "limit_except", "root ")):
        nginx("php-server-" + key, PHP_LOC, files=files, extra="    " + text + "\n" + extra)
nginx("php-http-deny", PHP_LOC, before="deny all;\n")
nginx("php-http-deny-loc-allow", php(body="allow all;"), before="deny all;\n")
nginx("php-server-deny-loc-allow", php(body="allow 127.0.0.1;"), extra="    deny all;\n")
nginx("php-confd-deny", PHP_LOC, files={"/etc/nginx/conf.d/a.conf": "deny all;\n"})
nginx("php-confd-wrong-ext", PHP_LOC, files={"/etc/nginx/conf.d/a.conf.off": "deny all;\n"})
nginx("php-tilde-sites", PHP_LOC, files={"/etc/nginx/sites-available/zz": "deny all;\n"})
nginx("php-sites-any-name", PHP_LOC, files={"/etc/nginx/sites-enabled/zz~": "deny all;\n"})
nginx(
    "php-snippet-include",
    "    include snippets/sec.conf;\n" + PHP_LOC,
    files={"/etc/nginx/snippets/sec.conf": "location ~ ^/images/.*\\.php { deny all; }\n"},
)
nginx(
    "php-snippet-include-late",
    PHP_LOC + "\n    include snippets/sec.conf;",
    files={"/etc/nginx/snippets/sec.conf": "location ~ ^/images/.*\\.php { deny all; }\n"},
)
nginx(
    "php-include-glob", "    include snippets/sec*.conf;\n" + PHP_LOC, files={"/etc/nginx/snippets/sec1.conf": "location ^~ /images/ { }\n"}
)
nginx("php-include-glob-none", "    include snippets/none*.conf;\n" + PHP_LOC)
nginx(
    "php-include-abs",
    "    include /etc/nginx/snippets/sec1.conf;\n" + PHP_LOC,
    files={"/etc/nginx/snippets/sec1.conf": "location ^~ /images/ { }\n"},
)
nginx("php-commented", "    # location ^~ /images/ { }\n" + PHP_LOC)
# nested
nginx("nest-php-in-images", "    location /images/ {\n" + PHP_LOC + "\n    }\n")
nginx("nest-deny-in-images", "    location /images/ {\n location ~ \\.php$ { deny all; }\n }\n" + PHP_LOC)
nginx("nest-deny-in-caret", "    location ^~ /images/ {\n location ~ \\.php$ { deny all; }\n }\n" + PHP_LOC)
nginx("nest-php-in-caret", "    location ^~ /images/ {\n" + PHP_LOC + "\n }\n")
nginx("nest-php-in-root", "    location / {\n" + PHP_LOC + "\n    }\n    location /images/ { }\n")
nginx("nest-php-in-root-caret", "    location / {\n" + PHP_LOC + "\n    }\n    location ^~ /images/ { }\n")
nginx("nest-php-in-root-noimages", "    location / {\n" + PHP_LOC + "\n    }\n")
nginx("nest-exact-in", "    location /images/ {\n location = /images/x.php { deny all; }\n" + PHP_LOC + "\n }\n")
nginx("nest-re-in-re", "    location ~ ^/images/ {\n location ~ \\.php$ { return 403; }\n }\n" + PHP_LOC)
nginx("nest-re-in-re-php", "    location ~ ^/images/ {\n" + PHP_LOC + " }\n")
nginx("nest-caret-in-prefix", "    location / {\n location ^~ /images/ { }\n" + PHP_LOC + "\n    }\n")
nginx("nest-caret-in-prefix-outer-re", "    location / {\n location ^~ /images/ { }\n }\n" + PHP_LOC)
nginx("nest-deny-outer-inherit", "    location /images/ {\n deny all;\n" + PHP_LOC + "\n }\n")
nginx("nest-deny-outer-override", "    location /images/ {\n deny all;\n" + php(body="allow all;") + "\n }\n")
nginx(
    "nest-auth-inherit",
    "    location /images/ {\n auth_basic x; auth_basic_user_file /srv/pw;\n" + PHP_LOC + "\n }\n",
    files={"/srv/pw": ""},
)
nginx(
    "nest-auth-off",
    "    location /images/ {\n auth_basic x; auth_basic_user_file /srv/pw;\n" + php(body="auth_basic off;") + "\n }\n",
    files={"/srv/pw": ""},
)
nginx("nest-return-outer", "    location /images/ {\n return 403;\n" + PHP_LOC + "\n }\n")
nginx("nest-if-outer", "    location /images/ {\n if ($uri ~ php) { return 403; }\n" + PHP_LOC + "\n }\n")
nginx("nest-root-inherit", "    location /images/ {\n root /srv;\n" + PHP_LOC + "\n }\n", directory="/srv/images", files={"/srv/x": ""})
nginx(
    "nest-alias-php",
    "    location /media/ {\n alias /srv/uploads/;\n location ~ \\.php$ {\n include fastcgi_params;\n fastcgi_param SCRIPT_FILENAME $request_filename;\n fastcgi_pass "
    + SOCKET
    + ";\n }\n }\n",
    directory="/srv/uploads",
    url="/media/",
    files=KEPT,
)
nginx(
    "nest-alias-php-docroot",
    "    location /media/ {\n alias /srv/uploads/;\n" + PHP_BARE + "\n }\n",
    directory="/srv/uploads",
    url="/media/",
    files=KEPT,
)
nginx(
    "nest-alias-php-snippet",
    "    location /media/ {\n alias /srv/uploads/;\n" + PHP_LOC + "\n }\n",
    directory="/srv/uploads",
    url="/media/",
    files=KEPT,
)
nginx(
    "nest-alias-outer-re",
    "    location /media/ {\n alias /srv/uploads/;\n }\n" + php(body="root /srv;"),
    directory="/srv/uploads",
    url="/media/",
    files=KEPT,
)
nginx(
    "nest-alias-caret",
    "    location ^~ /media/ {\n alias /srv/uploads/;\n }\n" + PHP_LOC,
    directory="/srv/uploads",
    url="/media/",
    files=KEPT,
)
nginx(
    "nest-fastcgi-inherit", "    location /images/ {\n fastcgi_pass " + SOCKET + ";\n include fastcgi.conf;\n location ~ \\.jpg$ { }\n }\n"
)
# root, alias
BY_REQUEST_FILENAME = php(snippet=False).replace("$document_root$fastcgi_script_name", "$request_filename")
BY_REALPATH = php(snippet=False).replace("$document_root$fastcgi_script_name", "$realpath_root$fastcgi_script_name")
nginx("root-request-filename", BY_REQUEST_FILENAME)
nginx("root-request-filename-lim", BY_REQUEST_FILENAME, files=ANY_EXTENSION)
nginx("root-realpath", BY_REALPATH)
nginx("root-realpath-link", BY_REALPATH, links={"/var/www/live": "/var/www/shop"}, root="/var/www/live")
nginx("root-link", PHP_LOC, links={"/var/www/live": "/var/www/shop"}, root="/var/www/live")
nginx("root-link-upload", PHP_LOC, links={UPLOADS: "/srv/uploads"}, files=KEPT)
nginx("root-link-upload-target", PHP_LOC, links={UPLOADS: "/srv/uploads"}, files=KEPT, directory="/srv/uploads")
nginx("root-link-disable", PHP_LOC, links={UPLOADS: "/srv/uploads"}, files=KEPT, extra="    disable_symlinks on;\n")
nginx("root-link-disable-owner", PHP_LOC, links={UPLOADS: "/srv/uploads"}, files=KEPT, extra="    disable_symlinks if_not_owner;\n")
nginx(
    "root-link-disable-from",
    PHP_LOC,
    links={UPLOADS: "/srv/uploads"},
    files=KEPT,
    extra="    disable_symlinks on from=/var/www/shop/images;\n",
)
nginx("root-absolute-script", php(snippet=False).replace("$document_root$fastcgi_script_name", "/var/www/shop$fastcgi_script_name"))
nginx("root-absolute-script-wrong", php(snippet=False).replace("$document_root$fastcgi_script_name", "/srv$fastcgi_script_name"))
nginx("root-script-uri", php(snippet=False).replace("$document_root$fastcgi_script_name", "$document_root$uri"))
nginx("root-script-docuri", php(snippet=False).replace("$document_root$fastcgi_script_name", "$document_root$document_uri"))
nginx("root-script-requri", php(snippet=False).replace("$document_root$fastcgi_script_name", "$document_root$request_uri"))
nginx("root-script-missing", php(snippet=False).replace("fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;", ""))
nginx(
    "root-script-missing-conf",
    php(snippet=False).replace(
        "include fastcgi_params;\n fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;", "include fastcgi.conf;"
    ),
)
nginx("root-script-fixed", php(snippet=False).replace("$document_root$fastcgi_script_name", "/var/www/shop/index.php"))
nginx("root-script-dup-last-wins", php(snippet=False).replace("fastcgi_pass", "fastcgi_param SCRIPT_FILENAME /nope;\n fastcgi_pass"))
nginx(
    "root-script-dup-first",
    php(snippet=False).replace("include fastcgi_params;", "include fastcgi_params; fastcgi_param SCRIPT_FILENAME /nope;"),
)
nginx("root-script-server-level", "    location ~ \\.php$ { fastcgi_pass " + SOCKET + "; }", extra="    include fastcgi.conf;\n")
nginx(
    "root-script-server-level-reset",
    "    location ~ \\.php$ { fastcgi_param X 1; fastcgi_pass " + SOCKET + "; }",
    extra="    include fastcgi.conf;\n",
)
nginx("root-script-lower", php(snippet=False).replace("SCRIPT_FILENAME", "script_filename"))
nginx(
    "root-script-captured",
    php("^(?<script>.+\\.php)(?<pi>/.*)?$", snippet=False).replace("$document_root$fastcgi_script_name", "$document_root$script"),
)
nginx(
    "root-script-set",
    php(body="set $r /var/www/shop;", snippet=False).replace("$document_root$fastcgi_script_name", "$r$fastcgi_script_name"),
)
nginx("root-script-1", php("^/images/(.+\\.php)$", snippet=False).replace("$document_root$fastcgi_script_name", "/var/www/shop/images/$1"))
nginx(
    "root-pathtranslated",
    php(snippet=False).replace("fastcgi_pass", "fastcgi_param PATH_TRANSLATED $document_root$fastcgi_path_info;\n fastcgi_pass"),
)
nginx(
    "root-pathinfo-param",
    php("\\.php(/|$)", snippet=False).replace("fastcgi_pass", "fastcgi_param PATH_INFO $fastcgi_path_info;\n fastcgi_pass"),
)
nginx("root-phpvalue-engine", php(snippet=False).replace("fastcgi_pass", 'fastcgi_param PHP_VALUE "engine=0";\n fastcgi_pass'))
nginx("root-phpadminvalue-engine", php(snippet=False).replace("fastcgi_pass", 'fastcgi_param PHP_ADMIN_VALUE "engine=Off";\n fastcgi_pass'))
nginx(
    "root-phpadminvalue-two",
    php(snippet=False).replace("fastcgi_pass", 'fastcgi_param PHP_ADMIN_VALUE "display_errors=0\\nopen_basedir=/srv";\n fastcgi_pass'),
)
nginx(
    "root-phpadminvalue-nl",
    php(snippet=False).replace("fastcgi_pass", 'fastcgi_param PHP_ADMIN_VALUE "display_errors=0\nengine=0";\n fastcgi_pass'),
)
nginx(
    "root-phpvalue-pool-admin",
    php(snippet=False).replace("fastcgi_pass", 'fastcgi_param PHP_VALUE "engine=1";\n fastcgi_pass'),
    files={POOL: "[www]\nphp_admin_flag[engine] = off\n"},
)
nginx(
    "root-phpadminvalue-pool-admin",
    php(snippet=False).replace("fastcgi_pass", 'fastcgi_param PHP_ADMIN_VALUE "engine=1";\n fastcgi_pass'),
    files={POOL: "[www]\nphp_admin_flag[engine] = off\n"},
)
nginx(
    "root-phpvalue-pool-value",
    php(snippet=False).replace("fastcgi_pass", 'fastcgi_param PHP_VALUE "engine=1";\n fastcgi_pass'),
    files={POOL: "[www]\nphp_flag[engine] = off\n"},
)
nginx("root-elsewhere", PHP_LOC, root="/srv/other")
nginx("root-location", "    location /images/ { root /srv; }\n" + PHP_LOC, directory="/srv/images", files={"/srv/x": ""})
nginx("root-location-caret", "    location ^~ /images/ { root /srv; }\n" + PHP_LOC, directory="/srv/images", files={"/srv/x": ""})
nginx("root-php-location", php(body="root /srv;"), directory="/srv/images", files={"/srv/x": ""})
nginx("root-trailing", PHP_LOC, root="/var/www/shop/")
nginx("root-variable", PHP_LOC, root="/var/www/$sub", before="map $host $sub { default other; shop.test shop; }\n")
nginx("root-host", PHP_LOC, root="/srv/$host", directory="/srv/shop.test/images", files={"/srv/shop.test/x": ""})
nginx("root-none", PHP_LOC.replace("", "", 0), root="html")
nginx(
    "alias-regex",
    "    location ~ ^/media/(.*\\.php)$ {\n alias /srv/uploads/$1;\n include fastcgi_params;\n fastcgi_param SCRIPT_FILENAME $request_filename;\n fastcgi_pass "
    + SOCKET
    + ";\n }\n    location /media/ { alias /srv/uploads/; }\n",
    directory="/srv/uploads",
    url="/media/",
    files=KEPT,
)
nginx("alias-noslash", "    location /media { alias /srv/uploads; }\n" + PHP_LOC, directory="/srv/uploads", url="/media/", files=KEPT)
nginx("alias-traversal", "    location /media { alias /srv/uploads/; }\n" + PHP_LOC, directory="/srv/uploads", url="/media/", files=KEPT)
nginx("alias-same", "    location /media/ { alias /var/www/shop/images/; }\n" + PHP_LOC, url="/media/")
nginx(
    "alias-php-prefix",
    "    location /media/ {\n alias /srv/uploads/;\n include fastcgi_params;\n fastcgi_param SCRIPT_FILENAME $request_filename;\n fastcgi_pass "
    + SOCKET
    + ";\n }\n",
    directory="/srv/uploads",
    url="/media/",
    files=KEPT,
)
nginx(
    "alias-php-prefix-lim",
    "    location /media/ {\n alias /srv/uploads/;\n include fastcgi_params;\n fastcgi_param SCRIPT_FILENAME $request_filename;\n fastcgi_pass "
    + SOCKET
    + ";\n }\n",
    directory="/srv/uploads",
    url="/media/",
    files={**KEPT, **ANY_EXTENSION},
)
nginx(
    "alias-uploads-in-docroot-denied",
    "    location ^~ /images/ { deny all; }\n    location ~ ^/m/(?<p>.+\\.php)$ {\n include fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root/images/$p;\n fastcgi_pass "
    + SOCKET
    + ";\n }\n",
    url="/m/",
)
nginx("alias-rewrite", "    rewrite ^/m/(.*)$ /images/$1 last;\n" + PHP_LOC, url="/m/")
nginx(
    "alias-rewrite-only",
    "    location /images/ { deny all; }\n    location /m/ { rewrite ^/m/(.*)$ /images/$1 last; }\n" + PHP_LOC,
    url="/m/",
)
# path info
SPLITS = {
    "greedy": "^(.+\\.php)(.*)$",
    "lazy": "^(.+?\\.php)(/.*)$",
    "jpg": "^(.+\\.jpg)(/.*)$",
    "nomatch": "^(/none)(.*)$",
    "all": "^(.*?\\.(?:jpg|php))(/.*)?$",
}
for key, rx in SPLITS.items():
    for loc in ("\\.php$", "\\.php(/|$)", "[^/]\\.(php|jpg)(/|$)"):
        slug = {"\\.php$": "end", "\\.php(/|$)": "or", "[^/]\\.(php|jpg)(/|$)": "wide"}[loc]
        body = php(f'"{loc}"', body=f"fastcgi_split_path_info {rx};", snippet=False).replace(
            "fastcgi_pass", "fastcgi_param PATH_INFO $fastcgi_path_info;\n fastcgi_pass"
        )
        nginx(f"split-{key}-{slug}", body)
        nginx(f"split-{key}-{slug}-lim", body, files=ANY_EXTENSION)
        nginx(f"split-{key}-{slug}-lim-fix0", body, files={**ANY_EXTENSION, "/etc/php/8.2/fpm/conf.d/zz.ini": "cgi.fix_pathinfo = 0\n"})
nginx("path-tryfiles-uri", php(body="try_files $uri =404;", snippet=False), files=ANY_EXTENSION)
nginx("path-tryfiles-script", php(body="try_files $fastcgi_script_name =404;", snippet=False), files=ANY_EXTENSION)
nginx("path-if-f", php(body="if (!-f $request_filename) { return 404; }", snippet=False), files=ANY_EXTENSION)
nginx("path-if-e-script", php(body="if (!-e $document_root$fastcgi_script_name) { return 404; }", snippet=False), files=ANY_EXTENSION)
nginx("path-fixpath-0", PHP_BARE, files={**ANY_EXTENSION, "/etc/php/8.2/fpm/php.ini": "cgi.fix_pathinfo=0\n"})
nginx("path-fixpath-0-pool", PHP_BARE, files={POOL: "[www]\nsecurity.limit_extensions =\nphp_admin_value[cgi.fix_pathinfo] = 0\n"})
nginx("path-lim-jpg", PHP_BARE, files={POOL: "[www]\nsecurity.limit_extensions = .php .jpg\n"})
nginx(
    "path-lim-jpg-fix0",
    PHP_BARE,
    files={POOL: "[www]\nsecurity.limit_extensions = .php .jpg\n", "/etc/php/8.2/fpm/conf.d/zz.ini": "cgi.fix_pathinfo = 0\n"},
)
nginx("path-all-php", "    location / {\n include fastcgi.conf;\n fastcgi_pass " + SOCKET + ";\n }\n")
nginx("path-all-php-lim", "    location / {\n include fastcgi.conf;\n fastcgi_pass " + SOCKET + ";\n }\n", files=ANY_EXTENSION)
nginx("path-images-php-lim", "    location /images/ {\n include fastcgi.conf;\n fastcgi_pass " + SOCKET + ";\n }\n", files=ANY_EXTENSION)
for key, text in EXTENSIONS.items():
    nginx("lim-" + key, php("\\.(php|phtml|phar|inc|jpg|bak|php5|PHP)$", snippet=False), files={POOL: f"[www]\n{text}\n"} if text else {})
# try_files, front controllers, named locations, error pages
WHOLE = {
    "tf-index": "    location / { try_files $uri $uri/ /index.php; }\n" + PHP_LOC,
    "tf-index-exact": "    location / { try_files $uri $uri/ /index.php$is_args$args; }\n    location = /index.php { include fastcgi.conf; fastcgi_pass "
    + SOCKET
    + "; }",
    "tf-named": "    location / { try_files $uri @app; }\n    location @app { include fastcgi_params; fastcgi_param SCRIPT_FILENAME /var/www/shop/index.php; fastcgi_pass "
    + SOCKET
    + "; }",
    "tf-named-uri": "    location / { try_files /none @app; }\n    location @app { include fastcgi.conf; fastcgi_pass " + SOCKET + "; }",
    "tf-named-php": "    location ~ \\.php$ { try_files /none @app; }\n    location @app { include fastcgi.conf; fastcgi_pass "
    + SOCKET
    + "; }",
    "tf-fallback-self": "    location /images/ { try_files $uri.php =404; }\n" + PHP_LOC,
    "tf-to-php": "    location /images/ { try_files /none $uri; }\n" + PHP_LOC,
    "tf-jpg-to-php": "    location ~ ^/images/(x)\\.jpg$ { try_files /none /images/$1.php; }\n" + PHP_LOC,
    "tf-app-only": "    location ~ ^/(index|app)\\.php(/|$) { include snippets/fastcgi-php.conf; fastcgi_pass "
    + SOCKET
    + "; }\n    location ~ \\.php$ { return 404; }",
    "tf-symfony": "    location / { try_files $uri /index.php$is_args$args; }\n    location ~ ^/index\\.php(/|$) { fastcgi_pass "
    + SOCKET
    + "; fastcgi_split_path_info ^(.+\\.php)(/.*)$; include fastcgi_params; fastcgi_param SCRIPT_FILENAME $realpath_root$fastcgi_script_name; internal; }\n    location ~ \\.php$ { return 404; }",
    "tf-drupal": "    location / { try_files $uri /index.php?$query_string; }\n    location ~ '\\.php$|^/update.php' { fastcgi_split_path_info ^(.+?\\.php)(|/.*)$; try_files $fastcgi_script_name =404; include fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass "
    + SOCKET
    + "; }\n    location ~ ^/images/.*\\.php$ { return 404; }",
    "tf-wordpress": "    location / { try_files $uri $uri/ /index.php?$args; }\n    location ~* /(?:uploads|files|images)/.*\\.php$ { deny all; }\n"
    + PHP_LOC,
    "tf-wordpress-late": "    location / { try_files $uri $uri/ /index.php?$args; }\n"
    + PHP_LOC
    + "\n    location ~* /(?:uploads|files|images)/.*\\.php$ { deny all; }",
    "ep-403": "    error_page 403 /images/x.php;\n    location ~ ^/images/x\\.phtml$ { deny all; }\n" + PHP_LOC,
    "ep-404-named": "    error_page 404 = @app;\n    location @app { include fastcgi.conf; fastcgi_pass " + SOCKET + "; }\n",
    "ep-404-named-images": "    location /images/ { error_page 403 = @app; deny all; }\n    location @app { include fastcgi.conf; fastcgi_pass "
    + SOCKET
    + "; }\n",
    "ep-405": "    error_page 405 =200 $uri;\n    location ^~ /images/ { }\n" + PHP_LOC,
    "ep-return": "    location ~ ^/images/ { error_page 418 = @php; return 418; }\n    location @php { include fastcgi.conf; fastcgi_pass "
    + SOCKET
    + "; }",
    "ep-return-deny": "    location ~ ^/images/ { error_page 418 = /denied; return 418; }\n" + PHP_LOC,
    "ep-uri": "    location ^~ /images/ { error_page 403 = /php$uri; deny all; }\n    location /php/ { internal; rewrite ^/php(.*)$ $1 break; include fastcgi.conf; fastcgi_pass "
    + SOCKET
    + "; }",
    "rw-server": "    rewrite ^/images/(.*)\\.php$ /images/$1.txt last;\n" + PHP_LOC,
    "rw-server-deny": "    rewrite \\.php$ /forbidden last;\n" + PHP_LOC,
    "rw-to-php": "    rewrite ^/images/(.*)\\.jpg$ /images/$1.php last;\n" + PHP_LOC,
    "rw-to-php-break": "    location /images/ { rewrite ^/images/(.*)\\.jpg$ /images/$1.php break; }\n" + PHP_LOC,
    "rw-if-not-exist": "    if (!-e $request_filename) { rewrite ^ /index.php last; }\n" + PHP_LOC,
    "rw-location-if": "    location / { if (!-f $request_filename) { rewrite ^(.*)$ /index.php?q=$1 last; break; } }\n" + PHP_LOC,
    "rw-perm": "    rewrite ^/images/(.*)$ http://img.test/$1 permanent;\n" + PHP_LOC,
    "rw-flagless": "    rewrite ^/images/(.*)$ /pics/$1;\n rewrite ^/pics/(.*)$ /images/$1;\n" + PHP_LOC,
    "rw-break-server": "    rewrite ^/images/(.*)$ /images/$1 break;\n return 403;\n" + PHP_LOC,
    "rw-last-server": "    rewrite ^/images/(.*)$ /images/$1 last;\n return 403;\n" + PHP_LOC,
    "rw-loop": "    location /images/ { rewrite ^/images/(.*)$ /images/$1 last; }\n",
    "rw-query": "    rewrite ^/images/(.*\\.php)$ /index.php?f=$1? last;\n" + PHP_LOC,
    "rw-caps": "    rewrite (?i)^/IMAGES/.*\\.php$ /x last;\n" + PHP_LOC,
    "if-location": "    location /images/ { if ($uri ~ \\.php$) { fastcgi_pass " + SOCKET + "; } include fastcgi.conf; }\n",
    "if-multi": "    location /images/ { include fastcgi.conf; if ($request_method = POST) { return 403; } if ($uri ~ \\.php$) { fastcgi_pass "
    + SOCKET
    + "; } }\n",
    "if-in-php": "    location ~ \\.php$ { include fastcgi.conf; if ($uri ~ ^/images/) { set $x 1; } fastcgi_pass " + SOCKET + "; }",
    "if-inherit-pass": "    location ~ \\.php$ { include fastcgi.conf; fastcgi_pass "
    + SOCKET
    + "; if ($uri ~ ^/images/) { add_header X y; } }",
    "if-root": "    location ~ \\.php$ { include fastcgi.conf; fastcgi_pass " + SOCKET + "; if ($uri ~ ^/images/) { root /srv; } }",
    "if-capture": "    location ~ ^/images/(.+)$ { set $n $1; if ($n ~ ^(.*)\\.php$) { return 403; } }\n" + PHP_LOC,
    "caret-only": "    location ^~ /images/ { location ~ \\.(jpg|png)$ { } location ~ . { return 403; } }\n" + PHP_LOC,
    "re-order": "    location ~ ^/images/.*\\.(jpg|png|gif)$ { }\n    location ~ ^/images/ { return 403; }\n" + PHP_LOC,
    "two-php": php("^/admin/.*\\.php$") + php("\\.php$", body="deny all;"),
    "two-php-rev": php("\\.php$") + php("^/images/.*\\.php$", body="deny all;"),
    "prefix-long": "    location /images/x { deny all; }\n" + PHP_LOC,
    "prefix-exact-slash": "    location = /images/ { deny all; }\n" + PHP_LOC,
    "case-prefix": "    location ^~ /Images/ { }\n" + PHP_LOC,
    "encoded": "    location ^~ /im%61ges/ { }\n" + PHP_LOC,
    "quoted-prefix": '    location ^~ "/images/" { }\n' + PHP_LOC,
    "caret-root": "    location ^~ / { }\n" + PHP_LOC,
    "regex-flag": "    location ~ (?i)\\.PHP$ { deny all; }\n" + PHP_LOC,
    "proxy-images": "    location ^~ /images/ { proxy_pass http://127.0.0.1:1; }\n" + PHP_LOC,
    "php-exact-sub": "    location = /images/sub/x.php { deny all; }\n" + PHP_LOC,
    "fastcgi-index": "    location ~ \\.php$ { fastcgi_index x.php; include fastcgi.conf; fastcgi_pass " + SOCKET + "; }",
    "fastcgi-catch": "    location ~ \\.php$ { fastcgi_intercept_errors on; include fastcgi.conf; fastcgi_pass " + SOCKET + "; }",
    "store": "    location ~ \\.php$ { include fastcgi.conf; fastcgi_pass_request_headers off; fastcgi_pass " + SOCKET + "; }",
    "buffer": "    location ~ \\.php$ { include fastcgi.conf; fastcgi_buffering off; fastcgi_pass " + SOCKET + "; }",
    "cache-off": "    location ~ \\.php$ { include fastcgi.conf; fastcgi_keep_conn on; fastcgi_pass " + SOCKET + "; }",
    "empty-server": "",
    "autoindex": "    autoindex on;\n" + PHP_LOC,
    "merge-slashes": "    merge_slashes off;\n    location ~ ^/images//.*\\.php$ { deny all; }\n" + PHP_LOC,
    "post-action": "    location ^~ /images/ { post_action @p; }\n location @p { return 204; }\n" + PHP_LOC,
    "mirror": "    location ^~ /images/ { mirror /m; }\n location = /m { internal; return 204; }\n" + PHP_LOC,
    "dav": "    location ^~ /images/ { dav_methods PUT; }\n" + PHP_LOC,
    "scgi": "    location ~ \\.php$ { include scgi_params; scgi_pass " + SOCKET + "; }",
    "uwsgi": "    location ~ \\.php$ { include uwsgi_params; uwsgi_pass " + SOCKET + "; }",
    "empty-gif": "    location ^~ /images/ { empty_gif; }\n" + PHP_LOC,
    "stub": "    location ^~ /images/ { stub_status; }\n" + PHP_LOC,
}
for key, text in WHOLE.items():
    nginx(key, text, files={DOCROOT + "/index.php": "<?php echo 'front';"})
# upstreams, maps, servers
nginx("up-unix", PHP_LOC.replace(SOCKET, "php"), before=f"upstream php {{ server {SOCKET}; }}\n")
nginx(
    "up-tcp",
    PHP_LOC.replace(SOCKET, "php"),
    before="upstream php { server 127.0.0.1:9000; }\n",
    files={POOL: TCP_POOL.format("127.0.0.1:9000")},
)
nginx("up-after", PHP_LOC.replace(SOCKET, "php"), after=f"upstream php {{ server {SOCKET}; }}\n")
nginx("up-confd", PHP_LOC.replace(SOCKET, "php"), files={"/etc/nginx/conf.d/u.conf": f"upstream php {{ server {SOCKET}; }}\n"})
nginx("up-two", PHP_LOC.replace(SOCKET, "php"), before=f"upstream php {{ server unix:/run/none.sock backup; server {SOCKET}; }}\n")
nginx("up-down", PHP_LOC.replace(SOCKET, "php"), before=f"upstream php {{ server {SOCKET} down; server unix:/run/none.sock; }}\n")
nginx("up-dead", PHP_LOC.replace(SOCKET, "php"), before="upstream php { server unix:/run/none.sock; }\n")
nginx("up-keepalive", PHP_LOC.replace(SOCKET, "php"), before=f"upstream php {{ server {SOCKET} weight=5; keepalive 8; }}\n")
nginx("up-var", PHP_LOC.replace(SOCKET, "$up"), before=f"map $uri $up {{ default {SOCKET}; }}\n")
nginx("up-var-images", PHP_LOC.replace(SOCKET, "$up"), before=f"map $uri $up {{ default {SOCKET}; ~^/images/ unix:/run/none.sock; }}\n")
nginx(
    "up-var-name",
    PHP_LOC.replace(SOCKET, "$up"),
    before=f"upstream php {{ server {SOCKET}; }}\nmap $host $up {{ default none; shop.test php; }}\n",
)
nginx("up-set", php(body=f"set $s {SOCKET};", passto="$s"))
nginx("sock-none", PHP_LOC.replace(SOCKET, "unix:/run/php/none.sock"))
nginx("sock-php74", PHP_LOC.replace("8.2", "7.4"))
nginx("sock-two-pools", PHP_LOC.replace(SOCKET, SHOP_SOCKET), files={POOL: SHOP_POOL + "security.limit_extensions = .phtml\n"})
nginx("sock-two-pools-phtml", php("\\.(php|phtml)$", passto=SHOP_SOCKET), files={POOL: SHOP_POOL + "security.limit_extensions = .phtml\n"})
nginx("sock-two-pools-engine", PHP_LOC.replace(SOCKET, SHOP_SOCKET), files={POOL: SHOP_POOL + "php_admin_value[engine] = Off\n"})
nginx("sock-slashes", PHP_LOC.replace("/run/php", "/run//php"))
nginx("sock-varrun", PHP_LOC.replace("/run/php", "/var/run/php"))
nginx("sock-colon", PHP_LOC.replace(SOCKET, SOCKET + ":"))
nginx("sock-chroot", PHP_LOC.replace(SOCKET, SHOP_SOCKET), files={POOL: SHOP_POOL + "chroot = /var/www\n"})
nginx(
    "sock-chroot-right",
    php(snippet=False, passto=SHOP_SOCKET).replace("$document_root$fastcgi_script_name", "/shop$fastcgi_script_name"),
    files={POOL: SHOP_POOL + "chroot = /var/www\n"},
)
nginx(
    "sock-chroot-var",
    php(snippet=False, passto=SHOP_SOCKET)
    .replace("$document_root$fastcgi_script_name", "/$pool$fastcgi_script_name")
    .replace("$pool", "shop"),
    files={POOL: SHOP_POOL + "chroot = /var/www/\n"},
)
nginx(
    "sock-perm",
    PHP_LOC.replace(SOCKET, SHOP_SOCKET),
    files={POOL: SHOP_POOL.replace("listen.owner = www-data\nlisten.group = www-data\n", "listen.owner = root\nlisten.group = root\n")},
)
nginx("map-deny", php(body="if ($bad) { return 403; }"), before="map $uri $bad { default 0; ~^/images/ 1; }\n")
nginx("map-deny-ci", php(body="if ($bad) { return 403; }"), before="map $request_uri $bad { default 0; ~*^/IMAGES/.*\\.php 1; }\n")
nginx("map-exact", php(body="if ($bad) { return 403; }"), before="map $uri $bad { /images/x.php 1; }\n")
nginx("map-hostnames", php(body="if ($bad) { return 403; }"), before="map $host $bad { hostnames; default 0; *.test 1; }\n")
nginx("map-method", php(body="if ($bad) { return 403; }"), before="map $request_method $bad { default 1; GET 0; }\n")
nginx(
    "map-chain",
    php(body="if ($b) { return 403; }"),
    before="map $uri $a { default ''; ~images yes; }\nmap $a$request_method $b { yesGET 1; default 0; }\n",
)
nginx("map-capture", php(body="if ($d = images) { return 403; }"), before="map $uri $d { ~^/(?<first>[^/]+)/ $first; }\n")
nginx(
    "map-include",
    php(body="if ($bad) { return 403; }"),
    before="map $uri $bad { include /etc/nginx/maps.conf; }\n",
    files={"/etc/nginx/maps.conf": "~^/images/ 1;\n"},
)
nginx("geo", php(body="if ($g) { return 403; }"), before="geo $g { default 0; 127.0.0.1 1; }\n")
nginx("geo-other", php(body="if ($g) { return 403; }"), before="geo $g { default 0; 10.0.0.0/8 1; }\n")
nginx("split-clients", php(body="if ($sc = a) { return 403; }"), before="split_clients $uri $sc { 100% a; }\n")
nginx("limit-req", php(body="limit_req zone=z burst=100 nodelay;"), before="limit_req_zone $binary_remote_addr zone=z:1m rate=100r/s;\n")
nginx("srv-default", PHP_LOC, server_name="_", host="any.test")
nginx("srv-second-named", PHP_LOC, before=server("    return 403;", name="other.test"))
nginx("srv-first-default-wins", PHP_LOC, before=server("    return 403;", name="other.test"), server_name="nope.test", host="shop.test")
nginx(
    "srv-default-server",
    PHP_LOC,
    before=server("    return 403;", name="other.test"),
    listen="80 default_server",
    server_name="nope.test",
    host="shop.test",
)
nginx("srv-wildcard", PHP_LOC, before=server("    return 403;", name="other.test"), server_name="*.test")
nginx("srv-wildcard-end", PHP_LOC, before=server("    return 403;", name="other.test"), server_name="shop.*")
nginx("srv-dot", PHP_LOC, before=server("    return 403;", name="other.test"), server_name=".test")
nginx("srv-regex", PHP_LOC, before=server("    return 403;", name="other.test"), server_name="~^shop\\.(?<tld>.+)$")
nginx(
    "srv-regex-root", PHP_LOC, before=server("    return 403;", name="other.test"), server_name="~^(?<who>.+)\\.test$", root="/var/www/$who"
)
nginx("srv-exact-beats", PHP_LOC, before=server("    return 403;", name="*.test"))
nginx("srv-other-docroot-open", "    location ^~ /images/ { }\n" + PHP_LOC, after=server(PHP_LOC, listen="8080", name="b.test"))
nginx(
    "srv-other-open-8080",
    "    location ^~ /images/ { }\n" + PHP_LOC,
    after=server(PHP_LOC, listen="8080", name="b.test"),
    port=8080,
    host="b.test",
)
nginx("srv-listen-ip", PHP_LOC, listen="127.0.0.1:80")
nginx("srv-listen-ip-beats", PHP_LOC, listen="127.0.0.1:80", before=server("    return 403;", name="shop.test"))
nginx("srv-listen-localhost-port", PHP_LOC, listen="localhost:8082", port=8082)
nginx("srv-listen-v6", PHP_LOC, listen="80;\n    listen [::]:80")
nginx("srv-empty-name", PHP_LOC, server_name='""', host="shop.test")
nginx("srv-nolisten", PHP_LOC, listen="8000; listen 80")
nginx("srv-not-enabled", "    location ^~ /images/ { }", files={"/etc/nginx/sites-available/b": server(PHP_LOC, listen="81")})
nginx("srv-return-server", PHP_LOC, extra="    return 301 https://$host$request_uri;\n")
nginx("srv-return-444", PHP_LOC, extra="    if ($host !~ ^shop) { return 444; }\n")
nginx("srv-http-root", PHP_LOC.replace("x", "x"), files={"/etc/nginx/conf.d/r.conf": "root /srv;\n"})
nginx(
    "srv-no-http-include",
    PHP_LOC,
    files={
        "/etc/nginx/nginx.conf": "user www-data;\npid /run/nginx.pid;\nevents {}\nhttp {\n include mime.types;\n include sites-enabled/*.conf;\n}\n"
    },
)
nginx(
    "srv-inline",
    PHP_LOC,
    files={
        "/etc/nginx/nginx.conf": "user www-data;\npid /run/nginx.pid;\nevents {}\nhttp {\n include mime.types;\n deny all;\n include sites-enabled/*.conf;\n}\n"
    },
)
nginx(
    "snippet-changed",
    PHP_LOC,
    files={
        "/etc/nginx/snippets/fastcgi-php.conf": "fastcgi_split_path_info ^(.+\\.php)(/.+)$;\nfastcgi_index index.php;\ninclude fastcgi.conf;\n"
    },
)
nginx(
    "snippet-changed-lim",
    PHP_LOC,
    files={
        **ANY_EXTENSION,
        "/etc/nginx/snippets/fastcgi-php.conf": "fastcgi_split_path_info ^(.+\\.php)(/.+)$;\nfastcgi_index index.php;\ninclude fastcgi.conf;\n",
    },
)
nginx("snippet-fastcgi-conf", PHP_LOC, files={"/etc/nginx/fastcgi.conf": "fastcgi_param SCRIPT_FILENAME /srv$fastcgi_script_name;\n"})
nginx("ssl-redirect", PHP_LOC, extra="    if ($scheme != https) { return 301 https://$host$request_uri; }\n")
nginx("subfilter", "    location ^~ /images/ { sub_filter a b; }\n" + PHP_LOC)
nginx("x-accel", "    location ^~ /images/ { internal; alias /var/www/shop/images/; }\n" + PHP_LOC)
nginx("image-types", "    location ~* \\.(jpg|jpeg|png|gif)$ { expires 30d; }\n" + PHP_LOC)
nginx("image-types-lim", "    location ~* \\.(jpg|jpeg|png|gif)$ { expires 30d; }\n" + php("\\.", snippet=False), files=ANY_EXTENSION)
nginx("dotfiles", "    location ~ /\\. { deny all; }\n" + PHP_LOC)
nginx("lim-wide-all", php(".", snippet=False), files=ANY_EXTENSION)
nginx("tf-double-pass", "    location ~ ^/images/.*\\.php$ { include fastcgi.conf; fastcgi_pass unix:/run/none.sock; }\n" + PHP_LOC)
