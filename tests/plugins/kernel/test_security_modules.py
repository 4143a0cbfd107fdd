"""`security_modules`: off, on, in force, and not known are four things."""

import pytest

OFF = {"/proc/self/mounts": "proc /proc proc rw 0 0\n", "/proc/filesystems": "nodev\tsysfs\n", "/sys/module/ext4/x": ""}
SELINUX = {"/proc/self/mounts": "none /sys/fs/selinux selinuxfs rw 0 0\n", "/sys/module/ext4/x": ""}
APPARMOR = {**OFF, "/sys/module/apparmor/parameters/enabled": "Y\n"}
PROFILES = "/sys/kernel/security/apparmor/policy/profiles"


@pytest.mark.parametrize(
    ("files", "selinux", "apparmor", "known"),
    [
        (OFF, (0, 0), (0, 0), True),
        ({**SELINUX, "/sys/fs/selinux/enforce": "1"}, (1, 1), (0, 0), True),
        ({**SELINUX, "/sys/fs/selinux/enforce": "0"}, (1, 0), (0, 0), True),
        ({**SELINUX, "/sys/fs/selinux/enforce": "x"}, (1, None), (0, 0), False),
        (SELINUX, (1, None), (0, 0), False),
        ({**APPARMOR, f"{PROFILES}/a/mode": "complain\n", f"{PROFILES}/b/mode": "enforce\n"}, (0, 0), (1, 1), True),
        ({**APPARMOR, f"{PROFILES}/a/mode": "kill\n"}, (0, 0), (1, 1), True),
        ({**APPARMOR, f"{PROFILES}/a/mode": "complain\n"}, (0, 0), (1, 0), True),
        ({**APPARMOR, f"{PROFILES}/a/name": "a\n"}, (0, 0), (1, None), False),
        (APPARMOR, (0, 0), (1, None), False),
        ({**OFF, "/proc/filesystems": "nodev\tselinuxfs\n"}, (None, None), (0, 0), False),
        ({}, (None, None), (None, None), False),
    ],
)
def test_states(fake_host, root, files, selinux, apparmor, known):
    for path, content in files.items():
        root.write(path, content)
    answer = fake_host("SELECT * FROM security_modules")
    assert {row["name"]: (row["active"], row["enforcing"]) for row in answer.rows} == {"selinux": selinux, "apparmor": apparmor}
    assert (not answer.gaps) is known
