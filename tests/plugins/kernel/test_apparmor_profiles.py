"""`apparmor_profiles`: the kernel's profiles, those within profiles, and off told from unreadable."""

import os

import pytest

from hardaudit.model.gap import GapReason

PROFILES = "/sys/kernel/security/apparmor/policy/profiles"


def profile(root, place, name, mode="enforce", **hashes):
    for part, content in {"name": name, "attach": f"/usr/sbin/{name}", "mode": mode, **hashes}.items():
        root.write(f"{PROFILES}/{place}/{part}", f"{content}\n")


@pytest.fixture
def apparmor(root, fake_host):
    root.write("/sys/module/apparmor/parameters/enabled", "Y\n")
    return fake_host


def test_rows(apparmor, root):
    profile(root, "mariadbd.1", "mariadbd", sha1="ab12")
    profile(root, "apache2.2", "apache2", mode="complain", sha256="cd34")
    profile(root, "apache2.2/profiles/shop.3", "shop")
    answer = apparmor("SELECT * FROM apparmor_profiles ORDER BY path")
    assert answer.rows == [
        {"path": "apache2", "name": "apache2", "attach": "/usr/sbin/apache2", "mode": "complain", "sha1": None, "sha256": "cd34"},
        {"path": "apache2//shop", "name": "shop", "attach": "/usr/sbin/shop", "mode": "enforce", "sha1": None, "sha256": None},
        {"path": "mariadbd", "name": "mariadbd", "attach": "/usr/sbin/mariadbd", "mode": "enforce", "sha1": "ab12", "sha256": None},
    ]
    assert not answer.gaps


@pytest.mark.parametrize("enabled", ["N\n", None])
def test_off_is_no_gap(fake_host, root, enabled):
    root.mkdir("/sys/module/ext4")
    if enabled:
        root.write("/sys/module/apparmor/parameters/enabled", enabled)
    answer = fake_host("SELECT * FROM apparmor_profiles")
    assert (answer.rows, answer.gaps) == ([], ())


def test_on_without_securityfs_is_a_gap(apparmor):
    answer = apparmor("SELECT * FROM apparmor_profiles")
    assert [(gap.reason, gap.detail.partition(":")[0]) for gap in answer.gaps] == [(GapReason.MISSING_SOURCE, PROFILES)]


def test_without_sysfs_nothing_is_known(fake_host):
    assert [gap.reason for gap in fake_host("SELECT * FROM apparmor_profiles").gaps] == [GapReason.MISSING_SOURCE]


def test_profile_without_a_mode_is_a_row_and_a_gap(apparmor, root):
    profile(root, "a.1", "a")
    (root.directory / f"{PROFILES}/a.1/mode".lstrip("/")).unlink()
    answer = apparmor("SELECT name, mode FROM apparmor_profiles")
    assert answer.rows == [{"name": "a", "mode": None}]
    assert answer.gaps


@pytest.mark.real
def test_this_host(query):
    answer = query("SELECT name FROM apparmor_profiles")
    if not os.path.exists("/sys/module/apparmor/parameters/enabled"):
        assert (answer.rows, answer.gaps) == ([], ())
    elif os.path.isdir(PROFILES):
        assert len(answer.rows) >= len(os.listdir(PROFILES))
    else:
        assert answer.gaps or answer.rows == []
