"""What is decided, by which line, and what is left open."""

from __future__ import annotations

import pytest
from nginx_site import PHP, nginx, server


def closed_if(condition: str) -> str:
    return "location ~ \\.php$ {\nif (" + condition + ") { return 403; }\n" + PHP.partition("\n")[2]


def test_the_line_that_hands_the_file_to_php_decides(root):
    with nginx(root, server(PHP)) as found:
        verdict = found.verdict("/images/x.php")
        assert (verdict.executes, verdict.handler) == (True, "fpm unix:/run/php/shop.sock")
        assert str(verdict.place) == "/etc/nginx/sites-enabled/0.conf:8"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("deny all;", "deny all"),
        ("allow 10.0.0.0/8; deny all;", "10.0.0.0/8"),
        ("auth_basic x; auth_basic_user_file f;", "login"),
        ("return 404;", "return 404"),
        ("internal;", "internal"),
        ("try_files /nothing =404;", "try_files"),
    ],
)
def test_the_line_that_keeps_php_away_decides(root, line, reason):
    with nginx(root, server("location ^~ /images/ {\n" + line + "\n}\n" + PHP)) as found:
        verdict = found.verdict("/images/x.php")
        assert verdict.executes is False
        assert reason in verdict.reason
        assert str(verdict.place) == "/etc/nginx/sites-enabled/0.conf:6"


def test_another_script_that_runs_is_no_execution_of_the_upload(root):
    root.write("/var/www/shop/index.php", "")
    with nginx(
        root,
        server(
            "try_files $uri /index.php;\nlocation / { try_files /nothing /index.php; }\nlocation = /index.php {" + PHP.partition("{")[2]
        ),
    ) as found:
        verdict = found.verdict("/images/x.php")
        assert verdict.executes is False
        assert "/var/www/shop/index.php runs instead" in verdict.reason


@pytest.mark.parametrize(
    "condition",
    ["$http_x_allow", "$cookie_a = 1", "$arg_x ~ ^1", "$args", "$request_method = POST", "$http_user_agent !~ bot", "$request_uri !~ php"],
)
def test_what_the_client_sends_is_a_plain_request_unless_it_is_crafted(root, condition):
    with nginx(root, server(closed_if(condition))) as found:
        plain = found.verdict("/images/x.php").executes
        assert plain is (condition != "$http_user_agent !~ bot")
        assert found.verdict("/images/x.php", crafted=True).executes is True


def test_a_crafted_request_may_use_a_method_that_limit_except_lets_pass(root):
    with nginx(root, server("location ~ \\.php$ {\nlimit_except POST { deny all; }\n" + PHP.partition("\n")[2])) as found:
        assert found.verdict("/images/x.php").executes is False
        assert found.verdict("/images/x.php", crafted=True).executes is True


@pytest.mark.parametrize("condition", ["$ssl_server_name_of_module", "$split", "$hostname = a"])
def test_a_condition_that_nobody_knows_is_undecided(root, condition):
    with nginx(root, server(closed_if(condition)), http='split_clients "${remote_addr}" $split { 50% 1; * 0; }') as found:
        assert found.verdict("/images/x.php").executes is None
        assert found.verdict("/images/x.jpg").executes is False


def test_a_map_of_what_the_client_sends_is_the_attackers_choice(root):
    with nginx(root, server(closed_if("$closed")), http="map $http_x $closed { default 1; secret 0; }") as found:
        assert found.verdict("/images/x.php").executes is False
        assert found.verdict("/images/x.php", crafted=True).executes is True


def test_a_map_of_something_unknown_is_undecided(root):
    with nginx(root, server(closed_if("$closed")), http="map $module_x $closed { default 1; a 0; }") as found:
        assert found.verdict("/images/x.php").executes is None


def test_a_root_that_is_not_known_is_undecided(root):
    with nginx(root, server("location /images/ { root /srv/$module_x; }\n" + PHP)) as found:
        assert found.verdict("/images/x.jpg").executes is None


@pytest.mark.parametrize(
    "handler",
    [
        "proxy_pass http://127.0.0.1:8080;",
        "uwsgi_pass unix:/run/x;",
        "grpc_pass grpc://x:1;",
        "js_content a.b;",
        "perl 'sub {}';",
        "echo hello;",
    ],
)
def test_other_handlers_are_undecided(root, handler):
    with nginx(root, server("location /images/ { " + handler + " }")) as found:
        assert found.verdict("/images/x.php").executes is None


@pytest.mark.parametrize("handler", ["stub_status;", "empty_gif;", "flv;", "mp4;", "autoindex on;"])
def test_handlers_without_php_run_none(root, handler):
    with nginx(root, server("location /images/ { " + handler + " }")) as found:
        assert found.verdict("/images/x.php").executes is False


def test_requests_for_another_name_reach_another_server(root):
    other = server(PHP, name="other.test", listen="80 default_server")
    with nginx(root, server(PHP), other) as found:
        assert found.verdict("/images/x.php", host="shop.test").executes is True
        verdict = found.verdict("/images/x.php", host="nobody.test")
        assert verdict.executes is False
        assert "/etc/nginx/sites-enabled/1.conf:1" in verdict.reason


def test_the_default_server_answers_requests_without_its_name(root):
    with nginx(root, server(PHP, name="_", listen="80 default_server")) as found:
        assert found.verdict("/images/x.php", host="").executes is True
        assert set(found.site.names) == {"_", ""}


def test_each_address_is_asked_with_its_own_scheme(root):
    body = "listen 443 ssl;\nif ($scheme = http) { return 301 https://$host$request_uri; }\n"
    with nginx(root, server(body + PHP)) as found:
        assert found.verdict("/images/x.php").executes is True
    with nginx(root, server(body.replace("listen 443 ssl;", "") + PHP)) as found:
        assert found.verdict("/images/x.php").executes is False


@pytest.mark.parametrize("line", ["ssl_verify_client on;", "ssl_reject_handshake on;"])
def test_a_client_certificate_keeps_visitors_out(root, line):
    with nginx(root, server(line + PHP, listen="443 ssl")) as found:
        assert found.verdict("/images/x.php").executes is False
    with nginx(root, server(line + "listen 80;\n" + PHP, listen="443 ssl")) as found:
        assert found.verdict("/images/x.php").executes is True


def test_an_address_of_its_own_is_asked_by_the_host_itself(root):
    with nginx(root, server("allow 127.0.0.1; deny all;\n" + PHP, listen="127.0.0.1:8080")) as found:
        assert found.verdict("/images/x.php").executes is True
    with nginx(root, server("allow 127.0.0.1; deny all;\n" + PHP, listen="10.0.0.1:80")) as found:
        assert found.verdict("/images/x.php").executes is False
    with nginx(root, server("allow unix:; deny all;\n" + PHP, listen="unix:/run/shop.sock")) as found:
        assert found.verdict("/images/x.php").executes is True


def test_a_login_of_another_program_may_let_in(root):
    with nginx(root, server("location = /auth { proxy_pass http://127.0.0.1:9; }\nauth_request /auth;\n" + PHP)) as found:
        assert found.verdict("/images/x.php").executes is None


def test_a_mirrored_request_that_runs_php_runs_php(root):
    copy = "location /images/ { mirror /copy; }\nlocation = /copy { internal;\n"
    parameters = "fastcgi_param SCRIPT_FILENAME /var/www/shop/images/x.php;\nfastcgi_param REQUEST_METHOD GET;\nfastcgi_pass unix:/run/php/shop.sock;\n}"
    with nginx(root, server(copy + parameters)) as found:
        assert found.verdict("/images/x.php").executes is True


def test_an_action_after_the_answer_that_runs_php_runs_php(root):
    after = "location /images/ { post_action @after; }\nlocation @after {\n"
    parameters = (
        "fastcgi_param SCRIPT_FILENAME $document_root$uri;\nfastcgi_param REQUEST_METHOD GET;\nfastcgi_pass unix:/run/php/shop.sock;\n}"
    )
    with nginx(root, server(after + parameters)) as found:
        assert found.verdict("/images/x.php").executes is True
    with nginx(root, server("location /images/ { post_action @after; }\nlocation @after { return 204; }")) as found:
        assert found.verdict("/images/x.php").executes is False


def test_an_upstream_runs_php_if_one_of_its_servers_does(root):
    http = "upstream php { server unix:/run/php/gone.sock; server unix:/run/php/shop.sock; server unix:/run/x down; }"
    with nginx(root, server(PHP.replace("unix:/run/php/shop.sock", "php")), http=http) as found:
        assert found.verdict("/images/x.php").executes is True
        assert [address for address, _ in found.site.fpm_addresses()] == ["unix:/run/php/gone.sock", "unix:/run/php/shop.sock"]
        assert found.site.php_users() == ["shop"]


def test_addresses_of_variables_are_those_of_their_maps(root):
    http = "map $uri $php { default unix:/run/php/shop.sock; ~x unix:/run/php/other.sock; }"
    with nginx(root, server(PHP.replace("unix:/run/php/shop.sock", "$php")), http=http) as found:
        assert sorted(address for address, _ in found.site.fpm_addresses()) == ["unix:/run/php/other.sock", "unix:/run/php/shop.sock"]
    with nginx(root, server(PHP.replace("unix:/run/php/shop.sock", "$module_x"))) as found:
        assert found.site.fpm_addresses() == []
        assert any("0.conf:8" in gap for gap in found.gaps)
