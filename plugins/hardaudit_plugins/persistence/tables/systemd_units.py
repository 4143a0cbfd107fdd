"""`systemd_units`: the units of systemd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.persistence.unit_files import unit_files
from hardaudit_plugins.persistence.unit_states import UnitStates
from hardaudit_plugins.persistence.unit_syntax import bus_path, expand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.persistence.unit_files import UnitFile

SPEC = TableSpec(
    name="systemd_units",
    description="The units that files in systemd's directories define, whether they are enabled, and what can be told of their state.",
    source="systemd's unit directories, systemd.unit(5), systemctl(1) is-enabled; on a live host /run/systemd/units and control groups",
    columns=(
        Column("id", TEXT, "Name of the unit, such as ssh.service"),
        Column("description", TEXT, "What the unit says it is; its name when it says nothing"),
        Column("load_state", TEXT, "loaded; masked when switched off by a link to /dev/null; error when the file cannot be read"),
        Column("active_state", TEXT, "active for a unit that systemd has started; NULL when that is not known"),
        Column("sub_state", TEXT, "running for a started service with processes; NULL when that is not known"),
        Column("unit_file_state", TEXT, "As systemctl is-enabled says: enabled, disabled, static, masked, linked, indirect …"),
        Column("following", TEXT, "Unit whose state this one follows; always empty for units with files"),
        Column("object_path", TEXT, "Object path of the unit on systemd's D-Bus interface"),
        Column("job_id", BIGINT, "Number of the job that waits for the unit; always NULL: only systemd knows"),
        Column("job_type", TEXT, "Kind of that job; always NULL"),
        Column("job_path", TEXT, "Object path of that job; always NULL"),
        Column("fragment_path", TEXT, "The file that defines the unit, or the link that masks it"),
        Column("user", TEXT, "User that a service runs as; empty for root and for what is no service"),
        Column("source_path", TEXT, "The file that the unit was generated from; empty for others"),
    ),
    examples=(
        "SELECT id, fragment_path FROM systemd_units WHERE unit_file_state = 'enabled' AND id LIKE '%.service'",
        "SELECT id, user FROM systemd_units WHERE fragment_path LIKE '/etc/systemd/system/%'",
    ),
    osquery=True,
    notes=(
        "osquery asks systemd for the units that it has loaded. Here they are read from files, on root directories too: units that "
        "nothing has loaded have rows, units without files (devices, scopes, most mounts) have none, and reading a state or job "
        "that only systemd knows is a gap."
    ),
)

_LIVE = frozenset(("active_state", "sub_state", "job_id", "job_type", "job_path"))


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each unit."""
    wanted = _LIVE & context.columns_used
    states = UnitStates(context)
    unknown = False
    for unit in unit_files(context):
        active, sub = (states.active_state(unit.name), states.sub_state(unit.name)) if wanted else (None, None)
        unknown = unknown or bool(wanted - {"active_state", "sub_state"}) or active is None or sub is None
        yield _row(unit, active, sub)
    if wanted and unknown:
        columns = ", ".join(sorted(wanted))
        context.gap(GapReason.UNSUPPORTED, f"{columns}: only systemd knows them of every unit; ask systemctl, or use osquery")


def _row(unit: UnitFile, active: str | None, sub: str | None) -> Row:
    readable = unit.text is not None
    return {
        "id": unit.name,
        "description": expand(unit.last("Unit", "Description") or unit.name, unit.name),
        "load_state": "loaded" if readable else ("masked" if unit.masked else "error"),
        "active_state": active,
        "sub_state": sub,
        "unit_file_state": unit.file_state,
        "following": "",
        "object_path": bus_path(unit.name),
        "job_id": None,
        "job_type": None,
        "job_path": None,
        "fragment_path": unit.path,
        "user": expand(unit.last("Service", "User") or "", unit.name),
        "source_path": unit.last("Unit", "SourcePath") or "",
    }


TABLE = Table(SPEC, generate)
