"""`selinux_settings`: SELinux as the kernel enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.kernel.selinux import files_below, find_selinuxfs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="selinux_settings",
    description="A row for each setting, boolean, capability, initial context and permission of SELinux; none where SELinux is off.",
    source="selinuxfs, usually /sys/fs/selinux, found in /proc/self/mounts",
    columns=(
        Column("scope", TEXT, "Empty for SELinux itself, or booleans, policy_capabilities, initial_contexts, class"),
        Column("key", TEXT, "Setting's name; of a permission, its class and directory"),
        Column("value", TEXT, "Its value; on or off for booleans; of a permission, its name"),
    ),
    examples=("SELECT value FROM selinux_settings WHERE scope = '' AND key = 'enforce'",),
    live_only=True,
    osquery=True,
    notes="A boolean whose change is not committed has its value in force; osquery leaves it out.",
)

_KEYS = ("checkreqprot", "deny_unknown", "enforce", "mls", "policyvers", "reject_unknown")
_SCOPES = ("booleans", "policy_capabilities", "initial_contexts")
_BOOLEANS = {"0": "off", "1": "on"}


def generate(context: TableContext) -> Iterator[Row]:
    """SELinux' own settings, then those of its scopes, then the permissions of its classes."""
    place = find_selinuxfs(context)
    if not place:
        return
    for key in _KEYS:
        value = _value(context, f"{place}/{key}", optional=key != "enforce")
        if value is not None:
            yield {"scope": "", "key": key, "value": value}
    for scope in _SCOPES:
        yield from _scope(context, place, scope)
    yield from _classes(context, f"{place}/class")


def _value(context: TableContext, path: str, *, optional: bool) -> str | None:
    text = context.read_text(path, optional=optional)
    return None if text is None else text.rstrip("\0")


def _scope(context: TableContext, place: str, scope: str) -> Iterator[Row]:
    for path in files_below(context, f"{place}/{scope}"):
        value = _value(context, path, optional=False)
        if value is None:
            continue
        if scope == "booleans":
            in_force = value.partition(" ")[0]
            if in_force not in _BOOLEANS:
                context.gap(GapReason.UNSUPPORTED, f"{path}: is not a boolean's value and its pending one")
                continue
            value = _BOOLEANS[in_force]
        yield {"scope": scope, "key": path.rpartition("/")[2], "value": value}


def _classes(context: TableContext, directory: str) -> Iterator[Row]:
    for path in files_below(context, directory):
        place, _, permission = path.rpartition("/")
        if permission != "index":
            yield {"scope": "class", "key": place[len(directory) + 1 :], "value": permission}


TABLE = Table(SPEC, generate)
