"""Upload directories: what the users of sites may write, what content management systems upload into, and what a query names."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.walk import canonical
from hardaudit_plugins.filesystem.tree_store import is_within
from hardaudit_plugins.web.cms.installs import cms_upload_directories
from hardaudit_plugins.web.docroot_spool import SpoolError
from hardaudit_plugins.web.writers import Permission, may_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.web.docroots import Docroots
    from hardaudit_plugins.web.reach import Reach

_ORIGINS = ("owner", "group", "acl", "other")
_ACL = "system.posix_acl_access"
_ABSENT = (errno.ENOENT, errno.ENOTDIR)
_WRITABLE = """
SELECT d.prefix, d.permission, p.mode, p.uid, p.gid, p.acl
FROM directory AS d JOIN permission AS p ON p.id = d.permission LEFT JOIN directory AS above ON above.id = d.parent
WHERE d.permission IN (SELECT permission FROM writer)
  AND (above.permission IS NOT d.permission
       OR d.prefix IN (SELECT value FROM json_each(?))
       OR d.id IN (SELECT parent FROM entry WHERE extension = 'htaccess' AND name = '.htaccess')
       OR d.id IN (SELECT parent FROM entry WHERE extension = 'ini' AND name = '.user.ini'))
ORDER BY d.prefix
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """A directory as a site (its number; None for none) gets to it; `permission` is None where it does not exist."""

    path: str
    site: int | None
    origin: str
    writers: tuple[str, ...]
    permission: Permission | None


def upload_places(context: TableContext, docroots: Docroots, named: Sequence[str]) -> Iterator[Upload]:
    """Every upload directory, once a site; with a gap where one could not be looked at."""
    listed: set[tuple[int | None, str]] = set()
    wanted = [(site, path, "parameter") for path in named for site, path in _sites_at(context, docroots, path)]
    wanted += [(site, path, f"cms:{product}") for product, site, path in cms_upload_directories(context, docroots)]
    wanted += [(reach.site, reach.path, "owner") for reach in _served_as_root(docroots)]
    for site, path, origin in wanted:
        if (site, path) not in listed:
            listed.add((site, path))
            yield _looked_at(context, docroots, site, path, origin)
    try:
        for upload in _writable(context, docroots):
            if (upload.site, upload.path) not in listed:
                yield upload
    except SpoolError as error:
        docroots.fail(error)
        docroots.report_to(context)


def _served_as_root(docroots: Docroots) -> Iterable[Reach]:
    return [reach for reach in docroots.reaches if reach.site in docroots.as_root and len(reach.through) == 1]


def _sites_at(context: TableContext, docroots: Docroots, path: str) -> list[tuple[int | None, str]]:
    """The sites that get to a directory, and by which path: the given one, or one that leads to the same directory."""
    found: dict[tuple[int | None, str], None] = {(reach.site, path): None for reach in docroots.reaches if is_within(path, reach.path)}
    if not found:
        try:
            real = canonical(context.target, path)
        except OSError as error:
            if error.errno not in _ABSENT:
                context.gap_for(error, path)
        else:
            found = {(reach.site, reach.path_of(real)): None for reach in docroots.reaches.of(real)}
    return list(found) or [(None, path)]


def _looked_at(context: TableContext, docroots: Docroots, site: int | None, path: str, origin: str) -> Upload:
    """A directory that is listed whoever may write it."""
    permission = _permission(context, path)
    writers: list[str] = []
    if permission is not None and site is not None:
        users = [docroots.users[number] for number in sorted(docroots.users_of[site])]
        try:
            writers = [user.name for user in users if may_write(permission, user)]
        except ValueError as error:
            context.gap(GapReason.UNSUPPORTED, f"{path}: its access control list {error}")
        if site in docroots.as_root:
            writers.append("root")
    return Upload(path, site, origin, tuple(writers), permission)


def _permission(context: TableContext, path: str) -> Permission | None:
    """What decides who may write a directory; None when it does not exist or, with a gap, could not be looked at."""
    try:
        descriptor = context.target.open_directory(path)
    except OSError as error:
        if error.errno not in _ABSENT:
            context.gap_for(error, path)
        return None
    try:
        status = os.fstat(descriptor)
        return Permission(status.st_mode, status.st_uid, status.st_gid, os.getxattr(descriptor, _ACL))
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.ENOTSUP):
            context.gap_for(error, path)
        return Permission(status.st_mode, status.st_uid, status.st_gid)
    finally:
        os.close(descriptor)


def _writable(context: TableContext, docroots: Docroots) -> Iterator[Upload]:
    """What was walked and some user of a site that gets there may write."""
    starts = json.dumps([start.rstrip("/") + "/" for start in docroots.reaches.starts])
    for prefix, number, *fields in docroots.spool.select(_WRITABLE, (starts,)):
        context.check_deadline()
        real = prefix.rstrip("/") or "/"
        writers = dict(docroots.spool.select("SELECT user, how FROM writer WHERE permission = ?", (number,)))
        seen: set[tuple[int, str]] = set()
        for reach in docroots.reaches.of(real):
            path, users = reach.path_of(real), sorted(docroots.users_of[reach.site] & writers.keys())
            if users and (reach.site, path) not in seen:
                seen.add((reach.site, path))
                origin = _origin(reach, [writers[user] for user in users])
                yield Upload(path, reach.site, origin, tuple(docroots.users[user].name for user in users), Permission(*fields))


def _origin(reach: Reach, hows: Sequence[str]) -> str:
    return "symlink" if len(reach.through) > 1 else min(hows, key=_ORIGINS.index)
