"""A plugin that breaks a rule is refused by name; the others go on."""

from __future__ import annotations

import sys
import textwrap
from importlib.metadata import EntryPoint

import pytest

from hardaudit.audit.registry import Registry
from hardaudit.plugin.manager import PluginManager

HEADER = """
from pathlib import Path
from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.plugin.hookspecs import hookimpl
from hardaudit.target.table import Table

def table(name):
    return Table(TableSpec(name, "d", "s", (Column("a", TEXT, "a"),), ()), lambda context: iter([{"a": "1"}]))
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write a plugin module and give its entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(name, body, package=False):
        module = f"trial_{name}"
        path = tmp_path / module / "__init__.py" if package else tmp_path / f"{module}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER + textwrap.dedent(body))
        made.append(module)
        return EntryPoint(name, module, "hardaudit")

    yield write
    for module in made:
        sys.modules.pop(module, None)


def load(*points):
    manager = PluginManager()
    for point in points:
        manager.load(point)
    return manager


GOOD = """
@hookimpl
def hardaudit_tables():
    return [table("good")]
"""


def test_a_good_plugin_is_used_with_origin_and_digest(plugin, tmp_path):
    manager = load(plugin("good", GOOD))
    (used,) = manager.plugins
    assert used.hooks == ("hardaudit_tables",)
    assert used.origin == str(tmp_path / "trial_good.py")
    assert len(used.digest) == 64
    assert list(Registry(manager).tables) == ["good"]


def test_the_digest_changes_with_any_file(plugin, tmp_path):
    point = plugin("package", GOOD, package=True)
    before = load(point).plugins[0].digest
    assert load(point).plugins[0].digest == before
    (tmp_path / "trial_package" / "data.bin").write_bytes(b"x")
    assert load(point).plugins[0].digest != before


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise RuntimeError('broken\\nin two lines')", "cannot be imported: RuntimeError: broken in two lines"),
        ("import no_such_module", "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"),
        ("this is no python", "cannot be imported: SyntaxError"),
        ("raise SystemExit(0)", "cannot be imported: SystemExit"),
        ("", "implements no hook"),
        ("@hookimpl\ndef hardaudit_no_such_hook(): pass", "unknown hook 'hardaudit_no_such_hook'"),
        ("@hookimpl\ndef hardaudit_tables(wrong): pass", "wrong"),
        ("@hookimpl\ndef hardaudit_tables(): raise ValueError('no')", "hardaudit_tables raised ValueError: no"),
        ("@hookimpl\ndef hardaudit_tables(): return None", "hardaudit_tables raised TypeError"),
        ("@hookimpl\ndef hardaudit_tables(): return ['x']", "yields Table objects, not str"),
        ("@hookimpl\ndef hardaudit_tables(): return [table('good')]", "brings good, which is there already"),
        ("@hookimpl\ndef hardaudit_tables(): return [table('twice'), table('twice')]", "brings twice twice"),
        ("@hookimpl\ndef hardaudit_checks(): return [Path('/no/such.yaml')]", "/no/such.yaml"),
        ("@hookimpl\ndef hardaudit_checks(): return ['text']", "paths of YAML files"),
        ("@hookimpl\ndef hardaudit_report_formats(): return [1]", "yields ReportFormat objects, not int"),
    ],
)
def test_a_plugin_that_breaks_a_rule_is_refused_by_name_and_the_others_go_on(plugin, body, reason):
    manager = load(plugin("a_good", GOOD), plugin("broken", body))
    registry = Registry(manager)
    registry.collect_all()
    assert [used.name for used in manager.plugins] == ["a_good"]
    (refusal,) = manager.refusals
    assert refusal.name == "broken"
    assert reason in refusal.reason
    assert "\n" not in refusal.reason
    assert list(registry.tables) == ["good"]


def test_two_plugins_of_one_name_are_both_refused(plugin):
    manager = load(plugin("same", GOOD), plugin("same", GOOD))
    assert manager.plugins == ()
    assert "two distributions" in manager.refusals[0].reason


def test_a_plugin_that_others_could_change_is_not_even_imported(plugin, tmp_path, require_root):
    point = plugin("open", f"Path({str(tmp_path / 'ran')!r}).write_text('ran')\n" + GOOD)
    (tmp_path / "trial_open.py").chmod(0o666)
    manager = load(point)
    assert "everyone may write it (mode 0666" in manager.refusals[0].reason
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("place", ["checks/one.yaml", "__pycache__/x.pyc", "__pycache__", "."])
def test_every_file_of_a_plugin_is_looked_at(plugin, tmp_path, require_root, place):
    point = plugin("package", GOOD, package=True)
    folder = tmp_path / "trial_package"
    for made in ("checks/one.yaml", "__pycache__/x.pyc"):
        (folder / made).parent.mkdir(exist_ok=True)
        (folder / made).write_text("")
    (folder / place).chmod(0o777)
    assert "everyone may write it" in load(point).refusals[0].reason


def test_a_parent_package_that_others_could_change_is_not_imported_either(tmp_path, monkeypatch, require_root):
    monkeypatch.syspath_prepend(str(tmp_path))
    inner = tmp_path / "trial_outer" / "inner"
    inner.mkdir(parents=True)
    (inner / "__init__.py").write_text(HEADER + GOOD)
    outer = tmp_path / "trial_outer" / "__init__.py"
    outer.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    outer.chmod(0o666)
    manager = load(EntryPoint("inner", "trial_outer.inner", "hardaudit"))
    assert "everyone may write it" in manager.refusals[0].reason
    assert not (tmp_path / "ran").exists()
