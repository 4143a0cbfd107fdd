"""Server blocks for `test_nginx_requests`, a name and a text each; `N` stands for the site's number."""

from __future__ import annotations

PHP = r"""location ~ \.php$ {
    include snippets/fastcgi-php.conf;
    fastcgi_pass unix:/run/php/php8.2-fpm.sock;
}
"""
BARE = """include fastcgi_params;
    fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
    fastcgi_pass unix:/run/php/every.sock;"""
EVERY = rf"""location ~ \.php$ {{
    {BARE}
}}
"""
ANY = f"""location / {{
    {BARE}
}}
"""
LOGIN = "auth_basic x; auth_basic_user_file /etc/shop.htpasswd;"

CASES = {
    "stock": PHP,
    "bare parameters": EVERY,
    "exact location wins": "location = /images/x.php { deny all; }\n" + PHP,
    "caret prefix wins": "location ^~ /images/ { }\n" + PHP,
    "plain prefix loses to a regex": "location /images/ { deny all; }\n" + PHP,
    "regex before PHP": r"location ~* ^/images/.*\.php$ { deny all; }" + PHP,
    "regex after PHP": PHP + r"location ~* ^/images/.*\.php$ { deny all; }",
    "regex ignores case": r"location ~* \.PHP$ { deny all; }" + ANY,
    "regex minds case": r"location ~ \.PHP$ { deny all; }" + EVERY,
    "quoted regex with an escape": 'location ~ "\\\\.php$" { deny all; }\n' + EVERY,
    "quoted regex with braces": 'location ~ "/x\\.ph[p]{1}$" { return 403; }\n' + EVERY,
    "nested deny": r"location /images/ { location ~ \.php$ { deny all; } }" + PHP,
    "nested PHP": r"location /images/ { location ~ \.php$ { " + BARE + " } }",
    "nested under caret": r"location ^~ /images/ { location ~ \.php$ { " + BARE + " } location /images/sub/ { } }",
    "nested regex in regex": r"location ~ ^/images/ { location ~ \.php$ { return 403; } }" + PHP,
    "root and alias are inherited": "location /media/ { alias /srv/sN/; location ~ x.php$ { "
    + BARE.replace("$document_root$fastcgi_script_name", "$request_filename")
    + " } }",
    "alias": "location /media/ { alias /srv/sN/; }\n" + PHP,
    "alias with PHP by request_filename": r"location /media/ { alias /srv/sN/; location ~ \.php$ { include fastcgi_params; fastcgi_param SCRIPT_FILENAME $request_filename; fastcgi_pass unix:/run/php/every.sock; } }",
    "alias without a slash": "location /media { alias /srv/sN; location ~ php { "
    + BARE.replace("$document_root$fastcgi_script_name", "$request_filename")
    + " } }",
    "alias with one slash too few": "location /media { alias /srv/sN/; try_files $uri =404; "
    + BARE.replace("$document_root$fastcgi_script_name", "$request_filename")
    + " }",
    "alias by regex": r"location ~ ^/media/(.+\.php)$ { alias /srv/sN/$1; "
    + BARE.replace("$document_root$fastcgi_script_name", "$request_filename")
    + " }",
    "alias by named capture": r"location ~ ^/media/(?<rest>.+\.php)$ { alias /srv/sN/$rest; "
    + BARE.replace("$document_root$fastcgi_script_name", "$request_filename")
    + " }",
    "alias and try_files": r"location /media/ { alias /srv/sN/; try_files $uri =404; "
    + BARE.replace("$document_root$fastcgi_script_name", "$request_filename")
    + " }",
    "alias and try_files with a fallback": r"location /media/ { alias /srv/sN/; try_files $uri $uri/ /media/x.php; location ~ \.php$ { "
    + BARE.replace("$document_root$fastcgi_script_name", "$request_filename")
    + " } }",
    "alias after a rewrite with break": "location /media/ { rewrite ^/media/(.*)$ /media/$1 break; alias /srv/sN/; "
    + BARE.replace("$document_root$fastcgi_script_name", "$request_filename")
    + " }",
    "root of a location": "location /media/ { root /srv/sN/; rewrite ^/media(/.*)$ $1 break; " + BARE + " }",
    "root with a variable": "location /files/ { set $where /srv/sN; root $where; rewrite ^/files(/.*)$ $1 break; " + BARE + " }",
    "try_files lets PHP files pass": r"location ~ \.php$ { try_files $uri =404; " + BARE + " }",
    "try_files of a caret location": "location ^~ /images/ { try_files $uri =404; }\n" + PHP,
    "try_files to a front controller": "location / { try_files $uri $uri/ /index.php?$args; }\nlocation = /index.php { " + BARE + " }",
    "try_files to a named location": "location / { try_files /nothing @php; }\nlocation @php { " + BARE + " }",
    "try_files with a name before": "location /pics/ { try_files /images$uri /images/x.php =404; }\n" + PHP,
    "try_files to another URI": "location /pics/ { try_files /nothing /images/x.php; }\n" + PHP,
    "try_files goes round": "location / { try_files /nothing /page/$uri; }",
    "try_files in an if": r"location / { if ($uri ~ php) { set $x 1; } try_files $uri =404; " + BARE + " }",
    "if hands to PHP": r"location / { if ($uri ~ \.(php|jpg)$) { fastcgi_pass unix:/run/php/every.sock; } include fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; }",
    "if returns": r"location ~ \.php$ { if ($uri ~ ^/images/) { return 403; } " + BARE + " }",
    "if in the server": r"if ($request_uri ~* ^/images/.*\.php) { return 403; }" + PHP,
    "if on the method": "location ~ \\.php$ { if ($request_method != POST) { return 405; } " + BARE + " }",
    "if a file exists": "location / { if (-f $request_filename) { rewrite ^ /images/x.php last; } }\n" + PHP,
    "if no file exists": "location / { if (!-e $request_filename) { rewrite ^(.*)$ /index.php?q=$1 last; } }\n" + PHP,
    "two ifs and a variable": r"set $bad 0; if ($uri ~ ^/images/) { set $bad 1; } if ($uri ~ \.php$) { set $bad '${bad}1'; } if ($bad = 11) { return 404; }"
    + PHP,
    "the last if is the location": "location ~ php { if ($uri) { root /srv; } if ($uri) { expires 1d; } " + BARE + " }",
    "return": "location ^~ /images/ { return 404; }\n" + PHP,
    "return with a text and an error page": "location ^~ /images/ { error_page 403 /files/x.php; return 403 no; }\n" + PHP,
    "return and an error page": "location ^~ /images/ { error_page 403 /files/x.php; return 403; }\n" + PHP,
    "return in the server": "return 403;\n" + PHP,
    "redirect to TLS": "return 301 https://$host$request_uri;\n" + PHP,
    "rewrite to PHP": "rewrite ^/pics/(.*)$ /images/$1 last;\n" + PHP,
    "rewrite away from PHP": r"rewrite ^/images/(.*)\.php$ /images/$1.txt last;" + PHP,
    "rewrite with break stays": "location /images/ { rewrite ^(.*)$ $1 break; }\n" + PHP,
    "rewrite in the PHP location": r"location ~ \.php$ { rewrite ^/images/(.*)$ /files/$1 break; " + BARE + " }",
    "rewrite goes round": "location / { rewrite ^ /x last; }",
    "rewrite with a redirect": r"rewrite ^/images/(.*\.php)$ http://shop.test/$1;" + PHP,
    "rewrite then break": "location / { rewrite ^/pics/(.*)$ /images/$1; break; " + BARE + " }",
    "captures of a regex location": r"location ~ ^/(images|files)/(.+\.php)$ { include fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root/files/$2; fastcgi_pass unix:/run/php/every.sock; }",
    "captures are lost": r"location ~ ^/images/(.+)$ { if ($uri ~ x) { set $flag 1; } include fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root/images/$1; fastcgi_pass unix:/run/php/every.sock; } set $flag 0;",
    "deny all": r"location ~ \.php$ { deny all; " + BARE + " }",
    "deny in the server": "deny all;\n" + PHP,
    "deny in the server, allowed again": r"deny all; location ~ \.php$ { allow all; " + BARE + " }",
    "the host itself is let in": r"location ~ \.php$ { allow 127.0.0.1; deny all; " + BARE + " }",
    "only other networks are let in": r"location ~ \.php$ { allow 10.0.0.0/8; allow ::1; deny all; " + BARE + " }",
    "one network is kept out": r"location ~ \.php$ { deny 10.0.0.0/8; allow all; " + BARE + " }",
    "login": r"location ~ \.php$ { " + LOGIN + BARE + " }",
    "login of the server, off for PHP": LOGIN + r"location ~ \.php$ { auth_basic off; " + BARE + " }",
    "login or address": r"location ~ \.php$ { satisfy any; allow 127.0.0.1; deny all; " + LOGIN + BARE + " }",
    "login or an address that nobody has": r"location ~ \.php$ { satisfy any; deny all; " + LOGIN + BARE + " }",
    "subrequest lets in": r"location = /yes { return 204; } location ~ \.php$ { auth_request /yes; " + BARE + " }",
    "subrequest keeps out": r"location = /no { internal; return 401; } location ~ \.php$ { auth_request /no; " + BARE + " }",
    "limit_except lets GET pass": r"location ~ \.php$ { limit_except GET { deny all; } " + BARE + " }",
    "limit_except keeps GET out": r"location ~ \.php$ { limit_except POST { deny all; } " + BARE + " }",
    "limit_except skips rewrites": r"location ~ \.php$ { limit_except POST { allow all; } return 403; " + BARE + " }",
    "limit_except hands on beside another handler": "location / { limit_except POST { allow all; } " + BARE + " empty_gif; }",
    "internal": r"location ~ \.php$ { internal; " + BARE + " }",
    "internal, reached by a rewrite": r"rewrite ^/pics/(.*)$ /images/$1; location ~ \.php$ { internal; " + BARE + " }",
    "error page is a named location": "error_page 404 = @php; location @php { " + BARE + " }",
    "error page is PHP": "location /images/ { deny all; error_page 403 /files/x.php; }\nlocation /files/ { " + BARE + " }",
    "error pages once": r"error_page 404 /nothing.html; error_page 403 /images/x.php; location = /nothing.html { return 403; }" + PHP,
    "error pages again": r"recursive_error_pages on; error_page 404 /nothing.html; error_page 403 /images/x.php; location = /nothing.html { return 403; } location /images/ { internal; "
    + BARE
    + " }",
    "error page of a login": "location /images/ { " + LOGIN + " error_page 401 @php; }\nlocation @php { " + BARE + " }",
    "error page with intercepted errors": "location /images/ { fastcgi_intercept_errors on; error_page 404 /files/x.php; include fastcgi_params; fastcgi_param SCRIPT_FILENAME /nothing; fastcgi_pass unix:/run/php/every.sock; }\n"
    + PHP,
    "index": "index x.php; autoindex on;\n" + PHP,
    "index elsewhere": "location /files/ { index /images/x.php; }\n" + PHP,
    "PHP for everything": ANY,
    "PHP for everything, default extensions": ANY.replace("every", "php8.2-fpm"),
    "PHP for everything, wide extensions": ANY.replace("every", "wide"),
    "PHP without path info": ANY.replace("every", "plain"),
    "path info split": r"location ~ \.php(/|$) { fastcgi_split_path_info ^(.+?\.php)(/.*)$; fastcgi_param PATH_INFO $fastcgi_path_info; "
    + BARE
    + " }",
    "path info split without a check": r"location ~ [^/]\.php(/|$) { fastcgi_split_path_info ^(.+\.jpg)(/.*)$; " + BARE + " }",
    "parameters replace those of the server": "include fastcgi.conf; location / { fastcgi_param X y; fastcgi_pass unix:/run/php/every.sock; }",
    "parameters of the server": "include fastcgi.conf; location / { fastcgi_pass unix:/run/php/every.sock; }",
    "the last parameter counts": "location / { fastcgi_param SCRIPT_FILENAME /nothing; " + BARE + " }",
    "one script for all": r"location ~ \.php$ { include fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root/index.php; fastcgi_pass unix:/run/php/every.sock; }",
    "engine off": r"location ~ ^/images/.*\.php$ { fastcgi_param PHP_ADMIN_VALUE 'engine=off'; " + BARE + " }\n" + PHP,
    "engine off and on": r"location ~ ^/images/.*\.php$ { fastcgi_param PHP_VALUE 'engine=off'; fastcgi_param PHP_VALUE 'engine=on'; "
    + BARE
    + " }\n"
    + PHP,
    "realpath": ANY.replace("$document_root", "$realpath_root"),
    "upstream": EVERY.replace("unix:/run/php/every.sock", "pool"),
    "upstream by a map": ANY.replace("unix:/run/php/every.sock", "$chosen"),
    "no pool there": EVERY.replace("every.sock", "gone.sock"),
    "map decides": "if ($is_php) { return 403; }\n" + ANY,
    "geo decides": r"location ~ \.php$ { if ($inside) { return 403; } " + BARE + " }",
    "split location of a slash": "location /images/ { " + BARE + " }",
    "slash is added": "location /images/sub/ { " + BARE + " }",
    "slashes are kept": "merge_slashes off; location ^~ /images/ { }\n" + PHP,
    "empty_gif": "location /images/ { empty_gif; }",
    "stub_status": "location ^~ /images/ { stub_status; }\n" + PHP,
    "handler of the if": r"location ~ \.php$ { if ($uri ~ images) { return 200 no; } " + BARE + " }",
    "an include in a location": r"location ~ \.php$ { include snippets/fastcgi-php.conf; fastcgi_param SCRIPT_FILENAME $request_filename; fastcgi_pass pool; }",
    "proxied to itself": "location /media/ { proxy_pass http://127.0.0.1:80/images/; proxy_set_header Host $host; }\n" + PHP,
    "proxied as it is": "location /x/ { proxy_pass http://127.0.0.1; }\n" + PHP,
    "links are forbidden": "disable_symlinks on;\n" + PHP,
    "links are forbidden below the root": "disable_symlinks on from=$document_root;\n" + PHP,
    "links of others are forbidden": "disable_symlinks if_not_owner;\n" + PHP,
    "links are forbidden where PHP does not look": "disable_symlinks on;\n" + EVERY,
    "links are forbidden in an if": "disable_symlinks on; if (!-f $request_filename) { return 403; }\n" + EVERY,
    "links are forbidden with a fallback": "disable_symlinks on; location / { try_files $uri /images/x.php; }\n" + EVERY,
    "uwsgi to PHP-FPM": "location / { include uwsgi_params; uwsgi_pass unix:/run/php/every.sock; }",
    "scgi to PHP-FPM": "location / { include scgi_params; scgi_pass unix:/run/php/every.sock; error_page 502 @php; }\nlocation @php { "
    + BARE
    + " }",
    "HTTP to PHP-FPM": "location / { proxy_pass http://unix:/run/php/every.sock; }",
    "a socket with a colon": ANY.replace("every.sock", "every.sock:"),
    "a script from a capture": r"location ~ ^/pics/(?<p>.+\.php)$ { include fastcgi_params; fastcgi_param SCRIPT_FILENAME /srv/sN/$p; fastcgi_pass unix:/run/php/every.sock; }",
    "a regex with a slash at its end": "location ~ /$ { deny all; }\n" + PHP,
    "the method of a page": "location / { error_page 405 =200 /images/x.php; }\n" + PHP,
}


def server(number: int, body: str) -> str:
    """The whole server block of a case."""
    return (
        f"server {{\nlisten 80;\nserver_name s{number}.test;\nroot /var/www/s{number};\nindex index.php index.html;\n"
        + body.replace("sN", f"s{number}")
        + "\n}\n"
    )
