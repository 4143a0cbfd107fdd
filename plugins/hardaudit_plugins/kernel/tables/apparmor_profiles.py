"""`apparmor_profiles`: the profiles that AppArmor has loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.kernel.apparmor import PROFILES, apparmor_enabled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="apparmor_profiles",
    description="A row for each AppArmor profile that the kernel has loaded; none where AppArmor is off.",
    source="/sys/kernel/security/apparmor/policy/profiles, apparmor(7)",
    columns=(
        Column("path", TEXT, "Profile's name; of a profile within another, after the other's name and //", index=True),
        Column("name", TEXT, "Profile's name"),
        Column("attach", TEXT, "Programs that it applies to, a pattern; the profile's name where it has none"),
        Column("mode", TEXT, "enforce, complain, kill or unconfined"),
        Column("sha1", TEXT, "SHA-1 of the loaded profile, hexadecimal; NULL where the kernel does not keep it", collate="nocase"),
        Column("sha256", TEXT, "SHA-256 of the loaded profile, hexadecimal; NULL where the kernel does not keep it", collate="nocase"),
    ),
    examples=("SELECT name, attach FROM apparmor_profiles WHERE mode = 'complain'",),
    live_only=True,
    osquery=True,
    notes="A profile without a hash, as kernels since 6.8 have it for sha1, is a row; osquery may leave it out.",
)

_DEPTH_LIMIT = 8  # profiles within profiles; AppArmor has one level


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each profile, those within another after it."""
    if not apparmor_enabled(context):
        return
    pending = [("", f"{PROFILES}/{entry}", 0) for entry in reversed(context.list_directory(PROFILES))]
    while pending:
        context.check_deadline()
        parent, directory, depth = pending.pop()
        name = _part(context, directory, "name")
        if name is None:
            continue
        yield {
            "path": f"{parent}//{name}" if parent else name,
            "name": name,
            "attach": _part(context, directory, "attach"),
            "mode": _part(context, directory, "mode"),
            "sha1": _part(context, directory, "sha1", optional=True),
            "sha256": _part(context, directory, "sha256", optional=True),
        }
        within = f"{directory}/profiles"
        entries = context.list_directory(within, optional=True)
        if entries and depth >= _DEPTH_LIMIT:
            context.gap(GapReason.TRUNCATED, f"{within}: deeper than {_DEPTH_LIMIT} levels")
            continue
        pending.extend((name, f"{within}/{entry}", depth + 1) for entry in reversed(entries))


def _part(context: TableContext, directory: str, part: str, *, optional: bool = False) -> str | None:
    text = context.read_text(f"{directory}/{part}", optional=optional)
    return None if text is None else text.strip(" \t\n\v\f\r")


TABLE = Table(SPEC, generate)
