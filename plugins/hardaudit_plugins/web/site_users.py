"""The users that serve a site's requests: the web server's and its PHP's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.writers import User

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.web.servers import Servers
    from hardaudit_plugins.web.site import Site


def users_of_sites(context: TableContext, servers: Servers) -> list[tuple[User, ...]]:
    """For each site its users, sorted by name. A user that the target does not know is a gap: what it may write cannot be said."""
    known = _Accounts(context)
    pools = [(pool.user, pool.group) for pool in servers.fpm.pools]
    found = []
    for site in servers.sites:
        groups: dict[str, set[str]] = {}
        if not _worker(site)[0]:
            context.gap(GapReason.UNDECIDABLE, f"{site.place}: whom the site's requests are served as is not known, nor what it may write")
        for name, group in _named(site):
            groups.setdefault(name, set()).add(group)
        for name, group in pools:
            if name in groups:
                groups[name].add(group)
        users = [known.user(name, groups[name], site) for name in sorted(groups)]
        found.append(tuple(user for user in users if user is not None))
    return found


def _named(site: Site) -> Iterator[tuple[str, str]]:
    """User and group as the configuration names them; the group is empty where only the account's own counts."""
    for name in site.php_users():
        yield name, ""
    worker, group = _worker(site)
    if worker:
        yield worker, group


def _worker(site: Site) -> tuple[str, str]:
    """User and group of the server's workers; empty where they are not known."""
    settings = {setting.name: setting.value for setting in site.settings(())}
    return settings.get("worker_user") or "", settings.get("worker_group") or ""


class _Accounts:
    """The target's accounts; what could not be read of them is a gap of the calling table."""

    def __init__(self, context: TableContext) -> None:
        self._context = context
        self._uids: dict[str, tuple[int, int]] = {}
        for row in context.rows("users", only=("username", "uid", "gid")):
            name, uid, gid = row["username"], row["uid"], row["gid"]
            if isinstance(name, str) and isinstance(uid, int) and isinstance(gid, int):
                self._uids.setdefault(name, (uid, gid))
        self._gids: dict[str, int] = {}
        for row in context.rows("groups", only=("groupname", "gid")):
            name, gid = row["groupname"], row["gid"]
            if isinstance(name, str) and isinstance(gid, int):
                self._gids.setdefault(name, gid)

    def user(self, name: str, groups: set[str], site: Site) -> User | None:
        """An account by its name, or `#33` or `33`; `groups` are those that it is given besides its own."""
        number = name.removeprefix("#")
        if name in self._uids:
            uid, gid = self._uids[name]
        elif number.isascii() and number.isdecimal() and len(number) <= 10:
            uid = int(number)
            gid = next((gid for known, gid in self._uids.values() if known == uid), -1)
        else:
            self._missing(f"the user {name}", site)
            return None
        gids = {gid} | {self._group(group, site) for group in groups if group}
        signed = uid - 2**32 if uid >= 2**31 else uid
        gids.update(row["gid"] for row in self._context.rows("user_groups", uid=signed) if isinstance(row["gid"], int))
        return User(name, uid, frozenset(gids - {-1}))

    def _group(self, name: str, site: Site) -> int:
        """A group's number; -1, which no file has, and a gap if nobody knows it."""
        number = name.removeprefix("#")
        if name in self._gids:
            return self._gids[name]
        if number.isascii() and number.isdecimal() and len(number) <= 10:
            return int(number)
        self._missing(f"the group {name}", site)
        return -1

    def _missing(self, who: str, site: Site) -> None:
        self._context.gap(GapReason.MISSING_SOURCE, f"{site.place}: {who} of the site is not known here: what it may write cannot be said")
