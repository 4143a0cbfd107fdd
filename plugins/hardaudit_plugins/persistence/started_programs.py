"""Which files a command starts: programs, scripts, libraries. Wrappers such as sudo and nice, shells and interpreters are seen through."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from hardaudit_plugins.persistence.shell_lexer import UNKNOWN, ShellLexer
from hardaudit_plugins.persistence.shell_programs import (
    CODE_OPTIONS,
    INTERPRETER,
    KEYWORDS,
    LOADER,
    NO_COMMAND,
    READERS,
    SHELL,
    VALUE_OPTIONS,
    WRAPPERS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit_plugins.persistence.shell_lexer import SimpleCommand

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=(.*)", re.DOTALL)
_LIBRARIES = frozenset(("LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH"))
_DECLARING = frozenset(("export", "declare", "typeset", "local", "readonly", "set"))
_STRING_WRAPPERS = frozenset(("flock", "runuser", "script", "su"))
_STRING_ONLY = frozenset(("script", "su"))
_NO_SCRIPT = frozenset(("awk", "gawk", "java", "mawk", "nawk"))
_FIND_EXEC = frozenset(("-exec", "-execdir", "-ok", "-okdir"))
_STDIN_OPTION = "s"
_LONGEST = 256  # characters of a variable that are kept: text may repeat it many times
_MAX_NESTING = 8
_MAX_HOPS = 64


@dataclass(frozen=True, slots=True)
class Started:
    """A file that a command starts: its absolute path, and as what: `program`, `script`, `library`, or `directory` for run-parts'."""

    path: str
    role: str


@dataclass(slots=True)
class ShellReader:
    """What shell text starts: `found`, each once, in order. `directory` is where it runs, None where that is not known.

    Relative paths are told where the directory is known. A name without a slash is looked up in PATH, so it is not told; nor is what
    depends on a variable that the text does not set. `cut`: commands inside commands were too many to follow them all.
    """

    directory: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    found: dict[Started, None] = field(default_factory=dict)
    cut: bool = False
    _depth: int = 0

    def read(self, text: str) -> None:
        """Read on with a text, which runs after the texts before it."""
        if self._depth >= _MAX_NESTING:
            self.cut = True
            return
        self._depth += 1
        lexer = ShellLexer(text, self.variables)
        previous: list[str] = []
        for command in lexer.commands():
            self._start(command.words, 0, command, previous if command.piped else [])
            previous = command.words
        for inner in lexer.substituted:
            self.read(inner)
        self._depth -= 1

    def _start(
        self, words: Sequence[str], at: int, command: SimpleCommand | None = None, before: Sequence[str] = (), hops: int = 0
    ) -> None:
        """The command that begins at a word: a simple one, or what is behind a wrapper."""
        at = self._behind_assignments(words, at)
        while at < len(words) and words[at] in KEYWORDS:
            at = self._behind_assignments(words, at + 1)
        if at >= len(words) or words[at] in NO_COMMAND or UNKNOWN in words[at]:
            return
        if hops > _MAX_HOPS:
            self.cut = True
            return
        name = words[at].rpartition("/")[2]
        if "/" in words[at]:
            self._tell(words[at], "program")
        if name in WRAPPERS:
            self._wrapped(name, words, at + 1, hops)
        elif SHELL.fullmatch(name):
            self._shell(words[at + 1 :], command, before)
        elif INTERPRETER.fullmatch(name) or LOADER.fullmatch(name):
            self._interpreter(name, words[at + 1 :])
        elif name == "busybox":
            self._start(words, at + 1, command, before, hops + 1)
        elif name == "find":
            self._find(words, at + 1, hops)
        else:
            self._builtin(name, words[at + 1 :])

    def _behind_assignments(self, words: Sequence[str], at: int) -> int:
        while at < len(words) and self._assigned(words[at]):
            at += 1
        return at

    def _assigned(self, word: str) -> bool:
        """Whether a word is an assignment, which is then made."""
        match = _ASSIGNMENT.fullmatch(word)
        if match is None:
            return False
        name, value = match.groups()
        if name in _LIBRARIES:
            for library in re.split("[: ]", value):
                self._tell(library, "library")
        if UNKNOWN in value or len(value) > _LONGEST:
            self.variables.pop(name, None)
        else:
            self.variables[name] = value
        return True

    def _wrapped(self, name: str, words: Sequence[str], at: int, hops: int) -> None:
        with_value, positional = WRAPPERS[name]
        while at < len(words):
            word = words[at]
            if word == "-c" and name in _STRING_WRAPPERS:
                self._read_all(words[at + 1 : at + 2])
                return
            if word == "--":
                at += 1 + positional
                break
            if word.startswith("-") and word != "-":
                at += 2 if word in with_value else 1
            elif self._assigned(word) or name in _STRING_ONLY:
                at += 1
            elif positional:
                positional -= 1
                at += 1
            else:
                break
        self._start(words, at, hops=hops + 1)

    def _read_all(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.read(text)

    def _shell(self, arguments: Sequence[str], command: SimpleCommand | None, before: Sequence[str]) -> None:
        at, stdin = 0, False
        while at < len(arguments) and arguments[at][:1] in ("-", "+") and arguments[at] != "-":
            option = arguments[at]
            at += 1
            if option == "--":
                break
            if not option.startswith("--") and "c" in option[1:]:
                self._read_all([word for word in arguments[at:] if not word.startswith("-")][:1])
                return
            stdin = stdin or (not option.startswith("--") and _STDIN_OPTION in option[1:])
            at += option in ("-o", "+o", "-O", "--rcfile", "--init-file")
        if at < len(arguments) and not stdin:
            self._tell_file(arguments[at])
            return
        for path in command.inputs if command else ():
            self._tell_file(path)
        if before and before[0].rpartition("/")[2] in READERS:
            for path in before[1:]:
                self._tell(path, "script")

    def _interpreter(self, name: str, arguments: Sequence[str]) -> None:
        family = "ld.so" if LOADER.fullmatch(name) else name.rstrip("0123456789.-")
        at = 0
        while at < len(arguments) and arguments[at].startswith("-") and arguments[at] != "-":
            option = arguments[at]
            value = arguments[at + 1] if at + 1 < len(arguments) else ""
            at += 1
            if option in CODE_OPTIONS.get(family, ()) or (family == "perl" and re.fullmatch("-[a-zA-Z]*[eE]", option)):
                return
            if option in ("-jar", "-f"):
                self._tell_file(value)
                return
            if option in VALUE_OPTIONS.get(family, ()):
                at += 1
                for path in value.split(":"):
                    self._tell(path, "library")
        if at < len(arguments) and family not in _NO_SCRIPT:
            self._tell_file(arguments[at], "program" if family == "ld.so" else "script")

    def _find(self, words: Sequence[str], at: int, hops: int) -> None:
        """The commands of `-exec`, each of which ends with `;` or `+`."""
        while at < len(words):
            at += 1
            if words[at - 1] not in _FIND_EXEC:
                continue
            end = next((place for place in range(at, len(words)) if words[place] in (";", "+")), len(words))
            self._start(words[at:end], 0, hops=hops + 1)
            at = end

    def _builtin(self, name: str, arguments: Sequence[str]) -> None:
        """A builtin of the shell, or a program whose arguments name files that it starts."""
        plain = [word for word in arguments if not word.startswith("-")]
        if name in ("cd", "pushd"):
            self.directory = self._absolute(plain[0]) if plain else None
        elif name in ("eval", "trap"):
            self._read_all([" ".join(arguments)] if name == "eval" else plain[:1])
        elif name in _DECLARING:
            for word in plain:
                self._assigned(word)
        else:
            for path, role in _named_files(name, arguments, plain):
                self._tell_file(path, role)

    def _tell(self, path: str, role: str) -> None:
        """Keep a path; a name without a slash is none."""
        if "/" in path:
            self._tell_file(path, role)

    def _tell_file(self, path: str, role: str = "script") -> None:
        absolute = self._absolute(path) if path else None
        if absolute:
            self.found[Started(absolute, role)] = None

    def _absolute(self, path: str) -> str | None:
        if UNKNOWN in path or (not path.startswith("/") and self.directory is None):
            return None
        return "/" + posixpath.normpath(posixpath.join(self.directory or "/", path)).lstrip("/")


def _named_files(name: str, arguments: Sequence[str], plain: Sequence[str]) -> list[tuple[str, str]]:
    """The files that a program's arguments make it start, and as what."""
    if name in (".", "source"):
        return [(path, "script") for path in plain[:1]]
    if name == "run-parts":
        return [(path, "directory") for path in plain[-1:]]
    if name == "start-stop-daemon":
        return [(value, "program") for option, value in pairwise(arguments) if option in ("-x", "--exec", "-a", "--startas")]
    return []


def started_programs(text: str, directory: str | None = None) -> list[Started]:
    """What one shell text starts; see ShellReader."""
    reader = ShellReader(directory)
    reader.read(text)
    return list(reader.found)
