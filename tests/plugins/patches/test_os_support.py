"""os_support."""

from __future__ import annotations

import csv
import re
from datetime import datetime, timezone
from pathlib import Path

import pytest

from hardaudit.model.gap import GapReason
from hardaudit_plugins.patches.os_support import os_support

ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\x3e\0\x01\0\0\0" + b"\0" * 40
"""Enough of a program for os_version to tell the architecture."""


@pytest.fixture
def root(root):
    root.write("/bin/sh", ELF)
    return root


def _os_release(name: str, version_id: str, identifier: str = "x") -> str:
    return f'NAME="{name}"\nVERSION_ID="{version_id}"\nID={identifier}\n'


@pytest.mark.parametrize(
    ("name", "version", "last_day"),
    [
        ("Debian GNU/Linux", "12", "2028-06-30"),
        ("Debian GNU/Linux", "3.1", "2018-05-31"),
        ("Ubuntu", "22.04", "2027-06-01"),
        ("Ubuntu", "23.10", "2024-07-11"),
        ("Ubuntu", "10.04", "2017-04-28"),
        ("AlmaLinux", "9.3", "2032-05-31"),
        ("CentOS Stream", "9", "2027-05-31"),
        ("CentOS Linux", "8", "2021-12-31"),
        ("Amazon Linux AMI", "2018.03", "2023-12-31"),
        ("Amazon Linux", "2023", "2029-06-30"),
        ("Alpine Linux", "3.18.4", "2025-05-09"),
        ("openSUSE Leap", "15.5", "2024-12-31"),
    ],
)
def test_releases_are_found_by_name_and_number(root, query, name, version, last_day):
    root.write("/etc/os-release", _os_release(name, version))
    answer = query("SELECT date(end_of_support, 'unixepoch', '-1 day') AS last_day, rolling FROM os_support", root)
    assert answer.rows == [{"last_day": last_day, "rolling": 0}]
    assert not answer.gaps


@pytest.mark.parametrize(
    ("text", "last_day"),
    [("Rocky Linux release 9.3 (Blue Onyx)\n", "2032-05-31"), ("Red Hat Enterprise Linux Server release 7.9 (Maipo)\n", "2024-06-30"), ("Oracle Linux Server release 8.8\n", "2029-07-31")],
)
def test_releases_of_older_release_files_are_found(root, query, text, last_day):
    root.write("/etc/redhat-release", text)
    assert query("SELECT date(end_of_support, 'unixepoch', '-1 day') AS last_day FROM os_support", root).rows == [{"last_day": last_day}]


@pytest.mark.parametrize(("name", "version"), [("Debian GNU/Linux", "99"), ("Ubuntu", "22.06"), ("Debian GNU/Linux", ""), ("Mystery OS", "1")])
def test_a_release_that_is_not_listed_is_a_gap(root, query, name, version):
    root.write("/etc/os-release", _os_release(name, version))
    answer = query("SELECT * FROM os_support", root)
    assert not answer.rows
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


def test_a_rolling_distribution_has_no_end(root, query):
    root.write("/etc/os-release", 'NAME="Arch Linux"\nID=arch\n')
    assert query("SELECT rolling, end_of_support FROM os_support", root).rows == [{"rolling": 1, "end_of_support": None}]


def test_the_list_is_consistent():
    support = os_support()
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", support.compiled)
    assert len({(release.name, release.major, release.minor) for release in support.releases}) == len(support.releases)
    for release in support.releases:
        ends = [release.end_of_standard, release.end_of_support, release.end_of_extended]
        assert release.rolling == (ends[0] is None), release
        known = [end for end in ends if end is not None]
        assert known == sorted(known), release
        assert release.source.startswith("https://"), release


@pytest.mark.real
@pytest.mark.parametrize(("distribution", "column"), [("debian", "eol-lts"), ("ubuntu", "eol")])
def test_the_dates_of_debian_and_ubuntu_are_those_of_distro_info(distribution, column):
    source = Path(f"/usr/share/distro-info/{distribution}.csv")
    if not source.exists():
        pytest.skip("needs Debian's package distro-info-data")
    theirs = {row["series"]: row for row in csv.DictReader(source.read_text().splitlines())}
    compared = 0
    for release in os_support().releases:
        row = theirs.get(release.codename)
        if release.platform == distribution and row and row.get(column):
            day = datetime.fromtimestamp(release.end_of_support - 86_400, timezone.utc).date().isoformat()
            assert day == row[column] or row["eol"] > "2024-01-01", release  # a newer package may know of an extension
            compared += 1
    assert compared > 4
