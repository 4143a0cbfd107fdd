"""The hooks. A plugin is a module that an entry point of the group `hardaudit` names; it implements any of these.

    from hardaudit.plugin.hookspecs import hookimpl

    @hookimpl
    def hardaudit_tables():
        return [...]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import click

    from hardaudit.model.report_format import ReportFormat
    from hardaudit.target.table import Table

PROJECT = "hardaudit"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def hardaudit_tables() -> Iterable[Table]:  # type: ignore[empty-body]
    """Tables to offer to every query. A name that another plugin already has is refused."""


@hookspec
def hardaudit_checks() -> Iterable[Path]:  # type: ignore[empty-body]
    """YAML files, a check each. `hardaudit.plugin.discover.checks_in` lists a folder of the plugin's package."""


@hookspec
def hardaudit_policies() -> Iterable[Path]:  # type: ignore[empty-body]
    """YAML files, a policy each, named after the policy; users name it on the command line and in `extends`."""


@hookspec
def hardaudit_report_formats() -> Iterable[ReportFormat]:  # type: ignore[empty-body]
    """Formats for `--format`."""


@hookspec
def hardaudit_commands() -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Sub-commands of `hardaudit`. One of another plugin's name is refused, one of a built-in command's name is never reached."""
