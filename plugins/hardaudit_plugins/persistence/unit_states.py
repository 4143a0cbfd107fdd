"""What can be told about running units without asking systemd: the marks that it leaves in /run and in the control groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext

_MARKS = "/run/systemd/units"
_GROUPS = "/sys/fs/cgroup/system.slice"


class UnitStates:
    """The states of units of the running system; on a root directory, and without systemd, none is known."""

    def __init__(self, context: TableContext) -> None:
        self.known = context.target.live and _exists(context, _MARKS)
        names = context.list_directory(_MARKS, optional=True) if self.known else []
        self._invoked = frozenset(name.removeprefix("invocation:") for name in names if name.startswith("invocation:"))
        self._context = context

    def active_state(self, unit: str) -> str | None:
        """`active` for a unit that systemd has started and not stopped; None when that is not known."""
        return "active" if unit in self._invoked else None

    def sub_state(self, unit: str) -> str | None:
        """`running` for a started service with processes; None when that is not known."""
        if unit not in self._invoked or not unit.endswith(".service"):
            return None
        try:
            processes = self._context.target.read_bytes(f"{_GROUPS}/{unit}/cgroup.procs")
        except OSError:
            return None  # no control group, or not in this slice: the state stays unknown, which the table says
        return "running" if processes.strip() else None


def _exists(context: TableContext, path: str) -> bool:
    try:
        return context.target.exists(path)
    except OSError as error:
        context.gap_for(error, path)
        return False
