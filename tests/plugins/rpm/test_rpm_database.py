"""rpm's database as a target has it: what becomes of one that changes under the reader, and of readers that stop early."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from rpm_files import NORMAL, STRING, database, header, package_tags

from hardaudit.model.gap import GapReason
from hardaudit.target.target import Target
from hardaudit_plugins.rpm.database import RpmDatabase
from hardaudit_plugins.rpm.file_list import parse_file_list

SUMMARY = 1004


@pytest.fixture
def context(root):
    gaps: list[GapReason] = []
    with Target.directory(root.path) as target:
        yield SimpleNamespace(
            target=target,
            gaps=gaps,
            gap=lambda reason, _: gaps.append(reason),
            gap_for=lambda error, _: gaps.append(error),
            check_deadline=lambda: None,
        )


@pytest.fixture
def place(root):
    return database(root, *(header(package_tags(name, {f"/usr/bin/{name}": NORMAL})) for name in ("one", "two", "three")))


def test_a_database_that_is_left_alone_is_complete(context, place):
    rpm = RpmDatabase(context)
    assert [files.package for files in rpm.read(parse_file_list)] == ["one", "two", "three"]
    assert rpm.path == "/usr/lib/sysimage/rpm/rpmdb.sqlite"
    assert rpm.complete
    assert not context.gaps


def test_a_database_that_changes_while_it_is_read_is_a_gap(context, place):
    rpm = RpmDatabase(context)
    for _ in rpm.read(parse_file_list):
        os.utime(place, ns=(0, 1))
    assert not rpm.complete
    assert context.gaps == [GapReason.UNDECIDABLE]


def test_a_reader_that_stops_early_leaves_nothing_open(context, place):
    before = os.listdir("/proc/self/fd")
    assert next(RpmDatabase(context).read(parse_file_list)).package == "one"
    assert len(os.listdir("/proc/self/fd")) == len(before)
    rpm = RpmDatabase(context)
    assert len(list(rpm.read(parse_file_list))) == 3


def test_a_header_beyond_the_limit_is_a_gap_beside_the_others(context, root):
    tags = package_tags("large", {"/usr/bin/large": NORMAL})
    large = header({**tags, SUMMARY: (STRING, "x" * 2**25)})
    database(root, large, header(package_tags("small", {"/usr/bin/small": NORMAL})))
    rpm = RpmDatabase(context)
    assert [files.package for files in rpm.read(parse_file_list)] == ["small"]
    assert context.gaps == [GapReason.UNDECIDABLE]


def test_without_a_database(context):
    rpm = RpmDatabase(context)
    assert rpm.path is None
    assert rpm.complete
    assert not list(rpm.read(parse_file_list))
    assert not rpm.complete
    assert context.gaps == [GapReason.MISSING_SOURCE]
