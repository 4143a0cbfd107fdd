"""Server blocks of nginx for property-based tests: locations of every kind with everything that decides about PHP, in any order."""

from __future__ import annotations

from hypothesis import strategies as st

PREFIXES = ["/", "/images", "/images/", "/images/sub/", "/images/x", "/images/x.php", "/files/", "/media/", "/media", "/pics/", "/imag"]
PATTERNS = [
    r"\.php$", r"\.(php|phtml)$", r"\.ph(p|tml|ar)$", r"\.php", r"^/images/.*\.php$", "/images/", r"^/images/", r"[^/]\.php(/|$)", r"^(.+\.php)(/.*)?$",
    r"\.(jpg|png)$", r"^/images/(?<rest>.*)$", r"^/(images|files)/", r"\.inc$", r"^/images/sub/", r"^/media/(.+)$", r"^/media/", '"\\.php$"', r"\.ph(p\d?)$",
    r"\.php\.", "^/[a-z]+/x", r"/$", r"\.PHP$",
]  # fmt: skip
CODES = st.sampled_from(
    ["403", "404", "410", "444", "403 no", "200 yes", "301 /files$uri", "302 http://x.test/", "https://x.test$request_uri", "500"]
)
SOCKETS = st.sampled_from(
    ["unix:/run/php/php8.2-fpm.sock"] * 4
    + ["unix:/run/php/wide.sock", "unix:/run/php/every.sock", "unix:/run/php/plain.sock", "pool", "$chosen"]
)
TARGETS = ["/index.php", "/images/x.php", "/files/x.php", "/page.html", "/images/x.jpg", "/nothing"]
FILE_NAMES = st.sampled_from([
    "$document_root$fastcgi_script_name", "$document_root$fastcgi_script_name", "$document_root$fastcgi_script_name", "$request_filename",
    "$realpath_root$fastcgi_script_name", "$document_root$uri", "$document_root/index.php", "$document_root/images/$fastcgi_script_name", "$document_root$1",
    "$document_root$script", "$document_root$captured", "$document_root$by_host/$tail", "$document_root$by_host$uri",
])  # fmt: skip
CONDITIONS = st.sampled_from([
    "-f $request_filename", "!-f $request_filename", "-d $request_filename", "-e $document_root$uri", "!-e $document_root/images/x.inc", "$is_php",
    "$is_php = 1", "$is_php != 1", r"$uri ~ \.php$", r"$uri ~* \.php$", r"$uri !~ ^/images/", r"$uri ~ ^/images/(.+)$", r"$request_uri ~* \.php",
    "$request_method = POST", "$request_method !~ ^(GET|HEAD)$", "$posts", '$query_string ~ "a=b"', "$args", '$http_user_agent = ""', "$http_x_y ~ z", "$flag",
    "$flag = 1", r"$document_uri ~ (?<script>/[^/]*\.php)$", "$host = other.test", "$scheme = http", "$inside", "$http_cookie", r"$fastcgi_script_name ~ \.php$",
    "-f $document_root$fastcgi_script_name", "-x $request_filename", "$invalid_referer", "$https", "$captured", "$asked", "$again = 1", "$captured ~ ^/files/(.*)$", "$again",
])  # fmt: skip
TRIED = [
    "$captured",
    "$by_host/x.php",
    "$uri",
    "$uri/",
    "$fastcgi_script_name",
    "$uri.html",
    "/images$uri",
    "/files$uri",
    "/images/x.php",
    "$uri.php",
    "/index.php",
    "$document_uri",
    "images/x.php",
]
LAST = [
    "=404",
    "=403",
    "/index.php",
    "/index.php?$args",
    "/index.php?q=$uri",
    "@php",
    "@static",
    "/images/x.php",
    "=410",
    "$uri",
    "/nothing",
    "/files$uri",
]


def one(words: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(words)


def indented(lines: list[str]) -> str:
    return "\n".join("    " + line for text in lines for line in text.split("\n"))


@st.composite
def php(draw: st.DrawFn, *, inside_if: bool = False) -> str:
    """Handing a request to PHP-FPM, with the parameters in one of the usual ways."""
    lines = []
    if not inside_if:
        style = draw(st.integers(0, 5))
        if style == 0:
            lines.append("include snippets/fastcgi-php.conf;")
        elif style <= 3:
            lines.append(draw(one(["include fastcgi_params;", "include fastcgi.conf;"])))
            if draw(st.booleans()):
                lines.insert(
                    0,
                    draw(
                        one(
                            [
                                r"fastcgi_split_path_info ^(.+\.php)(/.+)$;",
                                r"fastcgi_split_path_info ^(.+?\.php)(/.*)$;",
                                r"fastcgi_split_path_info ^(/images)(.*)$;",
                            ]
                        )
                    ),
                )
                lines.append(draw(one(["fastcgi_param PATH_INFO $fastcgi_path_info;", "fastcgi_param PATH_INFO $uri if_not_empty;", ""])))
            lines.append(f"fastcgi_param SCRIPT_FILENAME {draw(FILE_NAMES)};")
            if draw(st.integers(0, 4)) == 0:
                lines.append(
                    draw(
                        one(
                            [
                                "fastcgi_index index.php;",
                                'fastcgi_param PHP_ADMIN_VALUE "engine=off";',
                                'fastcgi_param PHP_VALUE "engine=0";',
                                "fastcgi_intercept_errors on;",
                                "fastcgi_param REQUEST_METHOD GET;",
                            ]
                        )
                    )
                )
    lines.append(f"fastcgi_pass {draw(SOCKETS)};")
    return "\n".join(line for line in lines if line)


@st.composite
def rewriting(draw: st.DrawFn, *, depth: int = 1) -> str:
    """A directive of the rewrite module."""
    kind = draw(st.integers(0, 9))
    if kind <= 3:
        pattern = draw(one([*PATTERNS, "^", "^(.*)$", "^/images/(.*)$", r"^/images/(.+)\.php$", "^/pics/(.*)$", r"^/(.*)\.(jpg)$"]))
        replacement = draw(
            one(
                [
                    *TARGETS,
                    "/files/$1",
                    "/images/$1",
                    "$uri",
                    "/index.php?path=$1",
                    "/images/x.php?",
                    "/pics/$1",
                    "$1",
                    "/files$uri",
                    "$captured",
                    "$script",
                    "http://x.test/$1",
                ]
            )
        )
        flag = draw(one(["", " last", " break", " redirect", " last", " break", " permanent"]))
        return f"rewrite {pattern} {replacement}{flag};"
    if kind == 4:
        return f"return {draw(CODES)};"
    if kind == 5:
        return "break;"
    if kind == 6 or depth == 0:
        return draw(
            one(
                [
                    "set $flag 1;",
                    "set $flag 0;",
                    "set $script $uri;",
                    "set $script /images/x.php;",
                    "set $script $fastcgi_script_name;",
                    'set $flag "$is_php";',
                    "set $flag $1;",
                    "set $script $1;",
                    "set $args a=b;",
                    "set $script $fastcgi_path_info;",
                ]
            )
        )
    inner = draw(st.lists(rewriting(depth=0), min_size=1, max_size=2))
    return f"if ({draw(CONDITIONS)}) {{\n{indented(inner)}\n}}"


@st.composite
def conditional(draw: st.DrawFn) -> str:
    """An `if` of a location, with more than rewrites in it."""
    inner = draw(
        st.lists(
            st.one_of(
                rewriting(depth=0),
                php(inside_if=True),
                one(["set $flag 1;", "error_page 404 /index.php;", "root /srv;", "expires 1d;", "fastcgi_pass unix:/run/php/wide.sock;"]),
            ),
            min_size=1,
            max_size=2,
            unique=True,
        )
    )
    inner = [line for line in inner if "fastcgi_pass" not in line] + [line for line in inner if "fastcgi_pass" in line][:1]
    return f"if ({draw(CONDITIONS)}) {{\n{indented(inner)}\n}}"


ACCESS = st.sampled_from([
    "deny all;", "deny all;", "allow all;", "allow 127.0.0.1;\ndeny all;", "allow 10.0.0.0/8;\ndeny all;", "deny 10.0.0.0/8;", "allow 127.0.0.0/8;",
    'auth_basic "x";\nauth_basic_user_file /etc/shop.htpasswd;', "satisfy any;\nallow 127.0.0.1;\ndeny all;\nauth_basic x;\nauth_basic_user_file /etc/shop.htpasswd;",
    "satisfy any;\ndeny all;\nauth_basic x;\nauth_basic_user_file /etc/shop.htpasswd;", "auth_basic off;", "internal;", "deny unix:;", "auth_request /yes;", "auth_request /no;",
    "auth_request off;", "satisfy any;", "allow ::1;\ndeny all;", "deny 192.168.0.0/16;\nallow 127.0.0.1;\ndeny all;",
])  # fmt: skip
LIMIT = st.sampled_from(
    [
        "limit_except GET { deny all; }",
        "limit_except POST { deny all; }",
        "limit_except POST { allow all; }",
        "limit_except GET POST { auth_basic x; auth_basic_user_file /etc/shop.htpasswd; }",
        "limit_except POST { allow 127.0.0.1; deny all; }",
    ]
)
ERROR_PAGES = st.sampled_from([
    "error_page 404 /index.php;", "error_page 404 = @php;", "error_page 403 404 = /images/x.php;", "error_page 403 @php;", "error_page 404 =200 /images/x.php;",
    "error_page 403 /page.html;", "error_page 404 $uri.php;", "error_page 405 =200 $uri;", "error_page 404 http://x.test/;", "error_page 301 403 /images/x.php;",
    "error_page 404 /index.php;\nrecursive_error_pages on;", "error_page 403 /nothing;\nerror_page 404 /images/x.php;\nrecursive_error_pages on;", "error_page 401 @php;",
    "error_page 404 @static;", "error_page 500 /images/x.php;", "error_page 410 302 = /files/x.php;",
])  # fmt: skip


@st.composite
def try_files(draw: st.DrawFn) -> str:
    return f"try_files {' '.join(draw(st.lists(one(TRIED), min_size=1, max_size=3)))} {draw(one(LAST))};"


def places(number: int, regex: bool) -> st.SearchStrategy[str]:
    found = [f"root /srv/s{number};", f"root /var/www/s{number}/images;", f"root /var/www/s{number}/;", "root /srv;"]
    if regex:
        found += [
            f"alias /srv/s{number}/$1;",
            f"alias /srv/s{number}/x.php;",
            f"alias /srv/s{number}/$rest;",
            f"alias /var/www/s{number}$uri;",
        ]
    else:
        found += [f"alias /srv/s{number}/;", f"alias /srv/s{number};", f"alias /var/www/s{number}/images/;"]
    return one(found)


@st.composite
def body(draw: st.DrawFn, number: int, opening: str, *, depth: int, always_php: bool = False) -> str:
    """What is in a location."""
    regex, prefix = opening.startswith("~"), opening.rsplit(" ", maxsplit=1)[-1]
    exact = opening.startswith(("=", "@"))
    lines: list[str] = []
    if always_php or draw(st.booleans()):
        lines.append(draw(php()))
    others: list[st.SearchStrategy[str]] = [
        rewriting(),
        rewriting(),
        conditional(),
        ACCESS,
        ACCESS,
        LIMIT,
        ERROR_PAGES,
        one(
            [
                "",
                "expires 1d;",
                "autoindex on;",
                "index x.php;",
                "index /images/x.php;",
                "index nothing x.php;",
                "empty_gif;",
                "recursive_error_pages on;",
                "fastcgi_intercept_errors on;",
                "stub_status;",
                "satisfy any;",
                "add_header X y;",
            ]
        ),
    ]
    if not any("try_files" in line or "snippets" in line for line in lines):
        others += [try_files(), try_files()]
    if not opening.startswith("@"):
        others.append(places(number, regex))
    seen = {line.split(" ")[0] for text in lines for line in text.split("\n")} - {"include", "fastcgi_param"}
    for text in draw(st.lists(st.one_of(others), max_size=3)):
        word = text.split(" ")[0]
        if (
            text
            and (word not in seen or word in ("rewrite", "if", "set", "return", "break"))
            and not ({word} & {"root", "alias"} and {"root", "alias"} & seen)
        ):
            seen.add(word)
            lines.append(text)
    if depth and not exact:
        inner = st.lists(location(number, within="" if regex else prefix, regex_only=regex, depth=depth - 1), max_size=2, unique_by=_key)
        lines += draw(st.one_of(st.just([]), inner))
    return indented(draw(st.permutations(lines)))


def _key(text: str) -> str:
    """Locations that nginx takes for the same."""
    return text.partition(" {")[0].replace("^~ ", "") if "~ " not in text.replace("^~ ", "") else text.partition(" {")[0]


@st.composite
def location(draw: st.DrawFn, number: int, within: str = "", *, regex_only: bool = False, depth: int = 1) -> str:
    """A location, inside the one that stands for `within`."""
    kind = draw(one(["~", "~*", "~", "~*"] if regex_only else ["", "", "^~", "=", "~", "~*", "~", ""]))
    if kind in ("~", "~*"):
        opening = f"{kind} {draw(one(PATTERNS))}"
    else:
        fitting = [prefix for prefix in [*PREFIXES, "/index.php", "/images/x.jpg", "/images/sub/x.php"] if prefix.startswith(within)]
        opening = f"{kind} {draw(one(fitting or [within + 'x']))}".strip()
    return f"location {opening} {{\n{draw(body(number, opening, depth=depth))}\n}}"


@st.composite
def server(draw: st.DrawFn, number: int) -> str:
    """A server block with locations, and what holds for all of them."""
    items = draw(st.lists(location(number), min_size=1, max_size=4, unique_by=_key))
    if draw(st.booleans()):
        items.append(f"location {draw(one(['~', '~*']))} {draw(one(PATTERNS[:4]))} {{\n{indented([draw(php())])}\n}}")
    if draw(st.integers(0, 3)) == 0:
        items.append(draw(st.one_of(rewriting(), ACCESS, ERROR_PAGES, try_files())))
    if draw(st.integers(0, 7)) == 0:
        items.append(
            draw(
                one(
                    [
                        "include fastcgi.conf;",
                        "fastcgi_intercept_errors on;",
                        "merge_slashes off;",
                        "autoindex on;",
                        r"fastcgi_split_path_info ^(.+\.php)(/.+)$;",
                        "valid_referers none x.test;",
                        "recursive_error_pages on;",
                        "fastcgi_index x.php;",
                    ]
                )
            )
        )
    items += [
        f"location @php {{\n{draw(body(number, '@php', depth=0, always_php=True))}\n}}",
        f"location @static {{\n{draw(body(number, '@static', depth=0))}\n}}",
        'location = /never { set $script ""; set $flag ""; if ($uri ~ "(?<rest>x)") { break; } }',
        "location = /yes { return 204; }",
        "location = /no { return 403; }",
    ]
    head = [
        f"server_name s{number}.test;",
        f"root /var/www/s{number};",
        draw(one(["index index.php index.html;", "index x.php;", ""])),
        "listen 80;",
    ]
    return f"server {{\n{indented([*head, *draw(st.permutations(items))])}\n}}\n"
