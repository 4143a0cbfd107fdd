"""rpm_packages, on written databases and beside the real rpm."""

from __future__ import annotations

import sqlite3
import struct

import pytest
from rpm_files import I18N, INT32, STRING, build, database, header, run

from hardaudit.model.gap import GapReason

TAGS = {
    1000: (STRING, "openssl"),
    1001: (STRING, "3.0.7"),
    1002: (STRING, "24.el9"),
    1003: (INT32, 1),
    1008: (INT32, 1_700_000_000),
    1009: (INT32, 1_000_000),
    1011: (STRING, "Red Hat, Inc."),
    1016: (I18N, "Unspecified"),
    1022: (STRING, "x86_64"),
    1044: (STRING, "openssl-3.0.7-24.el9.src.rpm"),
    269: (STRING, "ab" * 20),
    1004: (I18N, "a summary that is not wanted"),
}


def _reasons(answer):
    return [gap.reason for gap in answer.gaps]


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_the_columns_of_a_package(root, query, journal):
    database(root, header(TAGS), header({1000: (STRING, "gpg-pubkey"), 1001: (STRING, "fd431d51")}), journal=journal)
    answer = query("SELECT * FROM rpm_packages", root)
    assert answer.rows[0] == {
        "name": "openssl",
        "version": "3.0.7",
        "release": "24.el9",
        "source": "openssl-3.0.7-24.el9.src.rpm",
        "size": 1_000_000,
        "sha1": "ab" * 20,
        "arch": "x86_64",
        "epoch": 1,
        "install_time": 1_700_000_000,
        "vendor": "Red Hat, Inc.",
        "package_group": "Unspecified",
    }
    assert (answer.rows[1]["name"], answer.rows[1]["epoch"], answer.rows[1]["arch"]) == ("gpg-pubkey", None, "")
    assert not answer.gaps


def test_many_packages_are_read_by_pages(root, query):
    tags = dict(TAGS)
    blobs = []
    for number in range(300):
        tags[1000] = (STRING, f"package{number}")
        tags[1004] = (I18N, "x" * 20_000)
        blobs.append(header(tags))
    database(root, *blobs)
    answer = query("SELECT count(DISTINCT name) AS n FROM rpm_packages WHERE version = '3.0.7'", root)
    assert answer.rows == [{"n": 300}]


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"1234567",
        struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF),
        struct.pack(">II", 1, 4) + struct.pack(">IIiI", 1000, STRING, 0, 1) + b"abcd",
        struct.pack(">II", 1, 4) + struct.pack(">IIiI", 1000, STRING, 4, 1) + b"abc\0",
        struct.pack(">II", 1, 4) + struct.pack(">IIiI", 1000, STRING, -4, 1) + b"abc\0",
        struct.pack(">II", 1, 4) + struct.pack(">IIiI", 1003, INT32, 2, 1) + b"abc\0",
        struct.pack(">II", 2, 4) + struct.pack(">IIiI", 1000, STRING, 0, 1) + b"abc\0",
    ],
)
def test_a_header_that_points_outside_of_itself_is_a_gap_beside_the_others(root, query, blob):
    database(root, blob, header(TAGS))
    answer = query("SELECT name FROM rpm_packages", root)
    assert answer.rows == [{"name": "openssl"}]
    assert _reasons(answer) == [GapReason.UNDECIDABLE]


def test_a_damaged_database_is_a_gap(root, query):
    database(root, *[header(TAGS)] * 50)
    path = root.directory / "usr/lib/sysimage/rpm/rpmdb.sqlite"
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"not a database" * 100, b"", content[:100] + b"\xff" * (len(content) - 100)):
        path.write_bytes(damaged)
        assert _reasons(query("SELECT name FROM rpm_packages", root)) == [GapReason.UNDECIDABLE]


def test_a_view_in_the_place_of_the_packages_cannot_run_for_ever(root, query):
    place = root.write("/var/lib/rpm/rpmdb.sqlite", b"")
    connection = sqlite3.connect(place)
    connection.execute("CREATE VIEW Packages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS hnum, x'00' AS blob FROM n WHERE i < 0")
    connection.commit()
    connection.close()
    answer = query("SELECT name FROM rpm_packages", root, seconds=1.0)
    assert not answer.rows
    assert answer.gaps
    assert answer.duration < 10


def test_changes_in_the_journal_are_a_gap(root, query):
    database(root, header(TAGS))
    root.write("/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "changes")
    answer = query("SELECT name FROM rpm_packages", root)
    assert len(answer.rows) == 1
    assert _reasons(answer) == [GapReason.UNSUPPORTED]


@pytest.mark.parametrize("name", ["Packages", "Packages.db"])
def test_older_databases_are_a_gap(root, query, name):
    root.write(f"/var/lib/rpm/{name}", "x")
    assert _reasons(query("SELECT name FROM rpm_packages", root)) == [GapReason.UNSUPPORTED]


def test_no_database_is_a_gap(root, query):
    assert _reasons(query("SELECT name FROM rpm_packages", root)) == [GapReason.MISSING_SOURCE]


def test_a_link_does_not_lead_out_of_the_root(root, query, tmp_path):
    outside = tmp_path / "outside.sqlite"
    database(root, header(TAGS))
    (root.directory / "usr/lib/sysimage/rpm/rpmdb.sqlite").rename(outside)
    root.symlink("/usr/lib/sysimage/rpm/rpmdb.sqlite", str(outside))
    answer = query("SELECT name FROM rpm_packages", root)
    assert not answer.rows
    assert _reasons(answer) == [GapReason.MISSING_SOURCE]


def test_pending_updates_of_rpm_packages_are_unknown(root, query):
    database(root, header(TAGS))
    assert GapReason.UNSUPPORTED in _reasons(query("SELECT name FROM package_updates WHERE security = 1", root))


SPEC = """Name: demo
Epoch: 3
Version: 1.2
Release: 4
Summary: demo
License: MIT
Vendor: Acme
Group: Apps/Net
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/opt
echo hi > %{buildroot}/opt/demo.txt
%files
/opt/demo.txt
"""


@pytest.mark.real
def test_a_database_of_the_real_rpm(root, query, require_tool, tmp_path):
    rpm, rpmbuild = require_tool("rpm"), require_tool("rpmbuild")
    package = build(rpmbuild, SPEC, tmp_path / "demo")
    place = root.mkdir("/var")
    dbpath = f"{place}/lib/rpm"
    run([rpm, "--dbpath", dbpath, "--nodeps", "--justdb", "--noscripts", "-i", package], tmp_path)
    wanted = "%{NAME} %{VERSION} %{RELEASE} %{EPOCH} %{ARCH} %{SIZE} %{SHA1HEADER} %{INSTALLTIME} %{SOURCERPM} %{VENDOR} %{GROUP}"
    theirs = run([rpm, "--dbpath", dbpath, "-qa", "--qf", wanted], tmp_path)
    answer = query("SELECT name, version, release, epoch, arch, size, sha1, install_time, source, vendor, package_group FROM rpm_packages", root)
    assert [" ".join(str(value) for value in row.values()) for row in answer.rows] == [theirs]
