"""The files that sites' URLs reach, for the tables of this domain: one walk a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.filesystem.tree_store import is_within
from hardaudit_plugins.web.docroot_spool import SpoolError
from hardaudit_plugins.web.docroot_walk import DocrootWalk
from hardaudit_plugins.web.reach import Links, Reaches, configured, through_links
from hardaudit_plugins.web.servers import servers_of
from hardaudit_plugins.web.site_users import users_of_sites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hardaudit.target.table import TableContext
    from hardaudit.target.target import Target
    from hardaudit_plugins.web.docroot_spool import DocrootSpool
    from hardaudit_plugins.web.site import Site
    from hardaudit_plugins.web.writers import User

_STATE = "web_docroots"
_PROBLEMS_NAMED = 50


class Docroots:
    """What was walked, who may write it, and how sites get there.

    `users_of`: for each site the numbers in `users`; the user root, who may write everything, is left out there, and `as_root` has the
    numbers of the sites that it serves.
    """

    def __init__(self, target: Target, sites: Sequence[Site], users_of_sites: Sequence[Sequence[User]]) -> None:
        self.sites = sites
        self.as_root = frozenset(number for number, users in enumerate(users_of_sites) if any(user.uid == 0 for user in users))
        self.users = sorted({user for users in users_of_sites for user in users if user.uid != 0}, key=lambda user: (user.name, user.uid))
        self.users_of = [frozenset(self.users.index(user) for user in users if user.uid != 0) for users in users_of_sites]
        self.reaches = Reaches(())
        self._problems: dict[tuple[GapReason, str], None] = {}
        self._walk = DocrootWalk(target, self._problem)
        self._starts = configured(target, sites, self._problem)
        self._steps = self._walk.steps(reach.real for reach in self._starts)
        self._finished = self._failed = False

    @property
    def spool(self) -> DocrootSpool:
        """What was walked."""
        return self._walk.spool

    def close(self) -> None:
        """Delete what was kept."""
        self._steps.close()
        self._walk.close()

    def finish(self, check_deadline: Callable[[], None]) -> bool:
        """Walk to the end, on from where an earlier call was stopped by its deadline; whether there is anything to use."""
        if self._failed:
            return False
        try:
            for _ in self._steps:
                check_deadline()
            if not self._finished:
                self.spool.run("DELETE FROM writer")  # of an earlier call that was stopped
                self.spool.add_writers(self.users, lambda detail: self._problem(GapReason.UNSUPPORTED, detail), check_deadline)
                worth = self._links_worth_following(check_deadline)
                self.reaches = Reaches(through_links(self._starts, worth, self._problem, check_deadline))
                self._finished = True
        except SpoolError as error:
            self.fail(error)
        return not self._failed

    def fail(self, error: SpoolError) -> None:
        """Use nothing any more: the private database failed."""
        self._failed = True
        self._problem(GapReason.TRUNCATED, f"what lies in the docroots cannot be kept on this machine's disk for temporary files: {error}")

    def report_to(self, context: TableContext) -> None:
        """Tell a table that uses the walk what it could not see."""
        for reason, detail in self._problems:
            context.gap(reason, detail)

    def _problem(self, reason: GapReason, detail: str) -> None:
        if len(self._problems) < _PROBLEMS_NAMED:
            self._problems[reason, detail] = None
        else:
            more = f"more than {_PROBLEMS_NAMED} places of docroots could not be read; only the first are named"
            self._problems[GapReason.TRUNCATED, more] = None

    def links(self) -> Iterator[tuple[str, str]]:
        """Links to directories: path, and directory without links."""
        return ((path, to) for path, to in self.spool.select("SELECT path, directory FROM link WHERE directory <> '' ORDER BY path"))

    def _links_worth_following(self, check_deadline: Callable[[], None]) -> Links:
        """The links to what no reach comes to without them, or to where somebody may write; others make no row anywhere."""
        left = dict(self.links())
        starts = [reach.real for reach in self._starts]
        worth: dict[str, str] = {}
        more = {path: to for path, to in left.items() if not any(is_within(to, start) for start in starts) or self._has_writable(to)}
        while more:
            check_deadline()
            worth.update(more)
            left = {path: to for path, to in left.items() if path not in more}
            new = Links(more)
            more = {path: to for path, to in left.items() if new.below(to)}
        return Links(worth)

    def _has_writable(self, directory: str) -> bool:
        prefix = directory.rstrip("/") + "/"
        query = "SELECT 1 FROM directory WHERE prefix >= ? AND prefix < ? AND permission IN (SELECT permission FROM writer) LIMIT 1"
        return any(True for _ in self.spool.select(query, (prefix, prefix[:-1] + "0")))


def docroots_of(context: TableContext) -> Docroots | None:
    """What the sites' URLs reach, walked to the end; None, and a gap, when it could not be kept."""
    servers = servers_of(context)
    users = users_of_sites(context, servers)
    found = context.run_state.get(_STATE)
    if not isinstance(found, Docroots):
        found = Docroots(context.target, servers.sites, users)
        context.run_state[_STATE] = found
    try:
        usable = found.finish(context.check_deadline)
    finally:
        found.report_to(context)
    return found if usable else None
