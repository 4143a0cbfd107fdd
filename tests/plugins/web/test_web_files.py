from __future__ import annotations

import os

import pytest
from fake_sites import FakeSite, ask, web_engine, with_accounts

from hardaudit.engine.engine import Bounds
from hardaudit.model.gap import GapReason
from hardaudit.target.walk import Walk

SHOP = "/var/www/shop"
OPEN = b"<?" + b"php "  # no file of this project has PHP's own mark in it
CODE = OPEN + b"echo 1;"
EVAL = b"@ev" + b"al($_PO" + b"ST['x']);"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


@pytest.fixture
def host(root, require_root):
    with_accounts(root)
    root.mkdir(SHOP)
    return root


def found(host, sql, *sites, **bounds):
    answer = ask(host, sql, *(sites or (FakeSite(),)), **bounds)
    assert answer.gaps == ()
    return list(answer.tuples)


def test_a_row_says_what_lstat_says(host):
    place = host.write(f"{SHOP}/images/Photo.JPG", JPEG, 0o640, 33, 1001)
    os.utime(place, (1, 1_700_000_000))
    [row] = ask(host, "SELECT * FROM web_files WHERE path LIKE '%.JPG'", FakeSite()).rows
    assert row == {
        "path": f"{SHOP}/images/Photo.JPG",
        "site": "shop.example",
        "upload": 0,
        "type": "regular",
        "mode": "0640",
        "uid": 33,
        "gid": 1001,
        "size": len(JPEG),
        "mtime": 1_700_000_000,
        "ctime": int(os.lstat(place).st_ctime),
        "extension": "jpg",
        "web_writable": 1,
        "sniffed_type": "jpeg",
        "contains_php": 0,
        "rule": None,
    }


def test_everything_in_a_docroot_has_a_row_and_nothing_else(host):
    host.write(f"{SHOP}/index.php", CODE)
    host.mkdir(f"{SHOP}/images")
    host.symlink(f"{SHOP}/link", "/etc")
    host.write("/var/www/other/index.php", CODE)
    os.mkfifo(host.directory / "var/www/shop/fifo")
    assert sorted(found(host, "SELECT path, type FROM web_files WHERE path LIKE '/var/%'")) == [
        (SHOP, "directory"),
        (f"{SHOP}/fifo", "fifo"),
        (f"{SHOP}/images", "directory"),
        (f"{SHOP}/index.php", "regular"),
        (f"{SHOP}/link", "symlink"),
    ]


def test_what_a_link_leads_to_is_among_the_rows(host):
    host.write("/srv/data/x.jpg", JPEG)
    host.symlink(f"{SHOP}/data", "/srv/data")
    assert found(host, "SELECT path FROM web_files WHERE extension = 'jpg'") == [("/srv/data/x.jpg",)]


def test_each_site_that_reaches_a_file_has_a_row_and_sites_of_one_name_share_it(host):
    host.write(f"{SHOP}/sub/x.php", CODE, uid=1001)
    sites = FakeSite(), FakeSite(listen=("*:443",)), FakeSite("sub.example", f"{SHOP}/sub", php=("shop",))
    rows = found(host, "SELECT site, web_writable FROM web_files WHERE extension = 'php' ORDER BY site", *sites)
    assert rows == [("shop.example", 0), ("sub.example", 1)]


def test_files_in_directories_that_the_web_user_may_write_are_uploads(host):
    host.mkdir(f"{SHOP}/images", 0o755, 33, 33)
    host.mkdir(f"{SHOP}/images/fixed", 0o755)
    for name in ("images/a.php", "images/fixed/b.php", "c.php"):
        host.write(f"{SHOP}/{name}", CODE)
    assert found(host, "SELECT path FROM web_files WHERE upload = 1 AND extension = 'php'") == [(f"{SHOP}/images/a.php",)]
    assert len(found(host, "SELECT path FROM web_files WHERE upload = 0 AND extension = 'php'")) == 2


def test_all_below_a_content_management_systems_upload_directory_is_uploaded(host):
    host.write(f"{SHOP}/wp-includes/version.php", OPEN + b"\n$wp_version = '6.4';\n")
    host.write(f"{SHOP}/wp-content/uploads/2024/01/x.php", CODE)
    rows = found(host, "SELECT path FROM web_files WHERE upload = 1 AND type = 'regular'")
    assert rows == [(f"{SHOP}/wp-content/uploads/2024/01/x.php",)]


def test_names_that_begin_with_a_dot_have_an_extension(host):
    for name in (".htaccess", ".env", ".git", "README", "shop.SQL", "x.tar.gz", "dot."):
        host.write(f"{SHOP}/{name}")
    rows = dict(found(host, "SELECT path, extension FROM web_files WHERE type = 'regular'"))
    assert [rows[f"{SHOP}/{name}"] for name in (".htaccess", ".env", ".git", "README", "shop.SQL", "x.tar.gz", "dot.")] == [
        "htaccess",
        "env",
        "git",
        "",
        "sql",
        "gz",
        "",
    ]


def test_several_extensions_are_asked_for_at_once(host):
    for name in ("a.sql", "b.bak", "c.old", "d.php"):
        host.write(f"{SHOP}/{name}")
    rows = found(host, "SELECT path FROM web_files WHERE extension IN ('sql', 'bak', 'old') ORDER BY path")
    assert rows == [(f"{SHOP}/a.sql",), (f"{SHOP}/b.bak",), (f"{SHOP}/c.old",)]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("web_writable = 1 AND type = 'regular'", ["w.php"]),
        ("web_writable = 0 AND type = 'regular'", ["in.txt", "r.php", "s.jpg"]),
        ("web_writable = 1 AND type = 'directory'", ["dir"]),
        ("web_writable = 1", ["dir", "w.php"]),
        ("type = 'symlink'", ["link"]),
        ("type = 'nothing'", []),
        ("type = 'regular' AND extension = 'jpg'", ["s.jpg"]),
        ("upload = 1", ["in.txt"]),
        ("contains_php = 1", ["s.jpg"]),
        ("contains_php = 0", ["in.txt"]),
        ("contains_php IS NULL AND type = 'regular'", ["r.php", "w.php"]),
        ("extension = 'php' OR upload = 1", ["in.txt", "r.php", "w.php"]),
    ],
)
def test_each_constraint_gives_what_a_look_at_all_rows_gives(host, where, names):
    host.write(f"{SHOP}/w.php", CODE, 0o666)
    host.write(f"{SHOP}/r.php", CODE)
    host.write(f"{SHOP}/s.jpg", JPEG + CODE)
    host.mkdir(f"{SHOP}/dir", 0o777)
    host.write(f"{SHOP}/dir/in.txt", "text")
    host.symlink(f"{SHOP}/link", "nowhere")
    rows = sorted(os.path.basename(path) for (path,) in found(host, f"SELECT path FROM web_files WHERE path <> '{SHOP}' AND ({where})"))
    assert rows == names


def test_php_is_found_in_files_that_say_they_are_something_else(host):
    host.write(f"{SHOP}/a.jpg", JPEG + CODE)
    host.write(f"{SHOP}/b.jpg", JPEG + b"\x00" * 200_000 + CODE)
    host.write(f"{SHOP}/c.jpg", JPEG)
    host.write(f"{SHOP}/d.inc", CODE)
    host.write(f"{SHOP}/e.php", CODE)
    host.write(f"{SHOP}/f.txt", "x" * 500_000 + CODE.decode() + "x" * 500_000)
    assert found(host, "SELECT path FROM web_files WHERE contains_php = 1 ORDER BY path") == [
        (f"{SHOP}/a.jpg",),
        (f"{SHOP}/b.jpg",),
        (f"{SHOP}/d.inc",),
        (f"{SHOP}/f.txt",),
    ]


def test_a_content_is_looked_into_once_a_run(host):
    host.write(f"{SHOP}/a.jpg", JPEG + CODE)
    host.write(f"{SHOP}/b.jpg", JPEG)
    with web_engine(host, FakeSite()) as engine:
        assert engine.run("SELECT count(*) FROM web_files WHERE contains_php = 1").tuples == ((1,),)
        for name in ("a", "b"):
            os.remove(host.directory / f"var/www/shop/{name}.jpg")
        answer = engine.run("SELECT path, contains_php FROM web_files WHERE extension = 'jpg' ORDER BY path")
        assert (answer.tuples, answer.gaps) == (((f"{SHOP}/a.jpg", 1), (f"{SHOP}/b.jpg", 0)), ())


def test_all_tables_share_one_walk(host, monkeypatch):
    roots = []
    iterate = Walk.__iter__
    monkeypatch.setattr(Walk, "__iter__", lambda walk: roots.append(walk.root) or iterate(walk))
    with web_engine(host, FakeSite(), FakeSite("b", f"{SHOP}/b"), FakeSite("c", "/var/www")) as engine:
        for table in ("web_files", "upload_directories", "cms_installs"):
            engine.run(f"SELECT * FROM {table}")
        engine.run("SELECT path FROM web_files WHERE upload = 1")
    assert roots == ["/var/www"]


def test_rules_name_the_web_shells(host):
    host.write(f"{SHOP}/shell.php", OPEN + EVAL)
    host.write(f"{SHOP}/photo.jpg", JPEG + OPEN + EVAL)
    host.write(f"{SHOP}/index.php", CODE)
    assert found(host, "SELECT path, rule FROM web_files WHERE rule > '' ORDER BY path, rule") == [
        (f"{SHOP}/photo.jpg", "php_eval_request"),
        (f"{SHOP}/photo.jpg", "php_in_image"),
        (f"{SHOP}/shell.php", "php_eval_request"),
    ]
    assert found(host, "SELECT path FROM web_files WHERE rule = 'php_in_image'") == [(f"{SHOP}/photo.jpg",)]
    assert found(host, "SELECT path FROM web_files WHERE rule IS NULL AND type = 'regular'") == [(f"{SHOP}/index.php",)]


@pytest.fixture
def rules(tmp_path):
    directory = tmp_path / "rules"
    directory.mkdir(mode=0o755)
    for parent in [directory, *directory.parents]:
        if parent.stat().st_mode & 0o022 and not parent.stat().st_mode & 0o1000:
            pytest.skip(f"others may write {parent}")
    return directory


def asked_with(host, rules, where="rule > ''"):
    with web_engine(host, FakeSite()) as engine:
        return engine.run(f"SELECT path, rule FROM web_files WHERE {where} AND rules = :rules", {"rules": str(rules)})


def test_further_rules_are_used_beside_the_own_ones(host, rules):
    host.write(f"{SHOP}/x.php", OPEN + b"marker();")
    host.write(f"{SHOP}/shell.php", OPEN + EVAL)
    (rules / "mine.yar").write_text('rule mine { strings: $a = "marker" condition: $a and filename == "x.php" }')
    answer = asked_with(host, rules)
    assert answer.gaps == ()
    assert sorted(answer.tuples) == [(f"{SHOP}/shell.php", "php_eval_request"), (f"{SHOP}/x.php", "mine")]


def test_a_rule_that_cannot_be_compiled_is_a_gap_with_its_line_and_the_others_are_used(host, rules):
    host.write(f"{SHOP}/x.php", OPEN + b"marker();")
    (rules / "a.yar").write_text("rule a {\n condition: nothing_known\n}")
    (rules / "b.yara").write_text('rule b { strings: $a = "marker" condition: $a }')
    answer = asked_with(host, rules)
    assert answer.tuples == ((f"{SHOP}/x.php", "b"),)
    assert [(gap.reason, gap.detail) for gap in answer.gaps] == [
        (GapReason.UNSUPPORTED, f"rules: {rules}/a.yar:2: unknown identifier `nothing_known`")
    ]


def test_rules_that_somebody_else_can_change_are_not_used(host, rules):
    (rules / "a.yar").write_text("rule a { condition: true }")
    (rules / "a.yar").chmod(0o666)
    answer = asked_with(host, rules)
    assert answer.tuples == ()
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


@pytest.mark.parametrize("directory", ["relative", "/nowhere/at/all"])
def test_rules_that_are_not_there_are_a_gap(host, directory):
    assert [gap.reason for gap in asked_with(host, directory).gaps] == [GapReason.UNSUPPORTED]


def test_rules_do_not_include_other_files(host, rules):
    (rules / "a.yar").write_text('include "/etc/hostname"\nrule a { condition: true }')
    assert [gap.reason for gap in asked_with(host, rules).gaps] == [GapReason.UNSUPPORTED]


def test_a_file_that_became_something_else_is_a_gap(host):
    place = host.write(f"{SHOP}/a.jpg", JPEG)
    with web_engine(host, FakeSite()) as engine:
        engine.run("SELECT count(*) FROM web_files")
        os.remove(place)
        os.symlink("/etc/hostname", place)
        answer = engine.run("SELECT path FROM web_files WHERE contains_php = 1")
    assert answer.tuples == ()
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


def test_looking_into_files_goes_on_where_the_last_querys_time_was_up(host):
    for number in range(2000):
        host.write(f"{SHOP}/{number}.jpg", JPEG + (CODE if number == 1999 else b""))
    with web_engine(host, FakeSite()) as engine:
        engine.run("SELECT count(*) FROM web_files WHERE type = 'fifo'")
        first = engine.run("SELECT path FROM web_files WHERE contains_php = 1", bounds=Bounds(seconds=0.01))
        assert [gap.reason for gap in first.gaps if gap.reason is GapReason.TIMEOUT]
        second = engine.run("SELECT path FROM web_files WHERE contains_php = 1 AND type = 'regular'")
        assert (len(second.tuples), second.gaps) == (1, ())
