from __future__ import annotations

import json
import os
import struct

import pytest
from fake_sites import FakeSite, ask, web_engine, with_accounts

from hardaudit.engine.errors import DeadlineError
from hardaudit.model.gap import GapReason
from hardaudit.target.target import Target
from hardaudit_plugins.web.docroots import Docroots
from hardaudit_plugins.web.writers import User

SHOP = "/var/www/shop"
WEB, SHOP_USER, ANN, MEDIA = 33, 1001, 1002, 2000


@pytest.fixture
def host(root, require_root):
    with_accounts(root)
    root.mkdir(SHOP)
    return root


def listed(host, *sites, where=""):
    answer = ask(host, f"SELECT path, origin FROM upload_directories {where} ORDER BY path", *(sites or (FakeSite(),)))
    assert answer.gaps == ()
    return list(answer.tuples)


def set_acl(path, *entries):
    """`entries`: tag, permissions, identity, as acl(5) numbers them."""
    content = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, permissions, identity) for tag, permissions, identity in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", content)
    except OSError as error:
        pytest.skip(f"no access control lists on this file system: {error}")


def acl(mask, *named):
    nobody = 0xFFFFFFFF
    return sorted([(0x01, 7, nobody), *named, (0x04, 5, nobody), (0x10, mask, nobody), (0x20, 5, nobody)])


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "origin"),
    [
        (0o755, WEB, 0, "owner"),
        (0o700, WEB, WEB, "owner"),
        (0o775, 0, WEB, "group"),
        (0o2775, 0, MEDIA, "group"),
        (0o777, 0, 0, "other"),
        (0o1777, 0, 0, "other"),
    ],
)
def test_a_directory_that_the_servers_user_may_write_is_listed_with_the_reason(host, mode, uid, gid, origin):
    host.mkdir(f"{SHOP}/images", mode, uid, gid)
    assert listed(host) == [(f"{SHOP}/images", origin)]


@pytest.mark.parametrize(
    ("mode", "uid", "gid"),
    [
        (0o755, 0, WEB),
        (0o577, WEB, 0),  # its owner's own bits count, not those of all others
        (0o757, 0, WEB),  # so do its group's
        (0o766, 0, 0),  # without search permission no file can be made in it
        (0o775, 0, ANN),
        (0o755, ANN, ANN),
    ],
)
def test_a_directory_that_nobody_of_the_site_may_write_is_not_listed(host, mode, uid, gid):
    host.mkdir(f"{SHOP}/images", mode, uid, gid)
    assert listed(host) == []


def test_the_user_of_php_counts_like_that_of_the_server(host):
    host.mkdir(f"{SHOP}/images", 0o755, SHOP_USER, 0)
    host.mkdir(f"{SHOP}/cache", 0o755, WEB, 0)
    answer = ask(host, "SELECT path, writable_by, mode, uid, gid, site FROM upload_directories", FakeSite(php=("shop",)))
    assert sorted(answer.tuples) == [
        (f"{SHOP}/cache", "www-data", "0755", WEB, 0, "shop.example"),
        (f"{SHOP}/images", "shop", "0755", SHOP_USER, 0, "shop.example"),
    ]


def test_a_writable_docroot_is_an_upload_directory(host):
    host.mkdir(SHOP, 0o2775, 0, WEB)
    assert listed(host) == [(SHOP, "group")]


def test_an_access_control_list_grants_what_the_mode_does_not_show(host):
    set_acl(host.mkdir(f"{SHOP}/images", 0o755), *acl(7, (0x02, 7, WEB)))
    set_acl(host.mkdir(f"{SHOP}/media", 0o755), *acl(7, (0x08, 7, MEDIA)))
    assert listed(host) == [(f"{SHOP}/images", "acl"), (f"{SHOP}/media", "acl")]


def test_the_mask_of_an_access_control_list_takes_rights_away(host):
    set_acl(host.mkdir(f"{SHOP}/images", 0o755), *acl(5, (0x02, 7, WEB)))
    assert listed(host) == []


def test_the_group_bits_are_the_mask_where_there_is_a_list(host):
    set_acl(host.mkdir(f"{SHOP}/images", 0o755, 0, WEB), *acl(7, (0x02, 7, ANN)))
    assert os.stat(host.directory / "var/www/shop/images").st_mode & 0o020
    assert listed(host) == []


def test_an_alias_is_reached_under_its_own_path(host):
    host.mkdir("/srv/pictures", 0o755, WEB, WEB)
    assert listed(host, FakeSite(aliases=(("/img/", "/srv/pictures/"),))) == [("/srv/pictures", "owner")]


def test_each_site_that_reaches_a_directory_has_a_row(host):
    host.mkdir(f"{SHOP}/images", 0o777)
    sites = FakeSite(), FakeSite("beta.example", f"{SHOP}/images"), FakeSite("other.example", "/var/www/other")
    answer = ask(host, "SELECT site, path FROM upload_directories ORDER BY site", *sites)
    assert answer.tuples == (("beta.example", f"{SHOP}/images"), ("shop.example", f"{SHOP}/images"))


def test_sites_of_one_name_share_their_rows(host):
    host.mkdir(f"{SHOP}/images", 0o777)
    assert listed(host, FakeSite(), FakeSite(listen=("*:443",))) == [(f"{SHOP}/images", "other")]


def test_of_directories_inside_each_other_that_agree_only_the_outermost_is_listed(host):
    for path in ("up", "up/2024", "up/2024/01"):
        host.mkdir(f"{SHOP}/{path}", 0o755, WEB, WEB)
    assert listed(host) == [(f"{SHOP}/up", "owner")]


@pytest.mark.parametrize("name", [".htaccess", ".user.ini"])
def test_an_inner_directory_with_rules_of_its_own_is_listed_too(host, name):
    for path in ("up", "up/2024", "up/2024/01"):
        host.mkdir(f"{SHOP}/{path}", 0o755, WEB, WEB)
    host.write(f"{SHOP}/up/2024/{name}")
    assert listed(host) == [(f"{SHOP}/up", "owner"), (f"{SHOP}/up/2024", "owner")]


def test_an_inner_directory_that_differs_is_listed_too(host):
    host.mkdir(f"{SHOP}/up", 0o755, WEB, WEB)
    host.mkdir(f"{SHOP}/up/open", 0o777, 0, 0)
    host.mkdir(f"{SHOP}/up/closed", 0o755, 0, 0)
    assert listed(host) == [(f"{SHOP}/up", "owner"), (f"{SHOP}/up/open", "other")]


def test_a_start_of_a_site_is_listed_though_the_directory_around_it_agrees(host):
    host.mkdir(f"{SHOP}/up", 0o755, WEB, WEB)
    host.mkdir(f"{SHOP}/up/beta", 0o755, WEB, WEB)
    answer = ask(host, "SELECT site, path FROM upload_directories", FakeSite(), FakeSite("beta.example", f"{SHOP}/up/beta"))
    assert ("beta.example", f"{SHOP}/up/beta") in answer.tuples


def test_a_link_in_a_docroot_leads_to_a_writable_directory_elsewhere(host):
    host.mkdir("/srv/data", 0o755)
    host.mkdir("/srv/data/pictures", 0o755, WEB, WEB)
    host.symlink(f"{SHOP}/data", "/srv/data")
    host.symlink(f"{SHOP}/relative", "../../../srv/data/pictures")
    assert listed(host) == [(f"{SHOP}/data/pictures", "symlink"), (f"{SHOP}/relative", "symlink")]


def test_a_link_inside_a_docroot_is_a_path_of_its_own(host):
    host.mkdir(f"{SHOP}/releases", 0o755)
    host.mkdir(f"{SHOP}/releases/5", 0o755)
    host.mkdir(f"{SHOP}/releases/5/up", 0o755, WEB, WEB)
    host.symlink(f"{SHOP}/current", "releases/5")
    assert listed(host) == [(f"{SHOP}/current/up", "symlink"), (f"{SHOP}/releases/5/up", "owner")]


def test_links_in_linked_directories_are_followed_and_circles_end(host):
    host.mkdir("/srv/a", 0o755)
    host.mkdir("/srv/b", 0o755)
    host.mkdir("/srv/b/up", 0o777)
    host.symlink(f"{SHOP}/a", "/srv/a")
    host.symlink("/srv/a/b", "/srv/b")
    host.symlink("/srv/b/back", "/srv/a")
    host.symlink("/srv/b/shop", SHOP)
    assert listed(host) == [(f"{SHOP}/a/b/up", "symlink")]


def test_a_link_to_what_holds_the_docroot_is_followed_once(host):
    host.mkdir("/var/www/other", 0o777)
    host.symlink(f"{SHOP}/up", "..")
    assert listed(host) == [(f"{SHOP}/up/other", "symlink")]


def test_a_docroot_behind_a_link_keeps_its_configured_path(host):
    host.mkdir("/srv/real", 0o755)
    host.mkdir("/srv/real/up", 0o777)
    host.symlink("/var/www/linked", "/srv/real")
    assert listed(host, FakeSite(docroot="/var/www/linked")) == [("/var/www/linked/up", "other")]


def test_a_link_cannot_leave_the_root(host):
    host.symlink(f"{SHOP}/out", "/" + "../" * 20 + "tmp")
    assert listed(host) == []


def test_more_links_than_can_be_told_apart_are_a_gap(host):
    host.mkdir("/srv/up", 0o777)
    host.mkdir("/srv/far", 0o755)
    for number in range(90):
        host.symlink(f"{SHOP}/link{number}", "/srv/far")
        host.symlink(f"/srv/far/link{number}", "/srv/up")
    answer = ask(host, "SELECT path FROM upload_directories", FakeSite())
    assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]


def test_directories_that_a_query_names_are_listed_whatever_they_are(host):
    host.mkdir(f"{SHOP}/plain", 0o755)
    include = json.dumps([f"{SHOP}/plain", f"{SHOP}/none/", "/srv/unreached"])
    answer = ask(host, f"SELECT path, site, origin, mode FROM upload_directories WHERE include = '{include}'", FakeSite())
    assert answer.tuples == (
        (f"{SHOP}/plain", "shop.example", "parameter", "0755"),
        (f"{SHOP}/none", "shop.example", "parameter", None),
        ("/srv/unreached", None, "parameter", None),
    )


@pytest.mark.parametrize("include", ["x", "{}", '["relative"]', "[1]", "[" * 100_000])
def test_a_malformed_include_is_a_gap(host, include):
    with web_engine(host, FakeSite()) as engine:
        answer = engine.run("SELECT path FROM upload_directories WHERE include = :include", {"include": include})
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


def test_of_a_site_that_root_serves_only_the_starts_are_listed(host):
    host.mkdir(f"{SHOP}/images", 0o755)
    answer = ask(host, "SELECT path, origin, writable_by FROM upload_directories", FakeSite(php=("root",)))
    assert answer.tuples == ((SHOP, "owner", "root"),)


def test_a_user_that_nobody_knows_is_a_gap(host):
    answer = ask(host, "SELECT path FROM upload_directories", FakeSite(worker="apache"))
    assert [(gap.reason, "user apache" in gap.detail) for gap in answer.gaps] == [(GapReason.MISSING_SOURCE, True)]


def test_a_server_whose_user_is_not_known_is_a_gap(host):
    answer = ask(host, "SELECT path FROM upload_directories", FakeSite(worker=""))
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNDECIDABLE]


def test_the_group_that_a_server_or_a_pool_is_given_counts(host):
    host.mkdir(f"{SHOP}/images", 0o775, 0, ANN)
    assert listed(host, FakeSite(worker_group="ann")) == [(f"{SHOP}/images", "group")]
    assert listed(host, FakeSite(worker_group="#1002")) == [(f"{SHOP}/images", "group")]


def test_a_user_may_be_a_number(host):
    host.mkdir(f"{SHOP}/images", 0o755, WEB, 0)
    host.mkdir(f"{SHOP}/media", 0o775, 0, MEDIA)
    assert listed(host, FakeSite(worker="#33")) == [(f"{SHOP}/images", "owner"), (f"{SHOP}/media", "group")]


def test_a_docroot_that_does_not_exist_has_no_rows(host):
    assert listed(host, FakeSite(docroot="/var/www/none")) == []


def test_a_site_without_docroot_has_no_rows(host):
    assert listed(host, FakeSite(docroot=None)) == []


def test_names_that_are_not_utf8_stay_what_they_are(host):
    place = os.fsencode(host.directory / "var/www/shop") + b"/b\xffd"
    os.mkdir(place)
    os.chmod(place, 0o777)
    assert listed(host) == [(f"{SHOP}/b\uefffd", "other")]


def test_a_walk_goes_on_where_a_querys_time_was_up(host):
    for number in range(3000):
        host.mkdir(f"{SHOP}/d{number}", 0o777 if number % 100 == 0 else 0o755)
    looks = []

    def up_at_the_second_look():
        looks.append(1)
        if len(looks) == 2:
            raise DeadlineError

    with Target.directory(host.path) as target:
        docroots = Docroots(target, (FakeSite(),), [(User("www-data", WEB, frozenset((WEB,))),)])
        with pytest.raises(DeadlineError):
            docroots.finish(up_at_the_second_look)
        assert docroots.finish(up_at_the_second_look)
        assert list(docroots.spool.select("SELECT count(*) FROM entry")) == [(3001,)]
        assert list(docroots.spool.select("SELECT count(*) FROM directory WHERE permission IN (SELECT permission FROM writer)")) == [(30,)]
        docroots.close()


def test_the_sites_come_from_the_servers_own_configuration(host, query):
    host.write(
        "/etc/nginx/nginx.conf",
        "user www-data;\nevents {}\nhttp {\n server {\n listen 80;\n server_name shop.example;\n root /var/www/shop;\n"
        " location /pictures/ { alias /srv/pictures/; }\n }\n}\n",
    )
    host.mkdir(f"{SHOP}/images", 0o755, WEB, WEB)
    host.mkdir("/srv/pictures", 0o775, 0, MEDIA)
    host.mkdir("/srv/other", 0o777)
    answer = query("SELECT path, site, origin, writable_by FROM upload_directories ORDER BY path", host)
    assert answer.tuples == (
        ("/srv/pictures", "shop.example", "group", "www-data"),
        (f"{SHOP}/images", "shop.example", "owner", "www-data"),
    )


def test_a_tree_of_links_among_packages_takes_bounded_time(host):
    for number in range(300):  # as node's package managers make them
        host.mkdir(f"{SHOP}/store/p{number}/modules", 0o755)
        for other in range(number, number + 10):
            host.symlink(f"{SHOP}/store/p{number}/modules/m{other % 300}", f"../../p{other % 300}")
    host.mkdir(f"{SHOP}/images", 0o777)
    assert listed(host) == [(f"{SHOP}/images", "other")]
