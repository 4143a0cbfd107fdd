"""file_tree.package by rpm's database, on written headers and beside the real rpm. For dpkg see test_file_tree.py."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess

import pytest
from rpm_files import (
    BASENAMES,
    CHAR,
    DIRINDEXES,
    DIRNAMES,
    FILESTATES,
    INT32,
    NAME,
    NETSHARED,
    NORMAL,
    NOTINSTALLED,
    OLDFILENAMES,
    REPLACED,
    STRING,
    STRING_ARRAY,
    WRONGCOLOR,
    build,
    database,
    header,
    package_tags,
    run,
)

from hardaudit.model.gap import GapReason

PACKAGES = "SELECT path, package FROM file_tree WHERE root = '/usr' AND type = 'regular'"


def package(name: str, *paths, **states: int) -> bytes:
    return header(package_tags(name, {**dict.fromkeys(paths, NORMAL), **states}))


def owners(answer) -> dict[str, str | None]:
    return {row["path"]: row["package"] for row in answer.rows}


def reasons(answer) -> list[GapReason]:
    return [gap.reason for gap in answer.gaps]


def test_the_package_of_files_and_directories(root, query):
    root.write("/usr/bin/sudo", mode=0o4755)
    root.write("/usr/bin/own", mode=0o4755)
    root.write("/usr/lib64/libc.so.6")
    database(
        root,
        package("sudo", "/usr/bin/sudo"),
        header({NAME: (STRING, "gpg-pubkey")}),
        package("glibc", "/usr/lib64/libc.so.6", "/usr/bin/not-there"),
        package("filesystem", "/", "/usr", "/usr/bin"),
    )
    answer = query("SELECT path, package FROM file_tree WHERE root = '/' AND (path = '/' OR path = '/usr' OR directory LIKE '/usr%')", root)
    assert owners(answer) == {
        "/": "filesystem",
        "/usr": "filesystem",
        "/usr/bin": "filesystem",
        "/usr/bin/sudo": "sudo",
        "/usr/bin/own": None,
        "/usr/lib": None,
        "/usr/lib/sysimage": None,
        "/usr/lib/sysimage/rpm": None,
        "/usr/lib/sysimage/rpm/rpmdb.sqlite": None,
        "/usr/lib64": None,
        "/usr/lib64/libc.so.6": "glibc",
    }
    assert not answer.gaps
    assert owners(query(PACKAGES + " AND setuid = 1", root)) == {"/usr/bin/sudo": "sudo", "/usr/bin/own": None}


@pytest.mark.parametrize(
    ("state", "owner"), [(NORMAL, "a"), (NETSHARED, "a"), (REPLACED, "b"), (NOTINSTALLED, "b"), (WRONGCOLOR, "b"), (255, "b")]
)
def test_of_several_packages_the_first_by_name_that_installed_it_counts(root, query, state, owner):
    root.write("/usr/bin/x")
    states = {"/usr/bin/x": state}
    database(
        root, package("c", "/usr/bin/x"), package("a", "/usr/bin/y", **states), package("b", "/usr/bin/x"), path="/var/lib/rpm/rpmdb.sqlite"
    )
    assert owners(query(PACKAGES, root)) == {"/usr/bin/x": owner}


def test_names_are_bytes(root, query):
    name = b"\xff \n\xc3\xa4"
    with open(os.fsencode(root.mkdir("/usr/share")) + b"/" + name, "wb"):
        pass
    tags = package_tags("odd", {"/usr/share/x": NORMAL})
    database(root, header({**tags, BASENAMES: (STRING_ARRAY, [name])}), path="/var/lib/rpm/rpmdb.sqlite")
    answer = query(PACKAGES, root)
    assert list(owners(answer).values()) == ["odd"]
    assert not answer.gaps


def test_directories_are_found_through_links(root, query):
    database(root, package("util", "/bin/su", "/sbin/x", "/etc/init.d/svc", "/opt/tool/run"))
    root.write("/usr/bin/su")
    root.write("/usr/bin/x")
    root.write("/usr/bin/svc")
    root.write("/usr/opt/tool/run")
    root.write("/etc/rc.d/init.d/svc")
    root.symlink("/bin", "usr/bin")
    root.symlink("/usr/sbin", "bin")
    root.symlink("/sbin", "/usr/sbin")
    root.symlink("/opt", "usr/opt")
    root.symlink("/etc/init.d", "rc.d/init.d")
    answer = query(
        "SELECT path, package FROM file_tree WHERE root = '/' AND type = 'regular' AND filename NOT IN ('hostname', 'rpmdb.sqlite')", root
    )
    assert owners(answer) == {
        "/etc/rc.d/init.d/svc": "util",
        "/usr/bin/su": "util",
        "/usr/bin/svc": None,
        "/usr/bin/x": "util",
        "/usr/opt/tool/run": "util",
    }
    assert not answer.gaps


def test_a_file_of_the_same_name_elsewhere_is_nobodys(root, query):
    database(root, package("util", "/bin/su", "/gone/su", "bin/su"), path="/var/lib/rpm/rpmdb.sqlite")
    root.write("/usr/bin/su")
    root.write("/bin/su")
    answer = query(PACKAGES, root)
    assert owners(answer) == {"/usr/bin/su": None}
    assert not answer.gaps


def test_a_directory_that_cannot_be_resolved_is_a_gap(root, query):
    database(root, package("util", "/loop/su"), package("other", "/usr/bin/known"), path="/var/lib/rpm/rpmdb.sqlite")
    root.symlink("/loop", "loop")
    root.write("/usr/bin/su")
    root.write("/usr/bin/known")
    answer = query(PACKAGES, root)
    assert owners(answer) == {"/usr/bin/su": "", "/usr/bin/known": "other"}
    assert "/loop" in answer.gaps[0].detail


GOOD = package_tags("bad", {"/usr/bin/a": NORMAL, "/usr/bin/b": NORMAL})


def without(tag: int) -> dict:
    return {key: value for key, value in GOOD.items() if key != tag}


@pytest.mark.parametrize(
    "tags",
    [
        without(NAME),
        without(DIRNAMES),
        without(DIRINDEXES),
        without(FILESTATES),
        without(BASENAMES),
        {NAME: GOOD[NAME], OLDFILENAMES: (STRING_ARRAY, ["/usr/bin/a"])},
        {**GOOD, DIRINDEXES: (INT32, [0, 1])},
        {**GOOD, DIRINDEXES: (INT32, [0])},
        {**GOOD, DIRINDEXES: (STRING_ARRAY, ["0", "0"])},
        {**GOOD, FILESTATES: (CHAR, [0])},
        {**GOOD, FILESTATES: (CHAR, [0, 0, 0])},
        {**GOOD, BASENAMES: (STRING_ARRAY, ["a"])},
        {**GOOD, BASENAMES: (INT32, [1, 2])},
        {**GOOD, BASENAMES: (STRING_ARRAY, [""] * 500_001)},
    ],
)
def test_a_list_that_does_not_fit_together_is_a_gap_and_its_files_are_nobodys_for_certain(root, query, tags):
    database(root, header(tags), package("good", "/usr/bin/x"), path="/var/lib/rpm/rpmdb.sqlite")
    root.write("/usr/bin/a")
    root.write("/usr/bin/x")
    answer = query(PACKAGES, root)
    assert owners(answer) == {"/usr/bin/a": "", "/usr/bin/x": "good"}
    assert reasons(answer) == [GapReason.UNDECIDABLE]
    assert "package 1" in answer.gaps[0].detail


@pytest.mark.parametrize("tag", [BASENAMES, DIRNAMES, DIRINDEXES, FILESTATES])
def test_counts_beyond_the_header_are_a_gap(root, query, tag):
    blob = bytearray(header(GOOD))
    place = 8 + 16 * sorted(GOOD).index(tag) + 12
    for count in (100, 400_000, 0xFFFFFFFF, 0):
        blob[place : place + 4] = struct.pack(">I", count)
        database(root, bytes(blob), path="/var/lib/rpm/rpmdb.sqlite")
        root.write("/usr/bin/a")
        answer = query(PACKAGES, root)
        assert owners(answer) == {"/usr/bin/a": ""}
        assert reasons(answer) == [GapReason.UNDECIDABLE]
        (root.directory / "var/lib/rpm/rpmdb.sqlite").unlink()


@pytest.mark.parametrize("name", ["Packages", "Packages.db"])
@pytest.mark.parametrize("dpkg", [False, True])
def test_older_databases_are_a_gap(root, query, name, dpkg):
    root.write(f"/var/lib/rpm/{name}", "x")
    root.write("/usr/bin/a")
    root.write("/usr/bin/own")
    if dpkg:
        root.write("/var/lib/dpkg/info/deb.list", "/usr/bin/a\n")
    answer = query(PACKAGES, root)
    assert owners(answer) == {"/usr/bin/a": "deb" if dpkg else "", "/usr/bin/own": ""}
    assert reasons(answer) == [GapReason.UNSUPPORTED]


@pytest.mark.parametrize("fault", ["-wal", "-journal", "damaged", "fifo"])
def test_what_is_not_read_of_the_database_makes_owners_unknown(root, query, fault):
    place = database(root, package("good", "/usr/bin/x"), path="/var/lib/rpm/rpmdb.sqlite")
    root.write("/usr/bin/a")
    if fault.startswith("-"):
        root.write(f"/var/lib/rpm/rpmdb.sqlite{fault}", "changes")
    else:
        place.unlink()
        _ = place.write_bytes(b"not a database" * 100) if fault == "damaged" else os.mkfifo(place)
    answer = query(PACKAGES, root)
    assert owners(answer) == {"/usr/bin/a": ""}
    assert len(answer.gaps) == 1


def test_dpkg_and_rpm_side_by_side(root, query):
    database(root, package("rpm-only", "/usr/bin/a", "/usr/bin/both"), path="/var/lib/rpm/rpmdb.sqlite")
    root.write("/var/lib/dpkg/info/z-deb.list", "/usr/bin/b\n/usr/bin/both\n")
    for name in ("a", "b", "both", "own"):
        root.write(f"/usr/bin/{name}")
    answer = query(PACKAGES, root)
    assert owners(answer) == {"/usr/bin/a": "rpm-only", "/usr/bin/b": "z-deb", "/usr/bin/both": "z-deb", "/usr/bin/own": None}
    assert not answer.gaps


@pytest.mark.parametrize("dpkg", [False, True])
def test_a_database_without_files_says_nothing_of_a_host(root, query, dpkg):
    database(root, header({NAME: (STRING, "gpg-pubkey")}), path="/var/lib/rpm/rpmdb.sqlite")
    root.write("/usr/bin/own")
    if dpkg:
        root.write("/var/lib/dpkg/info/deb.list", "/usr/bin/a\n")
    answer = query(PACKAGES, root)
    assert owners(answer) == {"/usr/bin/own": None if dpkg else ""}
    assert reasons(answer) == ([] if dpkg else [GapReason.MISSING_SOURCE])


def test_a_database_that_may_not_be_read_is_a_gap(root, query_as_nobody):
    database(root, package("good", "/usr/bin/x"), path="/var/lib/rpm/rpmdb.sqlite")
    root.mkdir("/var/lib/rpm", mode=0o700)
    root.write("/var/lib/dpkg/info/deb.list", "/usr/bin/a\n")
    for name in ("a", "x"):
        root.write(f"/usr/bin/{name}")
    rows, gaps = query_as_nobody(PACKAGES, root)
    assert dict(rows) == {"/usr/bin/a": "deb", "/usr/bin/x": ""}
    assert {reason for reason, _ in gaps} == {"permission_denied"}


ALPHA = """Name: alpha
Version: 1
Release: 1
Summary: alpha
License: MIT
BuildArch: noarch
%description
x
%install
umask 022
mkdir -p %{buildroot}TREE/usr/bin %{buildroot}TREE/bin %{buildroot}TREE/etc/init.d %{buildroot}TREE/usr/share/alpha %{buildroot}TREE/var/log
for file in usr/bin/tool bin/legacy usr/bin/shared etc/init.d/svc usr/share/alpha/manual 'usr/share/alpha/with space' var/log/alpha.log
do echo alpha > "%{buildroot}TREE/$file"; done
ln -s tool %{buildroot}TREE/usr/bin/link
%files
%attr(4755,-,-) TREE/usr/bin/tool
TREE/bin/legacy
TREE/usr/bin/shared
TREE/usr/bin/link
TREE/etc/init.d/svc
%dir TREE/usr/share/alpha
"TREE/usr/share/alpha/with space"
%doc TREE/usr/share/alpha/manual
%ghost TREE/var/log/alpha.log
"""
BETA = """Name: beta
Version: 2
Release: 3
Summary: beta
License: MIT
BuildArch: noarch
%description
x
%install
umask 022
mkdir -p %{buildroot}TREE/usr/bin %{buildroot}TREE/usr/share/alpha
echo beta > %{buildroot}TREE/usr/bin/shared
echo beta > %{buildroot}TREE/usr/share/alpha/beta
%files
TREE/usr/bin/shared
TREE/usr/share/alpha
"""


@pytest.fixture
def rpm_tree(root, require_tool, tmp_path):
    """Two real packages, installed by the real rpm in `tree` with the database of `root`; the tree is in the root too, in the same place.

    rpm -qf looks at the files of the running host, so the tree is where its packages say.
    """
    rpm, rpmbuild = require_tool("rpm"), require_tool("rpmbuild")
    tree = tmp_path / "tree"
    for directory in ("usr/bin", "usr/share/alpha", "etc/rc.d/init.d", "var/log"):
        (tree / directory).mkdir(parents=True)
    (tree / "bin").symlink_to("usr/bin")
    (tree / "etc/init.d").symlink_to("rc.d/init.d")
    (tree / "usr/share/alpha/manual").write_text("not the package's: it was installed without documentation")
    (tree / "var/log/alpha.log").write_text("a ghost of the package")
    (tree / "usr/bin/own").write_text("nobody's")
    database_path = root.mkdir("/var") / "lib/rpm"
    asked = [rpm, "--dbpath", str(database_path)]
    for name, spec in (("alpha", ALPHA), ("beta", BETA)):
        made = build(rpmbuild, spec.replace("TREE", str(tree)), tmp_path / name)
        options = ("--nodeps", "--noscripts", "--notriggers", "--noplugins", "--excludedocs", "--replacefiles")
        run([*asked, *options, "-i", made], tmp_path)
    shutil.copytree(tree, f"{root.path}{tree}", symlinks=True)
    return str(tree), lambda *options: subprocess.run([*asked, *options], check=False, capture_output=True, text=True).stdout


@pytest.mark.real
def test_owners_agree_with_rpm_qf(root, query, rpm_tree):
    tree, rpm = rpm_tree
    answer = query("SELECT path, package FROM file_tree WHERE root = :tree", root, {"tree": tree})
    assert not answer.gaps
    found = owners(answer)
    assert {path.removeprefix(tree): package for path, package in found.items() if package} == {
        "/etc/rc.d/init.d/svc": "alpha",
        "/usr/bin/legacy": "alpha",
        "/usr/bin/link": "alpha",
        "/usr/bin/shared": "beta",
        "/usr/bin/tool": "alpha",
        "/usr/share/alpha": "alpha",
        "/usr/share/alpha/beta": "beta",
        "/usr/share/alpha/with space": "alpha",
        "/var/log/alpha.log": "alpha",
    }
    for path, package in found.items():
        named = rpm("-qf", "--qf", "%{NAME}\n", path)
        if package is None:
            assert "not owned by any package" in named, path
        else:
            assert package == min(named.split()), path


@pytest.mark.real
def test_every_file_that_rpm_lists_as_installed_has_its_owner(root, query, rpm_tree):
    tree, rpm = rpm_tree
    found = owners(query("SELECT path, package FROM file_tree WHERE root = :tree", root, {"tree": tree}))
    packages = query("SELECT name, version, release FROM rpm_packages", root).rows
    assert sorted("-".join(row.values()) for row in packages) == sorted(rpm("-qa", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}\n").split())
    assert len(packages) == 2
    for row in packages:
        listed = set(rpm("-ql", row["name"]).split("\n")) - {""}
        installed = set(rpm("-q", "--qf", "[%{INSTFILENAMES}\n]", row["name"]).split("\n")) - {""}
        assert installed
        assert listed >= installed
        for path in installed:
            directory, _, name = path.rpartition("/")
            owner = found[f"{os.path.realpath(directory)}/{name}"]
            assert owner == row["name"] or path == f"{tree}/usr/share/alpha"
        for path in listed - installed:
            assert found[path] != row["name"]
