"""`os_version`: release files as osquery reads them, and what it must not guess."""

import os
import platform
import struct

import pytest

from hardaudit.model.gap import GapReason

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n'
COLUMNS = "name, version, major, minor, patch, build, platform, platform_like, codename"


def read(query, root, columns=COLUMNS):
    answer = query(f"SELECT {columns} FROM os_version", root)
    assert len(answer.rows) == 1, answer
    return answer.rows[0]


def test_debian(query, root):
    root.write("/etc/os-release", DEBIAN)
    answer = query(f"SELECT {COLUMNS} FROM os_version", root)
    assert answer.rows == [
        {
            "name": "Debian GNU/Linux",
            "version": "12 (bookworm)",
            "major": 12,
            "minor": 0,
            "patch": 0,
            "build": None,
            "platform": "debian",
            "platform_like": None,
            "codename": "bookworm",
        }
    ]
    assert not answer.gaps


def test_version_in_three_parts_and_a_build(query, root):
    root.write("/etc/os-release", 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.18.4\nBUILD_ID="b1=2"\nID_LIKE="a b"\n')
    row = read(query, root)
    assert (row["major"], row["minor"], row["patch"], row["build"], row["platform_like"]) == (3, 18, 4, "b1=2", "a b")
    assert row["version"] is None


@pytest.mark.parametrize(
    ("version_id", "numbers"),
    [
        ("22.04", (22, 4, 0)),  # a leading zero is octal to osquery, which makes no difference below 8
        ("10.09", (10, 0, 0)),
        ("rolling", (None, 0, 0)),
        ("8", (8, 0, 0)),
        ("1.2.3.4", (1, 2, 3)),
        ("99999999999999999999", (None, 0, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_numbers_of_the_version(query, root, version_id, numbers):
    root.write("/etc/os-release", f'ID=x\nVERSION_ID="{version_id}"\n')
    row = read(query, root)
    assert (row["major"], row["minor"], row["patch"]) == numbers


def test_the_last_code_name_wins_whatever_its_key(query, root):
    root.write("/etc/os-release", 'ID=ubuntu\nVERSION_CODENAME=jammy\nUBUNTU_CODENAME="noble"\nNAME=\n = x\n')
    row = read(query, root)
    assert (row["codename"], row["name"]) == ("noble", "Unknown")


def test_vendor_file_where_the_administrator_has_none(query, root):
    root.write("/usr/lib/os-release", DEBIAN)
    assert read(query, root)["platform"] == "debian"


def test_link_to_the_vendor_file(query, root):
    root.write("/usr/lib/os-release", DEBIAN)
    root.symlink("/etc/os-release", "../usr/lib/os-release")
    assert read(query, root)["platform"] == "debian"


def test_red_hat_release_prevails(query, root):
    root.write("/etc/os-release", 'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n')
    root.write("/etc/redhat-release", "CentOS Linux  release 7.9.2009 (Core)\n")
    row = read(query, root)
    assert row == {
        "name": "CentOS Linux",
        "version": "CentOS Linux release 7.9.2009 (Core)",
        "major": 7,
        "minor": 9,
        "patch": 2009,
        "build": "",
        "platform": "rhel",
        "platform_like": "rhel",
        "codename": None,
    }


def test_oracle_release_keeps_the_platform(query, root):
    root.write("/etc/os-release", 'NAME="Oracle Linux Server"\nID="ol"\nVERSION_ID="9.3"\n')
    root.write("/etc/oracle-release", "Oracle Linux Server release 9.3\n")
    root.write("/etc/redhat-release", "Red Hat Enterprise Linux release 9.3 (Plow)\n")
    row = read(query, root)
    assert (row["platform"], row["name"], row["version"], row["patch"]) == (
        "ol",
        "Oracle Linux Server",
        "Oracle Linux Server release 9.3",
        0,
    )


def test_gentoo_release_alone(query, root):
    root.write("/etc/gentoo-release", "Gentoo Base System release 2.14\n")
    row = read(query, root)
    assert (row["platform"], row["name"], row["major"], row["minor"]) == ("gentoo", "Gentoo Base System", 2, 14)


def test_no_release_file_is_a_gap_not_an_unknown_system(query, root):
    answer = query("SELECT name FROM os_version", root)
    assert answer.rows == []
    assert [gap.reason for gap in answer.gaps] == [GapReason.MISSING_SOURCE]


def test_fifo_in_its_place_is_not_opened(query, root):
    root.write("/usr/lib/os-release", DEBIAN)
    os.mkfifo(f"{root.path}/etc/os-release")
    answer = query("SELECT name FROM os_version", root)
    assert answer.rows == []
    assert any("/etc/os-release" in gap.detail and gap.reason is GapReason.UNSUPPORTED for gap in answer.gaps)


def test_another_namespace_is_a_gap(query, root):
    root.write("/etc/os-release", DEBIAN)
    answer = query("SELECT name FROM os_version WHERE pid_with_namespace = 1", root)
    assert answer.rows == []
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]
    assert query("SELECT name, pid_with_namespace, mount_namespace_id FROM os_version WHERE pid_with_namespace = 0", root).rows == [
        {"name": "Debian GNU/Linux", "pid_with_namespace": 0, "mount_namespace_id": ""}
    ]


@pytest.mark.parametrize(
    ("machine", "bits", "order", "name"),
    [
        (62, 2, "<", "x86_64"),
        (183, 2, "<", "aarch64"),
        (22, 2, ">", "s390x"),
        (21, 2, "<", "ppc64le"),
        (21, 2, ">", "ppc64"),
        (40, 1, "<", "armv7l"),
    ],
)
def test_architecture_of_an_image_is_that_of_its_shell(query, root, machine, bits, order, name):
    ident = b"\x7fELF" + bytes((bits, 1 if order == "<" else 2, 1)) + bytes(9)
    root.write("/etc/os-release", DEBIAN)
    root.write("/bin/sh", ident + struct.pack(f"{order}HH", 3, machine) + bytes(40))
    answer = query("SELECT arch FROM os_version", root)
    assert answer.rows == [{"arch": name}]
    assert not answer.gaps


def test_architecture_that_nothing_tells_is_a_gap(query, root):
    root.write("/etc/os-release", DEBIAN)
    root.write("/bin/sh", "#!/bin/busybox\n")
    answer = query("SELECT arch FROM os_version", root)
    assert answer.rows == [{"arch": None}]
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNDECIDABLE]


@pytest.mark.real
def test_this_host(query):
    row = query("SELECT name, platform, arch FROM os_version").rows[0]
    release = platform.freedesktop_os_release()
    assert row == {"name": release["NAME"], "platform": release["ID"], "arch": os.uname().machine}
