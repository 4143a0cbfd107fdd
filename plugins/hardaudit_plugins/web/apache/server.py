"""Apache's sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.site import Site


def load_apache(evidence: Evidence, fpm: Fpm) -> tuple[Site, ...]:
    """The main server and the virtual hosts that are in effect; none where Apache is not installed."""
    del evidence, fpm
    return ()
