"""Nobody but root may change what root's audit believes."""

from __future__ import annotations

import os

import pytest

from hardaudit.errors import PluginError
from hardaudit.plugin.trust import refuse_unless_trusted

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


def test_a_missing_file_is_an_error_too(tree):
    with pytest.raises(PluginError, match="No such file"):
        refuse_unless_trusted(str(tree / "none"))


def test_others_are_not_guarded_against_themselves(tree):
    (tree / "a").chmod(0o777)
    refuse_unless_trusted(str(tree / "a/b/policy.yaml"), user=1000)
