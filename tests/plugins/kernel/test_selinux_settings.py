"""`selinux_settings`: selinuxfs as osquery reads it, and off told from unreadable."""

import pytest

from hardaudit.model.gap import GapReason

MOUNTS = "proc /proc proc rw 0 0\nselinuxfs /sys/fs/selinux selinuxfs rw 0 0\n"
FILES = {
    "checkreqprot": "0",
    "deny_unknown": "0",
    "enforce": "1",
    "mls": "1",
    "policyvers": "33",
    "reject_unknown": "0",
    "booleans/httpd_can_network_connect": "0 0",
    "booleans/ftpd_full_access": "1 1",
    "booleans/pending": "1 0",
    "policy_capabilities/network_peer_controls": "1",
    "initial_contexts/kernel": "system_u:system_r:kernel_t:s0\0",
    "class/file/index": "6",
    "class/file/perms/read": "2",
    "class/file/perms/write": "3",
}


@pytest.fixture
def selinux(root, fake_host):
    root.write("/proc/self/mounts", MOUNTS)
    for path, content in FILES.items():
        root.write(f"/sys/fs/selinux/{path}", content)
    return fake_host


def test_rows(selinux):
    answer = selinux("SELECT scope, key, value FROM selinux_settings")
    assert sorted(tuple(row.values()) for row in answer.rows) == sorted(
        [
            ("", "checkreqprot", "0"),
            ("", "deny_unknown", "0"),
            ("", "enforce", "1"),
            ("", "mls", "1"),
            ("", "policyvers", "33"),
            ("", "reject_unknown", "0"),
            ("booleans", "httpd_can_network_connect", "off"),
            ("booleans", "ftpd_full_access", "on"),
            ("booleans", "pending", "on"),
            ("policy_capabilities", "network_peer_controls", "1"),
            ("initial_contexts", "kernel", "system_u:system_r:kernel_t:s0"),
            ("class", "file/perms", "read"),
            ("class", "file/perms", "write"),
        ]
    )
    assert not answer.gaps


def test_off_is_proved_by_a_kernel_without_it(fake_host, root):
    root.write("/proc/self/mounts", "proc /proc proc rw 0 0\n")
    root.write("/proc/filesystems", "nodev\tsysfs\n\text4\n")
    answer = fake_host("SELECT * FROM selinux_settings")
    assert (answer.rows, answer.gaps) == ([], ())


def test_on_and_not_mounted_is_a_gap(fake_host, root):
    root.write("/proc/self/mounts", "proc /proc proc rw 0 0\n")
    root.write("/proc/filesystems", "nodev\tsysfs\nnodev\tselinuxfs\n")
    answer = fake_host("SELECT * FROM selinux_settings")
    assert [gap.reason for gap in answer.gaps] == [GapReason.MISSING_SOURCE]


def test_missing_mode_is_a_gap(selinux, root):
    (root.directory / "sys/fs/selinux/enforce").unlink()
    (root.directory / "sys/fs/selinux/checkreqprot").unlink()
    answer = selinux("SELECT key FROM selinux_settings WHERE scope = ''")
    assert "checkreqprot" not in {row["key"] for row in answer.rows}
    assert [gap.detail.partition(":")[0] for gap in answer.gaps] == ["/sys/fs/selinux/enforce"]


@pytest.mark.real
def test_this_host(query):
    with open("/proc/filesystems") as filesystems:
        on = "\tselinuxfs\n" in filesystems.read()
    answer = query("SELECT value FROM selinux_settings WHERE scope = '' AND key = 'enforce'")
    assert bool(answer.rows or answer.gaps) is on
