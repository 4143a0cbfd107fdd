"""`os_support`: until when this host's release gets security updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.patches.os_support import os_support

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="os_support",
    description=(
        "One row: until when the release of the distribution that this host runs gets security updates, by a dated list that comes with "
        "hardaudit. Ends are the first second after the last day, Unix seconds UTC."
    ),
    source="os_version, and the list os_support.csv of this package",
    columns=(
        Column("name", TEXT, "Distribution's name, as os_version has it"),
        Column("version", TEXT, "Release, as os_version has it"),
        Column("platform", TEXT, "Distribution's identifier in the list, such as debian"),
        Column("codename", TEXT, "Release's code name in the list; empty for distributions without"),
        Column("rolling", INTEGER, "1 for a distribution that is updated for ever, without releases that end; else 0"),
        Column("end_of_standard", BIGINT, "End of the vendor's full support; NULL when rolling"),
        Column("end_of_support", BIGINT, "End of security updates for everyone, Debian's LTS included; NULL when rolling"),
        Column("end_of_extended", BIGINT, "End of support that is sold or opted into separately, such as Ubuntu Pro's; NULL without"),
        Column("source", TEXT, "Where the vendor publishes these dates"),
        Column("compiled", TEXT, "Date of the list, YYYY-MM-DD"),
    ),
    examples=("SELECT name, version, date(end_of_support, 'unixepoch') AS end FROM os_support",),
    notes=(
        "A distribution or release that the list does not have is a gap. One older than all that it has ended before them, "
        "and has the dates of the oldest."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """The row, or a gap for a release that is not listed."""
    support = os_support()
    for host in context.rows("os_version", only=("name", "version", "major", "minor")):
        name, version = str(host["name"] or ""), str(host["version"] or "")
        release = support.find(name, _number(host["major"]), _number(host["minor"]))
        if release is None:
            detail = f"{name} {version} is not in the list of {support.compiled}: look its end of life up, or update hardaudit"
            context.gap(GapReason.UNSUPPORTED, detail)
            continue
        yield {
            "name": name,
            "version": version,
            "platform": release.platform,
            "codename": release.codename,
            "rolling": int(release.rolling),
            "end_of_standard": release.end_of_standard,
            "end_of_support": release.end_of_support,
            "end_of_extended": release.end_of_extended,
            "source": release.source,
            "compiled": support.compiled,
        }


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


TABLE = Table(SPEC, generate)
