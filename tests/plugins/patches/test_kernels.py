"""kernel_images and reboot_reasons."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hardaudit_plugins.patches.kernels import age_of, built_version, flavour_of, reboot_reasons

sys.path.insert(0, str(Path(__file__).parent))
from apt_root import status


def _releases(answer):
    return [(row["release"], row["newest"]) for row in answer.rows]


def test_kernels_by_flavour_and_age(root, query):
    for name in (
        "vmlinuz-6.1.0-9-amd64",
        "vmlinuz-6.1.0-18-amd64",
        "vmlinuz-6.1.0-18-cloud-amd64",
        "vmlinuz-6.1.0-18-amd64.old",
        "vmlinuz-0-rescue-abc",
        "vmlinuz",
        "initrd.img-6.1.0-18-amd64",
    ):
        root.write(f"/boot/{name}")
    root.write("/lib/modules/6.1.0-20-amd64/vmlinuz")
    root.write("/lib/modules/6.1.0-21-amd64/modules.dep")
    root.write("/var/lib/dpkg/status", status(("linux-image-6.1.0-18-amd64", "6.1.76-1", "amd64"), ("linux-image-amd64", "6.1.76-1", "amd64")))
    answer = query("SELECT release, newest, package, package_version, running FROM kernel_images", root)
    assert _releases(answer) == [("6.1.0-9-amd64", 0), ("6.1.0-18-amd64", 0), ("6.1.0-20-amd64", 1), ("6.1.0-18-cloud-amd64", 1)]
    assert (answer.rows[1]["package"], answer.rows[1]["package_version"], answer.rows[1]["running"]) == ("linux-image-6.1.0-18-amd64", "6.1.76-1", None)
    assert not answer.gaps


def test_no_kernel_is_no_gap(root, query):
    answer = query("SELECT * FROM kernel_images", root)
    assert not answer.rows
    assert not answer.gaps


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("6.1.0-9-amd64", "6.1.0-18-amd64"),
        ("5.15.0-91-generic", "5.15.0-101-generic"),
        ("5.14.0-362.8.1.el9_3.x86_64", "5.14.0-427.13.1.el9_4.x86_64"),
        ("6.6.9-200.fc39.x86_64", "6.8.5-301.fc40.x86_64"),
        ("6.1.66-91.160.amzn2023.x86_64", "6.1.66-93.164.amzn2023.x86_64"),
        ("6.5.0-0.deb12.1-amd64", "6.5.0-0.deb12.4-amd64"),
        ("6.1.0-18-amd64", "6.5.0-0.deb12.4-amd64"),
        ("6.4.0-150600.21-default", "6.4.0-150600.23.7-default"),
    ],
)
def test_kernels_of_one_flavour_are_compared_by_number(older, newer):
    assert flavour_of(older) == flavour_of(newer)
    assert age_of(older) < age_of(newer)


def test_flavours_differ():
    assert len({flavour_of(release) for release in ("6.1.0-1-amd64", "6.1.0-1-cloud-amd64", "6.1.0-1-rt-amd64", "6.1.0-1-generic", "6.1.0")}) == 5


@pytest.mark.parametrize(
    ("build", "version"),
    [
        ("#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)", "6.1.76-1"),
        ("#101-Ubuntu SMP Tue Nov 14 13:30:08 UTC 2023", "101"),
        ("#1 SMP PREEMPT_DYNAMIC Fri Nov 3", None),
        ("", None),
    ],
)
def test_the_build_names_its_package_version(build, version):
    assert built_version(build) == version


class _Context:
    """Enough of a context for reboot_reasons, which needs uname's answers passed in."""

    def __init__(self, root):
        from hardaudit.target.target import Target

        self.target = Target.directory(root.path)
        self.gaps = []

    def gap(self, reason, detail):
        self.gaps.append((reason, detail))

    def gap_for(self, error, path):
        self.gaps.append((error, path))

    def read_text(self, path, *, optional=False):
        try:
            return self.target.read_text(path)
        except FileNotFoundError:
            return None

    def list_directory(self, path, *, optional=False):
        try:
            return self.target.list_directory(path)
        except FileNotFoundError:
            return []

    def rows(self, table, **equals):
        assert table == "deb_packages"
        return [{"name": "linux-image-6.1.0-18-amd64", "status": "install ok installed", "version": "6.1.76-1"}]

    def check_deadline(self):
        pass


def _reasons(root, running, build=""):
    context = _Context(root)
    return [(reason.reason, reason.subject) for reason in reboot_reasons(context, running, build)], context.gaps


def test_a_newer_kernel_of_the_same_flavour_is_a_reason(root):
    root.write("/boot/vmlinuz-6.1.0-18-amd64")
    root.write("/boot/vmlinuz-6.5.0-1-cloud-amd64")
    assert _reasons(root, "6.1.0-17-amd64") == ([("kernel", "6.1.0-18-amd64")], [])
    assert _reasons(root, "6.1.0-18-amd64") == ([], [])
    assert _reasons(root, "6.1.0-19-amd64") == ([], [])


def test_a_newer_build_of_the_running_kernel_is_a_reason(root):
    root.write("/boot/vmlinuz-6.1.0-18-amd64")
    root.write("/var/lib/dpkg/status", "")
    assert _reasons(root, "6.1.0-18-amd64", "#1 SMP Debian 6.1.75-1 (2024-01-01)")[0] == [("kernel", "6.1.0-18-amd64")]
    assert _reasons(root, "6.1.0-18-amd64", "#1 SMP Debian 6.1.76-1 (2024-02-01)")[0] == []


def test_a_running_kernel_of_no_installed_kind_is_a_gap(root):
    root.write("/boot/vmlinuz-6.1.0-18-amd64")
    reasons, gaps = _reasons(root, "6.9.0-custom")
    assert not reasons
    assert len(gaps) == 1


def test_the_flag_file_names_its_packages(root):
    root.write("/run/reboot-required", "*** System restart required ***\n")
    root.write("/run/reboot-required.pkgs", "libc6\nlibc6\ndbus\n")
    context = _Context(root)
    (reason,) = reboot_reasons(context, "6.1.0", "")
    assert (reason.subject, reason.detail) == ("/run/reboot-required", "packages: dbus, libc6")


def test_a_root_directory_has_no_running_kernel(root, query):
    root.write("/run/reboot-required", "")
    answer = query("SELECT * FROM reboot_reasons", root)
    assert not answer.rows
    assert answer.gaps


@pytest.mark.real
def test_the_running_kernel_is_marked(query):
    for row in query("SELECT release, running FROM kernel_images").rows:
        assert row["running"] == int(row["release"] == os.uname().release)
