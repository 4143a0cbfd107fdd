"""AppArmor, as the kernel shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext

PROFILES = "/sys/kernel/security/apparmor/policy/profiles"
_MODULES = "/sys/module"
_ENABLED = f"{_MODULES}/apparmor/parameters/enabled"
_CONFINING = ("enforce", "kill")


def apparmor_enabled(context: TableContext) -> bool | None:
    """Whether AppArmor is on; None, with a gap, where that cannot be read. A kernel without AppArmor shows no such module."""
    modules = context.list_directory(_MODULES, optional=True)
    if not modules:
        context.gap(GapReason.MISSING_SOURCE, f"{_MODULES}: nothing in it; mount sysfs on /sys")
        return None
    if "apparmor" not in modules:
        return False
    text = context.read_text(_ENABLED)
    return None if text is None else text.strip() == "Y"


def apparmor_confines(context: TableContext) -> bool | None:
    """Whether any loaded profile is enforced; None, with a gap, where none is found and not all could be read."""
    try:
        entries = context.target.list_directory(PROFILES)
    except OSError as error:
        context.gap_for(error, PROFILES)
        return None
    complete = True
    for entry in entries:
        context.check_deadline()
        mode = context.read_text(f"{PROFILES}/{entry}/mode")
        if mode is not None and mode.strip() in _CONFINING:
            return True
        complete = complete and mode is not None
    return False if complete else None
