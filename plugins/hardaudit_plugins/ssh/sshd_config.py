"""sshd's configuration as a sequence of lines: `Include` followed, `Match` blocks attached to what stands in them, sshd_config(5)."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import NotRegularFileError, gap_reason
from hardaudit_plugins.ssh.sshd_files import included_paths
from hardaudit_plugins.ssh.sshd_lexer import RefusedError, delimited_arguments, keyword_and_rest, split_arguments
from hardaudit_plugins.ssh.sshd_match import Condition, parse_condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.ssh.sshd_build import Build
    from hardaudit_plugins.ssh.sshd_values import Host

DIRECTORY = "/etc/ssh"
"""Where relative `Include`s start."""

_MAX_DEPTH = 16
_MAX_FILES = 2_000
_MAX_LINES = 200_000
_MAX_LINE = 256 * 2**10
_MAX_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Directive:
    """A line that sets something, and the `Match` lines it stands under, outermost first.

    `unread`: the line stands for configuration that could not be read; whatever it would set first is not known from here on.
    """

    keyword: str
    words: tuple[str, ...]
    rest: str
    path: str
    line: int
    conditions: tuple[Condition, ...] = ()
    unread: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a line stands: under which `Match` lines, and how many `Include`s deep."""

    path: str
    line: int
    conditions: tuple[Condition, ...]
    depth: int

    def unread(self) -> Directive:
        """What stands for configuration that could not be read here."""
        return Directive("", (), "", self.path, self.line, self.conditions, unread=True)


@dataclass(slots=True)
class Reader:
    """Reads a configuration once, as sshd does at its start. What sshd would not accept, and what cannot be read, are gaps."""

    context: TableContext
    build: Build
    host: Host
    _texts: dict[str, str | None] = field(default_factory=dict)
    _patterns: dict[str, tuple[list[str], bool]] = field(default_factory=dict)
    _files: int = 0
    _lines: int = 0
    _problems: int = 0

    def read(self, path: str) -> list[Directive]:
        """The directives of a configuration file and of all it includes, in sshd's order."""
        return list(self._file(path, (), 0))

    def refused(self, path: str, line: int, message: str) -> None:
        """Record that sshd does not start with a line."""
        self.gap(GapReason.UNDECIDABLE, f"{path}:{line}: {message}: sshd does not start with this configuration; `sshd -t` says more")

    def gap(self, reason: GapReason, detail: str) -> None:
        """Record evidence that could not be read; of very many the first."""
        self._problems += 1
        if self._problems <= _MAX_PROBLEMS:
            self.context.gap(reason, detail)
        elif self._problems == _MAX_PROBLEMS + 1:
            self.context.gap(GapReason.TRUNCATED, f"sshd's configuration has more than {_MAX_PROBLEMS} problems; only the first are listed")

    def _file(self, path: str, inherited: tuple[Condition, ...], depth: int) -> Iterator[Directive]:
        text = self._text(path)
        self._files += 1
        if text is None:
            yield _Place(path, 0, inherited, depth).unread()
            return
        conditions = inherited
        for number, line in enumerate(text.split("\n"), 1):
            self.context.check_deadline()
            self._lines += 1
            if self._lines > _MAX_LINES:
                if self._lines == _MAX_LINES + 1:
                    self.gap(GapReason.TRUNCATED, f"{path}:{number}: more than {_MAX_LINES} lines of configuration; the rest is not read")
                yield _Place(path, number, conditions, depth).unread()
                return
            if len(line) > _MAX_LINE or "\0" in line:
                what = "a NUL byte" if "\0" in line else f"more than {_MAX_LINE} characters"
                self.gap(GapReason.UNDECIDABLE, f"{path}:{number}: the line has {what} and is not interpreted")
                yield _Place(path, number, conditions, depth).unread()
                continue
            split = keyword_and_rest(line.partition("#")[0] if self.build.old_words else line)
            if split is None:
                continue
            try:
                if split[0] == "match":
                    conditions = (*inherited, self._condition(split[1], path, number))
                else:
                    yield from self._directive(*split, _Place(path, number, conditions, depth))
            except RefusedError as error:
                self.refused(path, number, str(error))

    def _condition(self, rest: str, path: str, number: int) -> Condition:
        try:
            return parse_condition(rest, path, number, self.host, argv=self.build.at_least(9, 9))
        except RefusedError as error:
            self.refused(path, number, str(error))
            return Condition((), rest, path, number)

    def _directive(self, keyword: str, rest: str, place: _Place) -> Iterator[Directive]:
        if not rest:
            raise RefusedError(f"{keyword} has no argument")
        words = delimited_arguments(rest, equals=keyword != "setenv") if self.build.old_words else split_arguments(rest)
        if keyword == "include" and (self.build.version is None or self.build.at_least(8, 2)):
            yield from self._include(words, place)
        else:
            yield Directive(keyword, words, rest, place.path, place.line, place.conditions)

    def _include(self, patterns: tuple[str, ...], place: _Place) -> Iterator[Directive]:
        if not patterns or "" in patterns:
            raise RefusedError("Include names no file")
        for pattern in patterns:
            wanted = pattern if pattern[0] in "/~" else f"{DIRECTORY}/{pattern}"
            if wanted not in self._patterns:
                self._patterns[wanted] = included_paths(self.context, wanted, self.gap)
            paths, complete = self._patterns[wanted]
            if not complete:
                yield place.unread()
            for included in paths:
                if place.depth >= _MAX_DEPTH:
                    raise RefusedError(f"Include of {included} is more than {_MAX_DEPTH} levels deep")
                if self._files >= _MAX_FILES:
                    detail = f"{place.path}:{place.line}: more than {_MAX_FILES} files are included; the rest is not read"
                    self.gap(GapReason.TRUNCATED, detail)
                    yield place.unread()
                    return
                yield from self._file(included, place.conditions, place.depth + 1)

    def _text(self, path: str) -> str | None:
        """A file's text; that of a directory is empty, as sshd finds it."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        try:
            return self.context.target.read_text(path)
        except NotRegularFileError as error:
            if self._is_directory(path):
                return ""
            self.gap(gap_reason(error), f"{path}: {error.strerror}")
        except OSError as error:
            self.gap(gap_reason(error), f"{path}: {error.strerror or error}")
        return None

    def _is_directory(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(self.context.target.stat(path).st_mode)
        except OSError:
            return False
