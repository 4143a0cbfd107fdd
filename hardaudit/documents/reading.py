r"""YAML that people write by hand, read without YAML's traps.

The values are those of YAML 1.2's core schema: `yes`, `no`, `on` and `off` are text, so are dates and times; a number with a leading zero
is refused because YAML 1.1 and 1.2 read it differently. Anchors, aliases, tags, directives, several documents, duplicate keys and keys
that are not text are refused; size, depth and number of values are bounded. The parser's events are used rather than its nodes: libyaml's
composer recurses as deeply as the file says.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from hardaudit.documents.problems import START, Position, Problems, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hardaudit.documents.problems import DocumentError

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""A value of a document; also what a parameter holds."""

KeyPath: TypeAlias = "tuple[str | int, ...]"
"""The way to a value: keys of mappings and indices of lists, from the document's top."""

SIZE_LIMIT = 2**20
DEPTH_LIMIT = 32
VALUE_LIMIT = 100_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # distributions may build PyYAML without libyaml

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEXADECIMAL = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_KEY = -1
"""Stands in a path for the key that is being read."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)")
"""What YAML forbids, and the line breaks that only some programs count as such: positions would be ambiguous."""


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file: its plain value, where each part of it stands, and the SHA-256 (hexadecimal) of its bytes."""

    file: str
    value: Any
    digest: str
    values: Mapping[KeyPath, Position]
    keys: Mapping[KeyPath, Position]

    def at(self, path: KeyPath) -> Position:
        """Where the value stands, or the nearest thing around it that the file has."""
        while path not in self.values and path:
            path = path[:-1]
        return self.values.get(path, START)

    def at_key(self, path: KeyPath) -> Position:
        """Where the key of the value stands; for an item of a list, the item."""
        return self.keys.get(path) or self.at(path)

    def get(self, path: KeyPath) -> Any:
        """The value at a path that exists."""
        value = self.value
        for key in path:
            value = value[key]
        return value


def read_document(path: str, kind: type[DocumentError], verify: Callable[[str], None]) -> Document:
    """A YAML file; `verify` is called with its path before it is opened. Raises `kind` with everything that is wrong."""
    verify(path)
    problems = Problems(kind)
    content = b""
    try:
        content = _read(path)
    except OSError as error:
        problems.add_at(path, None, f"cannot be read: {error.strerror or error}")
    except ValueError:  # a NUL character, half a surrogate pair
        problems.add_at(path, None, "cannot be read: no file can have this name")
    problems.fail_if_any()
    return parse_document(content, path, kind)


def _read(path: str) -> bytes:
    """At most one byte more than the limit; a FIFO or device is not waited for."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError("it is not a regular file")
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(SIZE_LIMIT + 1)
    finally:
        os.close(fd)


def parse_document(content: bytes, file: str, kind: type[DocumentError]) -> Document:
    """A document from a file's bytes; `file` names it in errors. Raises `kind` with everything that is wrong."""
    problems = Problems(kind)
    text = _decode(content, file, problems)
    problems.fail_if_any()
    builder = _Builder(file, problems)
    try:
        value = builder.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        problems.add_at(file, _mark(error.problem_mark or error.context_mark), _syntax(error, text))
        problems.fail()
    except yaml.YAMLError as error:
        problems.add_at(file, START, f"is not YAML: {quote(str(error))}")
        problems.fail()
    problems.fail_if_any()
    return Document(file, value, hashlib.sha256(content).hexdigest(), builder.values, builder.keys)


def _decode(content: bytes, file: str, problems: Problems) -> str:
    if len(content) > SIZE_LIMIT:
        problems.add_at(file, START, f"is larger than {SIZE_LIMIT:,} bytes, the most that is read")
        return ""
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
        problems.add_at(file, _end_of(before), f"byte 0x{content[error.start]:02x} is not UTF-8: save the file as UTF-8")
        return ""
    if control := _CONTROL.search(text):
        problems.add_at(file, _end_of(text[: control.start()]), f"the control character U+{ord(control[0]):04X} is not allowed")
    return text


def _end_of(text: str) -> Position:
    return Position(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _mark(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark else START


def _syntax(error: yaml.MarkedYAMLError, text: str) -> str:
    """The parser's complaint on one line, with what most often causes it."""
    position = _mark(error.problem_mark)
    lines = text.split("\n")
    line = lines[position.line - 1] if position.line <= len(lines) else ""
    if line[position.column - 1 : position.column] == "\t":
        return "a tab cannot indent YAML: use spaces"
    problem = error.problem or "is not YAML"
    if problem.startswith("mapping values are not allowed"):
        problem = "a second ': ' in plain text, or a key where none can be: quote text that has ': ' in it"
    elif problem.startswith("found character that cannot start any token"):
        problem = f"{quote(line[position.column - 1 : position.column])} cannot start plain text: quote the text"
    elif problem == "exceeded maximum nesting depth":  # newer versions of libyaml look that far ahead of the events
        problem = f"nested more than {DEPTH_LIMIT} levels deep"
    if error.context and error.context_mark and _mark(error.context_mark) != position:
        start = _mark(error.context_mark)
        problem += f" ({error.context} that starts at {start.line}:{start.column})"
    return problem


class _Builder:
    """Values and positions from the parser's events."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.values: dict[KeyPath, Position] = {}
        self.keys: dict[KeyPath, Position] = {}
        self._file = file
        self._problems = problems
        self._events: Iterator[Any] = iter(())
        self._count = 0

    def document(self, events: Iterator[Any]) -> JsonValue:
        """The only document's value."""
        self._events = events
        value: JsonValue = None
        documents = 0
        for event in events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            documents += 1
            if documents > 1:
                self._add(event, "a second document: a file holds one")
                self._problems.fail()
            if event.version or event.tags:
                self._add(event, "directives (%YAML, %TAG) are not allowed")
            value = self._node(next(events), ())
        if not documents:
            self._problems.add_at(self._file, START, "is empty")
        return value

    def _node(self, event: Any, path: KeyPath) -> JsonValue:
        self.values[path] = _mark(event.start_mark)
        self._count += 1
        if self._count > VALUE_LIMIT:
            self._stop(event, f"more than {VALUE_LIMIT:,} values")
        if len(path) > DEPTH_LIMIT:
            self._stop(event, f"nested more than {DEPTH_LIMIT} levels deep")
        if isinstance(event, yaml.AliasEvent):
            self._add(event, f"the alias {quote('*' + str(event.anchor))} is not allowed: write the value out")
            return None
        if event.anchor is not None:
            self._add(event, f"the anchor {quote('&' + event.anchor)} is not allowed: write the value out where it is needed")
        if event.tag is not None:
            self._add(event, f"the tag {quote(event.tag)} is not allowed")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event)

    def _sequence(self, path: KeyPath) -> list[JsonValue]:
        items: list[JsonValue] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: KeyPath) -> dict[str, JsonValue]:
        mapping: dict[str, JsonValue] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, (*path, _KEY))
            self.values.pop((*path, _KEY))
            if not isinstance(key, str):
                self._add(event, f"a key must be text, not {describe(key)}: quote it")
                key = f"\0{self._count}"  # only to go on with the rest of the file
            elif key in mapping:
                first = self.keys[(*path, key)]
                self._add(event, f"the key {quote(key)} is there twice: first at {first.line}:{first.column}")
                key = f"\0{self._count}"
            place = (*path, key)
            self.keys[place] = _mark(event.start_mark)
            mapping[key] = self._node(next(self._events), place)
        return mapping

    def _scalar(self, event: Any) -> JsonValue:
        text: str = event.value
        if not text.isascii() and _SURROGATE.search(text):
            self._add(event, "half of a surrogate pair is no character")
            return None
        if not event.implicit[0]:
            return text  # quoted, or a block
        try:
            return _plain(text)
        except ValueError as error:
            self._add(event, str(error))
            return None

    def _add(self, event: Any, message: str) -> None:
        self._problems.add_at(self._file, _mark(event.start_mark), message)

    def _stop(self, event: Any, message: str) -> None:
        self._add(event, message)
        self._problems.fail()


def _plain(text: str) -> JsonValue:
    """A plain scalar by YAML 1.2's core schema. Raises ValueError for numbers that readers take differently or that do not fit."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0].isalpha():
        return text  # most are, and no number starts so
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError(f"{quote(text)} may be octal or decimal: quote it if it is text, else leave the zero out")
    if _INTEGER.fullmatch(text) or _OCTAL_OR_HEXADECIMAL.fullmatch(text):
        number = int(text, 0) if len(text) <= 70 else 2**64
        if not -(2**63) <= number < 2**63:
            raise ValueError(f"{quote(text)} does not fit 64 bits: quote it if it is text")
        return number
    if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        real = float(text) if not _NOT_FINITE.fullmatch(text) else float("inf")
        if real in (float("inf"), float("-inf")):
            raise ValueError(f"{quote(text)} is no finite number: quote it if it is text")
        return real
    return text


def describe(value: object) -> str:
    """A value as a message names it."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if value is None:
        return "nothing"
    return "a mapping" if isinstance(value, dict) else "a list"
