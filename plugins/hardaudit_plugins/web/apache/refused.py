"""What ends a request before any handler is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit_plugins.web.verdict import Place


class RefusedError(Exception):
    """The server answers by itself: 403 for a link that may not be followed, 500 for a .htaccess file that it does not take."""

    def __init__(self, reason: str, place: Place | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place
