"""Apache with php-cgi: Action, mod_fcgid."""

from __future__ import annotations

from cases_mod_php import DENIED
from php_cases import FILES_MATCH, add, vhost, with_access_files, within
from php_harness import UPLOADS, Case

CASES: list[Case] = []


def cgi(name, site, mods, *, files=None, ht=None, **kw):
    add(CASES, Case("c-" + name, "apache", site, mods, files=with_access_files(files, UPLOADS, ht, None), **kw))


CGI = "    ScriptAlias /cgi-bin/ /usr/lib/cgi-bin/\n    <Directory /usr/lib/cgi-bin>\n Require all granted\n Options +ExecCGI +FollowSymLinks\n </Directory>\n"
ACTION = CGI + "    Action application/x-httpd-php /cgi-bin/php8.2\n"
CGI_MODULES = ("cgi", "actions")
cgi("action-addtype", vhost(ACTION + "    AddType application/x-httpd-php .php .phtml"), CGI_MODULES)
cgi("action-addhandler", vhost(ACTION + "    AddHandler application/x-httpd-php .php"), CGI_MODULES)
cgi("action-sethandler", vhost(ACTION + FILES_MATCH.format("\\.ph(p|tml)$", "SetHandler application/x-httpd-php")), CGI_MODULES)
cgi("action-cgid", vhost(ACTION + "    AddHandler application/x-httpd-php .php"), ("cgid", "actions"))
cgi("action-nohandler", vhost(ACTION), CGI_MODULES)
cgi("action-debian-conf", vhost(ACTION), CGI_MODULES, confs=("php8.2-cgi",))
cgi("action-debian-conf-noaction", vhost(), CGI_MODULES, confs=("php8.2-cgi", "serve-cgi-bin"))
cgi(
    "action-debian-conf-servecgi",
    vhost("    Action application/x-httpd-php /cgi-bin/php8.2"),
    CGI_MODULES,
    confs=("php8.2-cgi", "serve-cgi-bin"),
)
cgi("action-no-actions", vhost(CGI + "    AddHandler application/x-httpd-php .php"), ("cgi",))
cgi("action-no-cgi", vhost(ACTION + "    AddHandler application/x-httpd-php .php"), ("actions",))
cgi("action-no-exec", vhost(ACTION.replace("+ExecCGI", "-ExecCGI") + "    AddHandler application/x-httpd-php .php"), CGI_MODULES)
cgi(
    "action-denied-cgibin",
    vhost(ACTION.replace("Require all granted", "Require all denied") + "    AddHandler application/x-httpd-php .php"),
    CGI_MODULES,
)
cgi(
    "action-missing-script",
    vhost(ACTION.replace("/cgi-bin/php8.2\n", "/cgi-bin/php9\n") + "    AddHandler application/x-httpd-php .php"),
    CGI_MODULES,
)
cgi("action-dir", vhost(ACTION + within("AddHandler application/x-httpd-php .php .inc")), CGI_MODULES)
cgi("action-dir-remove", vhost(ACTION + "    AddHandler application/x-httpd-php .php\n" + within("RemoveHandler .php")), CGI_MODULES)
cgi("action-dir-denied", vhost(ACTION + "    AddHandler application/x-httpd-php .php\n" + within(DENIED)), CGI_MODULES)
cgi("action-type-forcetype", vhost(ACTION + "    AddType application/x-httpd-php .php\n" + within("ForceType text/plain")), CGI_MODULES)
cgi("action-method", vhost(CGI + "    Script GET /cgi-bin/php8.2\n"), CGI_MODULES)
cgi(
    "action-virtual",
    vhost(CGI + "    Action application/x-httpd-php /cgi-bin/php8.2 virtual\n    AddHandler application/x-httpd-php .php"),
    CGI_MODULES,
)
cgi("action-php-script", vhost(CGI + "    Action php-script /cgi-bin/php8.2\n    AddHandler php-script .php"), CGI_MODULES)
cgi(
    "action-ht-remove",
    vhost(ACTION + "    AddHandler application/x-httpd-php .php", override="FileInfo"),
    CGI_MODULES,
    ht="RemoveHandler .php\n",
)
cgi("action-ht-add", vhost(ACTION, override="FileInfo"), CGI_MODULES, ht="AddHandler application/x-httpd-php .php\n")
cgi("action-ht-action", vhost(CGI, override="FileInfo"), CGI_MODULES, ht="Action foo /cgi-bin/php8.2\nAddHandler foo .php\n")
cgi("action-image-type", vhost(CGI + "    Action image/jpeg /cgi-bin/php8.2\n"), CGI_MODULES)
cgi("action-override-all", vhost(ACTION, override="All"), CGI_MODULES)
cgi(
    "action-engine-off-ini",
    vhost(ACTION + "    AddHandler application/x-httpd-php .php"),
    CGI_MODULES,
    files={"/etc/php/8.2/cgi/conf.d/zz.ini": "engine = Off\n"},
)
cgi(
    "action-engine-off-apache-ini",
    vhost(ACTION + "    AddHandler application/x-httpd-php .php"),
    CGI_MODULES,
    files={"/etc/php/8.2/apache2/conf.d/zz.ini": "engine = Off\n"},
)
cgi(
    "action-basedir-ini",
    vhost(ACTION + "    AddHandler application/x-httpd-php .php"),
    CGI_MODULES,
    files={"/etc/php/8.2/cgi/conf.d/zz.ini": "open_basedir = /srv\n"},
)
cgi(
    "action-docroot-ini",
    vhost(ACTION + "    AddHandler application/x-httpd-php .php"),
    CGI_MODULES,
    files={"/etc/php/8.2/cgi/conf.d/zz.ini": "doc_root = /srv\n"},
)
cgi(
    "action-pathini",
    vhost(ACTION + "    AddHandler application/x-httpd-php .php .jpg"),
    CGI_MODULES,
    files={"/etc/php/8.2/cgi/conf.d/zz.ini": "cgi.fix_pathinfo = 0\n"},
)
cgi("action-jpg", vhost(ACTION + "    AddHandler application/x-httpd-php .jpg"), CGI_MODULES)
cgi(
    "action-bin-path",
    vhost(
        "    ScriptAlias /php /usr/bin/php-cgi\n    <Directory /usr/bin>\n Require all granted\n </Directory>\n    Action application/x-httpd-php /php\n    AddHandler application/x-httpd-php .php"
    ),
    CGI_MODULES,
)
cgi(
    "action-bin-nogrant",
    vhost("    ScriptAlias /php /usr/bin/php-cgi\n    Action application/x-httpd-php /php\n    AddHandler application/x-httpd-php .php"),
    CGI_MODULES,
)
cgi(
    "action-alias-handler",
    vhost(
        "    Alias /php /usr/bin/php-cgi\n    <Directory /usr/bin>\n Require all granted\n Options +ExecCGI +FollowSymLinks\n SetHandler cgi-script\n </Directory>\n    Action application/x-httpd-php /php\n    AddHandler application/x-httpd-php .php"
    ),
    CGI_MODULES,
)
cgi("cgi-in-upload", vhost(within("Options +ExecCGI\n AddHandler cgi-script .php")), ("cgi",))
cgi("cgi-modphp-none", vhost(within("Options +ExecCGI\n SetHandler cgi-script")), ("cgi", "php8.2"))
WRAPPER = "    FcgidWrapper /usr/bin/php-cgi {}\n"
GR = "    <Directory /usr/bin>\n Require all granted\n Options +ExecCGI\n </Directory>\n"
FCGID = ("fcgid",)
cgi(
    "fcgid-addhandler-wrapper",
    vhost("    AddHandler fcgid-script .php\n" + WRAPPER.format(".php") + within("Options +ExecCGI +FollowSymLinks")),
    FCGID,
)
cgi("fcgid-noexec", vhost("    AddHandler fcgid-script .php\n" + WRAPPER.format(".php")), FCGID)
cgi("fcgid-docroot-exec", vhost("    AddHandler fcgid-script .php\n" + WRAPPER.format(".php"), options="ExecCGI FollowSymLinks"), FCGID)
cgi(
    "fcgid-upload-noexec",
    vhost("    AddHandler fcgid-script .php\n" + WRAPPER.format(".php") + within("Options -ExecCGI"), options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi("fcgid-wrapper-noext", vhost("    AddHandler fcgid-script .php .phtml\n" + WRAPPER.format(""), options="ExecCGI FollowSymLinks"), FCGID)
cgi(
    "fcgid-wrapper-otherext",
    vhost("    AddHandler fcgid-script .php .phtml\n" + WRAPPER.format(".phtml"), options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi("fcgid-nowrapper", vhost("    AddHandler fcgid-script .php", options="ExecCGI FollowSymLinks"), FCGID)
cgi(
    "fcgid-filesmatch",
    vhost(FILES_MATCH.format("\\.php$", "SetHandler fcgid-script\n FcgidWrapper /usr/bin/php-cgi .php"), options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi(
    "fcgid-filesmatch-exec",
    vhost(FILES_MATCH.format("\\.php$", "SetHandler fcgid-script\n Options +ExecCGI\n FcgidWrapper /usr/bin/php-cgi .php")),
    FCGID,
)
cgi("fcgid-dir", vhost(within("AddHandler fcgid-script .php\n Options +ExecCGI\n FcgidWrapper /usr/bin/php-cgi .php")), FCGID)
cgi(
    "fcgid-dir-remove",
    vhost("    AddHandler fcgid-script .php\n" + WRAPPER.format(".php") + within("RemoveHandler .php"), options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi(
    "fcgid-dir-sethandler",
    vhost("    AddHandler fcgid-script .php\n" + WRAPPER.format(".php") + within("SetHandler None"), options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi(
    "fcgid-dir-denied",
    vhost("    AddHandler fcgid-script .php\n" + WRAPPER.format(".php") + within(DENIED), options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi(
    "fcgid-virtual",
    vhost("    AddHandler fcgid-script .php\n    FcgidWrapper /usr/bin/php-cgi .php virtual\n", options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi(
    "fcgid-ht-wrapper",
    vhost(override="All"),
    FCGID,
    ht="AddHandler fcgid-script .php\nFcgidWrapper /usr/bin/php-cgi .php\nOptions +ExecCGI\n",
)
cgi(
    "fcgid-ht-fileinfo",
    vhost("    " + WRAPPER.format(".php"), override="FileInfo", options="ExecCGI FollowSymLinks"),
    FCGID,
    ht="AddHandler fcgid-script .php\n",
)
cgi(
    "fcgid-ht-options",
    vhost("    AddHandler fcgid-script .php\n" + WRAPPER.format(".php"), override="Options"),
    FCGID,
    ht="Options +ExecCGI\n",
)
cgi("fcgid-override-all", vhost("    " + WRAPPER.format(".php"), override="All"), FCGID)
cgi(
    "fcgid-wrapper-missing",
    vhost("    AddHandler fcgid-script .php\n    FcgidWrapper /usr/bin/php-cgi8.2 .php\n", options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi(
    "fcgid-action",
    vhost(
        "    Alias /fcgi/ /usr/lib/cgi-bin/\n    <Directory /usr/lib/cgi-bin>\n Require all granted\n Options +ExecCGI +FollowSymLinks\n SetHandler fcgid-script\n </Directory>\n    Action application/x-httpd-php /fcgi/php8.2\n    AddHandler application/x-httpd-php .php"
    ),
    ("fcgid", "actions"),
)
cgi(
    "fcgid-addhandler-jpgs",
    vhost("    AddHandler fcgid-script .php .jpg\n" + WRAPPER.format(".php") + WRAPPER.format(".jpg"), options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi(
    "fcgid-ini-engine",
    vhost("    AddHandler fcgid-script .php\n" + WRAPPER.format(".php"), options="ExecCGI FollowSymLinks"),
    FCGID,
    files={"/etc/php/8.2/cgi/conf.d/zz.ini": "engine = Off\n"},
)
cgi(
    "fcgid-env-ini",
    vhost(
        "    FcgidInitialEnv PHP_INI_SCAN_DIR /srv\n    AddHandler fcgid-script .php\n" + WRAPPER.format(".php"),
        options="ExecCGI FollowSymLinks",
    ),
    FCGID,
    files={"/srv/zz.ini": "engine = Off\n"},
)
cgi(
    "fcgid-with-d",
    vhost('    AddHandler fcgid-script .php\n    FcgidWrapper "/usr/bin/php-cgi -d engine=0" .php\n', options="ExecCGI FollowSymLinks"),
    FCGID,
)
cgi("fcgid-addtype", vhost("    AddType application/x-httpd-fcgi .php\n" + WRAPPER.format(".php"), options="ExecCGI FollowSymLinks"), FCGID)
cgi("fcgid-modphp", vhost("    " + WRAPPER.format(".php") + within("AddHandler fcgid-script .php\n Options +ExecCGI")), ("fcgid", "php8.2"))
