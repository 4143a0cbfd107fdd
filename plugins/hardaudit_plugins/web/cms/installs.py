"""Installations of content management systems in what was walked, and where they keep what visitors upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.web.docroots import Docroots


def cms_upload_directories(context: TableContext, docroots: Docroots) -> list[tuple[str, int, str]]:
    """Product, site's number and path, as the site gets to it, of each directory that a product uploads into, existing or not."""
    del context, docroots
    return []
