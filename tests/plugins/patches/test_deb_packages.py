"""deb_packages and deb_package_files, on written databases and against dpkg itself."""

from __future__ import annotations

import subprocess

import pytest

from hardaudit.model.gap import GapReason

SHELL = """Package: dash
Status: install ok installed
Priority: required
Section: shells
Installed-Size: 191
Maintainer: A <a@example.org>
Architecture: amd64
Version: 0:0.5.12-2
Description: POSIX-compliant shell
 more

"""
LIBRARY = """Package: LibFoo1
Status: hold reinstreq triggers-pending
Installed-Size: many
Maintainer: A <a@example.org>
Architecture: {arch}
Multi-Arch: same
Source: foo (1.0-1)
Version: 2:1.0:3-1+b2
Priority: Optional
Triggers-Pending: ldconfig
Description: library

"""


def test_columns_are_dpkgs(root, query):
    root.write("/var/lib/dpkg/status", SHELL + LIBRARY.format(arch="i386"))
    answer = query("SELECT name, version, source, size, arch, revision, status, section, priority, admindir FROM deb_packages", root)
    assert answer.rows == [
        {
            "name": "dash",
            "version": "0.5.12-2",
            "source": "",
            "size": 191,
            "arch": "amd64",
            "revision": "2",
            "status": "install ok installed",
            "section": "shells",
            "priority": "required",
            "admindir": "/var/lib/dpkg",
        },
        {
            "name": "libfoo1",
            "version": "2:1.0:3-1+b2",
            "source": "foo (1.0-1)",
            "size": None,
            "arch": "i386",
            "revision": "1+b2",
            "status": "hold reinstreq triggers-pending",
            "section": "",
            "priority": "optional",
            "admindir": "/var/lib/dpkg",
        },
    ]
    assert not answer.gaps


def test_a_package_that_dpkg_forgot_has_no_row(root, query):
    root.write("/var/lib/dpkg/status", SHELL + "Package: gone\nStatus: purge ok not-installed\n\nPackage: named\n\n")
    answer = query("SELECT name FROM deb_packages", root)
    assert [row["name"] for row in answer.rows] == ["dash"]
    assert not answer.gaps


def test_the_journal_comes_after_the_status_file(root, query):
    root.write("/var/lib/dpkg/status", SHELL)
    root.write("/var/lib/dpkg/updates/0001", SHELL.replace("0.5.12-2", "0.5.12-9"))
    root.write("/var/lib/dpkg/updates/tmp.i", SHELL.replace("0.5.12-2", "7"))
    assert query("SELECT version FROM deb_packages", root).rows == [{"version": "0.5.12-9"}]


@pytest.mark.parametrize("length", [len(SHELL) + 3, len(SHELL) + 80, len(SHELL) + 200, 2 * len(SHELL) - 20])
def test_a_status_file_cut_in_a_line_is_a_gap_with_the_rows_before_it(root, query, length):
    root.write("/var/lib/dpkg/status", (SHELL + SHELL.replace("dash", "bash"))[:length])
    answer = query("SELECT name FROM deb_packages", root)
    assert [row["name"] for row in answer.rows] == ["dash"]
    assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]


def test_a_status_file_cut_between_two_fields_is_a_gap(root, query):
    text = SHELL + SHELL.replace("dash", "bash")
    root.write("/var/lib/dpkg/status", text[: text.rindex("Description")])
    assert [gap.reason for gap in query("SELECT name FROM deb_packages", root).gaps] == [GapReason.TRUNCATED]


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("no field here\n", "no field"),
        ("Version: 1\n", "twice"),
        ("Status: installed\n", "twice"),
        (" \n", "blank line"),
    ],
)
def test_a_paragraph_that_dpkg_would_refuse_is_a_gap_with_its_line(root, query, broken, what):
    root.write("/var/lib/dpkg/status", SHELL + "Package: odd\nVersion: 1\nStatus: install ok installed\n" + broken + "Description: d\n\n" + SHELL.replace("dash", "bash"))
    answer = query("SELECT name FROM deb_packages", root)
    assert [row["name"] for row in answer.rows] == ["bash", "dash"]
    (gap,) = answer.gaps
    assert gap.reason is GapReason.UNDECIDABLE
    assert gap.detail.startswith("/var/lib/dpkg/status:12: ")
    assert what in gap.detail


@pytest.mark.parametrize("version", ["", "1 2", "x:1", "99999999999:1", ":1", "1-", "-1"])
def test_a_version_that_dpkg_would_refuse_is_a_gap(root, query, version):
    root.write("/var/lib/dpkg/status", SHELL.replace("0:0.5.12-2", version))
    answer = query("SELECT name FROM deb_packages", root)
    assert not answer.rows
    assert GapReason.UNDECIDABLE in [gap.reason for gap in answer.gaps]


def test_no_database_and_an_empty_one_are_gaps(root, query):
    assert [gap.reason for gap in query("SELECT name FROM deb_packages", root).gaps] == [GapReason.MISSING_SOURCE]
    root.write("/var/lib/dpkg/status", "")
    assert [gap.reason for gap in query("SELECT name FROM deb_packages", root).gaps] == [GapReason.MISSING_SOURCE]


def test_another_administrative_directory_is_read_on_demand(root, query):
    root.write("/srv/chroot/var/lib/dpkg/status", SHELL)
    answer = query("SELECT name, admindir FROM deb_packages WHERE admindir = '/srv/chroot/var/lib/dpkg'", root)
    assert answer.rows == [{"name": "dash", "admindir": "/srv/chroot/var/lib/dpkg"}]


def test_another_process_namespace_is_a_gap(root, query):
    root.write("/var/lib/dpkg/status", SHELL)
    answer = query("SELECT name FROM deb_packages WHERE pid_with_namespace = 7", root)
    assert not answer.rows
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


def test_a_field_of_a_million_lines_takes_linear_time(root, query):
    root.write("/var/lib/dpkg/status", SHELL + "Package: big\nStatus: install ok installed\nVersion: 1\nDescription: x\n" + " y\n" * 1_000_000 + "\n")
    answer = query("SELECT count(*) AS n FROM deb_packages", root)
    assert answer.rows == [{"n": 2}]
    assert answer.duration < 5


def test_files_of_a_package_and_the_owner_of_a_file(root, query):
    root.write("/var/lib/dpkg/status", SHELL + LIBRARY.format(arch="i386") + LIBRARY.format(arch="amd64"))
    root.write("/var/lib/dpkg/info/dash.list", "/.\n/bin\n/bin/dash\n")
    root.write("/var/lib/dpkg/info/libfoo1:i386.list", "/.\n/lib/libfoo.so\n")
    root.write("/var/lib/dpkg/info/libfoo1:amd64.list", "/.\n/lib64/libfoo.so\n")
    root.write("/var/lib/dpkg/info/stranger.list", "/bin/stranger\n")
    assert query("SELECT path FROM deb_package_files WHERE package = 'dash'", root).rows == [{"path": "/."}, {"path": "/bin"}, {"path": "/bin/dash"}]
    owner = query("SELECT package FROM deb_package_files WHERE path = '/lib/libfoo.so'", root)
    assert owner.rows == [{"package": "libfoo1:i386"}]
    assert not owner.gaps
    everything = query("SELECT DISTINCT package FROM deb_package_files", root)
    assert [row["package"] for row in everything.rows] == ["dash", "libfoo1:amd64", "libfoo1:i386"]


def test_an_installed_package_without_a_file_list_is_a_gap(root, query):
    root.write("/var/lib/dpkg/status", SHELL)
    root.mkdir("/var/lib/dpkg/info")
    answer = query("SELECT path FROM deb_package_files", root)
    assert not answer.rows
    assert [(gap.reason, "dash.list" in gap.detail) for gap in answer.gaps] == [(GapReason.MISSING_SOURCE, True)]


def test_the_plain_name_of_a_multi_arch_package_says_where_its_files_are(root, query):
    root.write("/var/lib/dpkg/status", LIBRARY.format(arch="i386"))
    root.write("/var/lib/dpkg/info/libfoo1:i386.list", "/.\n")
    answer = query("SELECT path FROM deb_package_files WHERE package = 'libfoo1'", root)
    assert not answer.rows
    assert "libfoo1:i386" in answer.gaps[0].detail


@pytest.mark.real
def test_this_hosts_packages_are_those_of_dpkg_query(query, require_tool):
    wanted = "${binary:Package}\t${Version}\t${Architecture}\t${Status}\t${Installed-Size}\t${Section}\t${Priority}\t${source:Package}\n"
    lines = subprocess.run([require_tool("dpkg-query"), "-W", "-f", wanted], capture_output=True, text=True, check=True).stdout.splitlines()
    answer = query("SELECT name, version, arch, status, size, section, priority, source FROM deb_packages")
    ours = sorted(
        (
            row["name"],
            row["version"],
            row["arch"],
            row["status"],
            "" if row["size"] is None else str(row["size"]),
            row["section"],
            row["priority"],
            (row["source"] or row["name"]).partition(" ")[0],
        )
        for row in answer.rows
    )
    theirs = sorted((name.partition(":")[0], *rest) for name, *rest in (line.split("\t") for line in lines))
    assert ours == theirs
    assert len(ours) > 50
    assert not answer.gaps


@pytest.mark.real
def test_dpkg_query_reads_the_same_from_a_written_database(root, query, require_tool):
    root.write("/var/lib/dpkg/status", SHELL + LIBRARY.format(arch="i386") + LIBRARY.format(arch="amd64").replace("2:1.0:3-1", "0:7"))
    listed = subprocess.run(
        [require_tool("dpkg-query"), f"--admindir={root.path}/var/lib/dpkg", "-W", "-f", "${Package} ${Version} ${Architecture} ${Status}\n"],
        capture_output=True,
        text=True,
        check=True,
    )
    answer = query("SELECT name, version, arch, status FROM deb_packages", root)
    assert sorted(" ".join(row.values()) for row in answer.rows) == sorted(listed.stdout.splitlines())


@pytest.mark.real
def test_this_hosts_package_files_are_those_of_dpkg_query(query, require_tool):
    packages = ["dpkg", "base-files", "coreutils"]
    for package in packages:
        listed = subprocess.run([require_tool("dpkg-query"), "-L", package], capture_output=True, text=True, check=True).stdout.splitlines()
        answer = query("SELECT path FROM deb_package_files WHERE package = :package", parameters={"package": package})
        assert [row["path"] for row in answer.rows] == [line for line in listed if line.startswith("/")]
