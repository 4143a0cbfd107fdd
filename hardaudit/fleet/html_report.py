"""The fleet's report as one HTML page: nothing is fetched, no script is needed, everything from the logs is escaped."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING

from hardaudit.fleet.notices import notices
from hardaudit.fleet.table_report import last_heard, number, shortened, stale_after
from hardaudit.model.result import State
from hardaudit.report.escape import printable

if TYPE_CHECKING:
    from hardaudit.fleet.fleet_result import FleetResult
    from hardaudit.model.report_format import RenderOptions

_HOSTS_LISTED = 500
_SILENT_LISTED = 1000
_FAILED_LISTED = 50


def render(result: FleetResult, options: RenderOptions) -> str:
    """The page: the worst hosts up to a number that a browser shows at once, every host with `verbose`."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        printable=printable,
        shortened=shortened,
        number=number,
        last_heard=lambda host: last_heard(host, result.as_of.timestamp()),
    )
    template = environment.from_string(importlib.resources.files(__package__).joinpath("fleet.html.j2").read_text("utf-8"))
    shown = result.hosts if options.verbose else result.hosts[:_HOSTS_LISTED]
    silent = sorted(host.identifier for host in result.not_heard)
    return template.render(
        result=result,
        hosts=shown,
        hosts_left_out=len(result.hosts) - len(shown),
        silent=silent[:_SILENT_LISTED],
        silent_left_out=max(0, len(silent) - _SILENT_LISTED),
        failed_listed=_FAILED_LISTED,
        stale_after=stale_after(result),
        notices=notices(result),
        state=State,
    )
