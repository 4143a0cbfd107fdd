"""The rows of `web_files`, from what was walked, and from what the files hold where a query asks for it."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardaudit.model.gap import GapReason
from hardaudit.target.walk import canonical
from hardaudit_plugins.web.cms.installs import cms_upload_directories
from hardaudit_plugins.web.content.inspection import Inspector, is_php_by_name, may_hold_code
from hardaudit_plugins.web.content.shell_rules import ShellRules, own_rules, rules_with
from hardaudit_plugins.web.docroot_spool import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit.model.table import Value
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.web.docroots import Docroots

TYPES = {
    stat.S_IFREG: "regular",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
}
_KINDS = 0o170000
_DEADLINE_MASK = 255  # files between two looks at the clock
_PROBLEMS_NAMED = 50
_MOST_REMEMBERED = 10_000
_RULES = "web_shell_rules"
_UPLOADS = "web_uploads_marked"
_SELECT = """
SELECT e.id, e.parent, d.prefix, e.name, e.extension, e.permission, p.mode, p.uid, p.gid, e.size, e.mtime, e.ctime, c.holds_php, m.names
FROM entry AS e CROSS JOIN directory AS d ON d.id = e.parent CROSS JOIN permission AS p ON p.id = e.permission
LEFT JOIN content AS c ON c.entry = e.id LEFT JOIN matched AS m ON m.entry = e.id AND m.rules = ?
WHERE true"""
_UPLOAD = "e.parent IN (SELECT directory FROM upload)"


@dataclass(slots=True)
class _File:
    """An entry of the walk. `holds_php` and `matches`: what is known of its content so far."""

    number: int
    parent: int
    prefix: str
    name: str
    extension: str
    permission: int
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    ctime: int
    holds_php: bool | None
    matches: str | None

    @property
    def path(self) -> str:
        return self.prefix + self.name


def file_rows(context: TableContext, docroots: Docroots, rules: str | None) -> Iterator[dict[str, Value]]:
    """A row for each entry and site, and each rule that matches, of those that the query's constraints let through."""
    query = _Query(context, docroots, rules)
    try:
        _mark_uploads(context, docroots)
        yield from query.rows()
    except SpoolError as error:
        docroots.fail(error)
        docroots.report_to(context)
    finally:
        query.close()


def _mark_uploads(context: TableContext, docroots: Docroots) -> None:
    """Note, once a run, which directories are upload directories: writable ones, and all of what content management systems upload into."""
    cms = cms_upload_directories(context, docroots)
    if _UPLOADS in context.run_state:
        return
    spool = docroots.spool
    spool.run("INSERT OR IGNORE INTO upload SELECT id FROM directory WHERE permission IN (SELECT permission FROM writer)")
    for path in sorted({path for _, _, path in cms}):
        try:
            prefix = canonical(context.target, path).rstrip("/") + "/"
        except OSError:
            continue  # not there, or not to be reached, which `upload_directories` tells
        spool.run("INSERT OR IGNORE INTO upload SELECT id FROM directory WHERE prefix >= ? AND prefix < ?", (prefix, prefix[:-1] + "0"))
    context.run_state[_UPLOADS] = True


class _Query:
    """One query's rows."""

    def __init__(self, context: TableContext, docroots: Docroots, rules: str | None) -> None:
        self._context = context
        self._docroots = docroots
        self._problems = 0
        self._wants_kind = self._is_used("sniffed_type")
        self._wants_rule = self._is_used("rule")
        self._wants_php = self._wants_rule or self._is_used("contains_php")
        self._rules_directory = rules or ""
        self._rules = self._load_rules() if self._wants_rule else None
        self._inspector = Inspector(context.target, self._problem)
        self._looked: list[tuple[int, bool]] = []
        self._sites: dict[str, dict[str, frozenset[int]]] = {}
        self._writers: dict[int, frozenset[int]] = {}
        self._uploads: dict[int, int] = {}

    def close(self) -> None:
        """Let files go."""
        self._inspector.close()

    def _is_used(self, column: str) -> bool:
        constraints = self._context.constraints
        return column in self._context.columns_used or constraints.equals(column) is not None or bool(constraints.bounds(column))

    def _problem(self, reason: GapReason, detail: str) -> None:
        self._problems += 1
        if self._problems <= _PROBLEMS_NAMED:
            self._context.gap(reason, detail)
        elif self._problems == _PROBLEMS_NAMED + 1:
            self._context.gap(GapReason.TRUNCATED, f"more than {_PROBLEMS_NAMED} files could not be looked into; only the first are named")

    def _load_rules(self) -> ShellRules:
        if self._rules_directory:
            return rules_with(self._rules_directory, self._problem)
        shared = self._context.run_state.get(_RULES)
        if not isinstance(shared, ShellRules):
            shared = self._context.run_state[_RULES] = own_rules()
        return shared

    def rows(self) -> Iterator[dict[str, Value]]:
        """The rows; what was found out of contents on the way is kept for the next query."""
        sql, parameters = self._selection()
        try:
            for count, values in enumerate(self._docroots.spool.select(sql, parameters)):
                if not count & _DEADLINE_MASK:
                    self._context.check_deadline()
                    self._keep()
                file = _File(*values)
                held = self._held(file)
                if held is not None:
                    yield from self._of(file, *held)
        finally:
            self._keep()

    def _selection(self) -> tuple[str, list[str | int]]:
        """The query for the private database: constraints that it can answer itself."""
        constraints = self._context.constraints
        parameters: list[str | int] = [self._rules_directory]
        sql = _SELECT
        kinds = {name: kind for kind, name in TYPES.items()}
        for kind in constraints.texts("type") or []:
            sql += f" AND p.mode & {_KINDS} = ?"
            parameters.append(kinds.get(kind, -1))
        for extension in constraints.texts("extension") or []:
            sql += " AND e.extension = ?"
            parameters.append(extension)
        for column, condition in (("upload", _UPLOAD), ("web_writable", "e.permission IN (SELECT permission FROM writer)")):
            for value in constraints.integers(column) or []:
                sql += f" AND {condition}" if value == 1 else f" AND NOT {condition}" if column == "upload" else ""
        if constraints.integers("contains_php") == [1]:
            sql += f" AND p.mode & {_KINDS} = {stat.S_IFREG} AND c.holds_php IS NOT 0"
        if self._only_matched:
            sql += f" AND p.mode & {_KINDS} = {stat.S_IFREG} AND m.names IS NOT ''"
        return sql, parameters

    @property
    def _only_matched(self) -> bool:
        """Whether the query wants no file without a match."""
        constraints = self._context.constraints
        return constraints.equals("rule") is not None or any(bound.operator in (">", ">=") for bound in constraints.bounds("rule"))

    def _held(self, file: _File) -> tuple[str | None, int | None, Sequence[str | None]] | None:
        """Kind of the content, whether PHP is in it, and the rules that match or one None; None for a file that the query rules out."""
        if not stat.S_ISREG(file.mode):
            ruled_out = self._only_matched or not self._context.constraints.permits("contains_php", None)
            return None if ruled_out else (None, None, (None,))
        holds = self._holds_php(file) if self._wants_php and not is_php_by_name(file.extension) else None
        php = None if holds is None else int(holds)
        if not self._context.constraints.permits("contains_php", php):
            return None
        matches = self._matches(file, holds=bool(holds)) if self._rules else ()
        if self._only_matched and not matches:
            return None
        kind = None
        if self._wants_kind:
            kind = self._inspector.kind(file.prefix, file.name) if file.size else "empty"
        return kind, php, matches or (None,)

    def _holds_php(self, file: _File) -> bool | None:
        if file.holds_php is not None:
            return bool(file.holds_php)
        holds = self._inspector.holds_php(file.prefix, file.name) if file.size else False
        if holds is not None:
            self._looked.append((file.number, holds))
        return holds

    def _matches(self, file: _File, *, holds: bool) -> tuple[str, ...]:
        if file.matches is not None:
            return tuple(file.matches.split())
        if not file.size or not (holds or may_hold_code(file.name, file.extension)) or self._rules is None:
            return ()
        names = self._inspector.matches(file.prefix, file.name, self._rules)
        if names is None:
            return ()
        self._docroots.spool.run("INSERT OR REPLACE INTO matched VALUES(?,?,?)", (file.number, self._rules_directory, " ".join(names)))
        return names

    def _keep(self) -> None:
        """Remember what was looked into."""
        looked, self._looked = self._looked, []
        if looked:
            self._docroots.spool.run_many("INSERT OR REPLACE INTO content VALUES(?,?)", looked)

    def _of(self, file: _File, kind: str | None, php: int | None, matches: Sequence[str | None]) -> Iterator[dict[str, Value]]:
        """A file's rows: one for each site and each match."""
        constraints = self._context.constraints
        upload, writers = self._is_upload(file.parent), self._writers_of(file.permission)
        for site, users in self._sites_of(file.path if stat.S_ISDIR(file.mode) else file.prefix[:-1] or "/").items():
            web_writable = int(not writers.isdisjoint(users))
            if not constraints.permits("web_writable", web_writable):
                continue
            for rule in matches:
                yield {
                    "path": file.path,
                    "site": site,
                    "upload": upload,
                    "type": TYPES.get(stat.S_IFMT(file.mode), "unknown"),
                    "mode": f"{stat.S_IMODE(file.mode):04o}",
                    "uid": file.uid,
                    "gid": file.gid,
                    "size": file.size,
                    "mtime": file.mtime,
                    "ctime": file.ctime,
                    "extension": file.extension,
                    "web_writable": web_writable,
                    "sniffed_type": kind,
                    "contains_php": php,
                    "rule": rule,
                }

    def _sites_of(self, directory: str) -> dict[str, frozenset[int]]:
        """Names of the sites that get to a directory, with the numbers of their users."""
        sites = self._sites.get(directory)
        if sites is None:
            _make_room(self._sites)
            sites = {}
            for number in self._docroots.reaches.sites_of(directory):
                name = self._docroots.sites[number].name
                sites[name] = sites.get(name, frozenset()) | self._docroots.users_of[number]
            self._sites[directory] = sites
        return sites

    def _writers_of(self, permission: int) -> frozenset[int]:
        writers = self._writers.get(permission)
        if writers is None:
            _make_room(self._writers)
            rows = self._docroots.spool.select("SELECT user FROM writer WHERE permission = ?", (permission,))
            writers = self._writers[permission] = frozenset(user for (user,) in rows)
        return writers

    def _is_upload(self, directory: int) -> int:
        upload = self._uploads.get(directory)
        if upload is None:
            _make_room(self._uploads)
            rows = self._docroots.spool.select("SELECT 1 FROM upload WHERE directory = ?", (directory,))
            upload = self._uploads[directory] = int(any(True for _ in rows))
        return upload


def _make_room(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= _MOST_REMEMBERED:
        remembered.clear()
