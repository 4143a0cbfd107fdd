"""The files that an Include stands for.

Source: `ap_dir_nofnmatch` and `ap_dir_fnmatch` of server/util.c, httpd 2.4: wildcards in each component, entries in the order of their
bytes, directories with everything below them.
"""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError
from hardaudit_plugins.web.apache.fnmatch import has_wildcards, matches_wildcard
from hardaudit_plugins.web.apache.pcre import UndecidedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.verdict import Place

_MOST_LEVELS = 20
"""Directories inside each other that an Include enters (AP_MAX_INCLUDE_DIR_DEPTH)."""


def root_relative(server_root: str, path: str) -> str:
    """An absolute path without `.`, `..` and doubled slashes, relative to ServerRoot."""
    return posixpath.normpath(posixpath.join("/", server_root.lstrip("/"), path)).replace("//", "/")


def included_files(evidence: Evidence, path: str, place: Place, *, optional: bool) -> Iterator[str]:
    """The files, in the order in which they are read. What may not be looked at is a gap. Raises ApacheSyntaxError."""
    pending = _expand(evidence, "/", path.strip("/").split("/"), place, optional=optional) if has_wildcards(path) else iter([path])
    for found in pending:
        yield from _below(evidence, found, place, 0, optional=optional)


def _expand(evidence: Evidence, directory: str, components: list[str], place: Place, *, optional: bool) -> Iterator[str]:
    name, rest = components[0], components[1:]
    if not has_wildcards(name):
        path = posixpath.join(directory, name)
        if rest:
            yield from _expand(evidence, path, rest, place, optional=optional)
        else:
            yield path
        return
    found = [entry for entry in _entries(evidence, directory, place, optional=optional) if _matches(name, entry)]
    paths = [posixpath.join(directory, entry) for entry in found]
    if rest:
        paths = [path for path in paths if _is_directory(evidence, path)]  # a link is none here, even one that leads to a directory
    if not paths and not optional:
        raise ApacheSyntaxError(place, f"No matches for the wildcard '{name}' in '{directory}', failing (use IncludeOptional if required)")
    for path in paths:
        if rest:
            yield from _expand(evidence, path, rest, place, optional=optional)
        else:
            yield path


def _below(evidence: Evidence, path: str, place: Place, level: int, *, optional: bool) -> Iterator[str]:
    """The file, or everything below the directory."""
    evidence.check_deadline()
    mode = _mode(evidence, path)
    if mode is None:
        if optional:
            return
        raise ApacheSyntaxError(place, f"Could not open configuration file {path}: No such file or directory")
    if not stat.S_ISDIR(mode):
        if mode:
            yield path
        return
    if level >= _MOST_LEVELS:
        raise ApacheSyntaxError(place, f"Directory {path} exceeds the maximum include directory nesting level of {_MOST_LEVELS}")
    for entry in _entries(evidence, path, place, optional=optional):
        yield from _below(evidence, posixpath.join(path, entry), place, level + 1, optional=optional)


def _entries(evidence: Evidence, directory: str, place: Place, *, optional: bool) -> list[str]:
    try:
        names = evidence.target.list_directory(directory)
    except (FileNotFoundError, NotADirectoryError) as error:
        if optional and isinstance(error, FileNotFoundError):
            return []
        raise ApacheSyntaxError(place, f"Could not open config directory {directory}: {error.strerror}") from error
    except OSError as error:
        evidence.gap_for(error, directory)
        return []
    return sorted(names, key=host_text.encode)


def _matches(pattern: str, name: str) -> bool:
    """A dot at the beginning of a name is matched by a dot only (APR_FNM_PERIOD), and `?` by one byte."""
    if name.startswith(".") and not pattern.startswith("."):
        return False
    try:
        return matches_wildcard(_bytewise(pattern), _bytewise(name))
    except TimeoutError as error:
        raise UndecidedError(f"the wildcard {pattern[:80]} takes too long") from error


def _bytewise(text: str) -> str:
    return text if text.isascii() else host_text.encode(text).decode("latin-1")


def _is_directory(evidence: Evidence, path: str) -> bool:
    try:
        return stat.S_ISDIR(evidence.target.lstat(path).st_mode)
    except FileNotFoundError:
        return False  # removed since it was listed
    except OSError as error:
        evidence.gap_for(error, path)
        return False


def _mode(evidence: Evidence, path: str) -> int | None:
    """File type and permissions; None where nothing is, 0 where it may not be looked at, which is a gap."""
    try:
        return evidence.target.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        evidence.gap_for(error, path)
        return 0
