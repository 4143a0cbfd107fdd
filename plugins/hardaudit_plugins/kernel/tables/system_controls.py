"""`system_controls`: the kernel's settings, running and configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.kernel.sysctl import ROOT, dotted_name, find_setting, like_matcher, may_hold, read_setting, walk_settings
from hardaudit_plugins.kernel.sysctl_config import SysctlConfig, read_sysctl_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="system_controls",
    description="A row for each setting of the running kernel (sysctl), with its value now and the one that the boot configures.",
    source="/proc/sys, proc(5); /etc/sysctl.d and its like, sysctl.d(5); /etc/sysctl.conf where there is no systemd-sysctl",
    columns=(
        Column("name", TEXT, "Setting's dotted name, such as kernel.kptr_restrict", index=True, like=True),
        Column("oid", TEXT, "Always NULL: Linux numbers its settings no longer", additional=True),
        Column("subsystem", TEXT, "First part of the name: kernel, net, vm …", additional=True),
        Column("current_value", TEXT, "Value now; NULL where it can only be written, or, with a gap, where it may not be read"),
        Column("config_value", TEXT, "Value that the boot writes; NULL where none is configured"),
        Column("type", TEXT, "Always string"),
    ),
    examples=("SELECT name, current_value FROM system_controls WHERE name = 'kernel.randomize_va_space'",),
    live_only=True,
    osquery=True,
    notes="config_value is what systemd-sysctl, or sysctl --system, applies: the last file name wins, a name in /etc masks the same one "
    "elsewhere, wildcards count. osquery takes the last line, in an order with the vendor's files after the administrator's.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each setting; only those that are asked for are read."""
    config = read_sysctl_config(context) if "config_value" in context.columns_used else SysctlConfig()
    names = context.constraints.texts("name")
    for path in _walked(context) if names is None else _named(context, names):
        name = dotted_name(path)
        yield {
            "name": name,
            "subsystem": name.partition(".")[0],
            "current_value": read_setting(context, path) if "current_value" in context.columns_used else None,
            "config_value": config.value(path[len(ROOT) + 1 :]),
            "type": "string",
        }


def _named(context: TableContext, names: list[str]) -> Iterator[str]:
    for name in names:
        context.check_deadline()
        try:
            path = find_setting(context.target, name)
        except OSError as error:
            context.gap_for(error, f"{ROOT}: {name}")
            continue
        if path is not None:
            yield path
        elif not _is_mounted(context):
            return


def _is_mounted(context: TableContext) -> bool:
    """Whether a setting's absence is evidence: without /proc/sys nothing is there, and that is a gap."""
    return bool(context.list_directory(ROOT))


def _walked(context: TableContext) -> Iterator[str]:
    patterns = context.constraints.patterns("name")
    matches = like_matcher(patterns)
    for path in walk_settings(context, _directories_wanted(context, patterns)):
        if matches(dotted_name(path)):
            yield path


def _directories_wanted(context: TableContext, patterns: tuple[str, ...]) -> Callable[[str], bool]:
    def wanted(directory: str) -> bool:
        subsystem = directory.partition(".")[0]
        return context.constraints.permits("subsystem", subsystem) and all(may_hold(pattern, directory) for pattern in patterns)

    return wanted


TABLE = Table(SPEC, generate)
