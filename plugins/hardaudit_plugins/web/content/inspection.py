"""What files hold, looked into once a run for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit_plugins.web.content.images import metadata
from hardaudit_plugins.web.content.php_code import BY_NAME, holds_php, may_hold_php
from hardaudit_plugins.web.content.reader import FileReader, vanished
from hardaudit_plugins.web.content.shell_rules import SCAN_BYTES
from hardaudit_plugins.web.content.sniff import SNIFF_BYTES, sniffed_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit.target.target import Target
    from hardaudit_plugins.web.content.reader import OpenFile
    from hardaudit_plugins.web.content.shell_rules import ShellRules

_Answer = TypeVar("_Answer")
_WHOLE_BYTES = 2**20  # of the kinds that are code or text from end to end, or small by nature
_WHOLE_KINDS = frozenset(("text", "xml", "svg", "html", "php", "script", "ico", "empty"))
_PNG = b"\x89PNG"  # whose texts may be compressed
_TEXT_KINDS = _WHOLE_KINDS - {"ico"}
CODE_NAMES = frozenset((".htaccess", ".user.ini", "php.ini"))
"""Names, and below extensions, of files that rules are held against for their names alone."""

CODE_EXTENSIONS = BY_NAME | {"inc", "module", "tpl", "html", "htm", "shtml", "cgi", "pl", "py", "sh", "asp", "aspx", "jsp", "htaccess"}


class Inspector:
    """Looks into files for one query; `problem` is told of those that cannot be read."""

    def __init__(self, target: Target, problem: Callable[[GapReason, str], None]) -> None:
        self._reader = FileReader(target)
        self._problem = problem

    def close(self) -> None:
        """Let files go."""
        self._reader.close()

    def kind(self, prefix: str, name: str) -> str | None:
        """The `sniffed_type`; None, and a gap unless it was removed, when it cannot be read."""
        return self._look(prefix, name, lambda file: sniffed_type(file.read(0, SNIFF_BYTES)))

    def holds_php(self, prefix: str, name: str) -> bool | None:
        """Whether PHP is in a file, by its first and last 64 KiB, all of a text up to 1 MiB, and an image's metadata; None as above."""
        try:
            content = self._reader.small(prefix, name)
        except OSError as error:
            self._not_read(error, prefix + name)
            return None
        if content is not None and not may_hold_php(content) and not content.startswith(_PNG):
            return False
        return self._look(prefix, name, _holds_php)

    def matches(self, prefix: str, name: str, rules: ShellRules) -> tuple[str, ...] | None:
        """The rules that match a file; None as above."""
        content = self._look(prefix, name, lambda file: file.ends(SCAN_BYTES))
        if content is None:
            return None
        match = rules.scan(content, prefix + name)
        if match.timed_out:
            self._problem(GapReason.TIMEOUT, f"{prefix}{name}: holding the web-shell rules against it took too long")
            return None
        return match.names

    def _look(self, prefix: str, name: str, question: Callable[[OpenFile], _Answer]) -> _Answer | None:
        try:
            with self._reader.open(prefix, name) as file:
                return question(file)
        except OSError as error:
            self._not_read(error, prefix + name)
            return None

    def _not_read(self, error: OSError, path: str) -> None:
        if not vanished(error):
            self._problem(gap_reason(error), f"{path}: {error.strerror or error}")


def may_hold_code(name: str, extension: str) -> bool:
    """Whether rules are held against a file for its name alone."""
    return extension in CODE_EXTENSIONS or name in CODE_NAMES


def _holds_php(file: OpenFile) -> bool:
    content = file.ends()
    is_whole = len(content) >= file.size
    kind = sniffed_type(content)
    is_text = kind in _TEXT_KINDS
    if holds_php(content, is_text=is_text):
        return True
    if is_whole:
        return kind == "png" and any(holds_php(text, is_text=True) for text in metadata(kind, file.read))
    if kind in _WHOLE_KINDS:
        return holds_php(file.read(0, _WHOLE_BYTES), is_text=is_text)
    return any(holds_php(text, is_text=kind == "png") for text in metadata(kind, file.read))
