"""nginx's sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.site import Site


def load_nginx(evidence: Evidence, fpm: Fpm) -> tuple[Site, ...]:
    """The server blocks that are in effect; none where nginx is not installed."""
    del evidence, fpm
    return ()
