"""package_updates, on written lists and beside the real APT."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import time
from pathlib import Path

import lz4.frame
import pytest
from debian.debian_support import NativeVersion

from hardaudit.model.gap import GapReason

sys.path.insert(0, str(Path(__file__).parent))
from apt_root import DAY, AptRoot, status

SQL = "SELECT name, installed_version AS old, candidate_version AS new, security, held, priority, outranked FROM package_updates"

INSTALLED = (
    ("dpkg", "1.21", "amd64"),
    ("main-only", "1.0", "amd64"),
    ("sec-only", "1.0", "amd64"),
    ("both", "1.0-1", "amd64"),
    ("both-same", "1.0-1", "amd64"),
    ("main-newer", "1.0", "amd64"),
    ("current", "1.0", "amd64"),
    ("newer-here", "9:1", "amd64"),
    ("stable-kept", "1.0", "amd64"),
    ("from-backports", "1.5~bpo1", "amd64"),
    ("experimental", "1.0", "amd64"),
    ("held", "1.0", "amd64", "hold ok installed"),
    ("for-all", "1.0", "all"),
    ("became-any", "1.0", "all"),
    ("foreign", "1.0", "i386"),
    ("local", "1.0", "amd64"),
    ("half", "1.0", "amd64", "install reinstreq half-configured"),
    ("removed", "1.0", "amd64", "deinstall ok config-files"),
    ("tilde", "1.0~rc1", "amd64"),
)
MAIN = (
    ("dpkg", "1.21", "amd64"),
    ("main-only", "1.1", "amd64"),
    ("sec-only", "1.0", "amd64"),
    ("both", "1.0-2", "amd64"),
    ("both-same", "1.0-2", "amd64"),
    ("main-newer", "1.2", "amd64"),
    ("current", "1.0", "amd64"),
    ("newer-here", "2", "amd64"),
    ("stable-kept", "1.0", "amd64"),
    ("from-backports", "1.0", "amd64"),
    ("experimental", "1.0", "amd64"),
    ("held", "1.1", "amd64"),
    ("for-all", "1.1", "all"),
    ("became-any", "1.1", "amd64"),
    ("foreign", "1.1", "amd64"),
    ("half", "1.1", "amd64"),
    ("removed", "1.1", "amd64"),
    ("tilde", "1.0", "amd64"),
)
SECURITY = (("sec-only", "1.0+deb1", "amd64"), ("both", "1.0-3", "amd64"), ("both-same", "1.0-2", "amd64"), ("main-newer", "1.1", "amd64"))
BACKPORTS = (("stable-kept", "2.0~bpo1", "amd64"), ("from-backports", "1.6~bpo1", "amd64"))
EXPERIMENTAL = (("experimental", "9.0", "amd64"), ("main-only", "9.0", "amd64"))


@pytest.fixture
def apt(root):
    made = AptRoot(root)
    root.write("/var/lib/dpkg/status", status(*INSTALLED))
    made.repository("stable", *MAIN)
    made.repository("stable-security", *SECURITY, Label="Debian-Security")
    made.repository("stable-backports", *BACKPORTS, NotAutomatic="yes", ButAutomaticUpgrades="yes")
    made.repository("experimental", *EXPERIMENTAL, NotAutomatic="yes")
    return made


def _fetched(apt):
    for suite in ("stable", "stable-security", "stable-backports", "experimental"):
        apt.fetch(suite)
    return apt


def _reasons(answer):
    return sorted({gap.reason.value for gap in answer.gaps})


def test_each_class_has_its_newest_version(apt, query):
    answer = query(SQL, _fetched(apt).root)
    assert not answer.gaps
    assert {(row["name"], row["new"], row["security"]) for row in answer.rows} == {
        ("main-only", "1.1", 0),
        ("sec-only", "1.0+deb1", 1),
        ("both", "1.0-2", 0),
        ("both", "1.0-3", 1),
        ("both-same", "1.0-2", 1),
        ("main-newer", "1.2", 0),
        ("main-newer", "1.1", 1),
        ("from-backports", "1.6~bpo1", 0),
        ("held", "1.1", 0),
        ("for-all", "1.1", 0),
        ("became-any", "1.1", 0),
        ("half", "1.1", 0),
        ("tilde", "1.0", 0),
    }
    assert [row["name"] for row in answer.rows if row["held"]] == ["held"]


def test_security_updates_need_only_the_security_lists(apt, query):
    _fetched(apt)
    os.remove(apt.root.path + apt.list_path("stable", "main/binary-amd64/Packages"))
    answer = query(f"{SQL} WHERE security = 1", apt.root)
    assert {(row["name"], row["new"]) for row in answer.rows} == {("sec-only", "1.0+deb1"), ("both", "1.0-3"), ("both-same", "1.0-2"), ("main-newer", "1.1")}
    assert not answer.gaps
    assert _reasons(query(SQL, apt.root)) == ["missing_source"]


@pytest.mark.parametrize(
    ("extension", "pack"),
    [
        (".gz", gzip.compress),
        (".xz", lzma.compress),
        (".bz2", bz2.compress),
        (".lzma", lambda content: lzma.compress(content, format=lzma.FORMAT_ALONE)),
        (".lz4", lz4.frame.compress),
    ],
)
def test_compressed_lists_are_read_and_damaged_ones_are_gaps(apt, query, extension, pack):
    _fetched(apt)
    path = apt.list_path("stable-security", "main/binary-amd64/Packages")
    content = (apt.root.directory / path[1:]).read_bytes() * 2000
    os.remove(apt.root.path + path)
    apt.root.write(path + extension, pack(content))
    answer = query(f"{SQL} WHERE security = 1", apt.root)
    assert len(answer.rows) == 4
    assert not answer.gaps
    apt.root.write(path + extension, pack(content)[:-20])
    assert _reasons(query(f"{SQL} WHERE security = 1", apt.root)) == ["undecidable"]
    apt.root.write(path + extension, b"nonsense" * 10)
    assert _reasons(query(f"{SQL} WHERE security = 1", apt.root)) == ["undecidable"]


def test_a_compression_that_cannot_be_read_is_a_gap(apt, query):
    _fetched(apt)
    path = apt.list_path("stable", "main/binary-amd64/Packages")
    os.rename(apt.root.path + path, apt.root.path + path + ".zst")
    assert _reasons(query(SQL, apt.root)) == ["unsupported"]


def test_lists_that_were_never_fetched_are_gaps(apt, query):
    apt.root.mkdir("/var/lib/apt")
    apt.root.mkdir("/var/lib/apt/lists")
    answer = query(SQL, apt.root)
    assert not answer.rows
    assert _reasons(answer) == ["missing_source"]
    assert sum("never fetched" in gap.detail for gap in answer.gaps) == 4


def test_no_repository_and_no_security_repository_are_gaps(apt, query):
    _fetched(apt)
    apt.root.write("/etc/apt/sources.list", apt.sources[0] + "\n")
    assert ["security updates is configured" in gap.detail for gap in query(SQL, apt.root).gaps] == [True]
    assert not query(f"{SQL} WHERE security = 0", apt.root).gaps
    apt.root.write("/etc/apt/sources.list", "# none\n")
    assert _reasons(query(f"{SQL} WHERE security = 0", apt.root)) == ["missing_source"]


def _age(apt, days):
    old = time.time() - days * DAY
    for suite in ("stable", "stable-security", "stable-backports", "experimental"):
        path = apt.root.directory / f"srv/repo/dists/{suite}/Release"
        lines = [line for line in path.read_text().splitlines() if not line.startswith("Date:")]
        path.write_text("\n".join([f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S UTC', time.gmtime(old))}", *lines]) + "\n")
        apt.fetch(suite)
    lists = apt.root.directory / "var/lib/apt/lists"
    os.utime(lists, (old, old))


def test_stale_lists_are_a_gap_though_their_rows_stand(apt, query):
    _age(apt, 10)
    answer = query(SQL, apt.root)
    assert answer.rows
    assert [(gap.reason, gap.detail) for gap in answer.gaps] == [(GapReason.STALE_DATA, "/var/lib/apt/lists: last refreshed 10 days ago; run apt-get update")]
    apt.root.write("/var/lib/apt/periodic/update-success-stamp")
    assert not query(SQL, apt.root).gaps


def test_a_fresh_stamp_beside_old_lists_as_in_a_copied_image_proves_nothing(apt, query):
    _age(apt, 60)
    apt.root.write("/var/lib/apt/periodic/update-success-stamp")
    os.utime(apt.root.directory / "var/lib/apt/lists")
    assert [gap.detail for gap in query(SQL, apt.root).gaps] == ["/var/lib/apt/lists: last refreshed 46 days ago; run apt-get update"]


def test_an_expired_repository_is_stale(apt, query):
    _fetched(apt)
    path = apt.list_path("stable-security", "Release")
    text = (apt.root.directory / path[1:]).read_text()
    apt.root.write(path, "Valid-Until: Sat, 01 Jan 2022 00:00:00 UTC\n" + text)
    assert _reasons(query(f"{SQL} WHERE security = 1", apt.root)) == ["stale_data"]


def test_a_security_mirror_that_stands_still_behind_a_fresh_one_proves_nothing(apt, query):
    _age(apt, 60)
    path = apt.list_path("stable", "Release")
    text = (apt.root.directory / path[1:]).read_text()
    apt.root.write(path, "\n".join([f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S UTC', time.gmtime())}", *text.splitlines()[1:]]) + "\n")
    os.utime(apt.root.directory / "var/lib/apt/lists")
    answer = query(f"{SQL} WHERE security = 1", apt.root)
    assert [(gap.reason, "may stand still" in gap.detail) for gap in answer.gaps] == [(GapReason.STALE_DATA, True)]
    assert not query(f"{SQL} WHERE security = 0", apt.root).gaps


def _install_kernels(apt, *installed):
    """Kernels as installed packages, and newer ones in the list of security updates, under names of their own."""
    text = status(("dpkg", "1.21", "amd64"), *((name, version, "amd64") for name, version in installed))
    apt.root.write("/var/lib/dpkg/status", text.replace("Package: linux-", "Source: linux-signed-amd64 (1)\nPackage: linux-"))
    _fetched(apt)
    offered = [
        ("linux-image-6.1.0-44-amd64", "6.1.160-1", "linux-signed-amd64"),
        ("linux-image-6.1.0-43-amd64", "6.1.150-1", "linux-signed-amd64"),
        ("linux-image-6.1.0-45-cloud-amd64", "6.1.161-1", "linux-signed-amd64"),
        ("linux-image-6.12.0-4-amd64", "6.12.3-1", "linux-signed-6.12-amd64"),
        ("linux-image-6.1.0-46-amd64-dbg", "6.1.162-1", "linux-signed-amd64"),
    ]
    listed = [f"Package: {name}\nSource: {source} (1)\nArchitecture: amd64\nVersion: {version}\n" for name, version, source in offered]
    apt.root.write(apt.list_path("stable-security", "main/binary-amd64/Packages"), "\n".join(listed))


def test_a_kernel_that_no_package_follows_has_updates_under_other_names(apt, query):
    sql = f"{SQL} WHERE security = 1"
    old = (("linux-image-6.1.0-9-amd64", "6.1.27-1"), ("linux-image-6.1.0-10-amd64", "6.1.37-1"))

    def updates(*installed):
        _install_kernels(apt, *installed)
        answer = query(sql, apt.root)
        assert not answer.gaps
        return [(row["name"], row["old"], row["new"]) for row in answer.rows]

    assert updates(*old) == [("linux-image-6.1.0-10-amd64", "6.1.37-1", "6.1.160-1")]
    assert updates(*old, ("linux-image-amd64", "6.1.37-1")) == []
    assert updates(*old, ("linux-image-6.1.0-44-amd64", "6.1.160-1")) == []
    assert updates(("linux-image-6.1.0-10-rt-amd64", "6.1.37-1")) == []
    assert updates(*old, ("linux-image-cloud-amd64", "6.1.37-1")) == [("linux-image-6.1.0-10-amd64", "6.1.37-1", "6.1.160-1")]


def test_an_index_that_the_repository_does_not_have_is_no_gap(apt, query):
    _fetched(apt)
    apt.root.write("/etc/apt/sources.list", "\n".join(line + " contrib" for line in apt.sources) + "\n")
    assert not query(SQL, apt.root).gaps


def test_a_security_update_is_listed_although_pins_hide_it(apt, query):
    _fetched(apt)
    apt.root.write("/etc/apt/preferences", "Package: *\nPin: release l=Debian-Security\nPin-Priority: -1\n")
    answer = query(f"{SQL} WHERE security = 1", apt.root)
    assert len(answer.rows) == 4
    assert {(row["priority"], row["outranked"]) for row in answer.rows} == {(-1, 1)}


def test_an_entry_without_a_version_and_a_giant_entry_are_gaps(apt, query):
    _fetched(apt)
    path = apt.list_path("stable", "main/binary-amd64/Packages")
    content = (apt.root.directory / path[1:]).read_text()
    apt.root.write(path, content + "\nPackage: current\nArchitecture: amd64\n")
    assert _reasons(query(SQL, apt.root)) == ["undecidable"]
    apt.root.write(path, content + "\nPackage: current\nDescription: " + "x" * 6_000_000)
    assert _reasons(query(SQL, apt.root)) == ["truncated"]


def test_entries_in_another_layout_are_read(apt, query):
    _fetched(apt)
    path = apt.list_path("stable-security", "main/binary-amd64/Packages")
    apt.root.write(path, "\n\nVersion:1.0+deb1\r\nArchitecture: amd64\r\npackage: sec-only\r\n\r\n\r\nPackage:both\nVersion: 1.0-3\nArchitecture: amd64")
    assert {row["name"] for row in query(f"{SQL} WHERE security = 1", apt.root).rows} == {"sec-only", "both"}


def test_a_root_without_dpkg_never_says_that_nothing_is_pending(root, query):
    assert "missing_source" in _reasons(query(SQL, root))


def _candidates(apt, packages):
    """The version that the real APT would install of each package."""
    found, name = {}, ""
    for line in apt.apt("apt-cache", "policy", *packages).splitlines():
        if line.endswith(":") and not line.startswith(" "):
            name = line[:-1]
        elif line.startswith("  Installed: "):
            found[name] = line.removeprefix("  Installed: ")
        elif line.startswith("  Candidate: ") and not line.endswith("(none)"):  # with none it leaves what is installed
            found[name] = line.removeprefix("  Candidate: ")
    return found


def _ours(query, apt, *, also_outranked=True):
    ours = {name: version for name, version, *_ in INSTALLED}
    rows = [row for row in query(SQL, apt.root).rows if also_outranked or not row["outranked"]]
    for row in sorted(rows, key=lambda row: NativeVersion(row["new"])):
        ours[row["name"]] = row["new"]
    return ours


@pytest.mark.real
@pytest.mark.parametrize(
    ("preferences", "configuration"),
    [
        ("", ""),
        ("Package: main-only\nPin: version 1.0\nPin-Priority: 1001\n", ""),
        ("Explanation: x\nPackage: *\nPin: release n=stable-backports\nPin-Priority: 700\n", ""),
        ("Package: *\nPin: release a=experimental\nPin-Priority: 501\n\nPackage: main-*\nPin: release a=stable\nPin-Priority: 600\n", ""),
        ("Package: held current\nPin: release o=Debian\nPin-Priority: -1\n", ""),
        ("Package: *\nPin: release stable\nPin-Priority: 50\n", ""),
        ("Package: experimental\nPin: version 9.*\nPin-Priority: 990\n", ""),
        ("# c\nPackage: *\nPin: release c=main, l=Debian, a=exp*\nPin-Priority: 900\n", ""),
        ("", 'APT::Default-Release "/^stable(|-security)$/";'),
        ("", 'APT::Default-Release "experimental";'),
    ],
)
def test_the_real_apt_chooses_the_same_versions(apt, query, require_tool, preferences, configuration):
    require_tool("apt-get")
    apt.root.write("/etc/apt/preferences.d/pins.pref", preferences)
    apt.root.write("/etc/apt/apt.conf.d/90release", configuration)
    apt.apt("apt-get", "-q", "update")
    names = [name for name, *_ in INSTALLED if name not in ("removed", "foreign", "local")]
    theirs = _candidates(apt, names)
    assert len(theirs) == len(names)
    assert {name: version for name, version in _ours(query, apt).items() if name in theirs} == theirs


@pytest.mark.real
def test_a_default_release_that_hides_security_updates_is_seen(apt, query, require_tool):
    require_tool("apt-get")
    apt.root.write("/etc/apt/apt.conf.d/90release", 'APT::Default-Release "stable";')
    apt.apt("apt-get", "-q", "update")
    assert _candidates(apt, ["both", "sec-only"]) == {"both": "1.0-2", "sec-only": "1.0"}
    rows = {row["name"]: row for row in query(f"{SQL} WHERE security = 1", apt.root).rows}
    assert (rows["both"]["new"], rows["both"]["outranked"]) == ("1.0-3", 1)
    assert (rows["sec-only"]["new"], rows["sec-only"]["outranked"]) == ("1.0+deb1", 1)


@pytest.mark.real
def test_dist_upgrade_would_install_what_is_listed(apt, query, require_tool):
    require_tool("apt-get")
    apt.root.write("/var/lib/dpkg/status", status(*(package for package in INSTALLED if package[0] not in ("half", "foreign"))))
    apt.apt("apt-get", "-q", "update")
    installs = [line.split() for line in apt.apt("apt-get", "-s", "dist-upgrade").splitlines() if line.startswith("Inst ")]
    theirs = {words[1]: words[3].lstrip("(") for words in installs}
    ours: dict[str, str] = {}
    for row in sorted(query(f"{SQL} WHERE held = 0", apt.root).rows, key=lambda row: NativeVersion(row["new"])):
        ours[row["name"]] = row["new"]
    assert ours == theirs
    assert len(theirs) > 8


@pytest.mark.real
def test_apt_keeps_compressed_lists_that_are_read(apt, query, require_tool):
    require_tool("apt-get")
    apt.root.write("/etc/apt/apt.conf.d/90gzip", 'Acquire::GzipIndexes "true";')
    apt.apt("apt-get", "-q", "update")
    lists = [path.name for path in (apt.root.directory / "var/lib/apt/lists").iterdir()]
    assert any(name.endswith("Packages.lz4") for name in lists)
    answer = query(SQL, apt.root)
    assert len(answer.rows) == 13
    assert not answer.gaps


@pytest.mark.real
def test_this_hosts_updates_are_those_of_apt_list(query, require_tool):
    listed = subprocess.run([require_tool("apt"), "list", "--upgradable"], capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "C"})
    theirs = {}
    for line in listed.stdout.splitlines():
        if "/" in line:
            name, version, arch = line.split()[:3]
            theirs[name.partition("/")[0], arch] = version
    answer = query("SELECT name, arch, candidate_version AS new FROM package_updates WHERE outranked = 0")
    if answer.gaps:
        pytest.skip(f"this host's lists cannot be compared: {answer.gaps[0].detail}")
    ours = {}
    for row in sorted(answer.rows, key=lambda row: NativeVersion(row["new"])):
        ours[row["name"], row["arch"]] = row["new"]
    assert {name for name, _ in ours} == {name for name, _ in theirs}
    assert {key: version for key, version in ours.items() if key in theirs} == {key: version for key, version in theirs.items() if key in ours}
