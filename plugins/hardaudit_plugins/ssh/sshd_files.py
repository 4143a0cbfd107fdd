"""The files that sshd's `Include` names, glob(3) over the audited host's directories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit_plugins.ssh.sshd_lexer import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit.target.table import TableContext

Report: TypeAlias = Callable[[GapReason, str], None]
"""Takes a gap: the reason and the detail."""

_LONGEST_PATTERN = 4096
_MOST_PATHS = 10_000
_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class _Set:
    """`[…]`: the characters, as ranges, and whether it is those or all others."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def has(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) != self.negated


_Part: TypeAlias = str | _Set | None
"""A part of a pattern: a character; a set; `_ANY` for `?`, None for `*`."""

_ANY = _Set((), negated=True)


def included_paths(context: TableContext, pattern: str, report: Report) -> tuple[list[str], bool]:
    """The paths a pattern names, in the order sshd reads them, and whether every directory could be looked at; what could not is reported.

    Raises RefusedError for a pattern that sshd cannot expand.
    """
    if len(pattern) >= _LONGEST_PATTERN or "\0" in pattern:
        raise RefusedError("Include has a pattern that is too long")
    paths, complete = [""], True
    components = pattern.split("/")
    for index, component in enumerate(components):
        last = index == len(components) - 1
        if not _MAGIC & set(component):
            name = _unescaped(component)
            paths = [path + name + ("" if last else "/") for path in paths]
            continue
        parts = tuple(_parts(component))
        found: list[str] = []
        for path in paths:
            context.check_deadline()
            names, readable = _names(context, path, report)
            complete = complete and readable
            found.extend(path + name + ("" if last else "/") for name in names if _matches(name, parts))
            if len(found) > _MOST_PATHS:
                report(GapReason.TRUNCATED, f"{pattern}: Include matches more than {_MOST_PATHS} paths, which are not read")
                return [], False
        paths = found
    existing = [(path, _exists(context, path, report)) for path in paths]
    complete = complete and all(there is not None for _, there in existing)
    return sorted((path for path, there in existing if there), key=host_text.encode), complete


def _names(context: TableContext, directory: str, report: Report) -> tuple[list[str], bool]:
    try:
        return context.target.list_directory(directory or "/"), True
    except (FileNotFoundError, NotADirectoryError):
        return [], True
    except OSError as error:
        report(gap_reason(error), f"{directory}: {error.strerror or error}")
        return [], False


def _exists(context: TableContext, path: str, report: Report) -> bool | None:
    """Whether lstat(2) finds the path; None, and a report, when it may not be looked at."""
    try:
        return context.target.exists(path)
    except OSError as error:
        report(gap_reason(error), f"{path}: {error.strerror or error}")
        return None


def _unescaped(component: str) -> str:
    characters = iter(component)
    return "".join(next(characters, "\\") if character == "\\" else character for character in characters)


def _parts(component: str) -> Iterator[_Part]:
    position = 0
    while position < len(component):
        character = component[position]
        position += 1
        if character == "*":
            yield None
        elif character == "?":
            yield _ANY
        elif character == "\\" and position < len(component):
            yield component[position]
            position += 1
        elif character == "[" and (end := _set_end(component, position)) > 0:
            yield _set(component[position:end])
            position = end + 1
        else:
            yield character


def _set_end(component: str, start: int) -> int:
    """Where the bracket that closes a set stands; -1 when none does. The first character of a set may be a bracket."""
    first = start + (component[start : start + 1] == "!")
    return component.find("]", first + 1)


def _set(content: str) -> _Set:
    negated = content.startswith("!")
    characters = content[negated:]
    if "[:" in characters:
        raise RefusedError("Include has a character class, which is not interpreted here")
    ranges, position = [], 0
    while position < len(characters):
        low = high = characters[position]
        if characters[position + 1 : position + 2] == "-" and position + 2 < len(characters):
            high = characters[position + 2]
            position += 2
        ranges.append((low, high))
        position += 1
    return _Set(tuple(ranges), negated)


def _matches(name: str, parts: Sequence[_Part]) -> bool:
    """Whether a name matches; a leading dot only matches a dot that is written."""
    if name.startswith(".") and not (parts and parts[0] == "."):
        return False
    here = there = 0
    star, resume = -1, 0
    while here < len(name):
        part = parts[there] if there < len(parts) else ""
        if part is None:
            star, resume = there, here
            there += 1
        elif part == name[here] or (isinstance(part, _Set) and part.has(name[here])):
            here += 1
            there += 1
        elif star >= 0:
            resume += 1
            here, there = resume, star + 1
        else:
            return False
    return all(part is None for part in parts[there:])
