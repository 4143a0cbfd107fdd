"""The syntax of php.ini, .user.ini and FPM's configuration, as Zend/zend_ini_scanner.l and zend_ini_parser.y read it in normal mode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLANK = "[ \t]"
_NEWLINE = "(?:\r\n|\r|\n)"
_LITERAL_DOLLAR = r"\$(?:\\[\s\S]|[^{\x00])"
_NUMBER = r"(?:[-]?[0-9]+|[0-9]*\.[0-9]+|[0-9]+\.[0-9]*)"
_OFFSET_CHARACTERS = rf"(?:[^$\n\r;\"'\]\\]+|\\[\s\S]|{_LITERAL_DOLLAR})+"
_LABEL = r"[^=\n\r\t;&|^$~(){}!\"\[\x00]+"

_RULES: dict[str, list[tuple[str, str]]] = {
    "initial": [
        ("section", r"\["),
        ("offset", rf"{_LABEL}\[{_BLANK}*"),
        ("true", rf"(?i:true|on|yes){_BLANK}*"),
        ("false", rf"(?i:false|off|none|no|null){_BLANK}*"),
        ("label", _LABEL),
        ("=", rf"{_BLANK}*={_BLANK}*"),
        ("token", r"[:,.\[\]\"'()&|^+\-/*=%$!~<>?@{}]"),
        ("blank", rf"{_BLANK}+"),
        ("end of line", rf"{_BLANK}*{_NEWLINE}"),
        ("end of line", rf"{_BLANK}*;[^\r\n]*{_NEWLINE}"),
        ("end", rf"{_BLANK}*;[^\r\n]*\Z"),
    ],
    "value": [
        ("raw", r"'[^']+'"),
        ("${", r"\$\{"),
        ("true", rf"(?i:true|on|yes){_BLANK}*"),
        ("false", rf"(?i:false|off|none|no|null){_BLANK}*"),
        ("end of line", rf"{_BLANK}*{_NEWLINE}"),
        ("constant", r"[a-zA-Z_][a-zA-Z0-9_]*"),
        ("number", _NUMBER),
        ("operator", rf"[&|^~()!]{_BLANK}*"),
        ("second =", "="),
        ("string", rf"(?:[^$= \t\n\r;&|^~()!\"'\x00]+|{_LITERAL_DOLLAR})+"),
        ('"', rf"{_BLANK}*\""),
        ("white space", rf"{_BLANK}+"),
        ("end of line", rf"{_BLANK}*;[^\r\n]*{_NEWLINE}"),
        ("end", rf"{_BLANK}*;[^\r\n]*\Z"),
    ],
    "section": [
        ("raw", r"'[^']+'"),
        ("]", rf"\]{_BLANK}*{_NEWLINE}?"),
        ("${", r"\$\{"),
        ("constant", r"[a-zA-Z_][a-zA-Z0-9_]*"),
        ("number", _NUMBER),
        ("string", _OFFSET_CHARACTERS),
        ('"', rf"{_BLANK}*\""),
        ("white space", rf"{_BLANK}+"),
    ],
    "offset": [
        ("raw", r"'[^']+'"),
        ("]", rf"{_BLANK}*\]"),
        ("${", r"\$\{"),
        ("constant", r"[a-zA-Z_][a-zA-Z0-9_]*"),
        ("number", _NUMBER),
        ("string", _OFFSET_CHARACTERS),
        ('"', rf"{_BLANK}*\""),
        ("white space", rf"{_BLANK}+"),
    ],
    "variable": [("variable", _LABEL), ("}", r"\}")],
}
_COMPILED = {state: [(kind, re.compile(pattern)) for kind, pattern in rules] for state, rules in _RULES.items()}
_NEXT_STATES = {
    "section": "section",
    "offset": "offset",
    "=": "value",
    "second =": "initial",
    "]": "initial",
    "end of line": "initial",
    "${": "variable",
    '"': "quotes",
}
_CLOSE_QUOTE = re.compile(rf"\"{_BLANK}*")
_QUOTED_STOP = re.compile(r"\"|\$\{|\\")
_ESCAPE = re.compile(r"\\([\s\S])")
_NEWLINES = re.compile(_NEWLINE)
_TEXTS = frozenset({"raw", "constant", "number", "string", "white space", "${", '"'})
_OPERATORS: dict[str, Callable[[int, int], int]] = {"|": lambda a, b: a | b, "&": lambda a, b: a & b, "^": lambda a, b: a ^ b}
_MOST_NESTED = 50
_LONGEST = 4 * 2**20

_CONSTANTS = {
    "E_ERROR": "1",
    "E_WARNING": "2",
    "E_PARSE": "4",
    "E_NOTICE": "8",
    "E_CORE_ERROR": "16",
    "E_CORE_WARNING": "32",
    "E_COMPILE_ERROR": "64",
    "E_COMPILE_WARNING": "128",
    "E_USER_ERROR": "256",
    "E_USER_WARNING": "512",
    "E_USER_NOTICE": "1024",
    "E_STRICT": "2048",
    "E_RECOVERABLE_ERROR": "4096",
    "E_DEPRECATED": "8192",
    "E_USER_DEPRECATED": "16384",
    "E_ALL": "32767",
    "PHP_OS": "Linux",
    "PHP_OS_FAMILY": "Linux",
    "PHP_EOL": "\n",
    "PHP_MAXPATHLEN": "4096",
    "PHP_INT_MAX": "9223372036854775807",
    "PHP_INT_MIN": "-9223372036854775808",
    "PHP_INT_SIZE": "8",
}
_VERSION_CONSTANTS = re.compile(r"PHP_[A-Z0-9_]+\Z|ZEND_[A-Z0-9_]+\Z|DEFAULT_INCLUDE_PATH\Z|PEAR_[A-Z_]+\Z")


@dataclass(frozen=True, slots=True)
class IniStatement:
    """`kind`: `section` (name), `entry` (name, value; value None for a name without `=`) or `array` (name[key], value).

    `line` counts from 1. `unresolved` names a variable or constant in it whose value is not known; it then counts as empty.
    """

    kind: str
    name: str
    value: str | None
    key: str
    line: int
    unresolved: str | None


class IniSyntaxError(Exception):
    """PHP stops reading the file here; what came before it is in effect. `line` counts from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self.position = 0
        self.line = 1
        self.state = "initial"
        self._stack: list[str] = []

    def next(self) -> _Token:
        while True:
            token = self._quoted() if self.state == "quotes" else self._plain()
            if token.kind != "blank":
                return token

    def _plain(self) -> _Token:
        line = self.line
        if self.position >= len(self.text):
            if self.state == "value":
                self.state = "initial"
                return _Token("end of line", "", line)
            return _Token("end", "", line)
        best_kind, best_end = "", self.position
        for kind, pattern in _COMPILED[self.state]:
            found = pattern.match(self.text, self.position)
            if found is not None and (found.end() > best_end or (kind == "label" and found.end() == best_end == len(self.text))):
                best_kind, best_end = kind, found.end()  # at the very end, `on` is a name
        if not best_kind:
            if self.state != "value" or not (self.text.startswith("''", self.position) or self.text.endswith("$", self.position)):
                return _Token("end", "", line)  # PHP stops here without a word
            best_kind, best_end = "end of line", self.position + 1
        text = self.text[self.position : best_end]
        if best_kind != "second =":
            self._advance(best_end)
        return self._enter(best_kind, text, line)

    def _enter(self, kind: str, text: str, line: int) -> _Token:
        """The token, in the state that it leads to."""
        if kind in ("${", '"'):
            self._stack.append(self.state)
        if kind == "}":
            self.state = self._stack.pop()
        self.state = _NEXT_STATES.get(kind, self.state)
        if kind == "offset":
            text = text.rstrip(" \t").removesuffix("[").strip(" \t\r\n")
        elif kind == "raw":
            text = text[1:-1]
        elif kind in ("label", "variable"):
            text = text.strip(" \t\r\n")
        return _Token({"second =": "end of line", "token": text}.get(kind, kind), text, line)

    def _quoted(self) -> _Token:
        """Inside double quotes: the end, a variable, or text up to one of them."""
        line = self.line
        if self.position >= len(self.text):
            return _Token("end", "", line)
        closing = _CLOSE_QUOTE.match(self.text, self.position)
        if closing is not None:
            self._advance(closing.end())
            self.state = self._stack.pop()
            return _Token('"', closing.group(), line)
        if self.text.startswith("${", self.position):
            self._advance(self.position + 2)
            self._stack.append("quotes")
            self.state = "variable"
            return _Token("${", "${", line)
        start, end = self.position, self._end_of_quoted()
        self._advance(end)
        return _Token("quoted", _unescape(self.text[start:end]), line)

    def _end_of_quoted(self) -> int:
        """Where the text ends: before a quote, unless a backslash stands before it and more after it on the line, or before a variable."""
        text, at, size = self.text, self.position, len(self.text)
        while (found := _QUOTED_STOP.search(text, at)) is not None:
            at = found.end()
            if found.group() == "${":
                return found.start()
            if found.group() == '"':
                if text[at - 2] != "\\" or text[at : at + 1] in ("", "\r", "\n"):
                    return found.start()
            elif text[at : at + 1] not in ("", '"'):
                at += 1
        return size

    def _advance(self, end: int) -> None:
        self.line += len(_NEWLINES.findall(self.text, self.position, end))
        self.position = end


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: found.group(1) if found.group(1) in "\"\\'" else found.group(), text)


def parse_ini(text: str, variable: Callable[[str], str | None], check_deadline: Callable[[], None]) -> Iterator[IniStatement]:
    """The statements of an ini file, in order. Raises IniSyntaxError where PHP stops; the statements before it are in effect.

    Nothing of a text of more than 4 MiB is read: an IniSyntaxError of its first line.

    `variable` gives the value of `${name}`, None where it is not known (PHP takes the ini setting read so far, then the environment).
    """
    if len(text) > _LONGEST:
        raise IniSyntaxError(1, f"the file has more than {_LONGEST:,} characters")
    yield from _Parser(_Scanner(text), variable, check_deadline).statements()


class _Parser:
    def __init__(self, scanner: _Scanner, variable: Callable[[str], str | None], check_deadline: Callable[[], None]) -> None:
        self._scanner = scanner
        self._variable = variable
        self._check_deadline = check_deadline
        self._token = scanner.next()
        self._unresolved: str | None = None

    def statements(self) -> Iterator[IniStatement]:
        while self._token.kind != "end":
            self._check_deadline()
            self._unresolved = None
            token = self._take()
            if token.kind == "end of line":
                continue
            if token.kind == "section":
                name = self._texts(constants=False)
                self._expect("]")
                yield IniStatement("section", name, None, "", token.line, self._unresolved)
            elif token.kind == "label":
                value = self._value() if self._token.kind == "=" else None
                yield IniStatement("entry", token.text, value, "", token.line, self._unresolved)
            elif token.kind == "offset":
                key = self._texts(constants=True)
                self._expect("]")
                if self._token.kind != "=":
                    raise self._error()
                yield IniStatement("array", token.text, self._value(), key, token.line, self._unresolved)
            else:
                raise IniSyntaxError(token.line, f"syntax error, unexpected {token.text.strip() or token.kind}")

    def _value(self) -> str:
        self._take()
        if self._token.kind in ("true", "false"):
            return "1" if self._take().kind == "true" else ""
        if self._token.kind == "end of line":
            self._take()
            return ""
        return self._expression(0)

    def _expression(self, depth: int) -> str:
        """A value with operators; `|`, `&` and `^` bind alike, from the left, `~` and `!` bind tighter."""
        left = self._operand(depth)
        while self._token.kind == "operator" and self._token.text[0] in _OPERATORS:
            operator = self._take().text[0]
            left = str(_signed(_OPERATORS[operator](_number(left), _number(self._operand(depth)))))
        return left

    def _operand(self, depth: int) -> str:
        if depth > _MOST_NESTED:
            raise IniSyntaxError(self._token.line, "brackets inside each other that no reader follows")
        if self._token.kind == "operator":
            symbol = self._token.text[0]
            if symbol in "~!":
                self._take()
                operand = _number(self._operand(depth + 1))
                return str(_signed(~operand) if symbol == "~" else int(not operand))
            if symbol == "(":
                self._take()
                inner = self._expression(depth + 1)
                if not (self._token.kind == "operator" and self._token.text[0] == ")"):
                    raise self._error()
                self._take()
                return inner
        if self._token.kind not in _TEXTS:
            raise self._error()
        return self._texts(constants=True)

    def _texts(self, *, constants: bool) -> str:
        parts: list[str] = []
        while self._token.kind in _TEXTS:
            token = self._take()
            if token.kind == "${":
                parts.append(self._reference())
            elif token.kind == '"':
                parts.append(self._encapsed())
            elif token.kind == "constant" and constants:
                parts.append(self._constant(token.text))
            else:
                parts.append(token.text)
        return "".join(parts)

    def _encapsed(self) -> str:
        parts: list[str] = []
        while self._token.kind != '"':
            token = self._take()
            if token.kind == "quoted":
                parts.append(token.text)
            elif token.kind == "${":
                parts.append(self._reference())
            else:
                raise IniSyntaxError(token.line, "a double quote that is never closed")
        self._take()
        return "".join(parts)

    def _reference(self) -> str:
        if self._token.kind != "variable":
            raise self._error()
        name = self._take().text
        self._expect("}")
        value = self._variable(name)
        if value is None:
            self._unresolved = f"${{{name}}}"
            return ""
        return value

    def _constant(self, name: str) -> str:
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if _VERSION_CONSTANTS.match(name):
            self._unresolved = name
        return name

    def _take(self) -> _Token:
        token, self._token = self._token, self._scanner.next()
        return token

    def _expect(self, kind: str) -> None:
        if self._token.kind != kind:
            raise self._error()
        self._take()

    def _error(self) -> IniSyntaxError:
        return IniSyntaxError(self._token.line, f"syntax error, unexpected {self._token.text.strip() or self._token.kind}")


_DIGITS = re.compile(r"[ \t\n\v\f\r]*([-+]?[0-9]{1,19})")


def _number(text: str) -> int:
    """atoi(3) of a value."""
    found = _DIGITS.match(text)
    return _signed(int(found.group(1))) if found else 0


def _signed(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31
