"""Apache's configuration on a target: where it is, what is told of what cannot be read, and the bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hardaudit.target.target import Target
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError, Configuration
from hardaudit_plugins.web.apache.installation import available_files
from hardaudit_plugins.web.apache.pcre import UndecidedError
from hardaudit_plugins.web.apache.reader import load_configuration, read_htaccess
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.verdict import Place

MAIN = "/etc/apache2/apache2.conf"


@contextmanager
def evidence_of(root) -> Iterator[Evidence]:
    with Target.directory(root.path) as target:
        yield Evidence(target, lambda: None)


def gaps(evidence: Evidence) -> list[str]:
    return [f"{reason.value}: {detail}" for reason, detail in evidence._gaps]


@pytest.fixture
def read(root) -> Iterator[Callable[[str], tuple[Configuration, list[str]]]]:
    """Read a Debian configuration of one file."""
    with evidence_of(root) as evidence:

        def reading(text: str) -> tuple[Configuration, list[str]]:
            root.write(MAIN, text)
            configuration = load_configuration(evidence)
            assert configuration is not None
            return configuration, gaps(evidence)

        yield reading


def names(configuration: Configuration) -> list[str]:
    return [directive.name for directive in configuration.directives]


def test_no_configuration_is_no_apache(root) -> None:
    with evidence_of(root) as evidence:
        assert load_configuration(evidence) is None
        assert gaps(evidence) == []


@pytest.mark.parametrize(
    ("path", "server_root"),
    [
        (MAIN, "/etc/apache2"),
        ("/etc/httpd/conf/httpd.conf", "/etc/httpd"),
        ("/etc/apache2/httpd.conf", "/etc/apache2"),
        ("/etc/httpd/httpd.conf", "/etc/httpd"),
        ("/usr/local/apache2/conf/httpd.conf", "/usr/local/apache2"),
    ],
)
def test_each_distributions_place_is_found_with_its_server_root(root, path: str, server_root: str) -> None:
    root.write(path, "Include more.conf\n")
    root.write(f"{server_root}/more.conf", "ServerTokens Prod\n")
    with evidence_of(root) as evidence:
        configuration = load_configuration(evidence)
    assert configuration is not None
    assert configuration.server_root == server_root
    assert configuration.directives[0].place == Place(f"{server_root}/more.conf", 1)
    assert configuration.files == (path, f"{server_root}/more.conf")
    assert configuration.has_module("core.c")
    assert configuration.has_module("so_module")


def test_environment_and_options_are_those_of_debians_envvars(root, read) -> None:
    root.write(
        "/etc/apache2/envvars",
        'unset HOME\nif [ "${APACHE_CONFDIR##/etc/apache2-}" != "${APACHE_CONFDIR}" ] ; then\n\tSUFFIX="-${APACHE_CONFDIR##/etc/apache2-}"\n'
        "else\n\tSUFFIX=\nfi\nexport APACHE_RUN_USER=www-data\nexport APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n"
        ": ${APACHE_RUN_GROUP:=web}\nexport APACHE_RUN_GROUP\nexport LANG\nexport APACHE_ARGUMENTS='-D STAGING'\n",
    )
    configuration, found = read(
        "User ${APACHE_RUN_USER}\nGroup ${APACHE_RUN_GROUP}\nErrorLog ${APACHE_LOG_DIR}/e\n<IfDefine STAGING>\nTimeout 1\n</IfDefine>\n"
    )
    assert [directive.words() for directive in configuration.directives] == [["www-data"], ["web"], ["/var/log/apache2/e"], ["1"]]
    assert found == []
    assert configuration.variables["APACHE_RUN_USER"] == "www-data"


def test_a_variable_that_the_environment_may_hold_is_a_gap(root, read) -> None:
    root.write("/etc/apache2/envvars", "export USERS=$(getent passwd)\n")
    configuration, found = read("User ${USERS}\n")
    assert found == ["undecidable: /etc/apache2/apache2.conf: the value of ${USERS} is not known"]
    assert not configuration.complete


def test_a_variable_that_nothing_defines_stays_as_it_is_written(read) -> None:
    configuration, found = read("User ${NOBODY}\n")
    assert configuration.directives[0].words() == ["${NOBODY}"]
    assert found == []


def test_options_of_red_hats_sysconfig_define_names(root) -> None:
    root.write("/etc/httpd/conf/httpd.conf", "<IfDefine SSL>\nTimeout 1\n</IfDefine>\n")
    root.write("/etc/sysconfig/httpd", '# OPTIONS="-D NO"\nOPTIONS="-DSSL -D MORE"\n')
    with evidence_of(root) as evidence:
        configuration = load_configuration(evidence)
    assert configuration is not None
    assert names(configuration) == ["timeout"]


def test_what_is_not_in_effect_is_kept_with_its_condition_and_place(read) -> None:
    configuration, found = read(
        "Timeout 1\n<IfModule mod_php7.c>\n<Directory /x>\nphp_admin_flag engine off\n</Directory>\n<IfModule !x>\nUser a\n</IfModule>\n</IfModule>\n"
    )
    (skipped,) = configuration.unread
    assert skipped.condition == "IfModule mod_php7.c"
    assert skipped.place == Place(MAIN, 2)
    directory, condition = skipped.directives
    assert (directory.name, directory.arguments, directory.place.line) == ("directory", "/x", 3)
    assert [(child.name, child.arguments, child.place.line) for child in directory.children or ()] == [("php_admin_flag", "engine off", 4)]
    assert condition.name == "ifmodule"
    assert found == []


def test_a_fault_is_a_gap_with_its_place_and_what_was_read_before_it_stays(root, read) -> None:
    root.write("/etc/apache2/sites-enabled/a.conf", "<VirtualHost *:80>\nServerName a\n")
    configuration, found = read("Timeout 1\nInclude sites-enabled/*.conf\nUser a\n")
    assert names(configuration) == ["timeout", "virtualhost"]
    assert not configuration.complete
    (gap,) = found
    assert "/etc/apache2/sites-enabled/a.conf:1: <VirtualHost> was not closed." in gap


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Include missing.conf\n", f"{MAIN}:1"),
        ("\nInclude apache2.conf\n", f"{MAIN}:2"),
        ("Timeout 1\nError not like this\n", f"{MAIN}:2"),
        ("</Directory>\n", f"{MAIN}:1"),
        ("<Directory /x>\n<Location /y>\n</Directory>\n", f"{MAIN}:3"),
        ("Timeout\n", f"{MAIN}:1"),
        ("Frobnicate on\n", f"{MAIN}:1"),
        ("RewriteEngine on\n", f"{MAIN}:1"),
        ("<IfModule core.c>\n" * 100, f"{MAIN}:"),
        ("<If true>\n" * 100 + "</If>\n" * 100, f"{MAIN}:"),
        ("Timeout 1\n" * 200_001, f"{MAIN}:200001"),
        ("Timeout 1\nTimeout " + "${a}" * 100_001 + "\n", f"{MAIN}:2"),
        ("Define a " + "b" * 1000 + "\nServerAdmin " + "${a}" * 20_000 + "\n", f"{MAIN}:2"),
        ("a\\\n" * 1_000_001, f"{MAIN}:"),
        ("<Directory /x\nOptions None\n</Directory>\n", f"{MAIN}:1"),
    ],
)
def test_faults_and_bounds_are_gaps_that_name_the_line(read, text: str, place: str) -> None:
    configuration, found = read(text)
    assert not configuration.complete
    assert any(place in gap for gap in found), found


def test_a_macro_that_doubles_again_and_again_is_bounded(root, read) -> None:
    modules = "/usr/lib/apache2/modules"
    root.write(f"{modules}/mod_macro.so", b"mod_macro.c\0")
    text = f"LoadModule macro_module {modules}/mod_macro.so\n<Macro m0>\nTimeout 1\n</Macro>\n"
    text += "".join(f"<Macro m{number}>\nUse m{number - 1}\nUse m{number - 1}\n</Macro>\n" for number in range(1, 40))
    configuration, found = read(f"{text}Use m39\n")
    assert not configuration.complete
    assert any("more than" in gap and MAIN in gap for gap in found)


def test_a_link_out_of_the_configuration_is_followed_below_the_root_only(root, read) -> None:
    root.mkdir("/etc/apache2/conf-enabled")
    root.symlink("/etc/apache2/conf-enabled/out.conf", "../../../../../../../../etc/shadow.conf")
    configuration, found = read("IncludeOptional conf-enabled/*.conf\nTimeout 1\n")
    assert names(configuration) == ["timeout"]
    assert found == []


def test_a_fifo_in_place_of_a_file_is_a_gap(root, read) -> None:
    import os

    os.mkfifo(root.directory / "etc" / "fifo")
    configuration, found = read("Include /etc/fifo\nTimeout 1\n")
    assert names(configuration) == ["timeout"]
    assert found == ["unsupported: /etc/fifo: not a regular file"]


def test_an_unknown_modules_file_tells_the_name_that_ifmodule_takes(root, read) -> None:
    root.write("/usr/lib/apache2/modules/mod_security2.so", b"\0\0/build/apache2/mod_security_two.c\0more\0")
    load = "LoadModule strange_module /usr/lib/apache2/modules/mod_security2.so\n"
    configuration, found = read(
        f"{load}<IfModule mod_security_two.c>\nTimeout 1\n</IfModule>\n<IfModule mod_other.c>\nUser a\n</IfModule>\nStrangeDirective on\n"
    )
    assert names(configuration) == ["timeout", "strangedirective"]
    assert found == []
    assert configuration.knows("strangedirective") is None
    assert configuration.knows("timeout") is True


def test_php_8_is_mod_php_c_and_php_7_is_not(root, read) -> None:
    root.write("/usr/lib/apache2/modules/libphp8.2.so", b"")
    configuration, _ = read("LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n")
    assert [configuration.has_module(name) for name in ("php_module", "mod_php.c", "mod_php8.c", "mod_php7.c", "php7_module")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert configuration.knows("php_admin_flag") is True


def test_a_version_that_is_not_known_is_a_gap_where_it_decides(read) -> None:
    configuration, found = read("Timeout 1\n<IfVersion >= 2.4.30>\nUser a\n</IfVersion>\n")
    assert names(configuration) == ["timeout"]
    assert [gap for gap in found if f"{MAIN}:2" in gap]


def test_a_version_that_is_not_known_does_not_matter_where_every_2_4_agrees(read) -> None:
    configuration, found = read("<IfVersion >= 2.4>\nUser a\n</IfVersion>\n<IfVersion < 2.4>\nGroup a\n</IfVersion>\n")
    assert names(configuration) == ["user"]
    assert found == []


def test_the_version_and_what_is_compiled_in_are_read_from_the_program(root, read) -> None:
    root.write("/usr/sbin/apache2", b"\x7fELF\0Apache/2.4\0Apache/2.4.71 (Debian)\0status_module\0ap_top_module\0")
    configuration, found = read("<IfVersion >= 2.4.71>\nUser a\n</IfVersion>\n")
    assert configuration.has_module("mod_status.c")
    assert not configuration.has_module("ap_top_module")
    assert configuration.version == (2, 4, 71)
    assert names(configuration) == ["user"]
    assert found == []


def test_a_program_in_the_configuration_is_a_gap(root, read) -> None:
    root.write("/usr/lib/apache2/modules/mod_perl.so", b"")
    configuration, found = read(
        "LoadModule perl_module /usr/lib/apache2/modules/mod_perl.so\n<Perl>\n$User = 'root';\n</Perl>\nTimeout 1\n"
    )
    assert names(configuration) == ["timeout"]
    assert any(f"{MAIN}:2" in gap for gap in found)


def test_files_that_nothing_includes_are_available(root, read) -> None:
    root.write("/etc/apache2/sites-available/on.conf", "Timeout 1\n")
    root.write("/etc/apache2/sites-available/off.conf", "Timeout 2\n")
    root.write("/etc/apache2/conf.d/off.conf.disabled", "Timeout 2\n")
    root.mkdir("/etc/apache2/sites-enabled")
    root.symlink("/etc/apache2/sites-enabled/on.conf", "../sites-available/on.conf")
    configuration, _ = read("IncludeOptional sites-enabled/*.conf\n")
    with evidence_of(root) as evidence:
        assert available_files(evidence, configuration) == [
            "/etc/apache2/sites-available/off.conf",
            "/etc/apache2/conf.d/off.conf.disabled",
        ]


def test_htaccess_faults_name_their_line(read) -> None:
    configuration, _ = read("Timeout 1\n")
    with pytest.raises(ApacheSyntaxError) as raised:
        read_htaccess("SetHandler none\n</Files>\n", "/srv/.htaccess", configuration)
    assert raised.value.place == Place("/srv/.htaccess", 2)


def test_htaccess_that_depends_on_an_unknown_version_is_undecided(read) -> None:
    configuration, _ = read("Timeout 1\n")
    with pytest.raises(UndecidedError):
        read_htaccess("<IfVersion > 2.4.30>\n</IfVersion>\n", "/srv/.htaccess", configuration)


def test_bytes_that_are_no_text_and_lines_of_every_length_are_read(root, read) -> None:
    root.write(MAIN, b"")
    root.write(
        "/etc/apache2/odd.conf",
        b"ServerAdmin \xff\xfe\n# " + b"\\" * 2_000_000 + b' \nServerAdmin "' + b"a" * 10_000_000 + b'"\nTimeout 1\n',
    )
    configuration, found = read("Include odd.conf\n")
    assert names(configuration) == ["serveradmin", "serveradmin", "timeout"]
    assert len(configuration.directives[1].words()[0]) == 10_000_000
    assert found == []
