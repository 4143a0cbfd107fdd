"""Plugins: found by entry points, imported one by one, refused by name when one breaks a rule."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from hardaudit.errors import HardauditError, PluginError
from hardaudit.plugin import hookspecs
from hardaudit.plugin.trust import refuse_unless_trusted, refuse_untrusted_search_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that was loaded. `origin` is its folder or file, `digest` the SHA-256 over its files' names and contents."""

    name: str
    distribution: str
    version: str
    origin: str
    digest: str
    hooks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A plugin that is not used, and why, in one line."""

    name: str
    reason: str


class PluginManager:
    """The plugins of this installation. Whatever one of them does wrong, the others are used, and the run says so."""

    def __init__(self) -> None:
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self._plugins: dict[str, Plugin] = {}
        self._refusals: dict[str, Refusal] = {}

    @classmethod
    def of_installation(cls) -> PluginManager:
        """Every plugin that an installed distribution names in its entry points.

        Raises PluginError when someone else than root could put modules where root's Python finds them.
        """
        refuse_untrusted_search_path(sys.path)
        manager = cls()
        points = importlib.metadata.entry_points(group=hookspecs.PROJECT)
        for point in sorted(points, key=lambda point: (point.name, point.value)):
            manager.load(point)
        return manager

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """Those in use, by name."""
        return tuple(self._plugins[name] for name in sorted(self._plugins))

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Those not in use, by name."""
        return tuple(self._refusals[name] for name in sorted(self._refusals))

    def load(self, point: importlib.metadata.EntryPoint) -> None:
        """Import one plugin, after looking at who could change its files; a failure is a refusal."""
        if point.name in self._plugins or point.name in self._refusals:
            self.refuse(point.name, f"two distributions have a plugin named {point.name}; uninstall one")
            return
        try:
            _refuse_untrusted_metadata(point)
            origin = _trusted_origin(point.module)
            module = point.load()
            digest = _digest(origin)
        except HardauditError as error:
            self.refuse(point.name, str(error))
        except (Exception, SystemExit) as error:  # the plugin's own code: whatever it raises is its reason
            self.refuse(point.name, f"cannot be imported: {type(error).__name__}: {error}")
        else:
            self._register(point, module, origin, digest)

    def _register(self, point: importlib.metadata.EntryPoint, module: ModuleType, origin: Path, digest: str) -> None:
        try:
            self._pluggy.register(module, point.name)
            self._pluggy.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            self.refuse(point.name, " ".join(str(error).split()))
            return
        hooks = tuple(sorted(caller.name for caller in self._pluggy.get_hookcallers(module) or []))
        if not hooks:
            self.refuse(point.name, "implements no hook: see the how-to on writing a plugin")
            return
        distribution = point.dist
        name, version = (distribution.name, distribution.version) if distribution else ("", "")
        self._plugins[point.name] = Plugin(point.name, name, version, str(origin), digest, hooks)

    def refuse(self, name: str, reason: str) -> None:
        """Stop using a plugin, and remember why."""
        self._plugins.pop(name, None)
        if self._pluggy.has_plugin(name):
            self._pluggy.unregister(name=name)
        self._refusals[name] = Refusal(name, " ".join(reason.split()))

    def contributions(self, hook: str) -> Iterator[tuple[str, list[Any]]]:
        """What each plugin, in the order of names, returns for a hook. One whose hook raises is refused and left out."""
        for plugin in self.plugins:
            module = self._pluggy.get_plugin(plugin.name)
            if hook not in plugin.hooks:
                continue
            try:
                values = list(getattr(module, hook)())
            except HardauditError as error:
                self.refuse(plugin.name, str(error))
            except (Exception, SystemExit) as error:  # the plugin's own code; its exit status must not become the audit's
                self.refuse(plugin.name, f"{hook} raised {type(error).__name__}: {error}")
            else:
                yield plugin.name, values


def _refuse_untrusted_metadata(point: importlib.metadata.EntryPoint) -> None:
    """Raise PluginError when someone else could change the file that names the plugin's module."""
    folder = getattr(point.dist, "_path", None)  # importlib.metadata has no public name for it
    if isinstance(folder, Path):
        refuse_unless_trusted(str(folder / "entry_points.txt"))


def _trusted_origin(module: str) -> Path:
    """A plugin's folder (or single file), found and looked at before any of its code runs, its parent packages' included."""
    origin = Path()
    names = module.split(".")
    for depth in range(1, len(names) + 1):
        spec = importlib.util.find_spec(".".join(names[:depth]))  # imports the parents, which were looked at in the rounds before
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no module named {'.'.join(names[:depth])}, or it has no __init__.py")
        origin = Path(spec.origin)
        if not origin.is_file():
            raise PluginError(f"{origin} is no file of its own: install the plugin unpacked")
        refuse_unless_trusted(str(origin))
        if spec.cached and os.path.lexists(os.path.dirname(spec.cached)):  # Python prefers the compiled copy
            refuse_unless_trusted(spec.cached if os.path.lexists(spec.cached) else os.path.dirname(spec.cached))
    if origin.name == "__init__.py":
        origin = origin.parent
    for path in _files(origin, caches=True):
        if path.is_symlink() and path.is_dir():
            raise PluginError(f"{path} is a link to a folder: what is in it would not be looked at; put the folder itself there")
        refuse_unless_trusted(str(path))
    return origin


def _files(origin: Path, *, caches: bool = False) -> list[Path]:
    """The plugin's files and folders, sorted; `caches`: Python's compiled copies too."""
    if origin.is_file():
        return [origin]
    return sorted(path for path in origin.rglob("*") if caches or "__pycache__" not in path.parts)


def _digest(origin: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(origin):
        if path.is_file():
            digest.update(f"{path.relative_to(origin.parent)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
