"""What lies in a plugin's folders: a module a table, a YAML file a check or policy."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from hardaudit.errors import PluginError
from hardaudit.target.table import Table


def tables_in(package: str) -> list[Table]:
    """The `TABLE` of every module of a package, by module name. Raises PluginError for a module without one, or named unlike its table."""
    tables = []
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        table = getattr(importlib.import_module(f"{package}.{module.name}"), "TABLE", None)
        if not isinstance(table, Table):
            raise PluginError(f"{package}.{module.name} has no TABLE: a module of a tables folder defines one table")
        if table.spec.name != module.name:
            raise PluginError(f"{package}.{module.name} defines the table {table.spec.name}: name the module after its table")
        tables.append(table)
    return sorted(tables, key=lambda table: table.spec.name)


def checks_in(package: str) -> list[Path]:
    """The YAML files of a folder given as `package.folder`, sorted; it needs no __init__.py. Raises PluginError when it is missing."""
    return _yaml_files(package)


def policies_in(package: str) -> list[Path]:
    """The YAML files of a package, sorted. Raises PluginError when there is none."""
    return _yaml_files(package)


def _yaml_files(package: str) -> list[Path]:
    parent, _, folder = package.rpartition(".")
    base = importlib.import_module(parent or package).__file__
    directory = Path(base or "").parent / (folder if parent else "")
    if not directory.is_dir():
        raise PluginError(f"{package}: {directory} is not a folder")
    return sorted(directory.glob("*.yaml"))
