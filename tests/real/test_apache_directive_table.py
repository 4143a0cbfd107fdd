"""The table of Apache's directives against the modules that are installed."""

from __future__ import annotations

import csv
import subprocess
from importlib.resources import files

import pytest
from apache_commands import PROGRAM, Elf, installed, rows, source_file

from hardaudit.target.target import Target
from hardaudit_plugins.web.apache.directive_table import known_modules
from hardaudit_plugins.web.apache.installation import find_installation
from hardaudit_plugins.web.apache.modules import MODULES_WITHOUT_DIRECTIVES, source_name
from hardaudit_plugins.web.evidence import Evidence

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def _apache(require_tool) -> None:
    require_tool("apache2")


def test_the_table_is_what_the_installed_modules_say() -> None:
    text = (files("hardaudit_plugins.web.apache") / "directives.csv").read_text("utf-8")
    recorded = {tuple(row) for row in list(csv.reader(text.splitlines()))[1:]}
    present = set(rows())
    modules = {row[1] for row in present}
    assert len(present) > 300
    assert {row for row in recorded if row[1] in modules} == present, "run tests/real/apache_commands.py to see the table"


def test_every_installed_module_is_known() -> None:
    known = known_modules() | MODULES_WITHOUT_DIRECTIVES
    assert {identifier for identifier, path in installed().items() if identifier in Elf(path).symbols} - known == set()


def test_source_files_of_modules_are_what_ifmodule_finds() -> None:
    for identifier, path in installed().items():
        elf = Elf(path)
        if identifier in elf.symbols:
            assert source_name(identifier) == source_file(identifier, elf)


def test_modules_that_are_compiled_in_are_read_from_the_program() -> None:
    listed = subprocess.run([PROGRAM, "-l"], capture_output=True, text=True, check=True).stdout.split("\n")[1:]
    with Target.live_host() as target:
        installation = find_installation(Evidence(target, lambda: None))
    assert installation is not None
    assert {source_name(module) for module in installation.modules} == {line.strip() for line in listed if line}
