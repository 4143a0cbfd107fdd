"""Apache with mod_php: every directive that decides whether an uploaded file runs."""

from __future__ import annotations

from pathlib import Path

from php_cases import NO_PHP_CONF, PHP_CONF, add, section, vhost, with_access_files, within
from php_harness import DOCROOT, UPLOADS, Case

CASES: list[Case] = []


def mod_php(name, site=None, *, mods=(), files=None, ht=None, up=None, **kw):
    """`ht`: the upload directory's .htaccess; `up`: the docroot's."""
    files = with_access_files(files, kw.get("directory", UPLOADS), ht, up)
    add(CASES, Case("a-" + name, "apache", vhost() if site is None else site, ("php8.2", *mods), files=files, **kw))


# ---------------------------------------------------------------- engine
for key, text in {
    "flag-off": "php_flag engine off",
    "flag-on": "php_flag engine on",
    "flag-0": "php_flag engine 0",
    "flag-none": "php_flag engine none",
    "flag-Off": "php_flag engine Off",
    "flag-no": "php_flag engine no",
    "flag-false": "php_flag engine false",
    "flag-1": "php_flag engine 1",
    "flag-quoted": 'php_flag engine "off"',
    "flag-Engine": "php_flag Engine off",
    "admin-flag-Engine": "php_admin_flag Engine off",
    "admin-flag-0": "php_admin_flag engine 0",
    "value-off": "php_value engine off",
    "value-0": "php_value engine 0",
    "value-none": "php_value engine none",
    "value-Off": "php_value engine Off",
    "value-no": "php_value engine no",
    "value-false": "php_value engine false",
    "value-2": "php_value engine 2",
    "value-quoted-0": 'php_value engine "0"',
    "admin-value-0": "php_admin_value engine 0",
    "admin-value-off": "php_admin_value engine off",
    "admin-value-no": "php_admin_value engine no",
    "admin-value-Engine": "php_admin_value Engine Off",
    "upper-directive": "PHP_ADMIN_FLAG engine off",
    "mixed-directive": "Php_Flag engine Off",
    "off-then-on": "php_admin_flag engine off\n php_admin_flag engine on",
    "admin-off-then-flag-on": "php_admin_flag engine off\n php_flag engine on",
    "flag-on-then-admin-off": "php_flag engine on\n php_admin_flag engine off",
    "flag-off-then-value-on": "php_flag engine off\n php_value engine on",
    "flag-yes": "php_flag engine yes",
    "flag-garbage": "php_flag engine offf",
    "value-plus0": "php_value engine 00",
    "value-minus": "php_value engine -1",
    "value-0x": "php_value engine 0x1",
    "value-on-space": 'php_value engine " on"',
    "value-true": "php_value engine true",
    "value-TRUE": "php_value engine TRUE",
    "value-t": "php_value engine t",
    "value-yes": "php_value engine Yes",
    "value-12abc": "php_value engine 12abc",
    "value-dot5": "php_value engine 0.5",
}.items():
    mod_php("engine-dir-" + key, vhost(within(text)))
for key, text in {
    "flag": "php_flag engine off",
    "admin": "php_admin_flag engine off",
    "value": "php_value engine off",
    "flag-0": "php_flag engine 0",
    "Engine": "php_flag Engine off",
}.items():
    for scope, make in {
        "vhost": lambda t: vhost("    " + t),
        "location": lambda t: vhost(within(t, "/images/", "Location")),
        "files": lambda t: vhost(within(t, "*.php", "Files")),
        "filesmatch": lambda t: vhost(within(t, "\\.ph", "FilesMatch")),
        "main": lambda t: t + "\n" + vhost(),
    }.items():
        mod_php(f"engine-{scope}-{key}", make(text))
mod_php("engine-main-off-vhost-on", "php_flag engine off\n" + vhost("    php_flag engine on"))
mod_php("engine-main-admin-off-vhost-on", "php_admin_flag engine off\n" + vhost("    php_flag engine on"))
mod_php("engine-main-admin-off-vhost-admin-on", "php_admin_flag engine off\n" + vhost("    php_admin_flag engine on"))
mod_php("engine-vhost-off-dir-on", vhost("    php_flag engine off\n" + within("php_flag engine on")))
mod_php("engine-vhost-admin-off-dir-on", vhost("    php_admin_flag engine off\n" + within("php_flag engine on")))
mod_php("engine-vhost-admin-off-dir-admin-on", vhost("    php_admin_flag engine off\n" + within("php_admin_flag engine on")))
mod_php("engine-parent-off-child-on", vhost(within("php_flag engine off", DOCROOT) + "\n" + within("php_flag engine on")))
mod_php("engine-parent-admin-off-child-on", vhost(within("php_admin_flag engine off", DOCROOT) + "\n" + within("php_flag engine on")))
mod_php(
    "engine-parent-admin-off-child-admin-on",
    vhost(within("php_admin_flag engine off", DOCROOT) + "\n" + within("php_admin_flag engine on")),
)
mod_php("engine-dir-off-location-on", vhost(within("php_flag engine off") + "\n" + within("php_flag engine on", "/images/", "Location")))
mod_php("engine-dir-admin-off-files-on", vhost(within("php_admin_flag engine off") + "\n" + within("php_flag engine on", "*.php", "Files")))
mod_php(
    "engine-dir-on-location-admin-off",
    vhost(within("php_admin_flag engine on") + "\n" + within("php_admin_flag engine off", "/images", "Location")),
)
mod_php(
    "engine-dir-admin-on-location-flag-off",
    vhost(within("php_admin_flag engine on") + "\n" + within("php_flag engine off", "/images", "Location")),
)
mod_php("engine-vhost-admin-on-ht-off", vhost("    php_admin_flag engine on", override="All"), ht="php_flag engine off\n")
mod_php("engine-dir-admin-on-ht-off", vhost(within("php_admin_flag engine on"), override="All"), ht="php_flag engine off\n")
mod_php(
    "engine-location-admin-on-ht-off",
    vhost(within("php_admin_flag engine on", "/", "Location"), override="All"),
    ht="php_flag engine off\n",
)
mod_php("engine-location-on-ht-off", vhost(within("php_flag engine on", "/", "Location"), override="All"), ht="php_flag engine off\n")
mod_php("engine-location-off-ht-on", vhost(within("php_flag engine off", "/images", "Location"), override="All"), ht="php_flag engine on\n")
mod_php("engine-dir-off-ht-on", vhost(within("php_flag engine off"), override="All"), ht="php_flag engine on\n")
mod_php("engine-dir-off-override-options", vhost(within("php_flag engine off"), override="Options"))
mod_php("engine-dir-off-override-fileinfo", vhost(within("php_flag engine off"), override="FileInfo"))
mod_php("engine-dir-off-override-limit", vhost(within("php_flag engine off"), override="Limit"))
mod_php("engine-dir-off-override-authconfig", vhost(within("php_flag engine off"), override="AuthConfig"))
mod_php("engine-dir-off-override-indexes", vhost(within("php_flag engine off"), override="Indexes"))
mod_php("engine-dir-off-override-options-eq", vhost(within("php_flag engine off"), override="Options=Indexes,FollowSymLinks"))
mod_php("engine-dir-off-override-nonfatal", vhost(within("php_flag engine off"), override="Nonfatal=All"))
mod_php("engine-dir-admin-off-override-all", vhost(within("php_admin_flag engine off"), override="All"))
mod_php("engine-dir-off-overridelist", vhost(within("php_flag engine off\n AllowOverrideList php_flag")))
mod_php("engine-dir-off-overridelist-sethandler", vhost(within("php_flag engine off\n AllowOverrideList SetHandler Redirect")))
mod_php("engine-parent-off-dir-override-all", vhost(within("php_flag engine off", DOCROOT) + within("AllowOverride All")))
mod_php("engine-off-dir-override-none-parent-all", vhost(within("php_flag engine off\n AllowOverride None"), override="All"))
for ini, val in {
    "apache2-off": "engine=Off",
    "apache2-0": "engine = 0",
    "apache2-Engine": "Engine = Off",
    "apache2-on-comment": ";engine = Off",
    "apache2-quoted": 'engine = "off"',
    "apache2-none": "engine = none",
    "apache2-late": "[PHP]\nengine = On\nengine = Off",
}.items():
    mod_php("ini-" + ini, files={"/etc/php/8.2/apache2/conf.d/zz.ini": val + "\n"})
mod_php("ini-main-off", files={"/etc/php/8.2/apache2/php.ini": "[PHP]\nengine = Off\n"})
mod_php("ini-off-flag-on", vhost(within("php_flag engine on")), files={"/etc/php/8.2/apache2/conf.d/zz.ini": "engine=Off\n"})
mod_php("ini-off-vhost-admin-on", vhost("    php_admin_flag engine on"), files={"/etc/php/8.2/apache2/conf.d/zz.ini": "engine=Off\n"})
mod_php("ini-off-override-all", vhost(override="All"), files={"/etc/php/8.2/apache2/conf.d/zz.ini": "engine=Off\n"})
mod_php("ini-section-path-off", files={"/etc/php/8.2/apache2/conf.d/zz.ini": f"[PATH={UPLOADS}]\nengine=Off\n"})
mod_php("ini-section-host-off", files={"/etc/php/8.2/apache2/conf.d/zz.ini": "[HOST=shop.test]\nengine=Off\n"})
mod_php("ini-fpm-dir-off", files={"/etc/php/8.2/fpm/conf.d/zz.ini": "engine=Off\n"})
mod_php("ini-cli-off", files={"/etc/php/8.2/cli/conf.d/zz.ini": "engine=Off\n"})
mod_php("ini-conf-named-txt", files={"/etc/php/8.2/apache2/conf.d/zz.ini.disabled": "engine=Off\n"})
mod_php("user-ini-engine", files={UPLOADS + "/.user.ini": "engine=Off\n"})
mod_php("phpinidir", "PHPINIDir /srv/ini\n" + vhost(), files={"/srv/ini/php.ini": "engine=Off\n"})
mod_php("engine-htaccess-parent-off-child-on", vhost(override="All"), up="php_flag engine off\n", ht="php_flag engine on\n")
mod_php("engine-htaccess-parent-off", vhost(override="All"), up="php_flag engine off\n")
mod_php("engine-htaccess-parent-off-fileinfo", vhost(override="FileInfo"), up="php_flag engine off\n")
mod_php("engine-htaccess-options", vhost(override="Options"), ht="php_flag engine off\n")
mod_php("engine-htaccess-limit-500", vhost(override="Limit"), ht="php_flag engine off\n")
mod_php("engine-htaccess-indexes-500", vhost(override="Indexes"), ht="php_flag engine off\n")
mod_php("engine-htaccess-authconfig-500", vhost(override="AuthConfig"), ht="php_flag engine off\n")
mod_php("engine-htaccess-admin-500", vhost(override="All"), ht="php_admin_flag engine off\n")
mod_php("engine-htaccess-value-off", vhost(override="All"), ht="php_value engine off\n")
mod_php("engine-htaccess-value-0", vhost(override="All"), ht="php_value engine 0\n")
mod_php("engine-htaccess-Engine", vhost(override="All"), ht="php_flag Engine off\n")
mod_php("engine-htaccess-nocr", vhost(override="All"), ht="php_flag engine off")
mod_php("engine-htaccess-crlf", vhost(override="All"), ht="php_flag engine off\r\n")
mod_php("engine-htaccess-cont", vhost(override="All"), ht="php_flag \\\n engine \\\n off\n")
mod_php("engine-htaccess-bom", vhost(override="All"), ht="\ufeffphp_flag engine off\n")
mod_php("engine-htaccess-comment", vhost(override="All"), ht="# php_flag engine off\n")
mod_php("engine-htaccess-ifmodule8", vhost(override="All"), ht="<IfModule mod_php8.c>\nphp_flag engine off\n</IfModule>\n")
mod_php("engine-htaccess-ifmodule-php_module", vhost(override="All"), ht="<IfModule php_module>\nphp_flag engine off\n</IfModule>\n")
mod_php("engine-htaccess-ifmodule-php7_module", vhost(override="All"), ht="<IfModule php7_module>\nphp_flag engine off\n</IfModule>\n")
mod_php("engine-htaccess-ifmodule-not", vhost(override="All"), ht="<IfModule !mod_php7.c>\nphp_flag engine off\n</IfModule>\n")
mod_php("engine-htaccess-ifmodule-quoted", vhost(override="All"), ht='<IfModule "mod_php.c">\nphp_flag engine off\n</IfModule>\n')
mod_php("engine-htaccess-files", vhost(override="All"), ht="<Files *.php>\nphp_flag engine off\n</Files>\n")
mod_php("engine-htaccess-options-only-named", vhost(override="Options=FollowSymLinks"), ht="php_flag engine off\n")

# ---------------------------------------------------------------- .htaccess syntax and overrides
ACCESS_FILES = {
    "sethandler-none": "SetHandler None\n",
    "sethandler-default": "SetHandler default-handler\n",
    "removehandler": "RemoveHandler .php .phtml .phar\n",
    "removetype": "RemoveType .php .phtml\n",
    "forcetype": "ForceType text/plain\n",
    "filesmatch-none": '<FilesMatch "\\.ph">\nSetHandler None\n</FilesMatch>\n',
    "filesmatch-default": '<FilesMatch "\\.ph">\nSetHandler default-handler\n</FilesMatch>\n',
    "filesmatch-forcetype": '<FilesMatch "\\.ph">\nForceType text/plain\n</FilesMatch>\n',
    "files-denied": "<Files *.php>\nRequire all denied\n</Files>\n",
    "filesmatch-denied": '<FilesMatch "\\.(php|phtml|phar)$">\nRequire all denied\n</FilesMatch>\n',
    "require-denied": "Require all denied\n",
    "order-deny": "Order deny,allow\nDeny from all\n",
    "order-allow": "Order allow,deny\n",
    "order-mutual": "Order mutual-failure\nAllow from all\n",
    "deny-all": "Deny from all\n",
    "allow-deny": "Order allow,deny\nAllow from all\nDeny from 127.0.0.1\n",
    "order-files": '<Files ~ "\\.ph">\nOrder allow,deny\nDeny from all\n</Files>\n',
    "options-noexec": "Options -ExecCGI\n",
    "options-none": "Options None\n",
    "options-mixed-500": "Options -Indexes FollowSymLinks\n",
    "unknown-500": "Frobnicate on\n",
    "unclosed-500": "<Files *.php>\nRequire all denied\n",
    "directory-500": '<Directory "/var/www">\nRequire all denied\n</Directory>\n',
    "location-500": "<Location />\nRequire all denied\n</Location>\n",
    "bad-regex-500": '<FilesMatch "(">\nRequire all denied\n</FilesMatch>\n',
    "missing-arg-500": "SetHandler\n",
    "alias-500": "Alias /x /y\n",
    "addhandler-txt": "AddHandler default-handler .php .phtml .phar\n",
    "addtype-text": "AddType text/plain .php .phtml .phar\n",
    "redirect-403": "Redirect 403 /images\n",
    "redirect-410": "Redirect gone /images/\n",
    "redirect-301": "Redirect permanent /images/ http://other.test/\n",
    "redirectmatch": "RedirectMatch 403 \\.ph(p|tml|ar)$\n",
    "redirectmatch-ci": 'RedirectMatch 404 "(?i)\\.ph"\n',
    "if-require": '<If "%{REQUEST_URI} =~ /\\.php$/">\nRequire all denied\n</If>\n',
    "if-true": "<If true>\nRequire all denied\n</If>\n",
    "limit-get": "<Limit GET POST>\nRequire all denied\n</Limit>\n",
    "limit-post": "<Limit POST>\nRequire all denied\n</Limit>\n",
    "limitexcept-get": "<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n",
    "limitexcept-post": "<LimitExcept POST>\nRequire all denied\n</LimitExcept>\n",
    "auth-basic": "AuthType Basic\nAuthName x\nAuthUserFile /srv/none\nRequire valid-user\n",
    "setenv": "SetEnv X y\n",
    "errordoc": "ErrorDocument 404 /index.php\n",
    "dirindex": "DirectoryIndex x.php\n",
    "acceptpathinfo-off": "AcceptPathInfo Off\n",
    "empty": "",
    "wrapped-ifdefine": "<IfDefine NOPE>\nRequire all denied\n</IfDefine>\n",
    "ifversion": "<IfVersion >= 2.4>\nRequire all denied\n</IfVersion>\n",
    "php-value-unknown": "php_value foo.bar 1\n",
    "fileetag": "FileETag None\n",
    "multi": 'Options -Indexes\n<FilesMatch "\\.(?i:php\\d?|phtml|phar)$">\nRequire all denied\n</FilesMatch>\n',
    "zencart": '<FilesMatch ".*\\.(?!jpg|png|gif).*$">\nOrder Deny,Allow\nDeny from all\n</FilesMatch>\n',
    "whitelist": '<FilesMatch "^(?!.*\\.(jpe?g|png|gif)$)">\nRequire all denied\n</FilesMatch>\n',
    "whitelist2": 'Require all denied\n<FilesMatch "\\.(jpg|png)$">\nRequire all granted\n</FilesMatch>\n',
    "whitelist-old": 'Order deny,allow\nDeny from all\n<Files ~ "\\.(jpg|png|inc)$">\nAllow from all\n</Files>\n',
    "rewriteengine-nomod": "<IfModule mod_rewrite.c>\nRewriteEngine On\nRewriteRule \\.php$ - [F]\n</IfModule>\n",
    "handler-php-inc": "AddHandler application/x-httpd-php .inc\n",
    "type-php-jpg": "AddType application/x-httpd-php .jpg\n",
    "sethandler-php": "SetHandler application/x-httpd-php\n",
    "forcetype-php": "ForceType application/x-httpd-php\n",
    "requireall": "<RequireAll>\nRequire all granted\nRequire not ip 127.0.0.1\n</RequireAll>\n",
    "requirenone": "<RequireAll>\nRequire all granted\n<RequireNone>\nRequire ip 127.0.0.0/8\n</RequireNone>\n</RequireAll>\n",
    "requireany": "<RequireAny>\nRequire all denied\nRequire local\n</RequireAny>\n",
    "satisfy-any": "Require all denied\nSatisfy Any\nOrder allow,deny\nAllow from all\n",
}
for key, text in ACCESS_FILES.items():
    mod_php("ht-all-" + key, vhost(override="All"), ht=text)
for key in (
    "sethandler-none",
    "filesmatch-default",
    "files-denied",
    "order-deny",
    "require-denied",
    "options-noexec",
    "redirect-403",
    "redirectmatch",
    "if-require",
    "limit-get",
    "addtype-text",
    "empty",
    "auth-basic",
    "dirindex",
    "handler-php-inc",
    "unknown-500",
    "errordoc",
    "filesmatch-forcetype",
    "deny-all",
    "wrapped-ifdefine",
    "satisfy-any",
):
    for override in ("None", "FileInfo", "Limit", "AuthConfig", "Options", "Indexes"):
        mod_php(f"ht-{override.lower()}-{key}", vhost(override=override), ht=ACCESS_FILES[key])
for override in (
    "AuthConfig Limit",
    "FileInfo Options",
    "Options=Indexes FileInfo",
    "Nonfatal=Override FileInfo",
    "Nonfatal=Unknown FileInfo",
    "Nonfatal=All",
    "Nonfatal=All Limit",
):
    for key in ("unknown-500", "order-deny", "files-denied", "options-noexec", "filesmatch-default"):
        mod_php(f"ht-{override.replace(' ', '_').replace('=', '-')}-{key}", vhost(override=override), ht=ACCESS_FILES[key])
mod_php("ht-overridelist-none", vhost(within("AllowOverrideList None")), ht=ACCESS_FILES["filesmatch-default"])
mod_php("ht-overridelist-sethandler", vhost(within("AllowOverrideList SetHandler")), ht="SetHandler default-handler\n")
mod_php("ht-overridelist-sethandler-files", vhost(within("AllowOverrideList SetHandler")), ht=ACCESS_FILES["filesmatch-default"])
mod_php("ht-overridelist-files", vhost(within("AllowOverrideList SetHandler <FilesMatch")), ht=ACCESS_FILES["filesmatch-default"])
mod_php("ht-overridelist-require", vhost(within("AllowOverrideList Require")), ht="Require all denied\n")
mod_php("ht-overridelist-other", vhost(within("AllowOverrideList Redirect")), ht="Require all denied\n")
mod_php("ht-overridelist-plus-override", vhost(within("AllowOverride Limit\n AllowOverrideList SetHandler")), ht="Deny from all\n")
mod_php("ht-overridelist-case", vhost(within("AllowOverrideList sethandler require")), ht="Require all denied\n")
mod_php("ht-accessfilename", "AccessFileName .acl\n" + vhost(override="All"), files={UPLOADS + "/.acl": "Require all denied\n"})
mod_php("ht-accessfilename-old", "AccessFileName .acl\n" + vhost(override="All"), ht="Require all denied\n")
mod_php(
    "ht-accessfilename-two",
    "AccessFileName .acl .htaccess\n" + vhost(override="All"),
    files={UPLOADS + "/.acl": "# nothing\n"},
    ht="Require all denied\n",
)
mod_php("ht-accessfilename-vhost", vhost("    AccessFileName .vacl", override="All"), files={UPLOADS + "/.vacl": "Require all denied\n"})
mod_php("ht-accessfilename-vhost-stock", vhost("    AccessFileName .vacl", override="All"), ht="Require all denied\n")
mod_php("ht-upper-all", vhost(override="All"), ht="REQUIRE ALL DENIED\n")
mod_php("ht-in-subdir-only", vhost(override="All"), files={UPLOADS + "/sub2/.htaccess": "Require all denied\n"})
mod_php("ht-in-sub", vhost(override="All"), files={UPLOADS + "/other/.htaccess": "php_flag engine off\n"})
mod_php("ht-parent-denied-child-granted", vhost(override="All"), up="Require all denied\n", ht="Require all granted\n")
mod_php("ht-parent-sethandler", vhost(override="All"), up="SetHandler application/x-httpd-php\n")
mod_php(
    "ht-parent-filesmatch-child-files",
    vhost(override="All"),
    up='<FilesMatch "\\.php$">\nSetHandler None\n</FilesMatch>\n',
    ht="<Files x.php>\nSetHandler application/x-httpd-php\n</Files>\n",
)
mod_php("ht-override-on-upload-only", vhost(within("AllowOverride All")), ht="Require all denied\n")
mod_php("ht-override-none-on-upload", vhost(within("AllowOverride None"), override="All"), ht="Require all denied\n")
mod_php("ht-override-none-on-upload-parent-ht", vhost(within("AllowOverride None"), override="All"), up="Require all denied\n")
mod_php("ht-override-dirmatch", vhost(within("AllowOverride All", "^/var/www/shop/im", "DirectoryMatch")), ht="Require all denied\n")
mod_php("ht-override-wildcard", vhost(within("AllowOverride All", "/var/www/*/images")), ht="Require all denied\n")
mod_php("ht-override-wildcard-sub", vhost(within("AllowOverride All", "/var/www/*/images/*")), ht="Require all denied\n")
mod_php(
    "ht-override-root",
    "<Directory />\nAllowOverride All\n</Directory>\n" + vhost().replace("        AllowOverride None\n", ""),
    ht="Require all denied\n",
)
mod_php(
    "ht-override-www",
    "<Directory /var/www/>\nAllowOverride All\n</Directory>\n" + vhost().replace("        AllowOverride None\n", ""),
    ht="Require all denied\n",
)
mod_php("ht-override-absent", vhost().replace("        AllowOverride None\n", ""), ht="Require all denied\n")
mod_php(
    "ht-above-docroot",
    "<Directory /var/www>\nAllowOverride All\n</Directory>\n" + vhost(),
    files={"/var/www/.htaccess": "Require all denied\n"},
)
mod_php("ht-above-docroot-none", vhost(override="All"), files={"/var/www/.htaccess": "Require all denied\n"})
mod_php("ht-is-directory", vhost(override="All"), files={UPLOADS + "/.htaccess/x": "1"})
mod_php("ht-symlink", vhost(override="All"), links={UPLOADS + "/.htaccess": "/srv/acl"}, files={"/srv/acl": "Require all denied\n"})
mod_php("ht-dangling", vhost(override="All"), links={UPLOADS + "/.htaccess": "/srv/none"})

# ---------------------------------------------------------------- handlers
HANDLERS = {
    "none": "SetHandler None",
    "lower-none": "SetHandler none",
    "default": "SetHandler default-handler",
    "php": "SetHandler application/x-httpd-php",
    "PHP-case": "SetHandler Application/X-Httpd-PHP",
    "php5": "SetHandler application/x-httpd-php5",
    "phpscript": "SetHandler php-script",
    "php8-script": "SetHandler php8-script",
    "php7-script": "SetHandler php7-script",
    "source": "SetHandler application/x-httpd-php-source",
    "server-info": "SetHandler nonsense",
    "expr": 'SetHandler "expr=%{req:X-None}"',
    "expr-const": 'SetHandler "expr=application/x-httpd-php"',
    "forcetype-php": "ForceType application/x-httpd-php",
    "forcetype-text": "ForceType text/plain",
    "forcetype-none": "ForceType None",
    "cgi": "SetHandler cgi-script",
}
for key, text in HANDLERS.items():
    mod_php("h-dir-" + key, vhost(within(text)))
    mod_php("h-dir-bare-" + key, vhost(within(text)), files=NO_PHP_CONF)
    mod_php("h-location-" + key, vhost(within(text, "/images", "Location")))
    if key in ("none", "default", "php", "forcetype-php", "forcetype-text", "source", "phpscript"):
        mod_php("h-files-" + key, vhost(within(text, "*.ph*", "Files")))
        mod_php("h-dir-files-" + key, vhost(within(f'<Files "*.ph*">\n {text}\n </Files>')))
        mod_php("h-if-" + key, vhost(within(text, "%{REQUEST_URI} =~ m#^/images/#", "If")))
        mod_php("h-vhost-" + key, vhost("    " + text))
        mod_php("h-main-" + key, text + "\n" + vhost())
MIME_LINES = {
    "addhandler": "AddHandler application/x-httpd-php .php",
    "addhandler-nodot": "AddHandler application/x-httpd-php php",
    "addhandler-multi": "AddHandler application/x-httpd-php .php .phtml .inc .jpg",
    "addhandler-upper": "AddHandler application/x-httpd-php .PHP",
    "addtype": "AddType application/x-httpd-php .php",
    "addtype-jpg": "AddType application/x-httpd-php .jpg",
    "addtype-phtml5": "AddType application/x-httpd-php .phtml .php5",
    "addhandler-php5": "AddHandler php5-script .php",
    "addhandler-php8": "AddHandler application/x-httpd-php8 .php",
    "addhandler-phpscript": "AddHandler php-script .php",
    "addtype-source": "AddType application/x-httpd-php-source .php",
    "addhandler-remove": "AddHandler application/x-httpd-php .php\n RemoveHandler .php",
    "remove-addhandler": "RemoveHandler .php\n AddHandler application/x-httpd-php .php",
    "addtype-remove": "AddType application/x-httpd-php .php\n RemoveType .php",
    "addhandler-twice": "AddHandler application/x-httpd-php .php\n AddHandler default-handler .php",
    "addhandler-default-jpg": "AddHandler application/x-httpd-php .php\n AddHandler default-handler .jpg",
    "addtype-vs-handler": "AddType application/x-httpd-php .php\n AddHandler default-handler .jpg",
    "addtype-forcetype": "AddType application/x-httpd-php .php\n ForceType image/jpeg",
    "addhandler-forcetype": "AddHandler application/x-httpd-php .php\n ForceType image/jpeg",
    "addhandler-sethandler": "AddHandler application/x-httpd-php .php\n SetHandler default-handler",
    "addhandler-none": "AddHandler application/x-httpd-php .php\n SetHandler None",
    "addhandler-bak": "AddHandler application/x-httpd-php .bak",
    "addencoding": "AddHandler application/x-httpd-php .php\n AddEncoding x-gzip .jpg",
    "addlanguage": "AddHandler application/x-httpd-php .php\n AddLanguage en .bak",
    "addcharset-bak": "AddType application/x-httpd-php .php\n AddCharset utf-8 .bak",
    "addtype-bak-lang": "AddType application/x-httpd-php .php\n AddLanguage en .bak",
    "action-none": "AddType application/x-foo .php",
    "defaulttype": "DefaultType None",
    "addtype-jpg-text": "AddType application/x-httpd-php .php\n AddType text/plain .jpg",
    "removehandler-late": "RemoveHandler .php",
    "addoutputfilter": "AddOutputFilter INCLUDES .php",
    "addhandler-none-name": "AddHandler None .php",
}
for key, text in MIME_LINES.items():
    mods = ("include",) if "INCLUDES" in text else ()
    mod_php("m-vhost-" + key, vhost("    " + text), files=NO_PHP_CONF, mods=mods)
    mod_php("m-dir-" + key, vhost(within(text)), mods=mods)
for key in ("addhandler", "addtype"):
    for undo in (
        "RemoveHandler .php",
        "RemoveType .php",
        "SetHandler None",
        "SetHandler default-handler",
        "ForceType text/plain",
        "AddType text/plain .php",
        "AddHandler default-handler .php",
        "AddHandler default-handler .jpg",
        '<FilesMatch "\\.php">\n SetHandler None\n </FilesMatch>',
        "<Files *.php>\n ForceType text/plain\n </Files>",
    ):
        slug = "".join(c if c.isalnum() else "-" for c in undo)[:44]
        mod_php(f"m-{key}-undo-dir-{slug}", vhost("    " + MIME_LINES[key] + "\n" + within(undo)), files=NO_PHP_CONF)
        if "Files" not in undo:
            mod_php(
                f"m-{key}-undo-loc-{slug}", vhost("    " + MIME_LINES[key] + "\n" + within(undo, "/images/", "Location")), files=NO_PHP_CONF
            )
        mod_php(f"m-{key}-undo-ht-{slug}", vhost("    " + MIME_LINES[key], override="FileInfo"), files=NO_PHP_CONF, ht=undo + "\n")
mod_php("m-main-addhandler-vhost-remove", "AddHandler application/x-httpd-php .php\n" + vhost("    RemoveHandler .php"), files=NO_PHP_CONF)
mod_php(
    "m-main-addhandler-vhost-other",
    "AddHandler application/x-httpd-php .php\n" + vhost("    AddHandler application/x-httpd-php .inc"),
    files=NO_PHP_CONF,
)
mod_php(
    "m-main-addtype-dir-addhandler",
    "AddType application/x-httpd-php .php\n" + vhost(within("AddHandler send-as-is .php")),
    files=NO_PHP_CONF,
)
mod_php(
    "m-mime-types-file",
    files={
        PHP_CONF: "",
        "/etc/apache2/mods-available/mime.conf": "TypesConfig /srv/mime.types\n",
        "/srv/mime.types": "application/x-httpd-php php phtml\n",
    },
)
mod_php("m-mime-use-pathinfo", vhost("    AddHandler application/x-httpd-php .php\n" + within("ModMimeUsePathInfo On")), files=NO_PHP_CONF)
mod_php(
    "m-mime-use-pathinfo-jpg",
    vhost("    AddHandler application/x-httpd-php .php\n" + within("ModMimeUsePathInfo On\n AcceptPathInfo On")),
    files=NO_PHP_CONF,
)
mod_php("m-types-etc", vhost("    AddType application/x-httpd-php .phtml"), files=NO_PHP_CONF)
mod_php("m-acceptpathinfo-on", vhost(within("AcceptPathInfo On")))
mod_php(
    "m-acceptpathinfo-on-addhandler",
    vhost("    AddHandler application/x-httpd-php .php .jpg\n" + within("AcceptPathInfo On")),
    files=NO_PHP_CONF,
)
mod_php(
    "m-acceptpathinfo-off-addhandler-jpg",
    vhost("    AddHandler application/x-httpd-php .jpg\n" + within("AcceptPathInfo Off")),
    files=NO_PHP_CONF,
)
mod_php("m-acceptpathinfo-default-addhandler-jpg", vhost("    AddHandler application/x-httpd-php .jpg\n"), files=NO_PHP_CONF)
mod_php("m-filesmatch-loose", files={PHP_CONF: '<FilesMatch "\\.php">\nSetHandler application/x-httpd-php\n</FilesMatch>\n'})
mod_php("m-filesmatch-ci", files={PHP_CONF: '<FilesMatch "(?i)\\.ph(p|tml)$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n'})
mod_php("m-filesmatch-php-or-dot", files={PHP_CONF: '<FilesMatch "\\.php(\\.|$)">\nSetHandler application/x-httpd-php\n</FilesMatch>\n'})
mod_php("m-filesmatch-nodot", files={PHP_CONF: "<FilesMatch php$>\nSetHandler application/x-httpd-php\n</FilesMatch>\n"})
mod_php("m-filesmatch-named", files={PHP_CONF: '<FilesMatch "\\.(?<ext>php|inc)$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n'})
mod_php("m-filesmatch-php57", files={PHP_CONF: '<FilesMatch "\\.ph(p[2-6]?|tml)$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n'})
mod_php("m-files-tilde", files={PHP_CONF: '<Files ~ "\\.(php|inc)$">\nSetHandler application/x-httpd-php\n</Files>\n'})
mod_php("m-files-glob", files={PHP_CONF: '<Files "*.php*">\nSetHandler application/x-httpd-php\n</Files>\n'})
mod_php("m-files-glob-q", files={PHP_CONF: '<Files "x.ph?">\nSetHandler application/x-httpd-php\n</Files>\n'})
mod_php("m-files-glob-class", files={PHP_CONF: '<Files "*.[pP]hp">\nSetHandler application/x-httpd-php\n</Files>\n'})
mod_php("m-locationmatch-php", files={PHP_CONF: '<LocationMatch "\\.(php|inc)$">\nSetHandler application/x-httpd-php\n</LocationMatch>\n'})
mod_php("m-locationmatch-php-loose", files={PHP_CONF: '<LocationMatch "\\.php">\nSetHandler application/x-httpd-php\n</LocationMatch>\n'})
mod_php("m-if-php", files={PHP_CONF: '<If "%{REQUEST_URI} =~ /\\.php$/i">\nSetHandler application/x-httpd-php\n</If>\n'})
mod_php(
    "m-if-exists",
    files={PHP_CONF: '<FilesMatch "\\.ph">\n<If "-f %{REQUEST_FILENAME}">\nSetHandler application/x-httpd-php\n</If>\n</FilesMatch>\n'},
)
mod_php("m-conf-emptied", files=NO_PHP_CONF)

# ---------------------------------------------------------------- sections and merge order
DENIED = "Require all denied"
NO_HANDLER = "SetHandler default-handler"
SECTIONS = {
    "directory": section("Directory", f'"{UPLOADS}"', "@"),
    "directory-slash": section("Directory", f'"{UPLOADS}/"', "@"),
    "directory-noquote": section("Directory", UPLOADS, "@"),
    "directory-glob": section("Directory", "/var/www/*/images", "@"),
    "directory-glob2": section("Directory", "/var/*/images", "@"),
    "directory-globq": section("Directory", "/var/www/sho?/images", "@"),
    "directory-class": section("Directory", "/var/www/[rs]hop/images", "@"),
    "directory-tilde": section("Directory", '~ "^/var/www/.*/images"', "@"),
    "directory-tilde-end": section("Directory", '~ "/images$"', "@"),
    "directorymatch": section("DirectoryMatch", '"^/var/www/.+/images"', "@"),
    "directorymatch-slash": section("DirectoryMatch", '"^/var/www/shop/images/"', "@"),
    "directorymatch-end": section("DirectoryMatch", '"/images$"', "@"),
    "directorymatch-sub": section("DirectoryMatch", '"/images/sub"', "@"),
    "directory-sub": section("Directory", f'"{UPLOADS}/sub"', "@"),
    "directory-sub-glob": section("Directory", f'"{UPLOADS}/*"', "@"),
    "directory-other": section("Directory", '"/var/www/shop/image"', "@"),
    "directory-case": section("Directory", '"/var/www/shop/Images"', "@"),
    "directory-docroot": section("Directory", f'"{DOCROOT}"', "@"),
    "location": section("Location", "/images", "@"),
    "location-slash": section("Location", "/images/", "@"),
    "location-partial": section("Location", "/image", "@"),
    "location-glob": section("Location", '"/images/*.php"', "@"),
    "location-glob2": section("Location", '"/*/x.php"', "@"),
    "location-tilde": section("Location", '~ "^/images/.*\\.ph"', "@"),
    "location-root": section("Location", "/", "@"),
    "location-file": section("Location", "/images/x.php", "@"),
    "location-double": section("Location", "//images//", "@"),
    "locationmatch": section("LocationMatch", '"^/images/.*\\.(php|phtml|phar)$"', "@"),
    "locationmatch-ci": section("LocationMatch", '"(?i)^/images/.*\\.ph"', "@"),
    "locationmatch-up": section("LocationMatch", '"^/(images|media)/(?!sub)"', "@"),
    "location-url": section("Location", "http://shop.test/images", "@"),
    "files": section("Files", '"x.php"', "@"),
    "files-glob": section("Files", '"*.ph*"', "@"),
    "files-tilde": section("Files", '~ "\\.ph(p|tml|ar)$"', "@"),
    "filesmatch": section("FilesMatch", '"\\.ph(p|tml|ar)$"', "@"),
    "filesmatch-ci": section("FilesMatch", '"(?i:\\.ph)"', "@"),
    "filesmatch-anchor": section("FilesMatch", '"^x\\.php$"', "@"),
    "files-case": section("Files", '"X.php"', "@"),
    "dir-files": section("Directory", UPLOADS, '<Files "*.php">\n@\n</Files>'),
    "dir-filesmatch": section("Directory", UPLOADS, '<FilesMatch "\\.ph">\n@\n</FilesMatch>'),
    "dirmatch-files": section("DirectoryMatch", '"/images"', '<FilesMatch "\\.ph">\n@\n</FilesMatch>'),
    "docdir-files": section("Directory", DOCROOT, '<Files "*.php">\n@\n</Files>'),
    "if-uri": section("If", '"%{REQUEST_URI} =~ m#^/images/.*\\.ph#"', "@"),
    "if-true": section("If", '"true"', "@"),
    "if-filename": section("If", '"%{REQUEST_FILENAME} =~ /images/"', "@"),
    "if-method": section("If", "\"%{REQUEST_METHOD} == 'GET'\"", "@"),
    "if-host": section("If", "\"%{HTTP_HOST} == 'shop.test'\"", "@"),
    "if-host-in": section("If", "\"%{HTTP_HOST} in {'a.test', 'shop.test'}\"", "@"),
    "if-false": section("If", '"false"', "@"),
    "if-strmatch": section("If", "\"%{REQUEST_URI} -strmatch '/images/*.php'\"", "@"),
    "if-fnmatch": section("If", "\"%{REQUEST_URI} -fnmatch '/images/*.php'\"", "@"),
    "if-ip": section("If", "\"-R '127.0.0.0/8'\"", "@"),
    "if-not-ip": section("If", "\"! -R '10.0.0.0/8'\"", "@"),
    "if-z": section("If", '"-z %{QUERY_STRING}"', "@"),
    "if-and": section("If", "\"%{REQUEST_METHOD} == 'GET' && %{REQUEST_URI} =~ /php/\"", "@"),
    "if-or": section("If", "\"%{REQUEST_METHOD} == 'PUT' || -n %{HTTP_HOST}\"", "@"),
    "if-else": '    <If "false">\n Require all granted\n </If>\n <Else>\n @\n </Else>\n',
    "if-elseif": '    <If "%{REQUEST_METHOD} == \'PUT\'">\n Require all granted\n </If>\n <ElseIf "%{REQUEST_URI} =~ /x/">\n @\n </ElseIf>\n',
    "dir-if": section("Directory", UPLOADS, '<If "%{REQUEST_URI} =~ /ph/">\n@\n</If>'),
    "files-if": section("FilesMatch", '"\\.ph"', '<If "-f %{REQUEST_FILENAME}">\n@\n</If>'),
    "location-if": section("Location", "/images", '<If "true">\n@\n</If>'),
    "if-https": section("If", "\"%{HTTPS} == 'off'\"", "@"),
    "if-handler": section("If", '"%{HANDLER} =~ /php/"', "@"),
    "if-func": section("If", '"tolower(%{REQUEST_URI}) =~ /\\.php$/"', "@"),
    "if-num": section("If", '"%{SERVER_PORT} -eq 80"', "@"),
    "if-ge": section("If", '"%{TIME_YEAR} -ge 2000"', "@"),
    "if-env": section("If", "\"reqenv('X') == ''\"", "@"),
    "if-req": section("If", "\"req('Host') == 'shop.test'\"", "@"),
    "if-scheme": section("If", "\"%{REQUEST_SCHEME} == 'http'\"", "@"),
    "if-thereq": section("If", '"%{THE_REQUEST} =~ m#^GET /images/#"', "@"),
    "if-docroot": section("If", "\"%{DOCUMENT_ROOT} == '/var/www/shop'\"", "@"),
    "if-dash-d": section("If", "\"-d '/var/www/shop'\"", "@"),
    "if-nested": section("If", "\"%{REQUEST_METHOD} in { 'GET', 'HEAD' }\"", '<If "%{REQUEST_URI} =~ /ph/">\n@\n</If>'),
    "if-concat": section("If", "\"%{REQUEST_URI} . 'x' =~ /phpx$/\"", "@"),
    "if-gt": section("If", "\"%{REQUEST_URI} > '/a'\"", "@"),
    "if-servername": section("If", "\"%{SERVER_NAME} == 'shop.test'\"", "@"),
    "if-backref": section("If", "\"%{REQUEST_URI} =~ m#^/(\\w+)/# && $1 == 'images'\"", "@"),
    "if-file": section("If", "\"file('/etc/hostname') == 'x'\"", "@"),
    "if-ua": section("If", '"%{HTTP_USER_AGENT} =~ /bot/"', "@"),
}
for key, text in SECTIONS.items():
    mod_php("sec-deny-" + key, vhost(text.replace("@", DENIED)))
    mod_php("sec-handler-" + key, vhost(text.replace("@", NO_HANDLER)))
    if not key.startswith("if-") or key in ("if-else", "if-elseif", "if-true", "if-uri", "if-filename"):
        mod_php("sec-php-" + key, vhost(text.replace("@", "SetHandler application/x-httpd-php")), files=NO_PHP_CONF)
ORDER = [
    "directory",
    "dir-filesmatch",
    "directorymatch",
    "filesmatch",
    "location",
    "if-uri",
    "directory-glob",
    "docdir-files",
    "files-glob",
    "dir-if",
    "locationmatch",
]
for i, one in enumerate(ORDER):
    for two in ORDER[i:]:
        mod_php(
            f"order-{one}-{two}",
            vhost(
                SECTIONS[one].replace("@", "SetHandler default-handler") + SECTIONS[two].replace("@", "SetHandler application/x-httpd-php")
            ),
        )
        if one != two:
            mod_php(
                f"order2-{one}-{two}",
                vhost(
                    SECTIONS[two].replace("@", "SetHandler application/x-httpd-php")
                    + SECTIONS[one].replace("@", "SetHandler default-handler")
                ),
            )
        mod_php(
            f"orderacl-{one}-{two}",
            vhost(SECTIONS[one].replace("@", "Require all denied") + SECTIONS[two].replace("@", "Require all granted")),
        )
mod_php(
    "order-main-location-vhost-directory",
    SECTIONS["location"].replace("@", NO_HANDLER) + vhost(SECTIONS["directory"].replace("@", "SetHandler application/x-httpd-php")),
)
mod_php(
    "order-main-files-vhost-files",
    SECTIONS["filesmatch"].replace("@", NO_HANDLER) + vhost(SECTIONS["filesmatch"].replace("@", "SetHandler application/x-httpd-php")),
)
mod_php(
    "order-vhost-files-main-files",
    vhost(SECTIONS["filesmatch"].replace("@", "SetHandler application/x-httpd-php")) + SECTIONS["filesmatch"].replace("@", NO_HANDLER),
)
mod_php(
    "order-main-directory-vhost-directory",
    SECTIONS["directory"].replace("@", DENIED) + vhost(SECTIONS["directory"].replace("@", "Require all granted")),
)
mod_php("order-vhost-parent-main-child", SECTIONS["directory"].replace("@", DENIED) + vhost())
mod_php("order-long-dirs", vhost(within(DENIED) + within("Require all granted", UPLOADS + "/sub")))
mod_php("order-long-dirs-reverse", vhost(within("Require all granted", UPLOADS + "/sub") + within(DENIED)))
mod_php("order-two-same-dirs", vhost(within(DENIED) + within("Require all granted")))
mod_php("order-dir-vs-ht", vhost(within(DENIED), override="All"), ht="Require all granted\n")
mod_php("order-dirmatch-vs-ht", vhost(within(DENIED, "/images", "DirectoryMatch"), override="All"), ht="Require all granted\n")
mod_php("order-files-vs-ht", vhost(SECTIONS["filesmatch"].replace("@", DENIED), override="All"), ht="Require all granted\n")
mod_php(
    "order-dirfiles-vs-ht-files",
    vhost(SECTIONS["dir-filesmatch"].replace("@", DENIED), override="All"),
    ht='<FilesMatch "\\.php">\nRequire all granted\n</FilesMatch>\n',
)
mod_php("order-location-vs-ht", vhost(SECTIONS["location"].replace("@", DENIED), override="All"), ht="Require all granted\n")
mod_php("order-handler-dir-vs-ht", vhost(within(NO_HANDLER), override="All"), ht="SetHandler application/x-httpd-php\n")
mod_php(
    "order-handler-loc-vs-ht", vhost(within(NO_HANDLER, "/images", "Location"), override="All"), ht="SetHandler application/x-httpd-php\n"
)
mod_php(
    "order-handler-dirmatch-vs-ht",
    vhost(within(NO_HANDLER, "/images", "DirectoryMatch"), override="All"),
    ht="SetHandler application/x-httpd-php\n",
)
mod_php("order-if-vs-location", vhost(SECTIONS["if-uri"].replace("@", "Require all granted") + SECTIONS["location"].replace("@", DENIED)))

# ---------------------------------------------------------------- access control
ACCESS = {
    "ip-local": "Require ip 127.0.0.1",
    "ip-other": "Require ip 10.0.0.0/8",
    "ip-two": "Require ip 10 127",
    "expr-fails": "Require expr file('/srv/none') == 'x'",
    "expr-not-fails": "<RequireAll>\nRequire all granted\nRequire not expr file('/srv/none') == 'x'\n</RequireAll>",
    "local": "Require local",
    "not-ip": "<RequireAll>\nRequire all granted\nRequire not ip 127.0.0.1\n</RequireAll>",
    "not-local": "<RequireAll>\nRequire all granted\nRequire not local\n</RequireAll>",
    "not-other": "<RequireAll>\nRequire all granted\nRequire not ip 192.168.0.0/16\n</RequireAll>",
    "method-get": "Require method GET",
    "method-post": "Require method POST",
    "env": "Require env LET",
    "env-set": "SetEnvIf Request_URI ^ LET\nRequire env LET",
    "env-notset": "SetEnvIf User-Agent . LET\nRequire env LET",
    "expr": "Require expr %{REQUEST_URI} =~ /jpg$/",
    "expr-true": "Require expr true",
    "expr-not": "Require expr %{REQUEST_URI} !~ /\\.ph/",
    "host": "Require host example.org",
    "any": "<RequireAny>\nRequire all denied\nRequire all granted\n</RequireAny>",
    "all": "<RequireAll>\nRequire all denied\nRequire all granted\n</RequireAll>",
    "none": "<RequireAll>\nRequire all granted\n<RequireNone>\nRequire all granted\n</RequireNone>\n</RequireAll>",
    "two-lines": "Require all denied\nRequire all granted",
    "two-lines-ip": "Require ip 10.0.0.1\nRequire ip 127.0.0.1",
    "nested": "<RequireAll>\n<RequireAny>\nRequire ip 10.0.0.1\nRequire local\n</RequireAny>\nRequire method GET\n</RequireAll>",
    "order-deny-allow": "Order deny,allow",
    "order-deny-allow-all": "Order deny,allow\nDeny from all",
    "order-deny-allow-local": "Order deny,allow\nDeny from all\nAllow from 127.0.0.1",
    "order-allow-deny": "Order allow,deny",
    "order-allow-deny-allow": "Order allow,deny\nAllow from all",
    "order-allow-deny-deny": "Order allow,deny\nAllow from all\nDeny from all",
    "deny-only": "Deny from all",
    "allow-only": "Order allow,deny\nAllow from 10.0.0.0/8",
    "deny-env": 'SetEnvIf Request_URI "\\.php$" BAD\nOrder allow,deny\nAllow from all\nDeny from env=BAD',
    "deny-noenv": "Order allow,deny\nAllow from all\nDeny from env=BAD",
    "allow-host": "Order deny,allow\nDeny from all\nAllow from example.org",
    "satisfy-any": "Require all denied\nOrder allow,deny\nAllow from all\nSatisfy Any",
    "satisfy-all": "Require all granted\nOrder allow,deny\nDeny from all\nSatisfy All",
    "satisfy-any-2": "Require all granted\nOrder allow,deny\nDeny from all\nSatisfy Any",
    "require-and-order": "Require all granted\nOrder deny,allow\nDeny from all",
    "limit-get": "<Limit GET>\nRequire all denied\n</Limit>",
    "limit-post": "<Limit POST PUT>\nRequire all denied\n</Limit>",
    "limit-get-deny": "<Limit GET>\nDeny from all\n</Limit>",
    "limitexcept": "<LimitExcept POST>\nRequire all denied\n</LimitExcept>",
    "limitexcept-get": "<LimitExcept GET>\nRequire all denied\n</LimitExcept>",
    "limitexcept-deny": "<LimitExcept GET>\nOrder allow,deny\nDeny from all\n</LimitExcept>",
    "limit-order": "<Limit GET POST>\nOrder deny,allow\nDeny from all\n</Limit>",
    "merging-and": "AuthMerging And\nRequire ip 10.0.0.1",
    "merging-or": "AuthMerging Or\nRequire ip 10.0.0.1",
    "merging-off": "AuthMerging Off\nRequire ip 10.0.0.1",
    "merging-and-granted": "AuthMerging And\nRequire all granted",
    "forward-dns": "Require forward-dns localhost",
    "setenv-deny": "SetEnv LET 1\nRequire env LET",
    "browser": "BrowserMatch . LET\nRequire env LET",
    "setenvif-expr": "SetEnvIfExpr \"%{REQUEST_METHOD} == 'GET'\" LET\nRequire env LET",
    "setenvif-not": "SetEnvIf Request_URI ^ LET\nSetEnvIf Request_URI \\.php$ !LET\nRequire env LET",
    "allowmethods": "AllowMethods POST",
    "allowmethods-get": "AllowMethods GET HEAD",
    "ipv6": "Require ip ::1",
    "netmask": "Require ip 127.0.0.0/255.0.0.0",
    "ip-partial": "Require ip 127.0",
    "require-upper": "Require all DENIED",
}
for key, text in ACCESS.items():
    mods = tuple(m for m, w in (("setenvif", "SetEnvIf"), ("setenvif", "BrowserMatch"), ("allowmethods", "AllowMethods")) if w in text)
    mod_php("acl-" + key, vhost(within(text)), mods=mods)
    if key in (
        "ip-local",
        "method-post",
        "expr-not",
        "order-deny-allow-local",
        "merging-or",
        "merging-and",
        "satisfy-any",
        "limit-get",
        "limitexcept",
        "deny-only",
        "two-lines",
        "merging-and-granted",
        "order-allow-deny-allow",
        "setenvif-not",
    ):
        mod_php("acl-loc-" + key, vhost(within(text, "/images", "Location")), mods=mods)
        mod_php("acl-files-" + key, vhost(within(text, "\\.ph", "FilesMatch")), mods=mods)
mod_php(
    "acl-auth",
    vhost(within('AuthType Basic\nAuthName "x"\nAuthBasicProvider file\nAuthUserFile /srv/passwords\nRequire valid-user')),
    mods=("auth_basic", "authn_core", "authn_file", "authz_user"),
    files={"/srv/passwords": "u:{SHA}x\n"},
)
mod_php(
    "acl-auth-user",
    vhost(within('AuthType Basic\nAuthName "x"\nAuthUserFile /srv/passwords\nRequire user bob')),
    mods=("auth_basic", "authn_core", "authn_file", "authz_user"),
    files={"/srv/passwords": "u:{SHA}x\n"},
)
mod_php(
    "acl-auth-satisfy-any",
    vhost(
        within(
            'AuthType Basic\nAuthName "x"\nAuthUserFile /srv/passwords\nRequire valid-user\nOrder allow,deny\nAllow from all\nSatisfy any'
        )
    ),
    mods=("auth_basic", "authn_core", "authn_file", "authz_user"),
    files={"/srv/passwords": "u:{SHA}x\n"},
)
mod_php(
    "acl-auth-or-local",
    vhost(within('AuthType Basic\nAuthName "x"\nAuthUserFile /srv/passwords\nRequire valid-user\nRequire local')),
    mods=("auth_basic", "authn_core", "authn_file", "authz_user"),
    files={"/srv/passwords": "u:{SHA}x\n"},
)
mod_php("acl-auth-none", vhost(within("AuthType None\nRequire all granted")), mods=("authn_core",))
mod_php("acl-no-grant", vhost().replace("        Require all granted\n", ""), directory="/srv/www/images", files={"/srv/www/x": ""})
mod_php(
    "acl-srv-docroot-nogrant",
    vhost(docroot="/srv/www").replace("        Require all granted\n", ""),
    directory="/srv/www/images",
    files={"/srv/www/x": ""},
)
mod_php("acl-srv-docroot", vhost(docroot="/srv/www"), directory="/srv/www/images", files={"/srv/www/x": ""})
mod_php("acl-www-default", vhost().replace("        Require all granted\n", ""))

# ---------------------------------------------------------------- aliases, links, userdir
GRANTED = "\n    <Directory /srv/uploads>\n Require all granted\n </Directory>\n"
SRV = {"directory": "/srv/uploads"}
KEPT = {"/srv/uploads/.keep": ""}
mod_php("alias-noslash", vhost("    Alias /media /srv/uploads" + GRANTED), url="/media/", files=KEPT, **SRV)
mod_php("alias-slash", vhost("    Alias /media/ /srv/uploads/" + GRANTED), url="/media/", files=KEPT, **SRV)
mod_php("alias-slash-mismatch", vhost("    Alias /media/ /srv/uploads" + GRANTED), url="/media/", files=KEPT, **SRV)
mod_php("alias-nogrant", vhost("    Alias /media /srv/uploads"), url="/media/", files=KEPT, **SRV)
mod_php("alias-main", "Alias /media /srv/uploads\n" + vhost(GRANTED), url="/media/", files=KEPT, **SRV)
mod_php("alias-order", vhost("    Alias /m /srv/other\n Alias /m/edia /srv/uploads" + GRANTED), url="/m/edia/", files=KEPT, **SRV)
mod_php("alias-order2", vhost("    Alias /m/edia /srv/uploads\n Alias /m /srv/other" + GRANTED), url="/m/edia/", files=KEPT, **SRV)
mod_php(
    "alias-nested-dir",
    vhost("    Alias /media /srv/uploads\n" + within("Require all granted", "/srv") + within("php_admin_flag engine off", "/srv/uploads")),
    url="/media/",
    files=KEPT,
    **SRV,
)
mod_php("aliasmatch", vhost('    AliasMatch "^/media/(.*)$" "/srv/uploads/$1"' + GRANTED), url="/media/", files=KEPT, **SRV)
mod_php("aliasmatch-img", vhost('    AliasMatch "^/media/(.*\\.jpg)$" "/srv/uploads/$1"' + GRANTED), url="/media/", files=KEPT, **SRV)
mod_php("aliasmatch-prefix", vhost('    AliasMatch "^/m(.+)/(.*)$" "/srv/up$1/$2"' + GRANTED), url="/mloads/", files=KEPT, **SRV)
mod_php("alias-location", vhost("    <Location /media>\n Alias /srv/uploads\n </Location>" + GRANTED), url="/media/", files=KEPT, **SRV)
mod_php(
    "alias-locationmatch",
    vhost('    <LocationMatch "^/media/(?<f>.*)$">\n Alias /srv/uploads/%{env:MATCH_F}\n </LocationMatch>' + GRANTED),
    url="/media/",
    files=KEPT,
    **SRV,
)
mod_php(
    "alias-location-off",
    vhost("    Alias /media /srv/uploads" + GRANTED + within("SetHandler default-handler", "/media", "Location")),
    url="/media/",
    files=KEPT,
    **SRV,
)
mod_php(
    "alias-location-wrong",
    vhost("    Alias /media /srv/uploads" + GRANTED + within("SetHandler default-handler", "/images", "Location")),
    url="/media/",
    files=KEPT,
    **SRV,
)
mod_php("alias-two-urls", vhost("    Alias /media /var/www/shop/images\n" + within(DENIED, "/images", "Location")), url="/media/")
mod_php("alias-file", vhost("    Alias /x.php /srv/uploads/x.php" + GRANTED), url="/", files=KEPT, **SRV)
mod_php("scriptalias", vhost("    ScriptAlias /cg/ /srv/uploads/" + GRANTED), url="/cg/", mods=("cgi",), files=KEPT, **SRV)
mod_php("scriptalias-nocgi", vhost("    ScriptAlias /cg/ /srv/uploads/" + GRANTED), url="/cg/", files=KEPT, **SRV)
mod_php(
    "scriptalias-files",
    vhost("    ScriptAlias /cg/ /srv/uploads/" + GRANTED),
    url="/cg/",
    files={**KEPT, **NO_PHP_CONF},
    mods=("cgi",),
    **SRV,
)
for key, opts, link in (
    ("follow", "FollowSymLinks", "/srv/uploads"),
    ("none", "None", "/srv/uploads"),
    ("owner", "SymLinksIfOwnerMatch", "/srv/uploads"),
    ("all", "All", "/srv/uploads"),
    ("indexes", "Indexes", "/srv/uploads"),
    ("minus", "-FollowSymLinks", "/srv/uploads"),
    ("plusmulti", "+MultiViews", "/srv/uploads"),
):
    mod_php("link-" + key, vhost(options=opts), links={UPLOADS: link}, files=KEPT)
mod_php("link-directory-target", vhost(within("php_admin_flag engine off", "/srv/uploads")), links={UPLOADS: "/srv/uploads"}, files=KEPT)
mod_php("link-directory-name", vhost(within("php_admin_flag engine off")), links={UPLOADS: "/srv/uploads"}, files=KEPT)
mod_php("link-directory-ask-target", vhost(within("php_admin_flag engine off")), links={UPLOADS: "/srv/uploads"}, files=KEPT, **SRV)
mod_php("link-ask-target-open", vhost(), links={UPLOADS: "/srv/uploads"}, files=KEPT, **SRV)
mod_php(
    "link-ht-in-target", vhost(override="All"), links={UPLOADS: "/srv/uploads"}, files={"/srv/uploads/.htaccess": "Require all denied\n"}
)
mod_php("link-upload-minus", vhost(within("Options -FollowSymLinks")), links={UPLOADS: "/srv/uploads"}, files=KEPT)
mod_php("link-ht-options", vhost(override="Options"), links={UPLOADS: "/srv/uploads"}, files=KEPT, up="Options -FollowSymLinks\n")
mod_php("link-docroot", vhost(docroot="/var/www/live"), links={"/var/www/live": "/var/www/shop"})
mod_php(
    "link-docroot-dir-real", vhost(within("php_admin_flag engine off"), docroot="/var/www/live"), links={"/var/www/live": "/var/www/shop"}
)
mod_php(
    "link-docroot-dir-link",
    vhost(within("php_admin_flag engine off", "/var/www/live/images"), docroot="/var/www/live"),
    links={"/var/www/live": "/var/www/shop"},
)
mod_php("link-relative", vhost(), links={UPLOADS: "../../../srv/uploads"}, files=KEPT)
mod_php(
    "userdir-stock",
    vhost("    UserDir public_html"),
    mods=("userdir",),
    directory="/home/bob/public_html/images",
    url="/~bob/images/",
    files={"/home/bob/public_html/x": ""},
)
mod_php(
    "userdir-path",
    vhost("    UserDir /srv/users\n" + within("Require all granted", "/srv/users")),
    mods=("userdir",),
    directory="/srv/users/bob/images",
    url="/~bob/images/",
    files={"/srv/users/bob/x": ""},
)
mod_php(
    "userdir-star",
    vhost("    UserDir /srv/*/web\n" + within("Require all granted", "/srv")),
    mods=("userdir",),
    directory="/srv/bob/web/images",
    url="/~bob/images/",
    files={"/srv/bob/web/x": ""},
)
mod_php(
    "userdir-disabled",
    vhost("    UserDir disabled\n UserDir /srv/users\n" + within("Require all granted", "/srv/users")),
    mods=("userdir",),
    directory="/srv/users/bob/images",
    url="/~bob/images/",
    files={"/srv/users/bob/x": ""},
)
mod_php(
    "userdir-enabled-user",
    vhost("    UserDir disabled\n UserDir enabled bob\n UserDir /srv/users\n" + within("Require all granted", "/srv/users")),
    mods=("userdir",),
    directory="/srv/users/bob/images",
    url="/~bob/images/",
    files={"/srv/users/bob/x": ""},
)
mod_php(
    "userdir-disabled-user",
    vhost("    UserDir disabled bob\n UserDir /srv/users\n" + within("Require all granted", "/srv/users")),
    mods=("userdir",),
    directory="/srv/users/bob/images",
    url="/~bob/images/",
    files={"/srv/users/bob/x": ""},
)
mod_php(
    "userdir-redirect",
    vhost("    UserDir http://other.test/\n" + within("Require all granted", "/srv/users")),
    mods=("userdir",),
    directory="/srv/users/bob/images",
    url="/~bob/images/",
    files={"/srv/users/bob/x": ""},
)
mod_php("vhostalias", vhost("    VirtualDocumentRoot /var/www/%1"), mods=("vhost_alias",))
mod_php(
    "vhostalias-0",
    vhost("    VirtualDocumentRoot /srv/%0\n" + within("Require all granted", "/srv")),
    mods=("vhost_alias",),
    directory="/srv/shop.test/images",
    files={"/srv/shop.test/x": ""},
)
mod_php("docroot-elsewhere", vhost(docroot="/var/www/other"))
mod_php("docroot-is-upload", vhost(docroot=UPLOADS), url="/")
mod_php("docroot-slash", vhost(docroot="/var/www/shop/"))
mod_php("docroot-quoted", vhost().replace("DocumentRoot /var/www/shop", 'DocumentRoot "/var/www/shop"'))
mod_php("docroot-relative", "ServerRoot /etc/apache2\n" + vhost().replace("DocumentRoot /var/www/shop", "DocumentRoot ../../var/www/shop"))
mod_php("docroot-main-only", f"DocumentRoot {DOCROOT}\n")
mod_php("docroot-main-vhost-none", f"DocumentRoot {DOCROOT}\n<VirtualHost *:80>\nServerName shop.test\n</VirtualHost>\n")
mod_php(
    "docroot-default-compiled",
    "<VirtualHost *:80>\nServerName shop.test\n</VirtualHost>\n",
    directory="/var/www/html/images",
    files={"/var/www/html/x": ""},
)
mod_php("vhost-first-wins", vhost(within(DENIED), name="first.test") + vhost(name="shop.test"))
mod_php("vhost-first-default", vhost(docroot="/var/www/other", name="first.test") + vhost(name="other2.test"), host="other2.test")
mod_php(
    "vhost-alias-name",
    vhost(docroot="/var/www/other", name="first.test")
    + vhost(name="second.test").replace("DocumentRoot", "ServerAlias *.test\n DocumentRoot"),
)
mod_php("vhost-port-other", "Listen 8081\n" + vhost(within(DENIED)) + vhost(port=8081), port=8081)
mod_php("vhost-noport", vhost().replace("*:80", "*"))
mod_php("vhost-ip", vhost().replace("*:80", "127.0.0.1:80"))
mod_php(
    "vhost-ip-beats-star", vhost(within(DENIED), name="star.test") + vhost(name="ip.test").replace("*:80", "127.0.0.1:80"), host="ip.test"
)
mod_php("vhost-default-addr", vhost().replace("*:80", "_default_:80"))
mod_php("vhost-not-listened", vhost(docroot="/var/www/other") + vhost(port=9999, name="x.test"))
mod_php("vhost-same-docroot-denied-second", vhost() + vhost(within(DENIED), name="b.test"))
mod_php("vhost-serverpath", vhost().replace("DocumentRoot", "ServerPath /s\n DocumentRoot"))

# ---------------------------------------------------------------- configuration language
mod_php("conf-define", "Define UPS /var/www/shop/images\n" + vhost(within("php_admin_flag engine off", "${UPS}")))
mod_php("conf-define-nested", "Define B /var/www\nDefine UPS ${B}/shop/images\n" + vhost(within("php_admin_flag engine off", "${UPS}")))
mod_php("conf-define-undefined", vhost(within("php_admin_flag engine off", "${NOPE}/images")))
mod_php("conf-undefine", "Define X\nUnDefine X\n" + vhost("<IfDefine X>\n" + within(DENIED) + "\n</IfDefine>"))
mod_php("conf-ifdefine", "Define X\n" + vhost("<IfDefine X>\n" + within(DENIED) + "\n</IfDefine>"))
mod_php("conf-ifdefine-not", vhost("<IfDefine !X>\n" + within(DENIED) + "\n</IfDefine>"))
mod_php("conf-ifdefine-after", vhost("<IfDefine X>\n" + within(DENIED) + "\n</IfDefine>") + "Define X\n")
mod_php("conf-ifmodule-rewrite-absent", vhost("<IfModule mod_rewrite.c>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-rewrite", vhost("<IfModule mod_rewrite.c>\n" + within(DENIED) + "\n</IfModule>"), mods=("rewrite",))
mod_php("conf-ifmodule-core", vhost("<IfModule core.c>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-so", vhost("<IfModule mod_so.c>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-name", vhost("<IfModule mime_module>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-prefork", vhost("<IfModule prefork.c>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-mpm-prefork", vhost("<IfModule mpm_prefork_module>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-php8", vhost("<IfModule mod_php8.c>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-php8_module", vhost("<IfModule php8_module>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-php_module", vhost("<IfModule php_module>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-php5-not", vhost("<IfModule !mod_php5.c>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-nested", vhost("<IfModule mod_mime.c>\n<IfModule !mod_dir.c>\n" + within(DENIED) + "\n</IfModule>\n</IfModule>"))
mod_php("conf-ifmodule-watchdog", vhost("<IfModule mod_watchdog.c>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-logconfig", vhost("<IfModule log_config_module>\n" + within(DENIED) + "\n</IfModule>"))
mod_php("conf-ifmodule-version", vhost("<IfModule mod_version.c>\n" + within(DENIED) + "\n</IfModule>"))
for op in (">= 2.4", "< 2.4", "> 2.4.10", "= 2.4", "~ ^2\\.4", "!~ ^2\\.4", "2.4", ">= 2.5", "!< 2.4", "<= 2.4.99"):
    mod_php(
        "conf-ifversion-" + op.replace(" ", "_").replace("\\", "").replace("^", ""),
        vhost(f"<IfVersion {op}>\n" + within(DENIED) + "\n</IfVersion>"),
    )
mod_php("conf-iffile", vhost("<IfFile /etc/apache2/apache2.conf>\n" + within(DENIED) + "\n</IfFile>"))
mod_php("conf-iffile-not", vhost("<IfFile /etc/apache2/none.conf>\n" + within(DENIED) + "\n</IfFile>"))
mod_php("conf-iffile-rel", vhost("<IfFile apache2.conf>\n" + within(DENIED) + "\n</IfFile>"))
mod_php("conf-ifdirective", vhost("<IfDirective SetHandler>\n" + within(DENIED) + "\n</IfDirective>"))
mod_php("conf-ifdirective-not", vhost("<IfDirective RewriteEngine>\n" + within(DENIED) + "\n</IfDirective>"))
mod_php("conf-ifsection", vhost("<IfSection Directory>\n" + within(DENIED) + "\n</IfSection>"))
mod_php("conf-include", vhost("    Include snip/up.conf"), files={"/etc/apache2/snip/up.conf": within(DENIED)})
mod_php("conf-include-abs-glob", vhost("    Include /etc/apache2/snip/*.conf"), files={"/etc/apache2/snip/up.conf": within(DENIED)})
mod_php("conf-include-glob-ext", vhost("    IncludeOptional snip/*.conf"), files={"/etc/apache2/snip/up.conf.off": within(DENIED)})
mod_php("conf-include-optional-missing", vhost("    IncludeOptional snip/none.conf"))
mod_php("conf-include-directory", vhost("    Include snip/"), files={"/etc/apache2/snip/up.txt": within(DENIED)})
mod_php("conf-include-deep-glob", vhost("    Include snip/*/u?.conf"), files={"/etc/apache2/snip/a/up.conf": within(DENIED)})
mod_php(
    "conf-include-order",
    vhost("    IncludeOptional snip/*.conf"),
    files={"/etc/apache2/snip/a.conf": within(DENIED), "/etc/apache2/snip/b.conf": within("Require all granted")},
)
mod_php("conf-include-in-dir", vhost(within("Include snip/x.inc")), files={"/etc/apache2/snip/x.inc": DENIED + "\n"})
mod_php("conf-conf-not-enabled", files={"/etc/apache2/conf-available/sec.conf": within(DENIED)})
mod_php("conf-conf-enabled", confs=("sec",), files={"/etc/apache2/conf-available/sec.conf": within(DENIED)})
mod_php(
    "conf-conf-enabled-filesmatch",
    confs=("sec",),
    files={"/etc/apache2/conf-available/sec.conf": within("SetHandler None", "\\.php$", "FilesMatch")},
)
mod_php("conf-site-not-enabled", files={"/etc/apache2/sites-available/sec.conf": within(DENIED)})
mod_php("conf-site-second-file", files={"/etc/apache2/sites-enabled/zz.conf": within(DENIED)})
mod_php("conf-site-wrong-ext", files={"/etc/apache2/sites-enabled/zz": within(DENIED)})
mod_php(
    "conf-site-link",
    files={"/etc/apache2/sites-available/sec.conf": within(DENIED)},
    links={"/etc/apache2/sites-enabled/zz.conf": "../sites-available/sec.conf"},
)
mod_php(
    "conf-macro",
    "<Macro Prot $dir>\n<Directory $dir>\nphp_admin_flag engine off\n</Directory>\n</Macro>\n" + vhost("    Use Prot /var/www/shop/images"),
    mods=("macro",),
)
mod_php(
    "conf-macro-unused",
    "<Macro Prot $dir>\n<Directory $dir>\nphp_admin_flag engine off\n</Directory>\n</Macro>\n" + vhost(),
    mods=("macro",),
)
mod_php(
    "conf-macro-vhost",
    "<Macro VH $name $root %rest>\n<VirtualHost *:80>\nServerName $name\nDocumentRoot $root\n<Directory $root>\nRequire all %rest\n</Directory>\n</VirtualHost>\n</Macro>\nUse VH shop.test /var/www/shop denied\nUse VH b.test /var/www/other granted\n",
    mods=("macro",),
)
mod_php(
    "conf-macro-nested",
    "<Macro In $d>\n<Directory $d>\nRequire all denied\n</Directory>\n</Macro>\n<Macro Out $x>\nUse In $x/images\n</Macro>\n"
    + vhost("    Use Out /var/www/shop"),
    mods=("macro",),
)
mod_php(
    "conf-envvar",
    vhost(within("php_admin_flag engine off", "${UPDIR}")),
    files={"/etc/apache2/envvars": Path("/etc/apache2/envvars").read_text() + "\nexport UPDIR=/var/www/shop/images\n"},
)
mod_php("conf-continuation", vhost("    <Directory \\\n /var/www/shop/images>\n Require \\\n all denied\n </Directory>"))
mod_php("conf-case", vhost("    <directory /var/www/shop/images>\n require all denied\n </DIRECTORY>"))
mod_php("conf-comment-end", vhost(within("#Require all denied")))
mod_php("conf-single-quotes", vhost("    <Directory '/var/www/shop/images'>\n Require all denied\n </Directory>"))
mod_php("conf-mods-conf-only", mods=(), files={"/etc/apache2/mods-enabled/zz.conf": within(DENIED)})
mod_php(
    "conf-loadmodule-in-site",
    "LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so\n" + vhost("    RewriteEngine On\n RewriteRule ^/images/ - [F]"),
)
mod_php(
    "conf-error-fn", vhost(), files={"/etc/apache2/conf-enabled/zz.conf": '<FilesMatch "\\.php$">\nRequire all denied\n</FilesMatch>\n'}
)
mod_php(
    "conf-macro-filesmatch",
    vhost(within("<IfModule mod_authz_core.c>\nRequire all denied\n</IfModule>\n<IfModule !mod_authz_core.c>\nDeny from all\n</IfModule>")),
)
mod_php("conf-ht-authz-guard", vhost(override="All"), ht="<IfModule !mod_authz_core.c>\nOrder deny,allow\nDeny from all\n</IfModule>\n")
mod_php("conf-ht-authz-guard2", vhost(override="All"), ht="<IfModule mod_authz_core.c>\nRequire all denied\n</IfModule>\n")
mod_php(
    "conf-php-module-other-name",
    mods=(),
    files={"/etc/apache2/mods-enabled/zphp.load": "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n"},
)
add(
    CASES,
    Case(
        "a-conf-load-without-conf",
        "apache",
        vhost(),
        mods=(),
        files={"/etc/apache2/mods-enabled/zphp.load": "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n"},
    ),
)
add(
    CASES,
    Case(
        "a-conf-load-addhandler",
        "apache",
        vhost("    AddHandler php-script .php .inc"),
        mods=(),
        files={"/etc/apache2/mods-enabled/zphp.load": "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n"},
    ),
)
add(CASES, Case("a-conf-no-module-sethandler", "apache", vhost(within("SetHandler application/x-httpd-php")), mods=()))
add(CASES, Case("a-conf-no-module-addtype", "apache", vhost("    AddType application/x-httpd-php .php"), mods=()))

# ---------------------------------------------------------------- rewrite, redirect
REWRITES = {
    "f": "RewriteRule ^/images/.*\\.php$ - [F]",
    "f-nc": "RewriteRule \\.ph(p|tml|ar) - [F,NC]",
    "g": "RewriteRule ^/images/ - [G]",
    "r404": "RewriteRule \\.php$ - [R=404]",
    "r301": "RewriteRule ^/images/(.*)\\.php$ /images/$1.txt [R=301,L]",
    "r-abs": "RewriteRule \\.php$ http://other.test/ [L]",
    "r-self": "RewriteRule \\.php$ https://%{HTTP_HOST}%{REQUEST_URI} [R,L]",
    "internal": "RewriteRule ^/images/(.*)\\.php$ /images/$1.jpg [L]",
    "front": "RewriteRule ^/images/.* /index.php [L]",
    "front-file": "RewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI} !-f\nRewriteRule ^ /index.php [L]",
    "front-reqfile": "RewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^ /index.php [L]",
    "cond-uri": "RewriteCond %{REQUEST_URI} ^/images/.*\\.ph\nRewriteRule ^ - [F]",
    "cond-uri-not": "RewriteCond %{REQUEST_URI} !\\.(jpg|png|gif)$\nRewriteRule ^/images/ - [F]",
    "cond-host": "RewriteCond %{HTTP_HOST} ^shop\\.test$ [NC]\nRewriteRule ^/images/ - [F]",
    "cond-host-other": "RewriteCond %{HTTP_HOST} ^www\\.\nRewriteRule ^/images/ - [F]",
    "cond-host-not": "RewriteCond %{HTTP_HOST} !^shop\\.test$\nRewriteRule ^ http://shop.test/ [R,L]",
    "cond-method": "RewriteCond %{REQUEST_METHOD} ^(PUT|POST)$\nRewriteRule ^ - [F]",
    "cond-method-get": "RewriteCond %{REQUEST_METHOD} =GET\nRewriteRule ^/images/.*php$ - [F]",
    "cond-or": "RewriteCond %{REQUEST_METHOD} =PUT [OR]\nRewriteCond %{REQUEST_URI} ^/images/\nRewriteRule php$ - [F]",
    "cond-and-fail": "RewriteCond %{REQUEST_METHOD} =PUT\nRewriteCond %{REQUEST_URI} ^/images/\nRewriteRule php$ - [F]",
    "cond-ua": "RewriteCond %{HTTP_USER_AGENT} bot\nRewriteRule ^ - [F]",
    "cond-ua-empty": "RewriteCond %{HTTP_USER_AGENT} ^$\nRewriteRule ^/images/ - [F]",
    "cond-referer": "RewriteCond %{HTTP_REFERER} !^http://shop\\.test/\nRewriteRule ^/images/ - [F]",
    "cond-referer-empty": "RewriteCond %{HTTP_REFERER} !^$\nRewriteCond %{HTTP_REFERER} !shop\nRewriteRule ^/images/ - [F]",
    "cond-https": "RewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]",
    "cond-https-on": "RewriteCond %{HTTPS} =on\nRewriteRule ^/images - [F]",
    "cond-query": "RewriteCond %{QUERY_STRING} x=1\nRewriteRule ^ - [F]",
    "cond-query-empty": "RewriteCond %{QUERY_STRING} ^$\nRewriteRule ^/images/ - [F]",
    "cond-remote": "RewriteCond %{REMOTE_ADDR} !^127\\.0\\.0\\.1$\nRewriteRule ^/images/ - [F]",
    "cond-backref": "RewriteCond %{REQUEST_URI} ^/(\\w+)/\nRewriteRule \\.php$ /%1/x.jpg [L]",
    "cond-expr": 'RewriteCond expr "%{REQUEST_URI} =~ /php$/"\nRewriteRule ^ - [F]',
    "cond-d": "RewriteCond %{DOCUMENT_ROOT}/images -d\nRewriteRule ^/images/.*php - [F]",
    "cond-lt": "RewriteCond %{REQUEST_URI} >/images\nRewriteRule php$ - [F]",
    "cond-eq": "RewriteCond %{REQUEST_URI} =/images/x.php\nRewriteRule ^ - [F]",
    "cond-num": "RewriteCond %{SERVER_PORT} -eq80\nRewriteRule ^/images - [F]",
    "cond-env": "RewriteCond %{ENV:X} =1\nRewriteRule ^ - [F]",
    "set-env": "RewriteRule ^/images/ - [E=X:1]\nRewriteCond %{ENV:X} =1\nRewriteRule php$ - [F]",
    "cond-thereq": "RewriteCond %{THE_REQUEST} \\s/images/\nRewriteRule ^ - [F]",
    "cond-time": "RewriteCond %{TIME_HOUR} >25\nRewriteRule ^ - [F]",
    "cond-s": "RewriteCond %{DOCUMENT_ROOT}/index.html -s\nRewriteRule ^/images - [F]",
    "cond-laF": "RewriteCond %{LA-U:REQUEST_FILENAME} images\nRewriteRule php$ - [F]",
    "l-first": "RewriteRule ^/images/ - [L]\nRewriteRule php$ - [F]",
    "end-first": "RewriteRule ^/images/ - [END]\nRewriteRule php$ - [F]",
    "s": "RewriteRule ^/images/ - [S=1]\nRewriteRule php$ - [F]",
    "c": "RewriteRule ^/nope/ - [C]\nRewriteRule php$ - [F]",
    "c2": "RewriteRule ^/images/ - [C]\nRewriteRule php$ - [F]",
    "n": "RewriteRule ^/images/(.*)\\.php$ /images/$1.txt [N,DPI]",
    "not": "RewriteRule !\\.(jpg|png)$ - [F]",
    "not-dir": "RewriteRule !^/images/ - [F]",
    "t": "RewriteRule \\.php$ - [T=text/plain]",
    "t-php": "RewriteRule \\.jpg$ - [T=application/x-httpd-php]",
    "h": "RewriteRule \\.(jpg|inc)$ - [H=application/x-httpd-php]",
    "h-default": "RewriteRule \\.php$ - [H=default-handler]",
    "h-none": "RewriteRule \\.php$ - [H=none]",
    "pt": "RewriteRule ^/images/(.*)$ /images/$1 [PT]",
    "pt-alias": "RewriteRule ^/images/(.*)$ /media/$1 [PT]",
    "to-file": "RewriteRule ^/images/(.*)$ /var/www/shop/images/$1 [L]",
    "b": "RewriteRule ^/images/(.*)\\.jpg$ /images/$1.php [B,L]",
    "to-php": "RewriteRule ^/images/(.*)\\.jpg$ /images/$1.php [L]",
    "jpg-a": "RewriteRule ^/images/x\\.jpg/a\\.php$ /images/x.php [L]",
    "off": "RewriteEngine Off\nRewriteRule php$ - [F]",
    "query-append": "RewriteRule ^/images/(.*)$ /index.php?q=$1 [QSA,L]",
    "dash": "RewriteRule ^/images/.*\\.php$ -",
    "two-rules": "RewriteRule ^/images/(.*)$ /pics/$1\nRewriteRule ^/pics/.*php$ - [F]",
    "map-int": "RewriteMap lc int:tolower\nRewriteCond ${lc:%{REQUEST_URI}} \\.php$\nRewriteRule ^ - [F]",
    "map-txt": "RewriteMap m txt:/srv/map.txt\nRewriteRule ^/images/(x)\\.php$ ${m:$1|-} [F]",
    "perdir-slash": "RewriteRule ^images/.*\\.php$ - [F]",
    "case": "RewriteRule ^/Images/ - [F]",
    "case-nc": "RewriteRule ^/IMAGES/ - [F,NC]",
    "co": "RewriteRule ^/images/ - [CO=a:b:shop.test]",
    "ne": "RewriteRule php$ /x%20y [NE,L]",
    "filename-server": "RewriteCond %{REQUEST_FILENAME} -f\nRewriteRule ^/images/.*php$ - [F]",
    "escape": "RewriteRule ^/images/x\\.p[h]p$ - [F]",
    "loop": "RewriteRule ^/images/(.*)$ /images/$1 [L]",
    "percent": "RewriteCond %{HTTP:X-Y} .\nRewriteRule ^ - [F]",
    "p": "RewriteRule ^/images/(.*\\.php)$ http://127.0.0.1:1/$1 [P]",
}
for key, text in REWRITES.items():
    mod_php("rw-vhost-" + key, vhost("    RewriteEngine On\n    " + text), mods=("rewrite",), files={"/srv/map.txt": "x -\n"})
REWRITES_BY_DIRECTORY = {
    "f": "RewriteRule \\.php$ - [F]",
    "f-nc": "RewriteRule \\.ph(p|tml|ar) - [F,NC]",
    "lead-slash": "RewriteRule ^/images/.*php$ - [F]",
    "images": "RewriteRule ^images/.*\\.php$ - [F]",
    "anchor-x": "RewriteRule ^x\\.php$ - [F]",
    "front": "RewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule . /index.php [L]",
    "front-all": "RewriteRule ^ index.php [L]",
    "wordpress": "RewriteBase /\nRewriteRule ^index\\.php$ - [L]\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule . /index.php [L]",
    "cond-uri": "RewriteCond %{REQUEST_URI} ^/images/.*\\.ph\nRewriteRule ^ - [F]",
    "not-image": "RewriteCond %{REQUEST_URI} !\\.(jpe?g|png|gif)$ [NC]\nRewriteRule .* - [F]",
    "to-txt": "RewriteRule ^(.*)\\.php$ $1.txt [L]",
    "to-jpg": "RewriteRule ^(.*)\\.php$ $1.jpg [L]",
    "jpg-to-php": "RewriteRule ^(.*)\\.jpg$ $1.php [L]",
    "r": "RewriteRule \\.php$ / [R=302,L]",
    "l": "RewriteRule ^ - [L]\nRewriteRule php$ - [F]",
    "end": "RewriteRule ^ - [END]\nRewriteRule php$ - [F]",
    "h": "RewriteRule \\.inc$ - [H=application/x-httpd-php]",
    "h-none": "RewriteRule \\.php$ - [H=default-handler]",
    "t": "RewriteRule \\.php$ - [T=text/plain]",
    "g": "RewriteRule php - [G]",
    "file-f": "RewriteCond %{REQUEST_FILENAME} -f\nRewriteRule \\.ph - [F]",
    "inherit": "RewriteOptions Inherit",
    "base": "RewriteBase /images/\nRewriteRule ^x\\.php$ x.jpg [L]",
    "nosubreq": "RewriteRule php$ - [F,NS]",
    "self": "RewriteRule ^(.*)$ $1 [L]",
    "abs-self": "RewriteRule ^(.*)$ /images/$1 [L]",
    "pathinfo": "RewriteRule ^x\\.jpg/(.*)$ - [F]",
}
for key, text in REWRITES_BY_DIRECTORY.items():
    mod_php(
        "rw-ht-" + key,
        vhost(override="All"),
        mods=("rewrite",),
        ht="RewriteEngine On\n" + text + "\n",
        files={DOCROOT + "/index.php": "<?php echo 'front';"},
    )
    mod_php(
        "rw-htdoc-" + key,
        vhost(override="All"),
        mods=("rewrite",),
        up="RewriteEngine On\n" + text + "\n",
        files={DOCROOT + "/index.php": "<?php echo 'front';"},
    )
    if key in ("f", "images", "front", "cond-uri", "to-txt", "h", "lead-slash", "inherit", "end"):
        mod_php(
            "rw-dir-" + key,
            vhost(within("RewriteEngine On\n" + text)),
            mods=("rewrite",),
            files={DOCROOT + "/index.php": "<?php echo 'front';"},
        )
        mod_php(
            "rw-loc-" + key,
            vhost(within("RewriteEngine On\n" + text, "/images/", "Location")),
            mods=("rewrite",),
            files={DOCROOT + "/index.php": "<?php echo 'front';"},
        )
        mod_php(
            "rw-files-" + key,
            vhost(within("RewriteEngine On\n" + text, "\\.ph", "FilesMatch")),
            mods=("rewrite",),
            files={DOCROOT + "/index.php": "<?php echo 'front';"},
        )
mod_php(
    "rw-ht-child-engine-on",
    vhost(override="All"),
    mods=("rewrite",),
    up="RewriteEngine On\nRewriteRule php$ - [F]\n",
    ht="RewriteEngine On\n",
)
mod_php(
    "rw-ht-child-engine-off",
    vhost(override="All"),
    mods=("rewrite",),
    up="RewriteEngine On\nRewriteRule php$ - [F]\n",
    ht="RewriteEngine Off\n",
)
mod_php(
    "rw-ht-child-other", vhost(override="All"), mods=("rewrite",), up="RewriteEngine On\nRewriteRule php$ - [F]\n", ht="Options -Indexes\n"
)
mod_php(
    "rw-ht-child-inherit",
    vhost(override="All"),
    mods=("rewrite",),
    up="RewriteEngine On\nRewriteRule php$ - [F]\n",
    ht="RewriteEngine On\nRewriteOptions Inherit\n",
)
mod_php(
    "rw-ht-child-inheritbefore",
    vhost(override="All"),
    mods=("rewrite",),
    up="RewriteEngine On\nRewriteRule php$ - [F]\n",
    ht="RewriteEngine On\nRewriteOptions InheritBefore\nRewriteRule php - [L]\n",
)
mod_php(
    "rw-ht-parent-inheritdown",
    vhost(override="All"),
    mods=("rewrite",),
    up="RewriteEngine On\nRewriteOptions InheritDown\nRewriteRule php$ - [F]\n",
    ht="RewriteEngine On\n",
)
mod_php("rw-ht-noengine", vhost(override="All"), mods=("rewrite",), ht="RewriteRule php$ - [F]\n")
mod_php("rw-ht-limit-500", vhost(override="Limit"), mods=("rewrite",), ht="RewriteEngine On\nRewriteRule php$ - [F]\n")
mod_php("rw-ht-nofollow", vhost(override="All", options="None"), mods=("rewrite",), ht="RewriteEngine On\n")
mod_php("rw-ht-nofollow-pass", vhost(override="All", options="Indexes"), mods=("rewrite",))
mod_php(
    "rw-ht-ownermatch",
    vhost(override="All", options="SymLinksIfOwnerMatch"),
    mods=("rewrite",),
    ht="RewriteEngine On\nRewriteRule x\\.php - [F]\n",
)
mod_php("rw-main-not-inherited", "RewriteEngine On\nRewriteRule php$ - [F]\n" + vhost(), mods=("rewrite",))
mod_php("rw-main-vhost-engine-on", "RewriteEngine On\nRewriteRule php$ - [F]\n" + vhost("    RewriteEngine On"), mods=("rewrite",))
mod_php(
    "rw-main-vhost-inherit",
    "RewriteEngine On\nRewriteRule php$ - [F]\n" + vhost("    RewriteEngine On\n    RewriteOptions Inherit"),
    mods=("rewrite",),
)
mod_php(
    "rw-main-inheritdown",
    "RewriteEngine On\nRewriteOptions InheritDown\nRewriteRule php$ - [F]\n" + vhost("    RewriteEngine On"),
    mods=("rewrite",),
)
mod_php("rw-module-missing-500", vhost(override="All"), ht="RewriteEngine On\nRewriteRule php$ - [F]\n")
mod_php(
    "rw-vhost-and-ht",
    vhost("    RewriteEngine On\n RewriteRule ^/images/(.*)\\.jpg$ /images/$1.php", override="All"),
    mods=("rewrite",),
    ht="RewriteEngine On\nRewriteRule php$ - [F]\n",
)
mod_php("rw-pics", vhost("    RewriteEngine On\n RewriteRule ^/pics/(.*)$ /images/$1 [L]"), mods=("rewrite",), url="/pics/")
mod_php(
    "rw-pics-only", vhost("    RewriteEngine On\n RewriteRule ^/images/ - [F]\n RewriteRule ^/pics/(.*)$ /images/$1 [L]"), mods=("rewrite",)
)
REDIRECTS = {
    "match-403": 'RedirectMatch 403 "^/images/.*\\.ph"',
    "match-403-first": 'RedirectMatch 403 "\\.php$"\n Alias /media /srv',
    "redirect": "Redirect /images http://o.test/",
    "redirect-file": "Redirect /images/x.php /y",
    "redirect-slash": "Redirect /images/ http://o.test/",
    "perm": "RedirectPermanent /images http://o.test/",
    "temp": "RedirectTemp /images/x http://o.test/",
    "gone": "Redirect gone /images",
    "seeother": "Redirect seeother /images http://o.test/",
    "410": "Redirect 410 /images/x.php",
    "404-match": "RedirectMatch 404 \\.php",
    "prefix": "Redirect /imag http://o.test/",
    "loc": "<Location /images>\n Redirect http://o.test/\n </Location>",
    "loc-403": '<LocationMatch "\\.php$">\n Redirect 403\n </LocationMatch>',
    "dir": f"<Directory {UPLOADS}>\n RedirectMatch 403 php$\n </Directory>",
    "dir-redirect": f"<Directory {UPLOADS}>\n Redirect 403 /images/x.php\n </Directory>",
    "files": '<FilesMatch "\\.ph">\n Redirect 403 /\n </FilesMatch>',
    "relative": "RedirectMatch ^/images/(.*)\\.php$ /images/$1.txt",
    "nomatch": "RedirectMatch 403 ^/media/",
    "errordoc-php": "ErrorDocument 403 /images/x.php\n" + within(DENIED, "/images/x.phtml", "Location"),
    "errordoc-404": "ErrorDocument 404 /images/x.php",
}
for key, text in REDIRECTS.items():
    mod_php("red-" + key, vhost("    " + text))
mod_php("red-main", "RedirectMatch 403 \\.php$\n" + vhost())
mod_php(
    "red-and-rewrite",
    vhost("    RewriteEngine On\n RewriteRule ^/images/(.*)\\.php$ /images/$1.inc\n RedirectMatch 403 \\.inc$"),
    mods=("rewrite",),
)
mod_php(
    "red-rewrite-pt",
    vhost(
        "    RewriteEngine On\n RewriteRule ^/images/(.*)\\.php$ /zzz/$1.php [PT]\n Alias /zzz /var/www/shop/images\n"
        + within(DENIED, "/zzz", "Location")
    ),
    mods=("rewrite",),
)
mod_php("dir-fallback", vhost("    FallbackResource /index.php"), files={DOCROOT + "/index.php": "<?php echo 1;"})
mod_php("dir-fallback-images", vhost("    FallbackResource /images/x.php"))
mod_php("dir-index", vhost("    DirectoryIndex x.php"))
mod_php("dir-slash", vhost("    DirectorySlash Off"))
mod_php("mv-multiviews", vhost(options="MultiViews FollowSymLinks"))
mod_php("mv-multiviews-any", vhost("    MultiviewsMatch Any", options="MultiViews FollowSymLinks"))
mod_php(
    "mv-handlers",
    vhost("    MultiviewsMatch Handlers\n AddHandler application/x-httpd-php .php", options="MultiViews FollowSymLinks"),
    files=NO_PHP_CONF,
)
mod_php("speling", vhost("    CheckSpelling On"), mods=("speling",))
mod_php("autoindex", vhost(options="Indexes FollowSymLinks"))
mod_php("dav", vhost(within("DAV On")), mods=("dav", "dav_fs"))
mod_php("status-handler", vhost(within("SetHandler server-status", "/images", "Location")), mods=("status",))
mod_php("asis", vhost(within("SetHandler send-as-is")), mods=("asis",), files=NO_PHP_CONF)
mod_php("ssi", vhost(within("Options +Includes\n AddOutputFilter INCLUDES .php .jpg")), mods=("include",))
mod_php("limit-body", vhost(within("LimitRequestBody 10\n LimitXMLRequestBody 3")))
mod_php("proxy-all", vhost("    ProxyPass /images/ http://127.0.0.1:1/"), mods=("proxy", "proxy_http"))
mod_php("proxy-not", vhost("    ProxyPass /images/ !\n ProxyPass / http://127.0.0.1:1/"), mods=("proxy", "proxy_http"))
mod_php("proxy-php", vhost("    ProxyPassMatch \\.php$ http://127.0.0.1:1/"), mods=("proxy", "proxy_http"))
mod_php("proxy-late-not", vhost("    ProxyPass / http://127.0.0.1:1/\n ProxyPass /images/ !"), mods=("proxy", "proxy_http"))
