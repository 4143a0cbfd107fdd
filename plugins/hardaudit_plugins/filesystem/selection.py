"""Which files a query on a table with osquery's columns `path` and `directory` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hardaudit.model.gap import GapReason
from hardaudit_plugins.filesystem import entries, globbing
from hardaudit_plugins.filesystem.entries import Reach
from hardaudit_plugins.filesystem.paths import parent_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.filesystem.entries import Entry


class Selected(NamedTuple):
    """A file, and its directory as the row spells it."""

    entry: Entry
    directory: str


def select(context: TableContext) -> Iterator[Selected]:
    """The files that the constraints on `path` and `directory` name, each once, one at a time; SQLite compares the rows with both.

    osquery generates from the two columns apart, and returns a file twice that both of them find.
    """
    _report_unanswerable(context)
    constraints = context.constraints
    by_path = constraints.texts("path") is not None or bool(constraints.patterns("path"))
    listed: set[str] = set()
    for selected in _from_directories(context):
        if by_path and selected.directory == parent_path(selected.entry.path):
            listed.add(selected.entry.path)
        yield selected
    for entry in _from_paths(context):
        directory = parent_path(entry.path)
        if entry.path not in listed and constraints.permits("directory", directory):
            yield Selected(entry, directory)


def _from_paths(context: TableContext) -> Iterator[Entry]:
    named = context.constraints.texts("path")
    if named is not None:  # a pattern beside it can only take away
        yield from filter(None, (entries.look(context, path) for path in named))
        return
    seen: set[str] = set()
    patterns = _absolute(context, "path")
    for pattern in patterns:
        for match in globbing.expand(context, pattern, Reach.NONE):
            entry = match.entry.marked()
            if entry.path in seen:
                continue
            if len(patterns) > 1:
                seen.add(entry.path)
            if entry.path.endswith("/") and not globbing.allows_slash(pattern):
                _report_slash(context, "path", pattern)
            yield entry


def _from_directories(context: TableContext) -> Iterator[Selected]:
    named = context.constraints.texts("directory")
    if named is not None:
        for directory in named:
            for child in entries.children_of(context, directory):
                yield Selected(child.entry, directory)
        return
    seen: set[str] = set()
    patterns = _absolute(context, "directory")
    for pattern in patterns:
        for selected in _from_directory_pattern(context, pattern):
            if selected.entry.path in seen:
                continue
            if len(patterns) > 1:
                seen.add(selected.entry.path)
            yield selected


def _absolute(context: TableContext, column: str) -> list[str]:
    return [pattern for pattern in context.constraints.patterns(column) if globbing.is_absolute(pattern)]


def _from_directory_pattern(context: TableContext, pattern: str) -> Iterator[Selected]:
    """The files in the directories that a pattern generates; those that `%%` adds hold exactly what the walk met."""
    recursive = globbing.is_recursive(pattern)
    for entry, below in globbing.expand(context, pattern, Reach.LISTED):
        if below:
            yield Selected(entry, parent_path(entry.path) + "/")
        elif entry.type == "directory" and not globbing.allows_slash(pattern):
            _report_slash(context, "directory", pattern)
        elif entry.type == "directory" and not recursive:
            directory = entry.marked().path
            for child in entries.children_of(context, directory):
                yield Selected(child.entry, directory)


def _report_slash(context: TableContext, column: str, pattern: str) -> None:
    """In osquery such a query finds nothing, and does not say why."""
    context.gap(
        GapReason.UNSUPPORTED,
        f"{column} LIKE '{pattern}' finds a directory, but LIKE spells directories with a trailing slash, which it does not match: "
        "end it in / or %, or use =",
    )


def _report_unanswerable(context: TableContext) -> None:
    """A query that only says what the path looks like, not where to look, is not an empty answer."""
    constraints = context.constraints
    if constraints.texts("path") is not None or constraints.texts("directory") is not None:
        return
    patterns = {column: constraints.patterns(column) for column in ("path", "directory")}
    everything = [pattern for found in patterns.values() for pattern in found]
    if any(map(globbing.is_absolute, everything)) or not all(map(globbing.may_match_absolute, everything)):
        return
    for column, found in patterns.items():
        for pattern in found:
            context.gap(GapReason.UNSUPPORTED, f"{column} LIKE '{pattern}' does not say where to look: begin the pattern with /")
