"""Nobody but root may change what root's audit believes."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from hardaudit.errors import PluginError
from hardaudit.plugin.trust import refuse_unless_trusted, refuse_untrusted_search_path

pytestmark = pytest.mark.usefixtures("require_root")


@pytest.fixture
def tree(tmp_path):
    """Root's own file three folders deep."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "policy.yaml").write_text("x")
    return tmp_path


def test_roots_own_file_is_trusted(tree):
    refuse_unless_trusted(str(tree / "a/b/policy.yaml"))


@pytest.mark.parametrize(
    ("place", "change", "problem"),
    [
        ("a/b/policy.yaml", lambda path: path.chmod(0o666), "everyone may write it .mode 0666"),
        ("a/b/policy.yaml", lambda path: os.chown(path, 1000, 0), "user 1000 owns it"),
        ("a/b", lambda path: path.chmod(0o777), "everyone may write it .mode 0777"),
        ("a", lambda path: os.chown(path, 1000, 1000), "user 1000 owns it"),
        ("a", lambda path: (os.chown(path, 0, 1000), path.chmod(0o775)), "group 1000 may write it .mode 0775"),
    ],
)
def test_a_file_or_parent_that_others_may_change_is_refused_by_name(tree, place, change, problem):
    change(tree / place)
    with pytest.raises(PluginError, match=problem) as caught:
        refuse_unless_trusted(str(tree / "a/b/policy.yaml"))
    assert str(caught.value).startswith(f"{tree / place}: ")
    assert "\n" not in str(caught.value)


def test_group_root_and_the_sticky_bit_are_no_danger(tree):
    (tree / "a").chmod(0o775)
    (tree / "a/b").chmod(0o1777)
    refuse_unless_trusted(str(tree / "a/b/policy.yaml"))


def test_the_sticky_bit_does_not_protect_another_users_file(tree):
    (tree / "a/b").chmod(0o1777)
    os.chown(tree / "a/b/policy.yaml", 1000, 1000)
    with pytest.raises(PluginError):
        refuse_unless_trusted(str(tree / "a/b/policy.yaml"))


def test_a_link_is_judged_by_its_target_and_by_its_place(tree):
    (tree / "open").mkdir()
    (tree / "open/policy.yaml").write_text("x")
    (tree / "a/link").symlink_to(tree / "open/policy.yaml")
    refuse_unless_trusted(str(tree / "a/link"))
    (tree / "open").chmod(0o777)
    with pytest.raises(PluginError, match="open: everyone may write it"):
        refuse_unless_trusted(str(tree / "a/link"))
    (tree / "open").chmod(0o755)
    (tree / "a").chmod(0o777)
    with pytest.raises(PluginError):
        refuse_unless_trusted(str(tree / "a/link"))


def test_every_link_on_the_way_is_looked_at(tree):
    """Root's link leads into another user's directory, whose link leads back to root's file: they can turn theirs while the file is opened."""
    (tree / "theirs").mkdir()
    (tree / "theirs/back").symlink_to(tree / "a/b/policy.yaml")
    (tree / "link").symlink_to(tree / "theirs/back")
    refuse_unless_trusted(str(tree / "link"))
    os.chown(tree / "theirs", 1000, 1000)
    with pytest.raises(PluginError, match="theirs: user 1000 owns it"):
        refuse_unless_trusted(str(tree / "link"))


def test_a_dotdot_behind_a_link_is_followed_as_the_kernel_does(tree):
    (tree / "theirs/inner").mkdir(parents=True)
    (tree / "theirs/policy.yaml").write_text("x")
    (tree / "a/link").symlink_to(tree / "theirs/inner")
    os.chown(tree / "theirs", 1000, 1000)
    with pytest.raises(PluginError, match="theirs: user 1000 owns it"):
        refuse_unless_trusted(str(tree / "a/link/../policy.yaml"))


def test_links_that_loop_are_an_error(tree):
    (tree / "loop").symlink_to("loop")
    with pytest.raises(PluginError, match="Too many levels"):
        refuse_unless_trusted(str(tree / "loop"))


def test_a_relative_path_is_looked_at_from_the_current_directory(tree, monkeypatch):
    monkeypatch.chdir(tree / "a")
    refuse_unless_trusted("b/policy.yaml")
    tree.chmod(0o777)
    with pytest.raises(PluginError, match="everyone may write it"):
        refuse_unless_trusted("b/policy.yaml")


def set_access_list(path, *entries):
    """`entries` are (tag, permissions, number) of linux/posix_acl.h, as setfacl(1) writes them."""
    content = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries))
    try:
        os.setxattr(path, "system.posix_acl_access", content)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        pytest.skip("this file system has no access lists")


NOBODY = 2**32 - 1
BASE = [(0x01, 6, NOBODY), (0x04, 4, NOBODY), (0x20, 4, NOBODY)]


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([(0x02, 6, 1000), (0x10, 6, NOBODY)], "user 1000 may write it by its access list"),
        ([(0x08, 6, 1000), (0x10, 6, NOBODY)], "group 1000 may write it by its access list"),
        ([(0x02, 6, 1000), (0x10, 4, NOBODY)], None),
        ([(0x02, 4, 1000), (0x10, 6, NOBODY)], None),
        ([(0x02, 6, 0), (0x10, 6, NOBODY)], None),
    ],
)
def test_an_access_list_that_lets_others_write_is_refused(tree, entries, problem):
    path = str(tree / "a/b/policy.yaml")
    set_access_list(path, *BASE, *entries)
    if problem is None:
        refuse_unless_trusted(path)
    else:
        with pytest.raises(PluginError, match=problem):
            refuse_unless_trusted(path)


class TestSearchPath:
    def test_roots_own_places_are_trusted(self, tree):
        refuse_untrusted_search_path([str(tree / "a"), str(tree / "missing"), "/usr/lib/python3.zip"])

    def test_a_place_where_others_may_put_modules_is_not(self, tree):
        (tree / "a").chmod(0o777)
        with pytest.raises(PluginError, match="a: everyone may write it"):
            refuse_untrusted_search_path([str(tree / "a/b")])

    def test_nor_is_one_that_others_could_make(self):
        with pytest.raises(PluginError, match=r"^/tmp: everyone may write it"):
            refuse_untrusted_search_path(["/tmp/no-such-directory/at-all"])

    def test_nor_an_empty_entry_in_such_a_directory(self, monkeypatch):
        monkeypatch.chdir("/tmp")
        with pytest.raises(PluginError, match=r"^/tmp/?: everyone may write it"):
            refuse_untrusted_search_path([""])


def test_a_missing_file_is_an_error_too(tree):
    with pytest.raises(PluginError, match="No such file"):
        refuse_unless_trusted(str(tree / "none"))


def test_others_are_not_guarded_against_themselves(tree):
    (tree / "a").chmod(0o777)
    refuse_unless_trusted(str(tree / "a/b/policy.yaml"), user=1000)


def test_a_working_directory_that_is_gone_is_one_line(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(PluginError, match="the working directory is gone"):
        refuse_unless_trusted("policy.yaml", user=0)
