"""`upload_directories`: where the web server's or PHP's user may put files that a visitor can ask for."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.web.docroots import docroots_of
from hardaudit_plugins.web.uploads import upload_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="upload_directories",
    description=(
        "Directories that a URL reaches and that the user of the web server or of its PHP may write; those that a recognised content "
        "management system uploads into, existing or not; and those named with `include`."
    ),
    source=(
        "The web servers' configuration, lstat(2) and access control lists of the directories in docroots; the content management systems' "
        "own layout"
    ),
    columns=(
        Column("path", TEXT, "Directory, as the site's configuration reaches it", index=True),
        Column("site", TEXT, "Site whose URLs reach it; NULL where none does"),
        Column(
            "origin",
            TEXT,
            "Why it is listed: owner, group, other, acl (who may write), symlink (writable, reached through a link), cms:PRODUCT, or "
            "parameter",
        ),
        Column(
            "writable_by", TEXT, "Users of the site that may write it, with commas between them; NULL for none, or where it does not exist"
        ),
        Column("mode", TEXT, "Permission bits, four octal digits; NULL where it does not exist"),
        Column("uid", BIGINT, "User ID of the owner; NULL where it does not exist"),
        Column("gid", BIGINT, "Group ID of the owner; NULL where it does not exist"),
        Column(
            "include", TEXT, "JSON array of directories to list besides, whatever is found; absolute paths", additional=True, hidden=True
        ),
    ),
    examples=(
        "SELECT path, site, origin FROM upload_directories",
        """SELECT path FROM upload_directories WHERE include = '["/srv/uploads"]'""",
    ),
    notes=(
        "Of writable directories inside each other that agree in owner, group, mode and access control list, and of which the inner one "
        "has no .htaccess or .user.ini of its own, only the outermost is listed. Where a link in a docroot leads to a directory, what is "
        "writable there is listed under the path through the link, as servers choose their rules by that path. The user root may write "
        "everything: of sites that it serves only the docroots and aliases are listed, not each directory in them."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each directory and site: the named ones first, then those of content management systems, then what is writable."""
    docroots = docroots_of(context)
    if docroots is None:
        return
    asked_for = context.constraints.texts("include")
    for asked in [None] if asked_for is None else asked_for:
        listed: set[tuple[str | None, str]] = set()
        for upload in upload_places(context, docroots, () if asked is None else _named(context, asked)):
            site = None if upload.site is None else docroots.sites[upload.site].name
            if (site, upload.path) in listed:  # a site that listens twice, with and without TLS
                continue
            listed.add((site, upload.path))
            yield {
                "path": upload.path,
                "site": site,
                "origin": upload.origin,
                "writable_by": ",".join(upload.writers) or None,
                "mode": None if upload.permission is None else f"{stat.S_IMODE(upload.permission.mode):04o}",
                "uid": None if upload.permission is None else upload.permission.uid,
                "gid": None if upload.permission is None else upload.permission.gid,
                "include": asked,
            }


def _named(context: TableContext, include: str) -> list[str]:
    """The directories that the query names; none, and a gap, when the argument is not of its form."""
    try:
        paths = json.loads(include)
    except (ValueError, RecursionError):
        paths = None
    if not isinstance(paths, list) or not all(isinstance(path, str) and path.startswith("/") for path in paths):
        context.gap(GapReason.UNSUPPORTED, f"include = '{include}': a JSON array of absolute paths is needed")
        return []
    return [path.rstrip("/") or "/" for path in paths]


TABLE = Table(SPEC, generate)
