"""php_support."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from installed_tables import builtin_tables

from hardaudit.engine.engine import Bounds, Engine
from hardaudit.model.gap import GapReason
from hardaudit.target.table import Table
from hardaudit.target.target import Target
from hardaudit_plugins.web.php_support import php_support
from hardaudit_plugins.web.tables.php_support import TABLE

ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 57


@pytest.fixture
def ask(root):
    """Ask the table on a host where the given PHPs serve; the packages are dpkg's unless there is no status file."""
    root.write("/bin/sh", ELF)

    def ask(*serving):
        def generate(_context):
            yield from ({"sapi": sapi, "version": version, "name": "expose_php", "value": "1"} for sapi, version in serving)

        real = {table.spec.name: table for table in builtin_tables()}
        tables = real | {"php_settings": Table(real["php_settings"].spec, generate), "php_support": TABLE}
        with Target.directory(root.path) as target, Engine(target, tables.values()) as engine:
            return engine.run("SELECT * FROM php_support", {}, Bounds(seconds=30))

    return ask


def release(root, name, version, identifier):
    root.write("/etc/os-release", f'NAME="{name}"\nVERSION_ID="{version}"\nID={identifier}\n')


def packages(root, **versions):
    entries = (
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\nDescription: x\n\n"
        for name, version in versions.items()
    )
    root.write("/var/lib/dpkg/status", "".join(entries))


def day(stamp):
    return datetime.fromtimestamp(stamp - 1, timezone.utc).date().isoformat()


@pytest.mark.parametrize(
    ("identifier", "name", "version", "branch", "package", "last_day"),
    [
        ("debian", "Debian GNU/Linux", "12", "8.2", "8.2.29-1~deb12u1", "2028-06-30"),
        ("debian", "Debian GNU/Linux", "11", "7.4", "7.4.33-1+deb11u5", "2026-08-31"),
        ("ubuntu", "Ubuntu", "22.04", "8.1", "8.1.2-1ubuntu2.22", "2027-06-01"),
        ("ubuntu", "Ubuntu", "18.04", "7.2", "7.2.24-0ubuntu0.18.04.17", "2023-05-31"),
    ],
)
def test_the_branch_of_a_release_ends_with_the_release(root, ask, identifier, name, version, branch, package, last_day):
    release(root, name, version, identifier)
    packages(root, **{f"php{branch}-fpm": package})
    answer = ask(("fpm-fcgi", branch))
    assert answer.gaps == ()
    [row] = answer.rows
    assert (row["supported_by"], day(row["end_of_support"])) == (identifier, last_day)
    assert row["package"] == f"php{branch}-fpm {package}"


@pytest.mark.parametrize(
    ("branch", "package", "last_day"),
    [
        ("8.2", "8.2.12-1+0~20231026.12+debian12~1.gbpf1d2e3", "2026-12-31"),
        ("8.2", "8.2.12-1+ubuntu22.04.1+deb.sury.org+1", "2026-12-31"),
        ("7.4", "7.4.33-1+deb11u5", "2022-11-28"),  # left by the upgrade from Debian 11
        ("5.6", None, "2018-12-31"),  # built by hand
    ],
)
def test_any_other_php_ends_with_the_projects_support(root, ask, branch, package, last_day):
    release(root, "Debian GNU/Linux", "12", "debian")
    packages(root, **({"base-files": "12.4"} | ({f"libapache2-mod-php{branch}": package} if package else {})))
    answer = ask(("apache2handler", branch))
    assert answer.gaps == ()
    assert [(row["supported_by"], day(row["end_of_support"])) for row in answer.rows] == [("php.net", last_day)]


def test_the_package_of_another_sapi_says_nothing_of_this_one(root, ask):
    release(root, "Debian GNU/Linux", "12", "debian")
    packages(root, **{"php8.2-cli": "8.2.29-1~deb12u1"})
    assert [(row["package"], row["supported_by"]) for row in ask(("fpm-fcgi", "8.2")).rows] == [(None, "php.net")]


def test_a_removed_package_does_not_count(root, ask):
    release(root, "Debian GNU/Linux", "12", "debian")
    entry = "Package: php8.2-fpm\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 8.2.29-1~deb12u1\n\n"
    root.write("/var/lib/dpkg/status", entry)
    assert [row["supported_by"] for row in ask(("fpm-fcgi", "8.2")).rows] == ["php.net"]


@pytest.mark.parametrize(
    ("identifier", "name", "version", "branch"),
    [("debian", "Debian GNU/Linux", "99", "9.1"), ("devuan", "Devuan GNU/Linux", "5", "8.2"), ("alpine", "Alpine Linux", "3.20.1", "8.1")],
)
def test_a_distribution_that_the_list_does_not_have_is_a_gap(root, ask, identifier, name, version, branch):
    release(root, name, version, identifier)
    if identifier != "alpine":
        packages(root, **{f"php{branch}-fpm": f"{branch}.3-1"})
    answer = ask(("fpm-fcgi", branch))
    assert {gap.reason for gap in answer.gaps} == {GapReason.UNSUPPORTED}
    assert [(row["supported_by"], row["end_of_support"]) for row in answer.rows] == [(None, None)]


def test_a_branch_newer_than_the_list_is_a_gap(root, ask):
    release(root, "Debian GNU/Linux", "12", "debian")
    packages(root, **{"base-files": "12.4"})
    answer = ask(("fpm-fcgi", "9.9"))
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


def test_a_version_that_is_not_known_is_a_gap(root, ask):
    answer = ask(("apache2handler", None))
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNDECIDABLE]
    assert [(row["sapi"], row["version"]) for row in answer.rows] == [("apache2handler", None)]


def test_a_host_without_php_has_no_rows(ask):
    answer = ask()
    assert (answer.rows, answer.gaps) == ([], ())


def test_the_list_is_complete_and_in_order():
    support = php_support()
    assert support.compiled >= "2026-11-01"
    assert [day(support.ends[branch]) for branch in ("5.6", "7.4", "8.1", "8.4")] == [
        "2018-12-31",
        "2022-11-28",
        "2025-12-31",
        "2028-12-31",
    ]
    ends = list(support.ends.values())
    assert ends == sorted(ends)
    assert support.end_of("4.4") == support.ends["5.2"]
    assert {branch for _, _, _, branch in support.packaged} <= support.ends.keys()
