from __future__ import annotations

import pytest
from apache_root import HANDLER_LINE, IMAGES, write_apache

from hardaudit.model.gap import GapReason

SITE = "/etc/apache2/sites-enabled/shop.conf"


@pytest.fixture
def found(query, root):
    def asked():
        sql = f"SELECT kind, effective, overridable, config_path, config_line, reason FROM php_protections WHERE directory = '{IMAGES}'"
        return {
            kind: (effective, overridable, path, line, reason)
            for kind, effective, overridable, path, line, reason in query(sql, root).tuples
        }

    return asked


def test_a_line_that_keeps_names_from_running_is_effective(found, root):
    write_apache(root, f"<Directory {IMAGES}>\nphp_admin_flag engine off\n</Directory>")
    effective, overridable, path, line, reason = found()["php_admin_flag engine off"]
    assert (effective, overridable, path, line) == (1, 0, SITE, 9)
    assert "x.php" in reason


def test_one_that_an_uploaded_htaccess_undoes_says_so(found, root):
    write_apache(root, f"<Directory {IMAGES}>\nphp_flag engine off\n</Directory>", override="All")
    assert found()["php_flag engine off"][:2] == (1, 1)


def test_lines_that_stand_in_for_each_other_are_each_effective(found, root):
    write_apache(root, f"<Directory {IMAGES}>\nphp_admin_flag engine off\nRequire all denied\n</Directory>")
    assert {kind: row[0] for kind, row in found().items()} == {"php_admin_flag engine off": 1, "Require all denied": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("SetHandler None", f"x.php runs all the same: mod_php by /etc/apache2/apache2.conf:{HANDLER_LINE}"),
        ("RemoveHandler .php .phtml", "x.php runs all the same"),
        ("Options -ExecCGI", "x.php runs all the same"),
        ("ForceType text/plain", "x.php runs all the same"),
    ],
)
def test_one_that_comes_too_early_does_nothing(found, root, line, reason):
    write_apache(root, f"<Directory {IMAGES}>\n{line}\n</Directory>")
    row = found()[line]
    assert row[0] == 0
    assert reason in row[4]


def test_a_guard_for_another_php_does_nothing(found, root):
    write_apache(root, f"<Directory {IMAGES}>\n<IfModule mod_php7.c>\nphp_admin_flag engine off\n</IfModule>\n</Directory>")
    assert found()["php_admin_flag engine off"] == (0, 0, SITE, 10, f"<IfModule mod_php7.c> does not hold ({SITE}:9)")


def test_a_htaccess_that_is_never_read_does_nothing(found, root):
    write_apache(root)
    root.write(f"{IMAGES}/.htaccess", '<FilesMatch "\\.php$">\nDeny from all\n</FilesMatch>\nphp_flag engine off\n')
    assert {kind: row[:4] for kind, row in found().items()} == {
        "Deny from all": (0, 0, f"{IMAGES}/.htaccess", 2),
        "php_flag engine off": (0, 0, f"{IMAGES}/.htaccess", 4),
    }
    assert "never read: AllowOverride" in found()["php_flag engine off"][4]


def test_a_file_that_nothing_includes_does_nothing(found, root):
    write_apache(root)
    root.write("/etc/apache2/conf-available/uploads.conf", f"<Directory {IMAGES}>\n    php_admin_flag engine off\n</Directory>\n")
    row = found()["php_admin_flag engine off"]
    assert row[:4] == (0, 0, "/etc/apache2/conf-available/uploads.conf", 2)
    assert "not enabled" in row[4]


def test_the_servers_general_refusal_is_no_protection_of_the_directory(found, root):
    write_apache(root)
    assert found() == {}


def test_without_php_nothing_needs_a_protection(found, root):
    write_apache(root, f"<Directory {IMAGES}>\nRequire all denied\n</Directory>", left_out=("php",))
    assert found() == {}


def test_protections_beyond_the_first_forty_are_a_gap(query, root):
    write_apache(root, "".join(f"<Directory {IMAGES}>\nphp_admin_flag engine off\n</Directory>\n" for _ in range(41)))
    answer = query(f"SELECT config_line FROM php_protections WHERE directory = '{IMAGES}'", root)
    assert len(answer.tuples) == 40
    assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]
