"""The table's own behaviour; whether its verdicts agree with real servers is tested in tests/real/web."""

from __future__ import annotations

import pytest
from apache_root import HANDLER_LINE, IMAGES, write_apache

from hardaudit.model.gap import GapReason


@pytest.fixture
def ask(query, root):
    def asked(where, columns="executes"):
        return query(f"SELECT {columns} FROM php_execution WHERE {where}", root)

    return asked


def values(answer):
    return [values[0] for values in answer.tuples]


def test_without_a_name_the_standard_names_are_asked_for(ask, root):
    write_apache(root)
    answer = ask(f"directory = '{IMAGES}'", "file_name, executes")
    assert [name for name, executes in answer.tuples if executes] == ["x.php", "x.phtml", "x.phar", "sub/x.php"]
    assert len(answer.tuples) == 12
    assert answer.gaps == ()


def test_a_verdict_names_the_line_that_decides(ask, root):
    write_apache(root, f"<Directory {IMAGES}>\nRequire all denied\n</Directory>")
    runs = ask("directory = '/var/www/shop' AND file_name = 'x.php'", "url, handler, config_path, config_line")
    stays = ask(f"directory = '{IMAGES}' AND file_name = 'x.php'", "executes, config_path, config_line")
    assert runs.tuples == (("/x.php", "mod_php", "/etc/apache2/apache2.conf", HANDLER_LINE),)
    assert stays.tuples == ((0, "/etc/apache2/sites-enabled/shop.conf", 9),)


@pytest.mark.parametrize(
    "where",
    [
        f"directory IN ('{IMAGES}', '/srv/none') AND file_name IN ('photo.php', 'photo.phtml') AND executes = 1",
        f"directory = '{IMAGES}' AND (file_name = 'photo.php' OR file_name = 'photo.phtml')",
        f"file_name IN (SELECT value FROM json_each('[\"photo.php\", \"photo.phtml\"]')) AND directory = '{IMAGES}'",
    ],
)
def test_every_way_to_name_files_and_directories_reaches_the_table(ask, root, where):
    write_apache(root)
    assert sorted(values(ask(where, "file_name"))) == ["photo.php", "photo.phtml"]


def test_a_directory_that_no_url_reaches_is_a_no_with_that_reason(ask, root):
    write_apache(root)
    answer = ask("directory = '/srv/private' AND file_name = 'x.php'", "executes, site, url, reason")
    assert answer.tuples == ((0, None, None, "no URL of any site reaches the directory"),)


def test_where_the_configuration_cannot_be_read_it_is_no_such_no(ask, root):
    write_apache(root)
    root.write("/etc/apache2/sites-enabled/zz.conf", "<Directory /srv>\n")
    answer = ask("directory = '/srv/private' AND file_name = 'x.php'")
    assert values(answer) == [None]
    assert answer.gaps


def test_what_cannot_be_decided_is_null_and_a_gap(ask, root):
    write_apache(root, '<If "%{TIME_HOUR} -lt 12">\nRequire all denied\n</If>')
    answer = ask(f"directory = '{IMAGES}' AND file_name = 'x.php'", "executes, reason")
    assert answer.tuples[0][0] is None
    assert "TIME_HOUR" in answer.tuples[0][1]
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNDECIDABLE]


@pytest.mark.parametrize(
    ("inside", "plain", "crafted"),
    [
        ("", 1, 1),
        (f"<Directory {IMAGES}>\n<Limit GET>\nRequire all denied\n</Limit>\n</Directory>", 0, 1),
        (f"<Directory {IMAGES}>\n<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n</Directory>", 1, 1),
        ('<LocationMatch "\\.php$">\nRequire all denied\n</LocationMatch>', 0, 1),
        ('<LocationMatch "\\.php">\nRequire all denied\n</LocationMatch>', 0, 0),
        ("RewriteEngine On\nRewriteCond %{HTTP_REFERER} !shop\\.example\nRewriteRule \\.php$ - [F]", 0, 1),
        ("RewriteEngine On\nRewriteRule \\.php - [F]", 0, 0),
        ("SetEnvIf User-Agent secret let\n<Location />\nRequire env let\n</Location>", 0, 1),
        (f"RemoteIPHeader X-Forwarded-For\n<Directory {IMAGES}>\nRequire ip 203.0.113.0/24\n</Directory>", 0, 1),
        (f"<Directory {IMAGES}>\nRequire ip 203.0.113.0/24\n</Directory>", 0, 0),
        (f"<Directory {IMAGES}>\nRequire local\n</Directory>", 1, 1),
        ("RewriteEngine On\nRewriteCond %{HTTP_HOST} =shop.example\nRewriteRule \\.php$ - [F]", 0, 1),
        (f"<Directory {IMAGES}>\nAllowMethods POST\n</Directory>", 0, 1),
    ],
)
def test_a_crafted_request_is_free_in_what_its_sender_chooses(ask, root, inside, plain, crafted):
    write_apache(root, inside)
    where = f"directory = '{IMAGES}' AND file_name = 'x.php'"
    assert values(ask(where)) == [plain]
    assert values(ask(f"{where} AND crafted = 1")) == [crafted]


def test_variables_that_nothing_asks_for_leave_nothing_open(ask, root):
    """Debian's setenvif.conf has a dozen of them."""
    lines = "".join(f'BrowserMatch "Agent{number}" quirk{number}\n' for number in range(40))
    write_apache(root, f"{lines}<Directory {IMAGES}>\nphp_admin_flag engine off\n</Directory>")
    answer = ask(f"directory = '{IMAGES}' AND crafted = 1")
    assert set(values(answer)) == {0}
    assert answer.gaps == ()


@pytest.mark.parametrize(
    ("override", "below", "plain", "crafted"),
    [
        ("None", "php_admin_flag engine off", 0, 0),
        ("All", "php_admin_flag engine off", 0, 0),
        ("All", "php_flag engine off", 1, 1),
        ("FileInfo", "php_flag engine off", 0, 0),
        ("All", "Require all denied", 1, 1),
        ("AuthConfig", "Require all denied", 1, 1),
        ("Nonfatal=All", "SetHandler default-handler", 0, 0),
        ("Limit", "Order allow,deny\nDeny from all", 0, 1),
        ("FileInfo", "RewriteEngine On\nRewriteRule ^ - [F]", 0, 1),
        ("All", "Require all denied\nphp_flag engine off", 0, 1),
    ],
)
def test_what_an_uploaded_htaccess_can_undo(ask, root, override, below, plain, crafted):
    write_apache(root, f"<Directory {IMAGES}>\n{below}\n</Directory>", override=override)
    where = f"directory = '{IMAGES}' AND file_name = '.htaccess'"
    assert values(ask(where)) == [plain]
    assert values(ask(f"{where} AND crafted = 1")) == [crafted]


@pytest.mark.parametrize(
    ("inside", "directory", "url"),
    [
        ("Alias /pics /srv/pics\n<Directory /srv/pics>\nRequire all granted\n</Directory>", "/srv/pics", "/pics/x.php"),
        ("Alias /run.php /srv/pics/x.php\n<Directory /srv/pics>\nRequire all granted\n</Directory>", "/srv/pics", "/run.php"),
        ('AliasMatch "^/p/(.*)$" "/srv/pics/$1"\n<Directory /srv/pics>\nRequire all granted\n</Directory>', "/srv/pics", "/p/x.php"),
        (
            '<LocationMatch "^/p/(?<rest>.*)$">\nAlias /srv/pics/%{env:MATCH_REST}\n</LocationMatch>\n<Directory /srv/pics>\nRequire all granted\n</Directory>',
            "/srv/pics",
            "/p/x.php",
        ),
        ("RewriteEngine On\nRewriteRule ^/p/(.*)$ /images/$1\n<Location /images>\nRequire all denied\n</Location>", IMAGES, "/p/x.php"),
    ],
)
def test_every_url_that_leads_to_the_directory_is_tried(ask, root, inside, directory, url):
    write_apache(root, inside)
    root.mkdir("/srv/pics")
    assert url in values(ask(f"directory = '{directory}' AND file_name = 'x.php' AND executes = 1", "url"))


def test_a_directory_behind_a_link_is_asked_about_by_the_path_through_the_link(ask, root):
    """Apache chooses its sections by that path."""
    write_apache(root, "<Directory /srv/pics>\nphp_admin_flag engine off\n</Directory>")
    root.mkdir("/srv/pics")
    root.symlink("/var/www/shop/media", "/srv/pics")
    assert ask("directory = '/srv/pics' AND file_name = 'x.php'", "url, executes").tuples == (("/media/x.php", 1),)


def test_hostile_patterns_end_as_undecided_in_bounded_time(ask, root):
    write_apache(root, '<LocationMatch "^/(a|aa)+$">\nRequire all denied\n</LocationMatch>')
    answer = ask(f"directory = '{IMAGES}' AND file_name = '{'a' * 60}b.php'")
    assert values(answer) == [1] or answer.gaps
