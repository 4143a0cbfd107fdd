"""The syntax of php.ini, .user.ini and FPM's configuration, as Zend/zend_ini_scanner.l and zend_ini_parser.y read it in normal mode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.php.ini_tokens import IniScanner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit_plugins.web.php.ini_tokens import IniToken

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


def parse_ini(text: str, variable: Callable[[str], str | None], check_deadline: Callable[[], None]) -> Iterator[IniStatement]:
    """The statements of an ini file, in order. Raises IniSyntaxError where PHP stops; the statements before it are in effect.

    Nothing of a text of more than 4 MiB is read: an IniSyntaxError of its first line.

    `variable` gives the value of `${name}`, None where it is not known (PHP takes the ini setting read so far, then the environment).
    """
    if len(text) > _LONGEST:
        raise IniSyntaxError(1, f"the file has more than {_LONGEST:,} characters")
    yield from _Parser(IniScanner(text), variable, check_deadline).statements()


class _Parser:
    def __init__(self, scanner: IniScanner, variable: Callable[[str], str | None], check_deadline: Callable[[], None]) -> None:
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

    def _take(self) -> IniToken:
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
