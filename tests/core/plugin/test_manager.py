"""A plugin that breaks a rule is refused by name; the others go on."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile
from importlib.metadata import EntryPoint, PathDistribution

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
        ("@hookimpl\ndef hardaudit_tables(): return [table('GOOD')]", "a table cannot be named 'GOOD'"),
        ("@hookimpl\ndef hardaudit_tables(): return [table('json_each')]", "a table cannot be named 'json_each'"),
        ("@hookimpl\ndef hardaudit_tables(): return [table('a b')]", "a table cannot be named 'a b'"),
        ("@hookimpl\ndef hardaudit_commands(): return [Path('x')]", "yields click commands with a name, not PosixPath"),
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


def test_what_names_a_plugin_is_looked_at_too(plugin, tmp_path, require_root):
    point = plugin("named", GOOD)
    metadata = tmp_path / "named-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: named\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[hardaudit]\nnamed = trial_named\n")
    (point,) = [point for point in PathDistribution(metadata).entry_points if point.name == "named"]
    assert not load(point).refusals
    (metadata / "entry_points.txt").chmod(0o666)
    assert "entry_points.txt: everyone may write it" in load(point).refusals[0].reason


@pytest.mark.parametrize("package", [True, False])
def test_compiled_copies_beside_a_module_are_looked_at(plugin, tmp_path, require_root, package):
    point = plugin("compiled", GOOD, package=package)
    cache = (tmp_path / "trial_compiled" if package else tmp_path) / "__pycache__"
    cache.mkdir(exist_ok=True)
    cache.chmod(0o777)
    assert "__pycache__: everyone may write it" in load(point).refusals[0].reason


def test_a_folder_that_is_a_link_is_refused(plugin, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    point = plugin("linked", GOOD, package=True)
    (tmp_path / "trial_linked" / "checks").symlink_to(tmp_path / "elsewhere")
    assert "is a link to a folder" in load(point).refusals[0].reason


def test_a_plugin_in_an_archive_is_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("trial_packed.py", HEADER + GOOD)
    monkeypatch.syspath_prepend(str(tmp_path / "packed.zip"))
    assert "install the plugin unpacked" in load(EntryPoint("packed", "trial_packed", "hardaudit")).refusals[0].reason


def test_a_namespace_package_is_refused(tmp_path, monkeypatch):
    (tmp_path / "trial_spaces").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "it has no __init__.py" in load(EntryPoint("spaces", "trial_spaces", "hardaudit")).refusals[0].reason


def test_a_plugin_cannot_end_the_audit_with_a_status_of_its_own(plugin):
    """`sys.exit(0)` would be a pass."""
    manager = load(plugin("quits", "import sys\n@hookimpl\ndef hardaudit_checks(): sys.exit(0)"))
    Registry(manager).collect_all()
    assert "hardaudit_checks raised SystemExit" in manager.refusals[0].reason


def test_a_search_path_that_others_could_put_modules_in_ends_the_run(tmp_path, require_root):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "open")}
    done = subprocess.run([sys.executable, "-m", "hardaudit", "list", "plugins"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"hardaudit: {tmp_path}/open: everyone may write it")


def test_the_current_directory_is_no_place_for_modules(tmp_path):
    """With `python -m` it comes first on the search path: in /tmp anyone could put a module there for root to import."""
    for name in ("click", "apsw", "yaml", "hardaudit_plugins"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} was imported from the current directory')")
    done = subprocess.run([sys.executable, "-m", "hardaudit", "list", "plugins"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
