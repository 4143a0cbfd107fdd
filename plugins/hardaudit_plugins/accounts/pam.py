"""PAM stacks: the modules that a service runs, in order, with their arguments; pam.conf(5), libpam/pam_handlers.c.

A service's file in /etc/pam.d hides the vendor's of the same name. `include` and `substack` take another file's lines of the same
type; Debian's `@include` takes all of them. What is never run because a module before it ends the stack is not worked out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.accounts.lines import LONGEST_DIRECTIVE, SPACE, LineGaps, directives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

DIRECTORIES = ("/etc/pam.d", "/usr/etc/pam.d", "/usr/lib/pam.d")
"""Where a service's file is looked for, in this order."""

_TYPES = frozenset({"auth", "account", "password", "session"})
_NESTED_LIMIT = 16
_FILES_LIMIT = 200
_WORD = re.compile(r"[^ \t\n\v\f\r]+")
_CLOSING = re.compile(r"(?<!\\)\]")
_COMMENT = re.compile(r"(?<!\\)#")


@dataclass(frozen=True, slots=True)
class Module:
    """A line of a stack. `control` is required, sufficient, … or the text in brackets; `name` is the module without path and `.so`."""

    type: str
    control: str
    name: str
    arguments: tuple[str, ...]
    source: str
    line: int


@dataclass(slots=True)
class _Reading:
    files: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    """A logical line in its tokens."""

    tokens: tuple[str, ...]
    number: int


def stack(context: TableContext, service: str) -> Iterator[Module]:
    """The modules of a service, of every type, with the files that it includes. The service must have a file."""
    yield from _modules(context, service, None, 1, _Reading())


def service_path(context: TableContext, service: str) -> str | None:
    """The file of a service: an absolute path as it is, a name in the first directory that has it. None when there is none."""
    candidates = [service] if service.startswith("/") else [f"{directory}/{service}" for directory in DIRECTORIES]
    for path in candidates:
        try:
            context.target.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return path  # reading it says why
        return path
    return None


def _modules(context: TableContext, service: str, wanted: str | None, depth: int, reading: _Reading) -> Iterator[Module]:
    path = service_path(context, service)
    if path is None:
        context.gap(GapReason.MISSING_SOURCE, f"{DIRECTORIES[0]}/{service}: a file of PAM that is included does not exist")
        return
    reading.files += 1
    if depth > _NESTED_LIMIT or reading.files > _FILES_LIMIT:
        context.gap(GapReason.TRUNCATED, f"{path}: included more than {_NESTED_LIMIT} deep, or beyond {_FILES_LIMIT} files of PAM")
        return
    gaps = LineGaps(context, path)
    for line in _lines(context, context.read_text(path) or "", gaps):
        if line.tokens[0] == "@include" and len(line.tokens) == 2:
            yield from _modules(context, line.tokens[1], wanted, depth + 1, reading)
            continue
        module = _module(line, path)
        if module is None:
            gaps.add(line.number, "no line of PAM: logins through this stack fail")
        elif wanted in (None, module.type):
            if module.control in ("include", "substack"):
                yield from _modules(context, module.name, module.type, depth + 1, reading)
            else:
                yield module
    gaps.close()


def _module(line: _Line, path: str) -> Module | None:
    if len(line.tokens) < 3 or line.tokens[0].lower().removeprefix("-") not in _TYPES:
        return None
    kind, control, target, *arguments = line.tokens
    control = " ".join(control.split()).lower()
    name = target if control in ("include", "substack") else target.rpartition("/")[2].removesuffix(".so")
    return Module(kind.lower().removeprefix("-"), control, name, tuple(arguments), path, line.number)


def _lines(context: TableContext, text: str, gaps: LineGaps) -> Iterator[_Line]:
    """Lines that have words, comments cut off, joined at a backslash; an empty line ends one that was to be continued."""
    parts: list[str] = []
    length = begin = last = 0
    for number, untrimmed in directives(context, text, gaps):
        comment = _COMMENT.search(untrimmed)
        line = (untrimmed[: comment.start()] if comment else untrimmed).strip(SPACE)
        if parts and number > last + 1:
            yield from _line(parts, begin, gaps)
            parts, length = [], 0
        begin, last = begin if parts else number, number
        length += len(line) + 1
        if length <= LONGEST_DIRECTIVE:
            parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield from _line(parts, begin, gaps, length)
            parts, length = [], 0
    yield from _line(parts, begin, gaps, length)


def _line(parts: list[str], begin: int, gaps: LineGaps, length: int = 0) -> Iterator[_Line]:
    """The words of a logical line, if there are any and it is not too long."""
    if length > LONGEST_DIRECTIVE:
        gaps.add(begin, f"longer than {LONGEST_DIRECTIVE:,} characters", GapReason.TRUNCATED)
        return
    tokens = _tokens(" ".join(parts))
    if tokens:
        yield _Line(tokens, begin)


def _tokens(text: str) -> tuple[str, ...]:
    """The words of a line; what stands in brackets is one word, blanks and all, and an escaped bracket does not end it."""
    tokens = []
    position = 0
    while word := _WORD.search(text, position):
        position = word.end()
        if word[0][0] != "[":
            tokens.append(word[0])
            continue
        end = _CLOSING.search(text, word.start() + 1)
        position = end.end() if end else len(text)
        tokens.append(text[word.start() + 1 : end.start() if end else len(text)])
    return tuple(tokens)
