"""`file_tree`: everything at and below a directory."""

from __future__ import annotations

import json
import stat
from itertools import islice
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit.target.walk import MAX_DEPTH, Walk, WalkProblem, canonical
from hardaudit_plugins.filesystem.known_owners import known_owners, numbers_in_etc
from hardaudit_plugins.filesystem.package_owner import package_owners
from hardaudit_plugins.filesystem.tree_store import SpoolError, TreeStore, lstat_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Constraints, Row, Value
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.filesystem.known_owners import KnownOwners
    from hardaudit_plugins.filesystem.tree_store import KeptWalk, TreeEntry

SPEC = TableSpec(
    name="file_tree",
    description=(
        "The directory `root` and everything below it, as lstat(2) sees it: links are rows and are never followed. `root` is resolved "
        "first, so paths have no link in them; a root that does not exist has no rows."
    ),
    source="getdents64(2) and fstatat(2) below root; /proc/self/mountinfo on a live host; for `package` dpkg's file lists and rpmdb.sqlite",
    columns=(
        Column("root", TEXT, "Directory to walk, an absolute path", required=True, hidden=True),
        Column("skip", TEXT, "JSON array of paths that are left out, with everything below them", additional=True, hidden=True),
        Column("path", TEXT, "Path without links, except a link itself"),
        Column("directory", TEXT, "Path of the directory it is in, empty for the root directory"),
        Column("filename", TEXT, "Last part of the path, / for the root directory"),
        Column("type", TEXT, "regular, directory, symlink, fifo, socket, character or block", index=True),
        Column("uid", BIGINT, "User ID of the owner"),
        Column("gid", BIGINT, "Group ID of the owner"),
        Column("mode", TEXT, "Permission bits, four octal digits: 0644, 4755"),
        Column("size", BIGINT, "Bytes"),
        Column("mtime", BIGINT, "Last change of the content, Unix seconds"),
        Column("ctime", BIGINT, "Last change of content, owner, mode or links, Unix seconds; cannot be set back by its owner"),
        Column("inode", BIGINT, "Inode number"),
        Column("device", BIGINT, "ID of the device that the file is stored on"),
        Column("hard_links", INTEGER, "Number of names of the file"),
        Column("world_writable", INTEGER, "1 if everyone may write; 0 for links, whose mode means nothing", index=True),
        Column("group_writable", INTEGER, "1 if its group may write; 0 for links", index=True),
        Column("setuid", INTEGER, "1 if it has the set-user-ID bit", index=True),
        Column("setgid", INTEGER, "1 if it has the set-group-ID bit", index=True),
        Column("sticky", INTEGER, "1 if it has the sticky bit: in such a directory only owners remove and rename files", index=True),
        Column("executable", INTEGER, "1 if it is a regular file that anyone may execute", index=True),
        Column(
            "unowned",
            INTEGER,
            "1 if its user or group does not exist, subordinate IDs being their user's; NULL where it may exist in a directory service",
            index=True,
        ),
        Column("package", TEXT, "Name of the package of dpkg or rpm that owns it, NULL if none does, empty where that could not be read"),
    ),
    examples=(
        "SELECT path, mode FROM file_tree WHERE root = '/usr/local' AND type = 'regular' AND setuid = 1",
        """SELECT path, uid FROM file_tree WHERE root = '/etc' AND skip = '["/etc/ssl"]' AND world_writable = 1""",
    ),
    notes=(
        "On a live host local file systems are crossed into; /proc, /sys and other interfaces of the kernel are left out; network and FUSE "
        "file systems below root are a gap, and are walked when they are the root. A directory that a bind mount shows a second time is "
        "walked once. Below --root every file system is crossed into, except a mounted /proc, /sys or /dev. Queries that ask for "
        f"world_writable, setuid, setgid or unowned = 1 share one walk. Directories more than {MAX_DEPTH} deep are a gap. Packages "
        "are those that dpkg -S and rpm -qf name; rpm's databases of the older kinds, Berkeley DB and ndb, are a gap, and so are those of "
        "other package managers."
    ),
)

_TYPES = {
    stat.S_IFREG: "regular",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
}
_KEPT_FLAGS = {"world_writable": stat.S_IWOTH, "setuid": stat.S_ISUID, "setgid": stat.S_ISGID}
_DEADLINE_MASK = 1023  # entries between two looks at the clock
_PACKAGE_BATCH = 20_000
_PROBLEMS_NAMED = 50


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each entry of the walk of each root that is asked for."""
    skips = context.constraints.texts("skip")
    for root in context.constraints.texts("root") or []:
        for skip in [None] if skips is None else skips:
            yield from _rows(context, root, skip)


def _rows(context: TableContext, asked_root: str, asked_skip: str | None) -> Iterator[Row]:
    skip = _skipped(context, "[]" if asked_skip is None else asked_skip)
    root = _resolved(context, asked_root)
    if root is None or skip is None or any(root == path or root.startswith(path + "/") for path in skip):
        return
    owners = known_owners(context) if _is_used(context, "unowned") else None
    rows = _tree_rows(context, _entries(context, root, skip), owners)
    if "package" in context.columns_used:
        rows = _with_packages(context, rows)
    for row in rows:
        row["root"], row["skip"] = asked_root, asked_skip
        yield row


def _is_used(context: TableContext, column: str) -> bool:
    return column in context.columns_used or context.constraints.equals(column) is not None


def _resolved(context: TableContext, root: str) -> str | None:
    """The root without links; None when it does not exist or, with a gap, cannot be reached."""
    if not root.startswith("/"):
        context.gap(GapReason.UNSUPPORTED, f"root = '{root}': an absolute path is needed")
        return None
    try:
        return canonical(context.target, root)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        context.gap_for(error, root)
        return None


def _skipped(context: TableContext, skip: str) -> frozenset[str] | None:
    """The directories to leave out, without links; None and a gap when the argument is not of its form."""
    try:
        paths = json.loads(skip)
    except (ValueError, RecursionError):
        paths = None
    if not isinstance(paths, list) or not all(isinstance(path, str) and path.startswith("/") for path in paths):
        context.gap(GapReason.UNSUPPORTED, f"skip = '{skip}': a JSON array of absolute paths is needed")
        return None
    return frozenset(resolved for path in paths if (resolved := _resolved(context, path)) is not None)


class _ModeColumns(dict[int, "dict[str, Value] | None"]):
    """The columns that follow from a mode, remembered for each of the few that occur; None for one that the query rules out."""

    def __init__(self, constraints: Constraints) -> None:
        super().__init__()
        self._constraints = constraints

    def __missing__(self, mode: int) -> dict[str, Value] | None:
        columns = _mode_columns(mode)
        permitted = all(self._constraints.permits(name, value) for name, value in columns.items())
        self[mode] = answer = columns if permitted else None
        return answer


def _mode_columns(mode: int) -> dict[str, Value]:
    kind, is_link = _TYPES.get(stat.S_IFMT(mode), "unknown"), stat.S_ISLNK(mode)
    return {
        "type": kind,
        "mode": f"{stat.S_IMODE(mode):04o}",
        "world_writable": int(bool(mode & stat.S_IWOTH) and not is_link),
        "group_writable": int(bool(mode & stat.S_IWGRP) and not is_link),
        "setuid": int(bool(mode & stat.S_ISUID)),
        "setgid": int(bool(mode & stat.S_ISGID)),
        "sticky": int(bool(mode & stat.S_ISVTX)),
        "executable": int(bool(mode & 0o111) and kind == "regular"),
    }


def _tree_rows(context: TableContext, entries: Iterator[TreeEntry], owners: KnownOwners | None) -> Iterator[dict[str, Value]]:
    modes = _ModeColumns(context.constraints)
    wants_unowned = context.constraints.integers("unowned") == [1]
    undecided = False
    for count, (prefix, name, numbers) in enumerate(entries):
        if not count & _DEADLINE_MASK:
            context.check_deadline()
        mode, inode, device, links, uid, gid, size, _, mtime, ctime = numbers
        columns = modes[mode]
        if columns is None:
            continue
        unowned = owners.unowned(uid, gid) if owners else None
        if owners and unowned is None and not undecided:
            undecided = True
            context.gap(GapReason.UNDECIDABLE, _undecided(prefix + name, uid, gid, owners))
        if wants_unowned and not unowned:
            continue
        yield {
            **columns,
            "path": prefix + name,
            "directory": (prefix[:-1] or "/") if name else "",
            "filename": name or "/",
            "uid": uid,
            "gid": gid,
            "size": size,
            "mtime": mtime,
            "ctime": ctime,
            "inode": inode,
            "device": device,
            "hard_links": links,
            "unowned": unowned,
        }


def _undecided(path: str, uid: int, gid: int, owners: KnownOwners) -> str:
    return f"{path}: user {uid} or group {gid} is not in /etc, and /etc/nsswitch.conf also names {owners.elsewhere}, which is not asked"


def _with_packages(context: TableContext, rows: Iterator[dict[str, Value]]) -> Iterator[dict[str, Value]]:
    """The rows with their package, looked up for many at once: the package database is read once for each batch."""
    while batch := list(islice(rows, _PACKAGE_BATCH)):
        owners = package_owners(context, [str(row["path"]) for row in batch])
        for row in batch:
            row["package"] = owners.get(str(row["path"]))
            yield row


def _entries(context: TableContext, root: str, skip: frozenset[str]) -> Iterator[TreeEntry]:
    """The entries that the query wants, and perhaps others: from the run's shared walk where that has them, else from a walk of its own."""
    kept = _kept_walk(context, root, skip)
    if kept is None:
        yield from _walked(context, root, skip)
        return
    log = _ProblemLog(context)
    try:
        for problem in kept.problems(root, skip):
            log.add(problem)
        yield from kept.entries(root, skip, _flags_wanted(context.constraints))
    except SpoolError as error:
        context.gap(GapReason.TRUNCATED, f"{root}: the walk's temporary database cannot be read: {error}")


def _flags_wanted(constraints: Constraints) -> int:
    """The bits of a mode that every wanted entry has, of those by which entries are kept."""
    return sum(bit for flag, bit in _KEPT_FLAGS.items() if constraints.integers(flag) == [1])


def _kept_walk(context: TableContext, root: str, skip: frozenset[str]) -> KeptWalk | None:
    """The finished shared walk, if it has all that the query wants."""
    by_mode = _flags_wanted(context.constraints) != 0
    by_owner = context.constraints.integers("unowned") == [1]
    if not by_mode and not by_owner:
        return None
    store = context.run_state.setdefault("file_tree", TreeStore())
    if not isinstance(store, TreeStore):
        raise TypeError("run_state['file_tree'] belongs to this table")
    walk = store.walk(context.target, root, skip, lambda: numbers_in_etc(context.target))
    if walk is None or not (by_mode or walk.keeps_unowned):
        return None
    try:
        walk.finish(context.check_deadline)
    except SpoolError:
        store.refuse()  # a full disk, say: nothing is lost, the query walks for itself
        return None
    return walk


def _walked(context: TableContext, root: str, skip: frozenset[str]) -> Iterator[TreeEntry]:
    log = _ProblemLog(context)
    try:
        for prefix, name, status in Walk(context.target, root, skip=skip, problem=log.add):
            yield prefix, name, lstat_of(status)
    except OSError as error:
        context.gap_for(error, error.filename if isinstance(error.filename, str) else root)


class _ProblemLog:
    """Problems of a walk as gaps: the first by name, the others by their number, as a host may have any number of them."""

    def __init__(self, context: TableContext) -> None:
        self._context = context
        self._count = 0

    def add(self, problem: WalkProblem) -> None:
        self._count += 1
        if self._count <= _PROBLEMS_NAMED:
            self._context.gap(problem.reason, problem.detail)
        elif self._count == _PROBLEMS_NAMED + 1:
            self._context.gap(GapReason.TRUNCATED, f"more than {_PROBLEMS_NAMED} places could not be read; only the first are named")


TABLE = Table(SPEC, generate)
