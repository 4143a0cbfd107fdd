"""/etc/sudoers and the files that it includes, in the order in which sudo reads them; sudoers(5).

A line is what osquery makes of it: a first word and the rest, a long line joined at its backslashes. Which file an `@include` means is
decided as sudo does it. What sudo could not read, or what is no line of sudoers, is a gap.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.accounts.homes import canonical
from hardaudit_plugins.accounts.lines import SPACE, LineGaps, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

SUDOERS = "/etc/sudoers"

_BLANK = "\t\v "
_NESTED_LIMIT = 128
_FILES_LIMIT = 2_000
_CHARACTERS_LIMIT = 4 * 2**20
_INCLUDE = ("#include", "@include")
_INCLUDE_DIRECTORY = ("#includedir", "@includedir")
_USER_ID = re.compile(r"#-?[0-9]")
_DEFAULTS = re.compile(r"Defaults(?:[:@>!]|$)")
_LONGEST_PATH = 8_192  # characters, with escapes


@dataclass(slots=True)
class Line:
    """A logical line, growing while continuation lines are read. `number` counts from 1 and is where it begins."""

    number: int
    header: str
    parts: list[str]
    continues: bool = False

    def join(self, text: str) -> None:
        """Put a continuation line in the place of the backslash at the end."""
        if self.parts[-1]:
            self.parts[-1] = self.parts[-1][:-1]
        else:
            self.header = self.header[:-1]
        self.parts.append(text)
        self.continues = text.endswith("\\")

    @property
    def rest(self) -> str:
        """What follows the first word."""
        return "".join(self.parts)

    @property
    def is_include(self) -> bool:
        """Whether it includes a file."""
        return self.header in _INCLUDE

    @property
    def is_include_directory(self) -> bool:
        """Whether it includes a directory's files."""
        return self.header in _INCLUDE_DIRECTORY

    @property
    def is_meaningful(self) -> bool:
        """Whether sudo could take it for a setting, an alias or a rule: a rule has an equals sign."""
        if _DEFAULTS.match(self.header) or self.is_include or self.is_include_directory:
            return True
        return "=" in self.header or any("=" in part for part in self.parts)


@dataclass(frozen=True, slots=True)
class Rule:
    """A logical line and the file that has it."""

    source: str
    line: Line


@dataclass(slots=True)
class _Reading:
    """How far the includes have gone.

    osquery counts a file of a directory as one level deeper than the one before it. For a loop this decides how often its lines are shown;
    for anything else sudo's own count decides, which is how deep files are nested.
    """

    files: int = 0
    characters: int = 0
    open_files: list[str] = field(default_factory=list)
    is_full: bool = False


def rules(context: TableContext) -> Iterator[Rule]:
    """Every logical line, those of an included file after the line that includes it."""
    yield from _file(context, SUDOERS, _Reading(), 1)


def _file(context: TableContext, path: str, reading: _Reading, level: int) -> Iterator[Rule]:
    if not _may_open(context, path, reading, level):
        return
    text = context.read_text(path) or ""
    reading.files += 1
    reading.characters += len(text)
    reading.open_files.append(path)
    gaps = LineGaps(context, path)
    for line in _logical_lines(context, text):
        meaningful = line.is_meaningful
        if meaningful or not line.header.startswith("#"):
            yield Rule(path, line)
        if not meaningful:
            gaps.add(line.number, "no rule, alias or setting of sudo")
        for included in _included(context, path, line):
            level += 1
            yield from _file(context, included, reading, level)
        if reading.is_full:
            break
    gaps.close()
    reading.open_files.pop()


def _may_open(context: TableContext, path: str, reading: _Reading, level: int) -> bool:
    context.check_deadline()
    if len(reading.open_files) >= _NESTED_LIMIT or (level > _NESTED_LIMIT and path in reading.open_files):
        context.gap(GapReason.TRUNCATED, f"{path}: files include each other more than {_NESTED_LIMIT} deep")
        return False
    if reading.files < _FILES_LIMIT and reading.characters < _CHARACTERS_LIMIT:
        return True
    if not reading.is_full:
        reading.is_full = True
        problem = f"more than {_FILES_LIMIT:,} files or {_CHARACTERS_LIMIT:,} characters are included"
        context.gap(GapReason.TRUNCATED, f"{path}: {problem}, and nothing more is read")
    return False


def _logical_lines(context: TableContext, text: str) -> Iterator[Line]:
    """Lines without comments; `#1000` is a user ID, which does not begin a comment."""
    pending: Line | None = None
    for number, untrimmed in numbered(context, text):
        physical = untrimmed.strip(SPACE)
        if not physical:
            continue
        if pending and pending.continues:
            pending.join(physical)
            continue
        if pending:
            yield pending
        pending = _line(number, physical)
    if pending:
        yield pending


def _line(number: int, text: str) -> Line | None:
    """A line's first word and the rest; None for a comment, and for an include without a path, which osquery takes for one."""
    end = min((position for position in map(text.find, _BLANK) if position >= 0), default=len(text))
    line = Line(number, text[:end], [text[end:].strip(_BLANK)])
    including = line.is_include or line.is_include_directory
    if (including and not line.rest) or (text.startswith("#") and not including and not _USER_ID.match(text)):
        return None
    line.continues = text.endswith("\\") and not including
    return line


def _included(context: TableContext, source: str, line: Line) -> Iterator[str]:
    """The files that a line includes. A directory that does not exist includes none; a file that does not exist is an error to sudo."""
    if not (line.is_include or line.is_include_directory):
        return
    path = _include_path(line.rest)
    if path is None or "%h" in path:
        problem = "names its file by the host's name" if path else "has a path that cannot be interpreted"
        context.gap(GapReason.UNSUPPORTED, f"{source}:{line.number}: {line.header} {problem}")
        return
    if not path.startswith("/"):
        path = f"{source.rpartition('/')[0]}/{path}"
    if line.is_include:
        yield path
        return
    yield from _directory_files(context, path)


def _directory_files(context: TableContext, path: str) -> Iterator[str]:
    """The files of a directory that sudo reads, in its order: none with a dot in the name or a tilde at its end."""
    names = [name for name in context.list_directory(path, optional=True) if "." not in name and not name.endswith("~")]
    if not names:
        return
    try:
        directory = canonical(context.target, path)
        for name in names:
            if not _is_directory(context, f"{path}/{name}"):
                yield f"{directory.rstrip('/')}/{name}"
    except OSError as error:
        context.gap_for(error, path)


def _is_directory(context: TableContext, path: str) -> bool:
    """Whether a name is a directory, which sudo passes over. What cannot be looked at is taken for a file: reading it is the gap."""
    try:
        return stat.S_ISDIR(context.target.stat(path).st_mode)
    except OSError:
        return False


def _include_path(text: str) -> str | None:
    """The path of an include: in double quotes, or with blanks escaped by a backslash; a comment may follow. None for anything else."""
    if len(text) > _LONGEST_PATH:
        return None
    if text.startswith('"'):
        path, quote, rest = text[1:].partition('"')
        return path if quote and _is_comment(rest) else None
    path, position = "", 0
    while position < len(text) and text[position] not in SPACE:
        position += text[position] == "\\"
        path += text[position : position + 1]
        position += 1
    return path if path and _is_comment(text[position:]) else None


def _is_comment(text: str) -> bool:
    stripped = text.strip(SPACE)
    return not stripped or stripped.startswith("#")
