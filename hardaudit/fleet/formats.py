"""The formats of a fleet's report, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.fleet import html_report, json_report, table_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit.fleet.fleet_result import FleetResult
    from hardaudit.model.report_format import RenderOptions


@dataclass(frozen=True, slots=True)
class FleetFormat:
    """A format: `--format NAME`, and a pure function from the result to the report's text."""

    name: str
    render: Callable[[FleetResult, RenderOptions], str]


FORMATS = {
    fleet_format.name: fleet_format
    for fleet_format in (
        FleetFormat("table", table_report.render),
        FleetFormat("json", json_report.render),
        FleetFormat("html", html_report.render),
    )
}
