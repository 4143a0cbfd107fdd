"""`security_modules`: whether a mandatory access control is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.kernel.apparmor import apparmor_confines, apparmor_enabled
from hardaudit_plugins.kernel.selinux import find_selinuxfs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="security_modules",
    description="Two rows: for SELinux and for AppArmor, whether the kernel has it switched on, and whether it enforces anything.",
    source="/sys/fs/selinux/enforce, /sys/module/apparmor/parameters/enabled, /sys/kernel/security/apparmor/policy/profiles",
    columns=(
        Column("name", TEXT, "selinux or apparmor"),
        Column("active", INTEGER, "1 when the kernel has it switched on, else 0; NULL, with a gap, when that cannot be read"),
        Column(
            "enforcing",
            INTEGER,
            "1 when it refuses what its policy forbids: SELinux is enforcing, AppArmor has a profile in enforce or kill mode; else 0; "
            "NULL, with a gap, when that cannot be read",
        ),
    ),
    examples=("SELECT name, active, enforcing FROM security_modules WHERE active = 1",),
    live_only=True,
)


def generate(context: TableContext) -> Iterator[Row]:
    """Always both rows, so that their absence is never mistaken for the absence of protection, or the other way round."""
    yield {"name": "selinux", **_selinux(context)}
    yield {"name": "apparmor", **_apparmor(context)}


def _selinux(context: TableContext) -> dict[str, int | None]:
    place = find_selinuxfs(context)
    if place is None:
        return {"active": None, "enforcing": None}
    if not place:
        return {"active": 0, "enforcing": 0}
    path = f"{place}/enforce"
    mode = context.read_text(path)
    if mode is not None and mode.strip() not in ("0", "1"):
        context.gap(GapReason.UNSUPPORTED, f"{path}: is neither 0 nor 1")
        mode = None
    return {"active": 1, "enforcing": None if mode is None else int(mode)}


def _apparmor(context: TableContext) -> dict[str, int | None]:
    enabled = apparmor_enabled(context)
    if not enabled:
        return {"active": None if enabled is None else 0, "enforcing": None if enabled is None else 0}
    confines = apparmor_confines(context)
    return {"active": 1, "enforcing": None if confines is None else int(confines)}


TABLE = Table(SPEC, generate)
