"""apt_indexes and apt_sources, on written configurations and beside the real APT."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from hardaudit.model.gap import GapReason

sys.path.insert(0, str(Path(__file__).parent))
from apt_root import AptRoot, release, status

ONE_LINE = """deb http://user:secret@ex.org:8080/a_b/~x+y suite/updates main non-free # note
deb [arch=i386,amd64] https://ex.org/%7efoo/ stable main/sub
  deb\t[ trusted=yes signed-by=/usr/share/keyrings/x.gpg ]\tfile:/srv/repo ./
deb copy:/srv/r2 /
deb cdrom:[Debian GNU/Linux 12.0.0 _Bookworm_ - Official amd64]/ bookworm main
deb ftp://[::1]/x y z
deb mirror+file:/etc/apt/mirrors.list sid main
deb https://ex.org/$(ARCH)/x foo/$(ARCH)/
deb tor+http://abc.onion/debian sid main
deb [ arch+=armhf arch-=amd64 ] http://ex.org/q s c
deb-src http://src.org/x s c
# deb http://commented.org/ x y
"""
DEB822 = """# a comment paragraph

Types: deb deb-src
URIs: http://one.org/debian
 http://two.org/debian/
Suites: a b-security
# in between
Components: main
 contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://off.org/
Suites: x
Components: y

Enabled: yes
Types: deb
URIs: http://on.org/
Suites: flat/
Trusted: yes
Allow-Insecure: no
"""


@pytest.fixture
def apt(root):
    root.write("/var/lib/dpkg/status", status(("dpkg", "1", "amd64")))
    root.mkdir("/var/lib/apt")
    root.mkdir("/var/lib/apt/lists")
    return AptRoot(root)


@pytest.mark.real
def test_the_lists_are_named_as_the_real_apt_names_them(apt, query, require_tool):
    require_tool("apt-get")
    apt.root.write("/etc/apt/sources.list", ONE_LINE)
    apt.root.write("/etc/apt/sources.list.d/more.sources", DEB822)
    apt.root.write("/etc/apt/sources.list.d/skipped.sources.save", DEB822.replace(".org", ".net"))
    targets = apt.apt("apt-get", "indextargets", "--no-release-info", "--format", "$(CREATED_BY) $(FILENAME)").splitlines()
    theirs = {line.removeprefix(f"Packages {apt.root.path}") for line in targets if line.startswith("Packages ") and "binary-all_" not in line}
    answer = query("SELECT index_path, source_path, source_line FROM apt_indexes", apt.root)
    assert {row["index_path"] for row in answer.rows} == theirs
    assert len(theirs) > 15
    assert not answer.gaps


def test_options_and_places_of_entries(apt, query):
    apt.root.write("/etc/apt/sources.list", ONE_LINE)
    apt.root.write("/etc/apt/sources.list.d/more.sources", DEB822)
    rows = {row["uri"]: row for row in query("SELECT * FROM apt_indexes", apt.root).rows}
    local = rows["file:/srv/repo/"]
    assert (local["trusted"], local["signed_by"], local["suite"], local["source_path"], local["source_line"]) == (1, "/usr/share/keyrings/x.gpg", "./", "/etc/apt/sources.list", 3)
    assert (rows["http://on.org/"]["trusted"], rows["http://on.org/"]["allow_insecure"], rows["http://on.org/"]["source_line"]) == (1, 0, 21)
    assert "http://off.org/" not in rows
    assert {row["suite"]: row["security"] for row in query("SELECT suite, security FROM apt_indexes WHERE uri LIKE 'http://two%'", apt.root).rows} == {"a": 0, "b-security": 1}


def test_options_that_let_a_repository_be_forged(apt, query):
    apt.root.write("/etc/apt/sources.list", "deb [allow-weak=yes] http://weak.org/ a b\ndeb http://plain.org/ a b\n")
    deb822 = "Types: deb\nURIs: http://down.org/\nSuites: a\nComponents: b\nAllow-Downgrade-To-Insecure: yes\nAllow-Weak: no\n"
    apt.root.write("/etc/apt/sources.list.d/x.sources", deb822)
    answer = query("SELECT uri, allow_weak, allow_downgrade FROM apt_indexes ORDER BY uri", apt.root)
    assert answer.tuples == (("http://down.org/", 0, 1), ("http://plain.org/", None, None), ("http://weak.org/", 1, None))


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("x.list", "\ndeb http://x.org/\n", 2),
        ("x.list", "rpm http://x.org/ a b\n", 1),
        ("x.list", "deb [arch=amd64 http://x.org a b\n", 1),
        ("x.list", "deb [arch] http://x.org a b\n", 1),
        ("x.list", "deb http://x.org a\n", 1),
        ("x.list", "deb http://x.org flat/ main\n", 1),
        ("x.list", "deb no-scheme a b\n", 1),
        ("x.sources", "\nTypes: deb\nURIs: http://x.org\nComponents: main\n", 2),
        ("x.sources", "Types: rpm\nURIs: http://x.org\nSuites: a\nComponents: main\n", 1),
        ("x.sources", "URIs: http://x.org\nSuites: a\nComponents: main\n", 1),
        ("x.sources", "Types: deb\nURIs: http://x.org\nnonsense\nSuites: a\nComponents: main\n", 1),
    ],
)
def test_an_entry_that_apt_refuses_is_a_gap_with_its_line(apt, query, name, text, line):
    apt.root.write("/etc/apt/sources.list", "deb http://good.org/ a b\n")
    apt.root.write(f"/etc/apt/sources.list.d/{name}", text)
    answer = query("SELECT uri FROM apt_indexes", apt.root)
    assert answer.rows == [{"uri": "http://good.org/"}]
    assert [(gap.reason, gap.detail.startswith(f"/etc/apt/sources.list.d/{name}:{line}: ")) for gap in answer.gaps] == [(GapReason.UNDECIDABLE, True)]


def test_what_the_release_file_says(apt, query):
    apt.repository("stable", ("x", "1", "amd64"))
    apt.fetch("stable")
    path = apt.list_path("stable", "Release")
    apt.root.write(path, release({"main/binary-amd64/Packages": "x"}, published=1_700_000_000, Origin="Debian", Label="Debian", Suite="oldstable", Codename="stable", Version="12.1", Valid_Until="Wed, 22 Nov 2023 22:13:20 UTC"))
    (row,) = query("SELECT * FROM apt_indexes", apt.root).rows
    assert (row["origin"], row["archive"], row["codename"], row["version"]) == ("Debian", "oldstable", "stable", "12.1")
    assert (row["published"], row["valid_until"], row["present"], row["offered"], row["signed"], row["trusted"]) == (1_700_000_000, 1_700_691_200, 1, 1, 0, 1)
    apt.root.write(path + ".gpg", "x")
    assert query("SELECT signed FROM apt_indexes", apt.root).rows == [{"signed": 1}]


def test_a_signed_release_file_is_told_from_one_that_only_has_its_name(apt, query):
    apt.repository("stable", ("x", "1", "amd64"))
    apt.fetch("stable")
    lists = apt.root.directory
    content = (lists / apt.list_path("stable", "Release")[1:]).read_text()
    os.remove(lists / apt.list_path("stable", "Release")[1:])
    apt.root.write(apt.list_path("stable", "InRelease"), content)
    assert query("SELECT signed FROM apt_indexes", apt.root).rows == [{"signed": 0}]
    apt.root.write(apt.list_path("stable", "InRelease"), "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + content + "-----BEGIN PGP SIGNATURE-----\n")
    assert query("SELECT signed, origin FROM apt_indexes", apt.root).rows == [{"signed": 1, "origin": "Debian"}]


def test_an_index_of_its_own_for_packages_of_all_architectures(apt, query):
    apt.repository("stable", ("x", "1", "amd64"))
    apt.fetch("stable")
    files = {"main/binary-amd64/Packages": "x", "main/binary-all/Packages": "y"}
    apt.root.write(apt.list_path("stable", "Release"), release(files, Architectures="all amd64", Suite="stable"))
    assert query("SELECT architecture, present, offered FROM apt_indexes", apt.root).rows == [
        {"architecture": "amd64", "present": 1, "offered": 1},
        {"architecture": "all", "present": 0, "offered": 1},
    ]
    apt.root.write(apt.list_path("stable", "Release"), release(files, Architectures="all amd64", No_Support_for_Architecture_all="Packages"))
    assert len(query("SELECT architecture FROM apt_indexes", apt.root).rows) == 1


def test_foreign_architectures_have_their_own_lists(apt, query):
    apt.root.write("/var/lib/dpkg/arch", "amd64\ni386\n")
    apt.root.write("/etc/apt/sources.list", "deb http://x.org/ a main\n")
    assert [row["architecture"] for row in query("SELECT architecture FROM apt_indexes", apt.root).rows] == ["amd64", "i386"]


def test_a_configuration_that_moves_the_lists_is_a_gap(apt, query):
    apt.root.write("/etc/apt/apt.conf.d/moved", 'Dir::State::lists "/srv/lists";\n')
    assert [gap.reason for gap in query("SELECT * FROM apt_indexes", apt.root).gaps] == [GapReason.UNSUPPORTED]


def test_apt_sources_has_what_osquery_has(apt, query):
    apt.root.write("/etc/apt/sources.list", "deb [arch=amd64] http://deb.debian.org/debian/ bookworm main # c\ndeb http://never.org/x y z\n")
    content = release({}, Origin="Debian", Codename="bookworm", Version="12.5", Architectures="all amd64", Components="main contrib", Label="L")
    apt.root.write("/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease", content)
    answer = query("SELECT * FROM apt_sources", apt.root)
    assert answer.rows == [
        {
            "name": "deb.debian.org/debian bookworm",
            "source": "/etc/apt/sources.list",
            "base_uri": "http://deb.debian.org/debian",
            "release": "bookworm",
            "version": "12.5",
            "maintainer": "Debian",
            "components": "main contrib",
            "architectures": "all amd64",
        }
    ]
    assert [gap.detail for gap in answer.gaps] == ["/etc/apt/sources.list:2: http://never.org/x/ y was never fetched; run apt-get update"]


def test_refreshed_is_the_newest_evidence(apt, query):
    apt.repository("stable", ("x", "1", "amd64"))
    apt.fetch("stable")
    old = int(time.time()) - 40 * 86_400
    apt.root.write(apt.list_path("stable", "Release"), release({}, published=old, Suite="stable"))
    lists = apt.root.directory / "var/lib/apt/lists"
    os.utime(lists, (old, old))
    assert query("SELECT refreshed FROM apt_indexes", apt.root).rows == [{"refreshed": old}]
    stamp = apt.root.write("/var/lib/apt/periodic/update-success-stamp")
    os.utime(stamp, (old + 5, old + 5))
    assert query("SELECT refreshed FROM apt_indexes", apt.root).rows == [{"refreshed": old + 5}]
    future = int(time.time()) + 40 * 86_400
    os.utime(stamp, (future, future))
    assert query("SELECT refreshed FROM apt_indexes", apt.root).rows == [{"refreshed": old}]


@pytest.mark.parametrize("line", ["[" * 1_000_000, "deb " + "[" * 1_000_000, "deb " + "[x" * 500_000 + "]", "deb http://x.org " + "a " * 1_000_000, '"' * 1_000_001, "deb [" + "a=b " * 300_000 + "] http://x.org s c"])
def test_a_line_of_a_million_characters_takes_linear_time(apt, query, line):
    apt.root.write("/etc/apt/sources.list", line + "\n")
    answer = query("SELECT count(*) AS n FROM apt_indexes", apt.root)
    assert answer.duration < 10
    assert answer.gaps or answer.rows[0]["n"]


def test_lists_of_uris_and_suites_that_multiply_are_bounded(apt, query):
    uris, suites = (" ".join(f"http://{kind}{number}.org/" for number in range(2_000)) for kind in "ab")
    apt.root.write("/etc/apt/sources.list.d/x.sources", f"Types: deb\nURIs: {uris}\nSuites: {suites.replace('http://', '').replace('/', '')}\nComponents: main\n")
    answer = query("SELECT count(*) AS n FROM apt_indexes", apt.root)
    assert answer.rows[0]["n"] == 2_000
    assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]
    apt.root.write("/etc/apt/sources.list.d/x.sources", "")
    apt.root.write("/etc/apt/sources.list", "deb http://x.org/ suite " + " ".join(f"c{number}" for number in range(30_000)) + "\n")
    answer = query("SELECT count(*) AS n FROM apt_indexes", apt.root)
    assert answer.rows[0]["n"] == 10_000
    assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]
