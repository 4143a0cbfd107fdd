"""Reading a configuration that is broken, hostile or spread over many files."""

from __future__ import annotations

import time

import pytest
from nginx_site import PHP, Nginx, nginx, server

from hardaudit.target.target import Target


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("server {\nlisten 80;\n", 1, "unexpected end of file"),
        ("server { listen 80; } }\n", 1, 'unexpected "}"'),
        ("server {\n listen 80\n}\n", 3, 'unexpected "}"'),
        ('server {\n server_name "shop;\n}\n', 2, "not closed"),
        ("server {\n ; }\n", 2, 'unexpected ";"'),
        ('server {\n root "/a"b; }\n', 2, "unexpected"),
        ("server {\n root /" + "a" * 5000 + "; }\n", 2, "4096"),
        ("server {\n listen 80;\n alias /srv; }\n", 3, "not allowed here"),
        ("server {\n listen 80;\n autoindex maybe; }\n", 3, "must be"),
        ("server {\n listen 80;\n include gone.conf; }\n", 3, "cannot be read"),
        ("server {\n listen 80;\n location /a/ {\n location /b/ { } } }\n", 4, "outside"),
        ("server {\n listen 80;\n location /a/ { }\n location ^~ /a/ { } }\n", 4, "duplicate"),
        ("server {\n listen 80;\n location ?? /a/ { } }\n", 3, "modifier"),
    ],
)
def test_what_nginx_would_not_start_with_is_a_gap_that_names_the_line(root, text, line, reason):
    with nginx(root, text) as found:
        assert any(f"/etc/nginx/sites-enabled/0.conf:{line}: " in gap and reason in gap for gap in found.gaps), found.gaps


def test_an_unclosed_block_keeps_what_was_read(root):
    with nginx(root, server(PHP)[:-3]) as found:
        assert found.site.name == "shop.test"
        assert found.verdict("/images/x.php").executes is True


def test_a_loop_of_includes_ends(root):
    root.write("/etc/nginx/a.conf", "include b.conf;\n")
    root.write("/etc/nginx/b.conf", "include a.conf;\n")
    with nginx(root, server("include a.conf;")) as found:
        assert any("/etc/nginx/b.conf:1" in gap and "loop" in gap for gap in found.gaps)


def test_includes_that_multiply_end(root):
    for number in range(30):
        root.write(f"/etc/nginx/m/{number}.conf", f"include m/{number + 1}.conf;\n" * 3)
    root.write("/etc/nginx/m/30.conf", "")
    begun = time.monotonic()
    with nginx(root, server("include m/0.conf;")) as found:
        assert found.gaps
    assert time.monotonic() - begun < 30


def test_wildcards_match_each_component_in_order(root):
    for name in ("b/1.conf", "a/2.conf", "a/.hidden.conf", "a/no.txt"):
        root.write(f"/etc/nginx/more/{name}", f"location /{name} {{ }}\n")
    with nginx(root, server("include more/*/*.conf;\ninclude nothing/*;")) as found:
        assert [scope.match.text for scope in found.site.block.server.locations] == ["/a/2.conf", "/b/1.conf"]
        assert found.gaps == []


def test_an_include_in_a_map_is_read(root):
    root.write("/etc/nginx/list.map", "~\\.php$ 1;\n")
    with nginx(root, server("if ($bad) { return 403; }" + PHP), http="map $uri $bad { default 0; include list.map; }") as found:
        assert found.verdict("/images/x.php").executes is False


def test_a_link_out_of_the_root_stays_inside(root):
    root.symlink("/etc/nginx/outside.conf", "../../../../../../../../etc/hostname")
    with nginx(root, server("include outside.conf;")) as found:
        assert any("/etc/hostname" not in gap for gap in found.gaps)
        assert any("outside.conf:1" in gap for gap in found.gaps)


def test_a_site_that_is_only_available_is_not_read(root):
    root.write("/etc/nginx/sites-available/other.conf", server("", name="other.test"))
    with nginx(root, server("")) as found:
        assert [site.name for site in found.sites] == ["shop.test"]


def test_a_long_line_and_invalid_utf_8_are_read_in_bounded_time(root):
    root.write("/etc/nginx/big.conf", b"# " + b"x" * 10_000_000 + b"\nset $a " + b"y" * 5_000_000 + b";\n")
    root.write("/etc/nginx/latin.conf", b"location /caf\xe9/ { deny all; }\n")
    begun = time.monotonic()
    with nginx(root, server("include latin.conf;\ninclude big.conf;\n")) as found:
        assert any("/etc/nginx/big.conf:2" in gap for gap in found.gaps)
        assert found.site.block.server.locations[0].match.text == "/caf\uefe9/"
    assert time.monotonic() - begun < 10


def test_blocks_deep_inside_each_other_are_a_gap(root):
    with nginx(root, server("location / {" * 5000)) as found:
        assert any("too many blocks" in gap for gap in found.gaps)


def test_directives_of_other_modules_are_kept_and_undecided(root):
    with nginx(root, server("more_set_headers 'X: y';\nstrange_thing on {\n inner x;\n}\n" + PHP)) as found:
        assert found.gaps == []
        verdict = found.verdict("/images/x.php")
        assert verdict.executes is None
        assert "strange_thing" in verdict.reason


def test_lua_is_passed_over_and_undecided(root):
    lua = 'location / {\n content_by_lua_block {\n local s = "}" -- }\n if x then ngx.say([[ } ]]) end { }\n }\n}\n'
    with nginx(root, server(lua + PHP)) as found:
        assert found.gaps == []
        assert found.verdict("/images/x.jpg").executes is None
        assert found.verdict("/images/x.php").executes is True


def test_a_lua_block_of_escapes_that_never_closes_is_a_gap_in_bounded_time(root):
    root.write("/etc/nginx/lua.conf", "content_by_lua_block { " + '"' + '\\"' * 1_000_000)
    begun = time.monotonic()
    with nginx(root, server("location / { include lua.conf; }")) as found:
        assert any("/etc/nginx/lua.conf:1" in gap for gap in found.gaps)
    assert time.monotonic() - begun < 10


def test_lua_that_decides_who_is_let_in_is_undecided(root):
    with nginx(root, server("access_by_lua_file /a.lua;\n" + PHP)) as found:
        assert found.verdict("/images/x.php").executes is None
        assert found.verdict("/images/x.jpg").executes is False


def test_a_set_that_doubles_its_text_ends(root):
    with nginx(root, server("set $a x;\n" + "set $a $a$a;\n" * 100 + PHP)) as found:
        assert found.verdict("/images/x.php").executes is None


def test_variables_that_refer_to_each_other_are_undecided(root):
    with nginx(root, server("if ($a) { return 403; }\n" + PHP), http="map $b $a { default $b; }\nmap $a $b { default $a; }") as found:
        assert found.verdict("/images/x.php").executes is None


def test_a_regex_that_backtracks_for_ever_is_undecided(root):
    with nginx(root, server("location ~ ^/(a+)+$ { }\n" + PHP)) as found:
        begun = time.monotonic()
        verdict = found.verdict("/" + "a" * 60 + "!.php")
        assert verdict.executes is not False
        assert time.monotonic() - begun < 20


def test_no_nginx_has_no_sites(root):
    with Target.directory(root.path) as target:
        found = Nginx(target)
        assert found.sites == ()
        assert found.gaps == []
