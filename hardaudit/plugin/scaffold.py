"""A new plugin's files, from the templates in template/."""

from __future__ import annotations

import re
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from hardaudit import __version__
from hardaudit.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")

_FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "package.py.txt": "hardaudit_{name}/__init__.py",
    "tables.py.txt": "hardaudit_{name}/tables/__init__.py",
    "table.py.txt": "hardaudit_{name}/tables/{name}_settings.py",
    "check.yaml.txt": "hardaudit_{name}/checks/debug_off.yaml",
    "policy.yaml.txt": "hardaudit_{name}/policies/{name}.yaml",
    "test_plugin.py.txt": "tests/test_plugin.py",
}


def write_plugin(name: str, into: Path) -> Path:
    """Write the plugin's folder below `into` and return it. Raises UsageError for a bad name, or when something stands there already."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a plugin: take a small letter, then small letters, digits or _, such as acme")
    directory = into / f"hardaudit-{name.replace('_', '-')}"
    if directory.exists():
        raise UsageError(f"{directory} exists already: choose another name, or --into another folder")
    values = {"name": name, "distribution": directory.name, "version": __version__}
    try:
        for template, place in _FILES.items():
            path = directory / place.format(name=name)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = resources.files("hardaudit.plugin").joinpath("template", template).read_text()
            path.write_text(Template(text).substitute(values))
    except OSError as error:
        raise UsageError(f"cannot write {directory}: {error.strerror}") from error
    return directory
