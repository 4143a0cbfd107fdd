"""Every web server of the target, loaded once a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.server import load_apache
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.nginx.server import load_nginx
from hardaudit_plugins.web.php.fpm import Fpm, load_fpm

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.web.site import Site


@dataclass(frozen=True, slots=True)
class Servers:
    """The sites of every server in effect, Apache's first, and PHP-FPM."""

    sites: tuple[Site, ...]
    fpm: Fpm
    evidence: Evidence


def servers_of(context: TableContext) -> Servers:
    """The target's web servers; what could not be read of them becomes gaps of the calling table."""
    loaded = context.run_state.get("web_servers")
    if not isinstance(loaded, Servers):
        evidence = Evidence(context.target, context.check_deadline)
        fpm = load_fpm(evidence)
        loaded = Servers((*load_apache(evidence, fpm), *load_nginx(evidence, fpm)), fpm, evidence)
        context.run_state["web_servers"] = loaded
    loaded.evidence.report_to(context)
    return loaded
