"""nginx's sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.nginx.http import build_http
from hardaudit_plugins.web.nginx.installation import installations
from hardaudit_plugins.web.nginx.judge import Block
from hardaudit_plugins.web.nginx.site import NginxSite
from hardaudit_plugins.web.nginx.tree import Reader

if TYPE_CHECKING:
    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.site import Site


def load_nginx(evidence: Evidence, fpm: Fpm) -> tuple[Site, ...]:
    """The server blocks that are in effect; none where nginx is not installed. What nginx would not start with is a gap."""
    sites: list[Site] = []
    for installation in installations(evidence):
        reader = Reader(evidence, installation.conf_prefix)
        main = reader.read(installation.configuration)
        http = build_http(main, installation, frozenset(reader.files))
        if http is None:
            continue
        for server in http.servers:
            for place, reason in server.problems:
                evidence.gap(GapReason.UNDECIDABLE, f"{place}: nginx would not start with this: {reason}")
            sites.append(NginxSite(Block(http, server, fpm), evidence))
    return tuple(sites)
