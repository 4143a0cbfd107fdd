"""Web-shell rules: this package's own, and those of a directory of the auditor's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yara_x

from hardaudit.errors import PluginError
from hardaudit.model.gap import GapReason
from hardaudit.plugin.trust import refuse_unless_trusted

if TYPE_CHECKING:
    from collections.abc import Callable

SCAN_BYTES = 8 * 2**20
"""Bytes at a file's start, and as many at its end, that rules are held against."""

_FILE_SECONDS = 5
_OWN = Path(__file__).parent / "rules"
_SUFFIXES = (".yar", ".yara")
_MOST_FILES = 10_000
_MOST_BYTES = 8 * 2**20  # of a file of rules
_NAMES = ("filename", "filepath", "extension", "filetype", "owner")
"""Variables that public collections of rules use of the file that is looked at; all are text, the last two are always empty."""


@dataclass(frozen=True, slots=True)
class Match:
    """A scan: names of the rules that match, sorted; `timed_out` if it took too long and says nothing."""

    names: tuple[str, ...]
    timed_out: bool = False


class ShellRules:
    """Compiled rules."""

    def __init__(self, rules: yara_x.Rules) -> None:
        self._scanner = yara_x.Scanner(rules)
        self._scanner.set_timeout(_FILE_SECONDS)
        self._scanner.max_matches_per_pattern(1_000)

    def scan(self, content: bytes, path: str) -> Match:
        """Hold the rules against a content; `path` is what they are told of its name."""
        name = path.rpartition("/")[2]
        self._scanner.set_global("filename", name)
        self._scanner.set_global("filepath", path)
        self._scanner.set_global("extension", f".{name.rpartition('.')[2]}" if "." in name else "")
        try:
            matching = self._scanner.scan(content).matching_rules
        except yara_x.TimeoutError:
            return Match((), timed_out=True)
        return Match(tuple(sorted({rule.identifier for rule in matching})))


def own_rules() -> ShellRules:
    """This package's rules."""
    return ShellRules(_with_own().build())


def rules_with(directory: str, problem: Callable[[GapReason, str], None]) -> ShellRules:
    """This package's rules and those of a directory on the auditing machine, which nobody else may be able to change.

    `problem` is told of what cannot be used, with file and line.
    """
    compiler = _with_own()
    for path in _files_in(directory, problem):
        _add(compiler, path, problem)
    return ShellRules(compiler.build())


def _with_own() -> yara_x.Compiler:
    compiler = yara_x.Compiler(includes_enabled=False)
    for name in _NAMES:
        compiler.define_global(name, "")
    for path in sorted(_OWN.glob("*.yar")):
        compiler.add_source(path.read_text(encoding="utf-8"), origin=str(path))
    return compiler


def _files_in(directory: str, problem: Callable[[GapReason, str], None]) -> list[Path]:
    if not directory.startswith("/"):
        problem(GapReason.UNSUPPORTED, f"rules = '{directory}': an absolute path is needed")
        return []
    try:
        refuse_unless_trusted(directory)
        names = sorted(name for name in os.listdir(directory) if name.endswith(_SUFFIXES))
    except PluginError as error:
        problem(GapReason.UNSUPPORTED, f"rules: {error}")
        return []
    except OSError as error:
        problem(GapReason.MISSING_SOURCE, f"rules: {directory}: {error.strerror}")
        return []
    if not names or len(names) > _MOST_FILES:
        problem(GapReason.MISSING_SOURCE, f"rules: {directory} has {len(names):,} files *.yar and *.yara; 1 to {_MOST_FILES:,} are used")
    return [Path(directory, name) for name in names[:_MOST_FILES]]


def _add(compiler: yara_x.Compiler, path: Path, problem: Callable[[GapReason, str], None]) -> None:
    """A file of further rules, in a namespace of its own: names may be the same as in others."""
    try:
        refuse_unless_trusted(str(path))
        if path.stat().st_size > _MOST_BYTES:
            problem(GapReason.TRUNCATED, f"rules: {path}: larger than {_MOST_BYTES:,} bytes")
            return
        compiler.new_namespace(str(path))
        compiler.add_source(path.read_bytes().decode("utf-8"), origin=str(path))
    except yara_x.CompileError:
        for error in compiler.errors()[-1:]:
            problem(GapReason.UNSUPPORTED, f"rules: {path}:{error['line']}: {error['title']}")
    except PluginError as error:
        problem(GapReason.UNSUPPORTED, f"rules: {error}")
    except (OSError, UnicodeDecodeError) as error:
        problem(GapReason.UNSUPPORTED, f"rules: {path}: {error}")
