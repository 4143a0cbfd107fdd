"""PHP-FPM's pools, found where distributions keep them, and asked by the addresses of web servers."""

from __future__ import annotations

import pytest

from hardaudit.target.target import Target
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.php.fpm import Fpm, load_fpm

POOL = "user = www-data\nlisten = {listen}\npm = ondemand\npm.max_children = 5\n"
DEBIAN = "/etc/php/8.2/fpm"
GET = {"REQUEST_METHOD": "GET"}


@pytest.fixture
def host(root):
    """A root directory with Debian's FPM of PHP 8.2 and a pool on /run/php/php8.2-fpm.sock."""
    root.write(f"{DEBIAN}/php-fpm.conf", f"[global]\npid = /run/x.pid\ninclude={DEBIAN}/pool.d/*.conf\n")
    root.write(f"{DEBIAN}/pool.d/www.conf", "[www]\n" + POOL.format(listen="/run/php/php8.2-fpm.sock"))
    root.mkdir("/var/www")
    root.mkdir("/run")
    root.symlink("/var/run", "/run")
    return root


def load(root) -> tuple[Fpm, Files, list[str]]:
    """The pools, files with x.php and x.jpg uploaded into /var/www/images, and the gaps."""
    target = Target.directory(root.path)
    evidence = Evidence(target, lambda: None)
    fpm = load_fpm(evidence)
    details: list[str] = []

    class Context:
        def gap(self, reason, detail):
            details.append(detail)

    evidence.report_to(Context())
    return fpm, Files(target, {"/var/www/images/x.php": "", "/var/www/images/x.jpg": ""}), details


@pytest.mark.parametrize(
    "address",
    [
        "unix:/run/php/php8.2-fpm.sock",
        "unix:/var/run/php/php8.2-fpm.sock",
        "/run/php/php8.2-fpm.sock",
        "unix:/run//php/./php8.2-fpm.sock",
        "unix:/run/php/php8.2-fpm.sock:",
    ],
)
def test_a_socket_is_found_however_its_path_is_written(host, address) -> None:
    fpm, files, gaps = load(host)
    answer = fpm.answer(address, {**GET, "SCRIPT_FILENAME": "/var/www/images/x.php"}, files)
    assert (answer.script, answer.undecided, gaps) == ("/var/www/images/x.php", False, [])


def test_a_link_to_the_socket_is_the_socket(host) -> None:
    host.mkdir("/run/php")
    host.symlink("/run/php/default.sock", "php8.2-fpm.sock")
    fpm, _, _ = load(host)
    assert fpm.pool_at("unix:/run/php/default.sock").name == "www"


@pytest.mark.parametrize(
    ("listen", "address", "found"),
    [
        ("9000", "127.0.0.1:9000", True),
        ("9000", "[::1]:9000", True),
        ("9000", "localhost:9000", True),
        ("127.0.0.1:9000", "localhost:9000", True),
        ("127.0.0.1:9000", "127.0.0.1:9000", True),
        ("localhost:9000", "127.0.0.1:9000", True),
        ("'[::1]:9000'", "[::1]:9000", True),
        ("127.0.0.1:9000", "127.0.0.1:9001", False),
        ("127.0.0.1:9000", "[::1]:9000", False),
        ("127.0.0.1:9000", "10.1.2.3:9000", False),
        ("10.1.2.3:9000", "10.1.2.3:9000", True),
        ("9000", "php:9000", False),
        ("127.0.0.1:9000", "fcgi://127.0.0.1:9000/var/www", True),
    ],
)
def test_a_port_is_found_by_addresses_that_reach_it(host, listen, address, found) -> None:
    host.write(f"{DEBIAN}/pool.d/www.conf", "[www]\n" + POOL.format(listen=listen))
    fpm, files, _ = load(host)
    assert (fpm.pool_at(address) is not None) is found
    answer = fpm.answer(address, {**GET, "SCRIPT_FILENAME": "/var/www/images/x.php"}, files)
    assert answer.undecided is not found


def test_a_socket_without_a_pool_runs_nothing(host) -> None:
    fpm, files, _ = load(host)
    answer = fpm.answer("unix:/run/php/php7.4-fpm.sock", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.php"}, files)
    assert (answer.script, answer.undecided) == (None, False)
    assert "no PHP-FPM pool listens at unix:/run/php/php7.4-fpm.sock" in answer.reason


@pytest.mark.parametrize("program", ["/usr/bin/docker", "/usr/bin/spawn-fcgi"])
def test_a_socket_without_a_pool_is_undecided_where_other_programs_may_listen(host, program) -> None:
    host.write(program)
    fpm, files, _ = load(host)
    assert fpm.answer("unix:/srv/php.sock", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.php"}, files).undecided


def test_sections_of_one_name_are_one_pool_and_the_later_value_holds(host) -> None:
    host.write(f"{DEBIAN}/pool.d/zz.conf", "[WWW]\nsecurity.limit_extensions = .php .jpg\n")
    fpm, files, _ = load(host)
    assert [pool.limit_extensions for pool in fpm.pools] == [(".php", ".jpg")]
    answer = fpm.answer("unix:/run/php/php8.2-fpm.sock", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.jpg/a.php"}, files)
    assert answer.script == "/var/www/images/x.jpg"


def test_the_line_that_refuses_a_name_is_told(host) -> None:
    host.write(f"{DEBIAN}/pool.d/zz.conf", "[www]\n; narrow\nsecurity.limit_extensions = .php\n")
    fpm, files, _ = load(host)
    answer = fpm.answer("unix:/run/php/php8.2-fpm.sock", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.jpg"}, files)
    assert (answer.script, str(answer.place)) == (None, f"{DEBIAN}/pool.d/zz.conf:3")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("[www]\nuser = a = b\n", "zz.conf:2"),
        ("[www]\nnonsense = 1\n", "zz.conf:2: php-fpm knows no nonsense here"),
        ("[www\n", "zz.conf:1"),
        ("[www]\nphp_flag[x] = maybe\n", "zz.conf:2"),
        ("[other]\nuser = x\n", "pool other has no listen"),
        ("[www]\nphp_value[error_log] = ${LOGS}/php.log\n", "zz.conf:2: the value of ${LOGS}"),
        (f"include = {DEBIAN}/pool.d/zz.conf\n", "include each other"),
        ("[www]\nuser = \udcff\udcfe(\n", "zz.conf:2"),
    ],
)
def test_what_php_fpm_would_refuse_is_a_gap_and_undecided(host, text, detail) -> None:
    host.write(f"{DEBIAN}/pool.d/zz.conf", text.encode("utf-8", "surrogateescape"))
    fpm, files, gaps = load(host)
    assert [gap for gap in gaps if detail in gap]
    assert fpm.answer("unix:/run/php/php8.2-fpm.sock", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.php"}, files).undecided
    assert fpm.answer("unix:/run/php/other.sock", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.php"}, files).undecided


def test_a_configuration_that_leaves_the_root_is_not_followed(host, tmp_path) -> None:
    (tmp_path / "outside.conf").write_text("[evil]\n" + POOL.format(listen="/run/evil.sock"))
    host.symlink(f"{DEBIAN}/pool.d/zz.conf", str(tmp_path / "outside.conf"))
    fpm, _, _ = load(host)
    assert [pool.name for pool in fpm.pools] == ["www"]


@pytest.mark.parametrize(
    ("config", "pools", "version", "ini"),
    [
        ("/etc/php-fpm.conf", "/etc/php-fpm.d", "", "/etc/php.ini"),
        ("/etc/opt/remi/php83/php-fpm.conf", "/etc/opt/remi/php83/php-fpm.d", "8.3", "/etc/opt/remi/php83/php.ini"),
        ("/usr/local/etc/php-fpm.conf", "/usr/local/etc/php-fpm.d", "", "/usr/local/etc/php/php.ini"),
        ("/etc/php82/php-fpm.conf", "/etc/php82/php-fpm.d", "8.2", "/etc/php82/php.ini"),
        ("/etc/php8/fpm/php-fpm.conf", "/etc/php8/fpm/php-fpm.d", "8", "/etc/php8/fpm/php.ini"),
        ("/opt/plesk/php/8.1/etc/php-fpm.conf", "/opt/plesk/php/8.1/etc/php-fpm.d", "8.1", "/opt/plesk/php/8.1/etc/php.ini"),
        (
            "/opt/cpanel/ea-php81/root/etc/php-fpm.conf",
            "/opt/cpanel/ea-php81/root/etc/php-fpm.d",
            "8.1",
            "/opt/cpanel/ea-php81/root/etc/php.ini",
        ),
        ("/usr/local/php74/etc/php-fpm.conf", "/usr/local/php74/etc/php-fpm.d", "7.4", "/usr/local/php74/lib/php.ini"),
    ],
)
def test_every_packaging_keeps_its_pools_somewhere(root, config, pools, version, ini) -> None:
    root.write(config, f"include={pools}/*.conf\n")
    root.write(f"{pools}/www.conf", "[www]\n" + POOL.format(listen="/run/php.sock"))
    root.write(ini, "cgi.fix_pathinfo = 0\n")
    fpm, _, gaps = load(root)
    assert [(pool.name, pool.version, pool.setting("cgi.fix_pathinfo", "1")) for pool in fpm.pools] == [("www", version, "0")]
    assert gaps == []


def test_a_configuration_that_a_unit_of_the_administrator_names_is_read(root) -> None:
    root.write(
        "/etc/systemd/system/shop-php.service", "[Service]\nExecStart=/usr/sbin/php-fpm8.2 --nodaemonize --fpm-config /srv/shop/fpm.conf\n"
    )
    root.write("/srv/shop/fpm.conf", "[shop]\n" + POOL.format(listen="/run/shop.sock"))
    fpm, _, _ = load(root)
    assert [pool.name for pool in fpm.pools] == ["shop"]


def test_two_masters_on_one_port_are_undecided_where_they_differ(host) -> None:
    host.write(f"{DEBIAN}/pool.d/www.conf", "[www]\nsecurity.limit_extensions =\n" + POOL.format(listen="9000"))
    host.write("/etc/php-fpm.conf", "[other]\n" + POOL.format(listen="127.0.0.1:9000"))
    fpm, files, _ = load(host)
    assert fpm.pool_at("127.0.0.1:9000") is None
    assert fpm.answer("127.0.0.1:9000", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.jpg"}, files).undecided
    assert fpm.answer("127.0.0.1:9000", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.php"}, files).script == "/var/www/images/x.php"


def test_what_must_be_read_and_cannot_makes_refusals_undecided(host) -> None:
    host.mkdir(f"{DEBIAN}/php.ini")
    fpm, files, gaps = load(host)
    assert [gap for gap in gaps if f"{DEBIAN}/php.ini" in gap]
    assert fpm.answer("unix:/run/php/php8.2-fpm.sock", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.jpg"}, files).undecided


def test_an_upload_below_a_chroot_is_found_and_named_as_the_host_has_it(host) -> None:
    host.write(f"{DEBIAN}/pool.d/zz.conf", "[www]\nchroot = /var/www\n")
    fpm, files, _ = load(host)
    address = "unix:/run/php/php8.2-fpm.sock"
    assert fpm.answer(address, {**GET, "SCRIPT_FILENAME": "/images/x.php"}, files).script == "/var/www/images/x.php"
    assert fpm.answer(address, {**GET, "SCRIPT_FILENAME": "/var/www/images/x.php"}, files).script is None
    host.symlink("/var/www/pictures", "/images")
    assert fpm.answer(address, {**GET, "SCRIPT_FILENAME": "/pictures/x.php"}, files).undecided


def test_a_relative_path_is_undecided(host) -> None:
    fpm, files, _ = load(host)
    assert fpm.answer("unix:/run/php/php8.2-fpm.sock", {**GET, "SCRIPT_FILENAME": "images/x.php"}, files).undecided


def test_a_percent_sign_through_apaches_proxy_is_undecided_where_releases_differ(host) -> None:
    fpm, files, _ = load(host)
    parameters = {**GET, "SCRIPT_FILENAME": "proxy:fcgi://localhost/var/www/images/%78.php"}
    assert fpm.answer("unix:/run/php/php8.2-fpm.sock", parameters, files).script is None
    host.write("/etc/php/8.4/fpm/php-fpm.conf", "[www]\n" + POOL.format(listen="/run/php/php8.4-fpm.sock"))
    fpm, files, _ = load(host)
    assert fpm.answer("unix:/run/php/php8.4-fpm.sock", parameters, files).undecided


def test_a_unit_that_gives_php_other_settings_makes_refusals_undecided(host) -> None:
    host.write("/etc/systemd/system/php8.2-fpm.service.d/x.conf", "[Service]\nEnvironment=PHP_INI_SCAN_DIR=/srv/php.d\n")
    fpm, files, gaps = load(host)
    assert [gap for gap in gaps if "php8.2-fpm.service.d/x.conf" in gap]
    assert fpm.answer("unix:/run/php/php8.2-fpm.sock", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.jpg"}, files).undecided
    assert fpm.answer("unix:/run/php/php8.2-fpm.sock", {**GET, "SCRIPT_FILENAME": "/var/www/images/x.php"}, files).script is not None
