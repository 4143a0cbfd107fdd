"""nginx's configuration as a tree of directives, `include` resolved.

Words are read by `lexer`; where a directive may stand and how many arguments it takes is asked of crossplane, and what nginx would not
start with is a gap. Directives that crossplane does not know (of other modules) are kept.
"""

from __future__ import annotations

import fnmatch
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import crossplane.analyzer
from crossplane.errors import NgxParserDirectiveError

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.nginx.lexer import ConfigurationSyntaxError, Lexer, Statement
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.evidence import Evidence

_DEEPEST_INCLUDE = 32
_DEEPEST_BLOCK = 64
_MOST_FILES = 5_000
_MOST_DIRECTIVES = 500_000
_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive with its arguments, and its block if it has one."""

    name: str
    args: tuple[str, ...]
    place: Place
    block: tuple[Directive, ...] | None = None

    def __str__(self) -> str:
        """As it is written, without its block."""
        return " ".join((self.name, *self.args))


_PROGRAM_FILES = "/usr/share/nginx"


@dataclass(slots=True)
class Reader:
    """Reads a configuration file and what it includes. `conf_prefix` is the directory that relative includes are in."""

    evidence: Evidence
    conf_prefix: str
    files: dict[str, None] = field(default_factory=dict)
    problems: list[tuple[Place, str]] = field(default_factory=list)
    _stack: list[str] = field(default_factory=list)
    _reads: int = 0
    _directives: int = 0
    _depth: int = 0

    def read(self, path: str) -> tuple[Directive, ...]:
        """The directives of the main file; what nginx would not start with is a gap, and what stands before it is kept."""
        directives: list[Directive] = []
        self._file(path, (), None, directives)
        return tuple(directives)

    def problem(self, place: Place, reason: str) -> None:
        """Note that nginx would not start with a line."""
        self.problems.append((place, reason))
        self.evidence.gap(GapReason.UNDECIDABLE, f"{place}: nginx would not start with this: {reason}")

    def _file(self, path: str, context: tuple[str, ...], included_at: Place | None, into: list[Directive]) -> None:
        if path in self._stack or len(self._stack) >= _DEEPEST_INCLUDE or self._reads >= _MOST_FILES:
            self.problem(included_at or Place(path, 1), f"{path} is included in a loop or beside too many other files")
            return
        self._reads += 1
        if not context and self._is_of_program(path):
            return
        text = self.evidence.read_text(path)
        if text is None:
            if included_at is not None:
                self.problem(included_at, f"{path} cannot be read")
            return
        self.files[path] = None
        self._stack.append(path)
        try:
            self._block(path, Lexer(text, self.evidence.check_deadline), context, 0, into)
        except ConfigurationSyntaxError as problem:
            self.problem(Place(path, problem.line), problem.reason)
        finally:
            self._stack.pop()

    def _is_of_program(self, path: str) -> bool:
        """Whether it is a link to the package's own files, which load modules, where the root under audit has none of them."""
        target = self.evidence.target
        try:
            return target.readlink(path).startswith(_PROGRAM_FILES) and not target.exists(_PROGRAM_FILES)
        except OSError:
            return False  # no link, or not there: reading it says what is wrong

    def _block(self, path: str, lexer: Lexer, context: tuple[str, ...], opened: int, into: list[Directive]) -> None:
        if self._depth > _DEEPEST_BLOCK:
            raise ConfigurationSyntaxError("too many blocks inside each other", opened)
        for statement in lexer.statements():
            if statement.end == "}":
                if not opened:
                    raise ConfigurationSyntaxError('unexpected "}"', statement.line)
                return
            self._directives += 1
            if self._directives > _MOST_DIRECTIVES:
                raise ConfigurationSyntaxError(f"more than {_MOST_DIRECTIVES} directives", statement.line)
            self._directive(path, lexer, context, statement, into)
        if opened:
            raise ConfigurationSyntaxError('unexpected end of file, expecting "}" of the block that begins here', opened)

    def _directive(self, path: str, lexer: Lexer, context: tuple[str, ...], statement: Statement, into: list[Directive]) -> None:
        name, *args = statement.words
        place = Place(path, statement.line)
        if statement.end == ";" and name == "include" and len(args) == 1:
            for included in self._included(args[0]):
                self._file(included, context, place, into)
            return
        self._check(name, args, place, context, statement.end)
        if statement.end == ";":
            into.append(Directive(name, tuple(args), place))
            return
        block: list[Directive] = []
        self._depth += 1
        try:
            if name.endswith("_by_lua_block"):
                lexer.skip_lua()
            else:
                self._block(path, lexer, _inner(context, name), statement.line, block)
        finally:  # what was read of a block that is not closed is kept
            self._depth -= 1
            into.append(Directive(name, tuple(args), place, tuple(block)))

    def _check(self, name: str, args: list[str], place: Place, context: tuple[str, ...], end: str) -> None:
        entry: dict[str, Any] = {"directive": name, "line": place.line, "args": args}
        try:
            crossplane.analyzer.analyze(place.path, entry, end, context)
        except NgxParserDirectiveError as error:
            self.problem(place, error.strerror)

    def _included(self, pattern: str) -> list[str]:
        full = pattern if pattern.startswith("/") else f"{self.conf_prefix}/{pattern}"
        if not _MAGIC & set(full):
            return [full]
        found = [""]
        for component in full.split("/")[1:]:
            found = list(itertools.islice(self._step(found, component), _MOST_FILES + 1))
        if len(found) > _MOST_FILES:
            self.evidence.gap(GapReason.TRUNCATED, f"include {pattern}: more than {_MOST_FILES:,} files")
        return [path for path in sorted(found) if self._is_there(path)]

    def _step(self, bases: list[str], component: str) -> Iterator[str]:
        """The paths that a component of a pattern leads to (glob(3))."""
        for base in bases:
            self.evidence.check_deadline()
            if not _MAGIC & set(component):
                yield f"{base}/{component}"
                continue
            for name in self.evidence.list_directory(base or "/", optional=True):
                if fnmatch.fnmatchcase(name, component) and (component.startswith(".") or not name.startswith(".")):
                    yield f"{base}/{name}"

    def _is_there(self, path: str) -> bool:
        try:
            return self.evidence.target.exists(path)
        except OSError as error:
            self.evidence.gap_for(error, path)
            return False


def _inner(context: tuple[str, ...], name: str) -> tuple[str, ...]:
    inner: tuple[str, ...] = crossplane.analyzer.enter_block_ctx({"directive": name}, context)
    return inner
