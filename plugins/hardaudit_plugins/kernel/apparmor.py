"""AppArmor, as the kernel shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext

ENABLED = "/sys/module/apparmor/parameters/enabled"
PROFILES = "/sys/kernel/security/apparmor/policy/profiles"
_MODULES = "/sys/module"


def is_enabled(context: TableContext) -> bool | None:
    """Whether AppArmor is on; None, with a gap, where that cannot be read. A kernel without AppArmor has no such parameter."""
    try:
        if not context.target.list_directory(_MODULES):
            context.gap(GapReason.MISSING_SOURCE, f"{_MODULES}: is empty; mount sysfs on /sys")
            return None
        return context.target.read_text(ENABLED).strip() == "Y"
    except (FileNotFoundError, NotADirectoryError) as error:
        if error.filename == ENABLED:
            return False
        context.gap_for(error, _MODULES)
        return None
    except OSError as error:
        context.gap_for(error, ENABLED)
        return None
