"""Every table, whoever brought it, is held to the contract."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from installed_tables import builtin_tables

from hardaudit.engine.engine import Bounds, Engine
from hardaudit.model.table import ColumnType
from hardaudit.target.target import Target

TABLES = {table.spec.name: table for table in builtin_tables()}
OSQUERY = [name for name, table in TABLES.items() if table.spec.osquery]

REQUIRED_BY_NAME = """
file hash extended_attributes users groups user_groups shadow last logged_in_users sudoers authorized_keys user_ssh_keys crontab startup_items
systemd_units mounts suid_bin processes process_open_sockets process_open_files listening_ports interface_addresses etc_hosts etc_services
deb_packages deb_package_files apt_sources rpm_packages os_version kernel_info kernel_modules system_info system_controls uptime time
osquery_info memory_info load_average selinux_settings apparmor_profiles iptables sshd_settings login_settings file_tree
""".split()


def test_the_tables_that_were_promised_are_there():
    assert set(REQUIRED_BY_NAME) <= TABLES.keys()


@pytest.fixture(scope="module")
def schema():
    import os
    from pathlib import Path

    place = os.environ.get("HARDAUDIT_SHARED")
    if not place:
        pytest.skip("HARDAUDIT_SHARED names no directory with osquery's schema")
    return json.loads((Path(place) / "osquery" / "schema.json").read_text())["tables"]


@pytest.mark.parametrize("name", OSQUERY)
def test_an_osquery_table_has_osquerys_columns(name, schema):
    ours = [
        {
            "name": column.name,
            "type": column.type.value,
            "required": column.required,
            "hidden": column.hidden,
            "index": column.index,
            "additional": column.additional,
            "collate": column.collate,
        }
        for column in TABLES[name].spec.columns
    ]
    theirs = [
        {
            "name": column["name"],
            "type": column["type"],
            "required": column.get("required", False),
            "hidden": column.get("hidden", False),
            "index": column.get("index", False),
            "additional": column.get("additional", False),
            "collate": column.get("collate"),
        }
        for column in schema[name]["columns"]
    ]
    assert ours == theirs


def test_a_table_of_our_own_takes_no_name_of_osquerys(schema):
    assert {name for name in TABLES if name in schema} == set(OSQUERY)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_described(name):
    spec = TABLES[name].spec
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert spec.description.endswith(".")
    assert spec.source
    assert spec.examples
    assert all(re.search(rf"\b{name}\b", example) for example in spec.examples)
    for column in spec.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert len(column.description) >= 3, column.name
        assert isinstance(column.type, ColumnType)
    assert len({column.name for column in spec.columns}) == len(spec.columns)


@pytest.mark.parametrize("name", TABLES)
def test_the_examples_run_on_this_host(name):
    with Target.live_host() as target, Engine(target, TABLES.values()) as engine:
        for example in TABLES[name].spec.examples:
            answer = engine.run(example, bounds=Bounds(seconds=120))
            assert answer.columns
            assert name in engine.describe(example).tables


@pytest.mark.parametrize("name", TABLES)
def test_the_examples_run_on_a_root_directory(name, root):
    with Target.directory(root.path) as target, Engine(target, TABLES.values()) as engine:
        for example in TABLES[name].spec.examples:
            answer = engine.run(example, bounds=Bounds(seconds=60))
            if TABLES[name].spec.live_only:
                assert answer.tuples == () or "LEFT" in example.upper() or "count(" in example
                assert answer.gaps


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_root_is_a_gap_for_every_table(name, tmp_path):
    """Below an empty directory everything is absent, and absence there proves nothing."""
    with Target.directory(str(tmp_path)) as target, Engine(target, TABLES.values()) as engine:
        for example in TABLES[name].spec.examples[:1]:
            assert engine.run(example).gaps


def test_the_recorded_rows_of_a_real_osquery(shared, tmp_path, require_root):
    """The conformance programme beside the recorded rows: 0 queries may differ."""
    import shutil
    import sys

    folder = shared / "osquery" / "conformance"
    tool = shutil.which("hardaudit") or f"{sys.prefix}/bin/hardaudit"
    done = subprocess.run([sys.executable, str(folder / "compare.py"), str(folder), tool], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
