"""Virtual hosts and .htaccess files of Apache for property-based tests: whatever decides on an uploaded file, nested and combined.

A configuration is a tree of lines and sections, so that a differing one can be made smaller by leaving parts out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from php_cases import vhost
from php_harness import DOCROOT, UPLOADS, Case


@dataclass(frozen=True)
class Section:
    kind: str
    argument: str
    body: tuple[Node, ...]

    def __str__(self) -> str:
        return f"<{self.kind} {self.argument}>\n{text(self.body)}</{self.kind}>"


Node = "str | Section"


def text(nodes: tuple[Node, ...]) -> str:
    return "".join(f"{node}\n" for node in nodes)


def smaller(nodes: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """The nodes without one of them, or with one section's body in its place or made smaller."""
    for number, node in enumerate(nodes):
        before, after = nodes[:number], nodes[number + 1 :]
        yield before + after
        if isinstance(node, Section):
            for body in smaller(node.body):
                if body:
                    yield (*before, replace(node, body=body), *after)


@dataclass(frozen=True)
class Upload:
    """One configuration: lines of the virtual host, and .htaccess files of the docroot and the upload directory (None: no file)."""

    host: tuple[Node, ...]
    override: str
    options: str
    docroot: tuple[Node, ...] | None
    uploads: tuple[Node, ...] | None

    def case(self, name: str) -> Case:
        files = {f"{DOCROOT}/.htaccess": self.docroot, f"{UPLOADS}/.htaccess": self.uploads}
        written = {path: text(nodes) for path, nodes in files.items() if nodes is not None}
        site = vhost(text(self.host), override=self.override, options=self.options)
        return Case(name, "apache", site, ("php8.2", "rewrite", "setenvif"), files=written)

    def smaller(self) -> Iterator[Upload]:
        for host in smaller(self.host):
            yield replace(self, host=host)
        for part in ("docroot", "uploads"):
            nodes = getattr(self, part)
            if nodes is not None:
                yield replace(self, **{part: None})
                for fewer in smaller(nodes):
                    yield replace(self, **{part: fewer})
        if self.override != "None":
            yield replace(self, override="None")
        if self.override not in ("None", "All"):
            yield replace(self, override="All")
        if self.options != "FollowSymLinks":
            yield replace(self, options="FollowSymLinks")


ENGINE = [f"{directive} engine {value}" for directive in ("php_flag", "php_value") for value in ("on", "off")]
ADMIN = ["php_admin_flag engine off", "php_admin_flag engine on", "php_admin_value engine 0"]
HANDLERS = [f"SetHandler {name}" for name in ("application/x-httpd-php", "None", "default-handler", "application/x-httpd-php", "nonsense")]
TYPES = [
    *(
        "ForceType text/plain",
        "ForceType application/x-httpd-php",
        "ForceType None",
        "RemoveHandler .php",
        "RemoveType .php .jpg",
        "RemoveHandler .jpg .inc",
    ),
    *(
        f"{directive} application/x-httpd-php {names}"
        for directive in ("AddHandler", "AddType")
        for names in (".php", ".jpg .inc", "bak", ".PHP")
    ),
    *("AddHandler default-handler .php", "AddType text/plain .php .phtml", "AddType text/plain .bak", "AddHandler default-handler .jpg"),
]
REQUIRE = [
    *(
        "Require all denied",
        "Require all granted",
        "Require local",
        "Require ip 10.0.0.1",
        "Require method GET",
        "Require method POST",
        "Require env NOTHING",
    ),
    *("Require expr %{REQUEST_URI} =~ /php/", "AuthMerging And", "AuthMerging Or", "AuthMerging Off", "Require host example.org"),
]
OLD_ACCESS = [
    *(
        "Order allow,deny",
        "Order deny,allow",
        "Deny from all",
        "Allow from all",
        "Satisfy Any",
        "Satisfy All",
        "Allow from 127.0.0.1",
        "Deny from env=NOTHING",
    ),
]
OPTIONS = [
    "Options None",
    "Options FollowSymLinks",
    "Options -FollowSymLinks",
    "Options +SymLinksIfOwnerMatch",
    "Options +ExecCGI -Indexes",
    "Options +MultiViews",
]
ANSWERS = [
    *(
        "Redirect 403 /images",
        "Redirect gone /images/x.php",
        "Redirect /images/x.jpg /elsewhere",
        "RedirectMatch 403 \\.php$",
        "RedirectMatch 404 ^/images/sub/",
    ),
    *(
        "AcceptPathInfo On",
        "AcceptPathInfo Off",
        "DirectoryIndex x.php",
        "ErrorDocument 403 /index.html",
        "ErrorDocument 404 /images/x.php",
        "FallbackResource /index.html",
    ),
]
RULES = [
    *(
        "RewriteEngine On",
        "RewriteEngine Off",
        "RewriteEngine On",
        "RewriteRule \\.php$ - [F]",
        "RewriteRule ^ - [L]",
        "RewriteRule ^ - [END]",
    ),
    *(
        "RewriteRule ^/?images/(.*)\\.php$ /images/$1.jpg [L]",
        "RewriteRule ^(.*)\\.jpg$ $1.php [L]",
        "RewriteRule x\\.inc - [H=application/x-httpd-php]",
    ),
    *(
        "RewriteRule \\.php$ - [T=text/plain]",
        "RewriteRule php - [G]",
        "RewriteRule \\.ph /index.html [R,L]",
        "RewriteRule ^x - [S=1]",
        "RewriteRule ^/images/ - [L,NC]",
    ),
    *(
        "RewriteRule ^images/ - [F]",
        "RewriteRule !\\.jpg$ - [F]",
        "RewriteRule ^ - [E=A:1]",
        "RewriteRule sub/ - [C]",
        "RewriteRule ^(.*)$ /images/$1 [PT]",
    ),
    *("RewriteOptions Inherit", "RewriteOptions InheritBefore", "RewriteRule \\.php$ -", "RewriteRule ^/(.*)$ /images/../$1"),
    *(
        f"RewriteCond {condition}\nRewriteRule ^ - [F]"
        for condition in ("%{REQUEST_URI} \\.php", "%{REQUEST_FILENAME} -f", "%{REQUEST_FILENAME} !-f")
    ),
    *(
        f"RewriteCond {condition}\nRewriteRule php$ - [F]"
        for condition in ("%{REQUEST_METHOD} =POST", "%{HTTP_HOST} test$ [NC]", "%{ENV:A} 1", "%{DOCUMENT_ROOT}/index.html -f")
    ),
    "RewriteCond %{REQUEST_METHOD} =POST [OR]\nRewriteCond %{REQUEST_URI} images\nRewriteRule php - [F]",
    "RewriteCond %{REQUEST_URI} ^(.*)\\.inc$\nRewriteRule ^ %1.php [L]",
]
LIMITS = [
    *(
        "<Limit GET>\nRequire all denied\n</Limit>",
        "<Limit POST>\nRequire all denied\n</Limit>",
        "<LimitExcept GET>\nRequire all denied\n</LimitExcept>",
    ),
    *("<LimitExcept POST>\nDeny from all\n</LimitExcept>", "<RequireAll>\nRequire all granted\nRequire not ip 10.0.0.1\n</RequireAll>"),
    *(
        "<RequireAny>\nRequire all denied\nRequire local\n</RequireAny>",
        "<RequireNone>\nRequire all denied\n</RequireNone>\nRequire all granted",
    ),
    "SetEnvIf Request_URI \\.php$ FOUND\nOrder allow,deny\nAllow from all\nDeny from env=FOUND",
    "SetEnvIf Request_URI images FOUND\nRequire env FOUND",
]
BROKEN = [
    "Frobnicate on",
    "Options -Indexes FollowSymLinks",
    "SetHandler",
    "Require everybody granted",
    "AllowOverride None",
    "DocumentRoot /srv",
    "php_admin_flag engine on",
]

ANYWHERE = [ENGINE, HANDLERS, HANDLERS, TYPES, TYPES, OPTIONS, ANSWERS, RULES, RULES, RULES]
BOTH = st.one_of(*map(st.sampled_from, [*ANYWHERE, REQUIRE, ["Require all granted"], OLD_ACCESS, LIMITS]))
HOST_LINES = st.one_of(*map(st.sampled_from, [*ANYWHERE, ADMIN]))
DIRECTORY_LINES = st.one_of(BOTH, BOTH, BOTH, BOTH, st.sampled_from(ADMIN))
FILES = st.sampled_from(
    [
        *(("Files", name) for name in ("x.php", '"*.php"', "*.ph*", "x.*", '~ "\\.php"', "*")),
        *(("FilesMatch", name) for name in ('"\\.php$"', '"\\.ph(p|tml|ar)"', '"(?i)\\.PHP"', '"^x\\.(jpg|inc)$"', '"\\.(?!jpg)"')),
    ]
)
IFS = st.sampled_from(
    [
        ("If", f'"{expression}"')
        for expression in (
            *(
                "true",
                "false",
                "%{REQUEST_URI} =~ /php/",
                "%{REQUEST_URI} =~ m#^/images/#",
                "%{REQUEST_METHOD} == 'GET'",
                "-f %{REQUEST_FILENAME}",
            ),
            *(
                "%{REQUEST_FILENAME} =~ /images/",
                "%{HTTP_HOST} =~ /test/ && ! %{REQUEST_URI} -strmatch '*.jpg'",
                "%{REQUEST_URI} in { '/images/x.php' }",
            ),
            *("-z %{QUERY_STRING} || false", "toupper(%{REQUEST_URI}) =~ /PHP/", "%{HTTP_USER_AGENT} == ''"),
        )
    ]
)
MODULES = st.sampled_from(
    [
        ("IfModule", name)
        for name in ("mod_php.c", "mod_php8.c", "!mod_php7.c", "mod_rewrite.c", "!mod_rewrite.c", "mod_authz_core.c", "php_module")
    ]
)
DIRECTORIES = st.sampled_from(
    [
        *(
            ("Directory", place)
            for place in (
                UPLOADS,
                DOCROOT,
                f"{UPLOADS}/",
                f"{UPLOADS}/sub",
                "/var/www/*/images",
                f"{UPLOADS}/*",
                "/var/www",
                f"{DOCROOT}/i*",
                "/",
            )
        ),
        *(("Directory", f'~ "{pattern}"') for pattern in ("/images", "/images/sub", "^/var/www/[^/]+/images$")),
        *(("DirectoryMatch", f'"{pattern}"') for pattern in ("/images", "/images/$", "^/var/www/[^/]+/images/sub", "/www/")),
    ]
)
LOCATIONS = st.sampled_from(
    [
        *(
            ("Location", place)
            for place in ("/images", "/images/", "/", "/images/x.php", '"/images/*.php"', "/image", "/images/sub", '~ "\\.php"')
        ),
        *(("LocationMatch", f'"{pattern}"') for pattern in ("\\.php$", "^/images/.*\\.ph", "(?i)^/IMAGES", "/sub/")),
    ]
)
OVERRIDES = st.sampled_from(
    "None|All|All|All|FileInfo|Limit|AuthConfig|Options|Indexes|FileInfo Limit|AuthConfig Options|Options=Indexes FileInfo|Nonfatal=All|Nonfatal=Override FileInfo".split(
        "|"
    )
)


def section(heads: st.SearchStrategy[tuple[str, str]], body: st.SearchStrategy[Node], most: int = 3) -> st.SearchStrategy[Section]:
    bodies = st.lists(body, min_size=1, max_size=most).map(tuple)
    return st.builds(lambda head, inner: Section(*head, inner), heads, bodies)


def within_files(lines: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
    return st.one_of(lines, lines, lines, section(IFS, lines, 2))


def within_directory(lines: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
    inner = st.one_of(lines, lines, section(FILES, within_files(lines)), section(IFS, lines, 2))
    return st.one_of(inner, inner, inner, section(MODULES, inner, 2))


OVERRIDING = OVERRIDES.map("AllowOverride {}".format)
PLAIN_DIRECTORIES = DIRECTORIES.filter(lambda head: head[0] == "Directory" and "~" not in head[1])
HOST_NODES = st.one_of(
    HOST_LINES,
    section(DIRECTORIES, within_directory(DIRECTORY_LINES)),
    section(DIRECTORIES, within_directory(DIRECTORY_LINES)),
    section(PLAIN_DIRECTORIES, st.one_of(OVERRIDING, within_directory(DIRECTORY_LINES))),
    section(FILES, within_files(DIRECTORY_LINES)),
    section(LOCATIONS, within_files(DIRECTORY_LINES)),
    section(IFS, DIRECTORY_LINES),
    st.sampled_from(["Alias /images/ /var/www/shop/images/", "Alias /other /srv", "AccessFileName .acl .htaccess", "RewriteEngine On"]),
)
ACCESS_NODES = st.one_of(*[within_directory(BOTH)] * 15, within_directory(st.sampled_from(BROKEN)))
ACCESS_FILES = st.one_of(st.none(), st.none(), st.lists(ACCESS_NODES, max_size=4).map(tuple))
OPTION_SETS = st.sampled_from(["FollowSymLinks", "FollowSymLinks", "None", "All", "SymLinksIfOwnerMatch", "MultiViews FollowSymLinks"])
UPLOAD_CONFIGURATIONS = st.builds(Upload, st.lists(HOST_NODES, max_size=5).map(tuple), OVERRIDES, OPTION_SETS, ACCESS_FILES, ACCESS_FILES)
