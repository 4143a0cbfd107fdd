"""php.ini and what is read beside it."""

from __future__ import annotations

import time

import pytest

from hardaudit.target.target import Target
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.php.ini_files import is_on, read_ini
from hardaudit_plugins.web.php.ini_scanner import IniSyntaxError, parse_ini


def read(root, sapi="fpm-fcgi"):
    with Target.directory(root.path) as target:
        evidence = Evidence(target, lambda: None)
        return read_ini(evidence, sapi, "/etc/php/8.2/fpm", "/etc/php/8.2/fpm/conf.d"), evidence


def test_a_file_for_the_sapi_replaces_php_ini(root) -> None:
    root.write("/etc/php/8.2/fpm/php.ini", "expose_php = On\nmemory_limit = 1G\n")
    root.write("/etc/php/8.2/fpm/php-fpm-fcgi.ini", "expose_php = Off\n")
    configuration, _ = read(root)
    assert {name: setting.value for name, setting in configuration.values.items()} == {"expose_php": ""}
    assert set(read(root, "cgi-fcgi")[0].values) == {"expose_php", "memory_limit"}


def test_further_files_are_read_by_name_after_it_and_only_ini(root) -> None:
    root.write("/etc/php/8.2/fpm/php.ini", "a.a = 1\nb.b = 1\n")
    root.write("/etc/php/8.2/fpm/conf.d/20-x.ini", "extension=mysqli.so\nb.b = 20\n")
    root.write("/etc/php/8.2/fpm/conf.d/10-x.ini", "zend_extension=opcache\nb.b = 10\n")
    root.write("/etc/php/8.2/fpm/conf.d/30-x.ini.dpkg-old", "b.b = 30\n")
    configuration, _ = read(root)
    assert (configuration.values["b.b"].value, str(configuration.values["b.b"].place)) == ("20", "/etc/php/8.2/fpm/conf.d/20-x.ini:2")
    assert configuration.extensions == ("opcache", "mysqli.so")


def test_sections_for_paths_and_hosts_are_kept_apart(root) -> None:
    root.write(
        "/etc/php/8.2/fpm/php.ini",
        "[PATH=/var/www/a/]\nx.y = 1\n[path = /var/www]\nx.y = 2\n[HOST=Shop.Example]\nx.y = 3\n[PHP]\nx.y = 4\n",
    )
    configuration, _ = read(root)
    assert configuration.values["x.y"].value == "4"
    assert [(path, section["x.y"].value) for path, section in configuration.for_directory("/var/www/a/b")] == [
        ("/var/www", "2"),
        ("/var/www/a", "1"),
    ]
    assert list(configuration.for_directory("/var/wwwx")) == []
    assert configuration.hosts["shop.example"]["x.y"].value == "3"


def test_what_comes_after_a_syntax_error_does_not_count_and_is_a_gap(root) -> None:
    root.write("/etc/php/8.2/fpm/php.ini", "a.a = 1\nb.b = (\nc.c = 1\n")
    configuration, evidence = read(root)
    assert (set(configuration.values), configuration.complete) == ({"a.a"}, False)
    assert [detail for _, detail in evidence._gaps if detail.startswith("/etc/php/8.2/fpm/php.ini:")]


def test_a_variable_is_an_earlier_setting_or_a_gap(root) -> None:
    root.write("/etc/php/8.2/fpm/php.ini", "a.a = 1\nb.b = <${a.a}>\nc.c = ${HOME}/x\n")
    configuration, evidence = read(root)
    assert (configuration.values["b.b"].value, configuration.values["c.c"].unresolved) == ("<1>", "${HOME}")
    assert [detail for _, detail in evidence._gaps if detail.startswith("/etc/php/8.2/fpm/php.ini:3: the value of ${HOME}")]


@pytest.mark.parametrize(
    "text",
    ["a" * 20_000_000, "a" * 4_000_000, "a = " + "b" * 4_000_000, "a = " + "(" * 4_000_000, "a = " + "~" * 1_000_000, 'a = "' + "\\" * 4_000_000, "[" * 3_000_000,
     "a = '" + "x" * 4_000_000, " " * 4_000_000 + ";", "a = " + "${" * 1_000_000, "a = b" + " \t" * 5_000_000, 'a = "' + "$" * 4_000_000],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_hostile_text_ends_in_bounded_time(text) -> None:
    started = time.monotonic()
    try:
        for _ in parse_ini(text, lambda _: "", lambda: None):
            pass
    except IniSyntaxError:
        pass
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("value", "on"),
    [
        ("1", True),
        ("On", True),
        ("yes", True),
        ("true", True),
        ("2x", True),
        ("-1", True),
        ("", False),
        ("0", False),
        ("off", False),
        ("00", False),
        ("x1", False),
    ],
)
def test_a_boolean_is_taken_as_php_takes_it(value, on) -> None:
    assert is_on(value) is on
