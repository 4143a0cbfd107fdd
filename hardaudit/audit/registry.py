"""Everything the plugins of this installation offer, held to the rules; a plugin that breaks one is refused whole."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardaudit.errors import HardauditError
from hardaudit.model.report_format import ReportFormat
from hardaudit.plugin.manager import PluginManager
from hardaudit.plugin.trust import refuse_unless_trusted
from hardaudit.report.formats import BUILT_IN
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import click

    from hardaudit.model.check import Check
    from hardaudit.model.policy import Policy


_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Registry:
    """What is on offer, by name, each collected when it is first wanted."""

    def __init__(self, manager: PluginManager | None = None) -> None:
        self.manager = manager or PluginManager.of_installation()

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """Tables by name."""
        return self._collect("hardaudit_tables", _table_name)

    @cached_property
    def checks(self) -> Mapping[str, Check]:
        """Checks by id."""
        from hardaudit.policy.check_file import load_check

        loaded: dict[Path, Check] = {}

        def identify(path: object) -> str:
            if not isinstance(path, Path):
                raise HardauditError(f"hardaudit_checks yields paths of YAML files, not {type(path).__name__}")
            loaded[path] = load_check(str(path), refuse_unless_trusted)
            return loaded[path].id

        return {name: loaded[path] for name, path in self._collect("hardaudit_checks", identify).items()}

    @cached_property
    def policies(self) -> Mapping[str, Path]:
        """Policy files by the policy's name, which is the file's."""
        return self._collect("hardaudit_policies", lambda path: Path(path).stem)

    @cached_property
    def report_formats(self) -> Mapping[str, ReportFormat]:
        """Report formats by name, the built-in ones first; a plugin that brings one of their names is refused."""
        return {**BUILT_IN, **self._collect("hardaudit_report_formats", _format_name, taken=BUILT_IN.keys())}

    @cached_property
    def commands(self) -> Mapping[str, click.Command]:
        """Sub-commands of plugins by name."""
        return self._collect("hardaudit_commands", _command_name)

    def load_policy(self, name: str) -> Policy:
        """A policy by its name or its file's path, resolved against the checks. Raises PolicyError; PluginError for an untrusted file."""
        from hardaudit.policy.load import load_policy

        return load_policy(name, self.policies, self.checks, refuse_unless_trusted)

    def collect_all(self) -> None:
        """Ask every plugin for everything, so that `manager.refusals` is complete."""
        _ = (self.tables, self.checks, self.policies, self.report_formats, self.commands)

    def _collect(self, hook: str, identify: Callable[[Any], str], taken: Collection[str] = ()) -> dict[str, Any]:
        """What the plugins offer by name; the first plugin that has a name keeps it, the second is refused with all it brings."""
        found: dict[str, Any] = {}
        for plugin, values in list(self.manager.contributions(hook)):
            try:
                own = _by_name(values, identify)
                twice = sorted(own.keys() & {*found, *taken})
                if twice:
                    raise HardauditError(f"brings {twice[0]}, which is there already")
            except HardauditError as error:
                self.manager.refuse(plugin, str(error))
            except Exception as error:  # values of the plugin's own making
                self.manager.refuse(plugin, f"{hook}: {type(error).__name__}: {error}")
            else:
                found.update(own)
        return {name: found[name] for name in sorted(found)}


def _by_name(values: list[Any], identify: Callable[[Any], str]) -> dict[str, Any]:
    own: dict[str, Any] = {}
    for value in values:
        name = identify(value)
        if name in own:
            raise HardauditError(f"brings {name} twice")
        own[name] = value
    return own


def _table_name(table: object) -> str:
    from hardaudit.engine.authorizer import is_reserved

    if not isinstance(table, Table):
        raise HardauditError(f"hardaudit_tables yields Table objects, not {type(table).__name__}")
    name = table.spec.name
    if not _TABLE_NAME.fullmatch(name) or is_reserved(name):  # SQLite's names know no case: USERS would take the place of users
        raise HardauditError(f"a table cannot be named {name!r}: take small letters, digits and _, and no name of SQLite's own")
    return name


def _command_name(command: object) -> str:
    import click

    if not isinstance(command, click.Command) or not command.name:
        raise HardauditError(f"hardaudit_commands yields click commands with a name, not {type(command).__name__}")
    return command.name


def _format_name(report_format: object) -> str:
    if not isinstance(report_format, ReportFormat):
        raise HardauditError(f"hardaudit_report_formats yields ReportFormat objects, not {type(report_format).__name__}")
    return report_format.name
