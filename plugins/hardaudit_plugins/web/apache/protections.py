"""Lines that are there to keep PHP from running."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.site import Protection, Site


def protections_of(site: Site, directory: str) -> Iterator[Protection]:
    """TODO."""
    del site, directory
    yield from ()
