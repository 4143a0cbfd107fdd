"""The rows of `web_files`, from what was walked, and from what the files hold where a query asks for it."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardaudit.model.gap import GapReason
from hardaudit.target.walk import canonical
from hardaudit_plugins.web.cms.installs import cms_upload_directories
from hardaudit_plugins.web.content.inspection import CODE_EXTENSIONS, CODE_NAMES, Inspector, may_hold_code
from hardaudit_plugins.web.content.php_code import BY_NAME
from hardaudit_plugins.web.content.shell_rules import ShellRules, own_rules, rules_with
from hardaudit_plugins.web.docroot_spool import SpoolError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

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
_FROM = " FROM entry AS e CROSS JOIN directory AS d ON d.id = e.parent CROSS JOIN permission AS p ON p.id = e.permission"
_SELECT = (
    "SELECT e.id, e.parent, d.prefix, e.name, e.extension, e.permission, p.mode, p.uid, p.gid, e.size, e.mtime, e.ctime, "
    f"c.holds_php, m.names{_FROM} LEFT JOIN content AS c ON c.entry = e.id "
    "LEFT JOIN matched AS m ON m.entry = e.id AND m.rules = ? WHERE true"
)
_PLAIN_SELECT = f"{_SELECT[: _SELECT.index('c.holds_php')]}NULL, NULL{_FROM} WHERE true"
_REGULAR = f" AND p.mode & {_KINDS} = {stat.S_IFREG}"
_HOLDS_PHP = "SELECT entry FROM content WHERE holds_php"
_LOOK = f"SELECT e.id, d.prefix, e.name, e.size{_FROM} WHERE e.id NOT IN (SELECT entry FROM content){_REGULAR}"  # noqa: S608 constants
_MATCH = (
    f"SELECT e.id, d.prefix, e.name{_FROM} WHERE e.id NOT IN (SELECT entry FROM matched WHERE rules = ?) "  # noqa: S608 constants
    f"AND e.size > 0{_REGULAR}"
)
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
        try:
            if self._context.constraints.integers("contains_php") == [1] or self._only_matched:
                self._look_ahead()
            sql, parameters = self._selection()
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

    def _look_ahead(self) -> None:
        """Look into every file that the query may be about, so that only what it asks for needs more than that."""
        spool, looked, holds_php = self._docroots.spool, self._looked, self._inspector.holds_php
        filters, parameters = self._filters()
        by_name = f" AND e.extension NOT IN ({_marks(BY_NAME)})"
        for count, (number, prefix, name, size) in enumerate(spool.select(_LOOK + by_name + filters, [*sorted(BY_NAME), *parameters])):
            if not count & _DEADLINE_MASK:
                self._context.check_deadline()
                self._keep()
                looked = self._looked
            holds = holds_php(prefix, name) if size else False
            if holds is not None:
                looked.append((number, holds))
        self._keep()
        if self._rules is not None:
            self._match_ahead(self._rules, filters, parameters)

    def _match_ahead(self, rules: ShellRules, filters: str, parameters: list[str | int]) -> None:
        extensions, names = sorted(CODE_EXTENSIONS), sorted(CODE_NAMES)
        is_code = f"e.extension IN ({_marks(extensions)}) OR e.name IN ({_marks(names)})"
        code = f" AND ({is_code} OR e.id IN ({_HOLDS_PHP}))"
        found = self._docroots.spool.select(_MATCH + code + filters, [self._rules_directory, *extensions, *names, *parameters])
        for number, prefix, name in found:
            self._context.check_deadline()
            matches = self._inspector.matches(prefix, name, rules)
            if matches is not None:
                self._keep_matches(number, matches)

    def _selection(self) -> tuple[str, list[str | int]]:
        """The query for the private database, and its parameters."""
        filters, parameters = self._filters()
        if not self._wants_php:
            return _PLAIN_SELECT + filters, parameters
        if self._context.constraints.integers("contains_php") == [1]:
            filters += f" AND e.id IN ({_HOLDS_PHP})"
        if self._only_matched:
            filters += " AND m.names <> ''"
        return _SELECT + filters, [self._rules_directory, *parameters]

    def _filters(self) -> tuple[str, list[str | int]]:
        """Conditions on entries that the private database can hold itself."""
        constraints = self._context.constraints
        sql, parameters = "", list[str | int]()
        kinds = {name: kind for kind, name in TYPES.items()}
        for kind in constraints.texts("type") or []:
            sql += f" AND p.mode & {_KINDS} = ?"
            parameters.append(kinds.get(kind, -1))
        for extension in constraints.texts("extension") or []:
            sql += " AND e.extension = ?"
            parameters.append(extension)
        for upload in constraints.integers("upload") or []:
            sql += f" AND {_UPLOAD}" if upload == 1 else f" AND NOT {_UPLOAD}"
        if constraints.integers("web_writable") == [1]:
            sql += " AND e.permission IN (SELECT permission FROM writer)"
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
        holds = self._holds_php(file) if self._wants_php and file.extension not in BY_NAME else None
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
        self._keep_matches(file.number, names)
        return names

    def _keep_matches(self, number: int, names: Sequence[str]) -> None:
        self._docroots.spool.run("INSERT OR REPLACE INTO matched VALUES(?,?,?)", (number, self._rules_directory, " ".join(names)))

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


def _marks(values: Collection[str]) -> str:
    """Places for values in a query."""
    return ",".join("?" * len(values))


def _make_room(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= _MOST_REMEMBERED:
        remembered.clear()
