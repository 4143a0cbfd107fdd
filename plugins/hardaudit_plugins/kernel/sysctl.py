"""/proc/sys: the kernel's settings, by their dotted names."""

from __future__ import annotations

import errno
import re
import stat
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit.target.table import TableContext
    from hardaudit.target.target import Target

ROOT = "/proc/sys"
_DEPTH_LIMIT = 12  # levels below /proc/sys; real ones have at most six
_LEVELS_LIMIT = 16  # parts between the dots of a name that is looked up
_READ_LIMIT = 2**20


def dotted_name(path: str) -> str:
    """`kernel.kptr_restrict` for /proc/sys/kernel/kptr_restrict. An interface's own dots stay, as osquery and sysctl(8) -a print them."""
    return path[len(ROOT) + 1 :].replace("/", ".")


def find_setting(target: Target, name: str) -> str | None:
    """The file of a dotted name, None where this kernel has no such setting. Raises OSError when it may not be looked up.

    A dot may be one of a directory's name (`net.ipv4.conf.eth0.100.rp_filter`), so every way to join the parts is tried.
    """
    parts = name.split(".")
    if "/" in name or "\0" in name or "" in parts or len(parts) > _LEVELS_LIMIT:
        return None
    return _descend(target, ROOT, parts)


def _descend(target: Target, directory: str, parts: list[str]) -> str | None:
    for count in range(1, len(parts) + 1):
        path = f"{directory}/{'.'.join(parts[:count])}"
        try:
            mode = target.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        if count == len(parts):
            return path if stat.S_ISREG(mode) else None
        found = _descend(target, path, parts[count:]) if stat.S_ISDIR(mode) else None
        if found:
            return found
    return None


def walk_settings(context: TableContext, wanted: Callable[[str], bool]) -> Iterator[str]:
    """The files below /proc/sys, in order, in those directories whose dotted name `wanted` accepts. An unreadable directory is a gap."""
    pending = [(ROOT, 0)]
    while pending:
        directory, depth = pending.pop()
        if depth > _DEPTH_LIMIT:
            context.gap(GapReason.TRUNCATED, f"{directory}: deeper than {_DEPTH_LIMIT} levels")
            continue
        below: list[tuple[str, int]] = []
        for name in context.list_directory(directory, optional=depth > 0):
            context.check_deadline()
            path = f"{directory}/{name}"
            try:
                mode = context.target.lstat(path).st_mode
            except FileNotFoundError:
                continue  # an interface that has gone meanwhile
            except OSError as error:
                context.gap_for(error, path)
                continue
            if stat.S_ISDIR(mode):
                if wanted(dotted_name(path)):
                    below.append((path, depth + 1))
            elif stat.S_ISREG(mode):
                yield path
        pending.extend(reversed(below))


def read_setting(context: TableContext, path: str) -> str | None:
    """A setting's value without white space at its ends; None where it has none to read (write-only: no gap) or cannot be read (a gap)."""
    try:
        if not context.target.lstat(path).st_mode & 0o444:
            return None
        return context.target.read_text(path, _READ_LIMIT).strip(" \t\n\v\f\r")
    except FileNotFoundError:
        return None  # gone meanwhile, with its interface
    except OSError as error:
        if error.errno == errno.EIO and path.endswith("/stable_secret"):
            return ""  # the kernel's way to say that none has been set, ip-sysctl.rst
        context.gap(gap_reason(error), f"{path}: {error.strerror}")
        return None


def like_matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a name matches all of some LIKE patterns: `%` any text, `_` one character, ASCII letters of either case."""
    expressions = [re.compile("".join(map(_like_part, re.findall(r"%+|.", pattern, re.DOTALL))), _LIKE_FLAGS) for pattern in patterns]
    return lambda name: all(expression.fullmatch(name) for expression in expressions)


_LIKE_FLAGS = re.IGNORECASE | re.DOTALL | re.ASCII


def _like_part(part: str) -> str:
    if part.startswith("%"):
        return ".*"
    return "." if part == "_" else re.escape(part)


def may_hold(pattern: str, directory: str) -> bool:
    """Whether a directory of this dotted name can hold settings that match a LIKE pattern, judged by the text before its first wildcard."""
    prefix = re.split("[%_]", pattern, maxsplit=1)[0].lower()
    inside = f"{directory.lower()}."
    return prefix.startswith(inside) or inside.startswith(prefix)
