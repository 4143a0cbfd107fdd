"""Apache's expressions as trees: the grammar of server/util_expr_scan.l and util_expr_parse.y of httpd 2.4."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from hardaudit_plugins.web.apache.pcre import UndecidedError

_LONGEST = 16_384
_LONGEST_STRING = 8191  # MAX_STRING_LEN of the scanner
_DEEPEST = 50


class ExprSyntaxError(Exception):
    """The server does not start with this expression; of a .htaccess file it answers with status 500."""


class Node(NamedTuple):
    """A node. `kind` says what it is, `text` is its name, constant or pattern, `parts` are its operands.

    Conditions: `true` `false` `not` `or` `and`, `compare` `unary` `binary` (text: the operator), `in` (word, then words), `match` and
    `mismatch` (word; text: the pattern, `flags`: `i`). Words: `string` (text), `variable`, `call` (text: the function), `reference`
    (text: the digit), `concat`.
    """

    kind: str
    text: str = ""
    parts: tuple[Node, ...] = ()
    flags: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str = ""
    flags: str = ""
    parts: tuple[Node, ...] = ()


_SPACE = re.compile(r"[ \t\n]+")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_REGEX_START = re.compile(r"m([/#$%^|?!'\",;:._-])|(/)")
_COMPARISONS = {"==": "==", "=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_INTEGERS = {"eq": "-eq", "ne": "-ne", "lt": "-lt", "le": "-le", "gt": "-gt", "ge": "-ge"}
_OPERATOR = re.compile(r"==|=~|=|!=|!~|!|<=|<|>=|>|&&|\|\||\.|-?[0-9]+|-[a-zA-Z_][a-zA-Z_0-9]*|[(){},]")
_WORDS = {
    "and": "and",
    "&&": "and",
    "or": "or",
    "||": "or",
    "not": "not",
    "!": "not",
    "in": "in",
    "-in": "in",
    "true": "true",
    "false": "false",
}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_OCTAL = re.compile(r"[0-7]{1,3}")
_DIGITS = re.compile(r"[0-9]+")
_REFERENCE = re.compile(r"\$([0-9])")


@lru_cache(maxsize=1024)
def parse_condition(text: str) -> Node:
    """The tree of a boolean expression. Raises ExprSyntaxError, and UndecidedError for one that is too long or has too many levels."""
    parser = _Parser(_Scanner(text).tokens())
    node = parser.condition(0)
    parser.expect_end()
    return node


@lru_cache(maxsize=1024)
def parse_string(text: str) -> Node:
    """The tree of a string expression: text with `%{…}` and `$1` in it. Raises as `parse_condition` does."""
    return _Scanner(text).string("")


class _Scanner:
    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise UndecidedError(f"an expression of more than {_LONGEST} characters")
        self.text = text
        self.at = 0
        self.depth = 0

    def tokens(self) -> list[_Token]:
        found: list[_Token] = []
        while True:
            space = _SPACE.match(self.text, self.at)
            if space:
                self.at = space.end()
            if self.at >= len(self.text):
                return found
            found.append(self._token())

    def _token(self) -> _Token:
        letter = self.text[self.at]
        if letter in "\"'":
            self.at += 1
            return _Token("word", parts=(self.string(letter),))
        if self.text.startswith("%{", self.at):
            return _Token("word", parts=(self._variable(),))
        if reference := _REFERENCE.match(self.text, self.at):
            self.at = reference.end()
            return _Token("word", parts=(Node("reference", reference[1]),))
        name = _NAME.match(self.text, self.at)
        start = _REGEX_START.match(self.text, self.at)
        if start and (name is None or len(name[0]) < len(start[0])):
            self.at = start.end()
            return self._regex(start[1] or start[2])
        if name:
            self.at = name.end()
            return self._named(name[0])
        operator = _OPERATOR.match(self.text, self.at)
        if operator is None:
            raise ExprSyntaxError(f"parse error near {letter!r}")
        self.at = operator.end()
        return self._operator(operator[0])

    def _named(self, name: str) -> _Token:
        if name in _INTEGERS:
            return _Token("compare", _INTEGERS[name])
        return _Token(_WORDS[name]) if name in _WORDS else _Token("name", name)

    def _operator(self, text: str) -> _Token:
        if text in _WORDS:
            return _Token(_WORDS[text])
        if text in _COMPARISONS:
            return _Token("compare", _COMPARISONS[text])
        if text in ("=~", "!~"):
            return _Token("matching", "match" if text == "=~" else "mismatch")
        if text.lstrip("-").isdigit():
            return _Token("word", parts=(Node("string", text),))
        return self._dashed(text) if text.startswith("-") else _Token(text)

    def _dashed(self, text: str) -> _Token:
        if text[1:] in _INTEGERS:
            return _Token("compare", text)
        return _Token("unary" if len(text) == len("-f") else "binary", text[1:])

    def _regex(self, delimiter: str) -> _Token:
        end = self.text.find(delimiter, self.at)
        if end < 0:
            raise ExprSyntaxError("an unfinished pattern")
        pattern = self.text[self.at : end]
        self.at = end + 1
        flags = "i" if self.text.startswith("i", self.at) else ""
        self.at += len(flags)
        if len(pattern) > _LONGEST_STRING:
            raise ExprSyntaxError("a pattern that is too long")
        return _Token("regex", pattern, flags)

    def string(self, delimiter: str) -> Node:
        """A string up to its closing quote, or the whole text for an empty `delimiter`."""
        parts: list[Node] = []
        letters: list[str] = []
        while self.at < len(self.text) and self.text[self.at] != delimiter:
            piece = self._piece()
            if isinstance(piece, str):
                letters.append(piece)
                continue
            if letters:
                parts.append(Node("string", "".join(letters)))
                letters = []
            parts.append(piece)
        if delimiter:
            if self.at >= len(self.text):
                raise ExprSyntaxError("an unfinished string")
            self.at += 1
        if letters:
            parts.append(Node("string", "".join(letters)))
        return _concatenated(parts)

    def _piece(self) -> str | Node:
        """The next character of a string, or a variable or reference in it."""
        letter = self.text[self.at]
        if letter == "\\":
            return self._escaped()
        if self.text.startswith("%{", self.at):
            return self._variable()
        if reference := _REFERENCE.match(self.text, self.at):
            self.at = reference.end()
            return Node("reference", reference[1])
        if letter == "\n":
            raise ExprSyntaxError("a line that ends in a string")
        self.at += 1
        return letter

    def _escaped(self) -> str:
        self.at += 1
        if self.at >= len(self.text):
            raise ExprSyntaxError("a backslash at the end")
        octal = _OCTAL.match(self.text, self.at)
        digits = _DIGITS.match(self.text, self.at)
        if digits:
            if octal is None or len(digits[0]) > len(octal[0]) or int(octal[0], 8) > 0xFF:
                raise ExprSyntaxError("an escape sequence that is no octal number")
            self.at = octal.end()
            return chr(int(octal[0], 8))
        letter = self.text[self.at]
        self.at += 1
        return _ESCAPES.get(letter, letter)

    def _variable(self) -> Node:
        name = _NAME.match(self.text, self.at + 2)
        if name is None:
            raise ExprSyntaxError("a variable without a name")
        self.at = name.end()
        if self.text.startswith("}", self.at):
            self.at += 1
            return Node("variable", name[0])
        if not self.text.startswith(":", self.at):
            raise ExprSyntaxError("an unfinished variable")
        self.at += 1
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UndecidedError("an expression with too many levels")
        argument = self.string("}")
        self.depth -= 1
        if argument == Node("string"):
            raise ExprSyntaxError(f"the function {name[0]} without an argument")
        return Node("call", name[0], (argument,))


def _concatenated(parts: list[Node]) -> Node:
    if not parts:
        return Node("string")
    return parts[0] if len(parts) == 1 else Node("concat", "", tuple(parts))


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def expect_end(self) -> None:
        if self.at < len(self.tokens):
            raise ExprSyntaxError(f"something after its end: {self.tokens[self.at].kind} {self.tokens[self.at].text}")

    def _kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else "end"

    def _take(self, kind: str) -> _Token:
        if self._kind() != kind:
            raise ExprSyntaxError(f"{self._kind()} where {kind} is expected")
        self.at += 1
        return self.tokens[self.at - 1]

    def condition(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise UndecidedError("an expression with too many levels")
        parts = [self._conjunction(depth)]
        while self._kind() == "or":
            self.at += 1
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Node("or", "", tuple(parts))

    def _conjunction(self, depth: int) -> Node:
        parts = [self._negation(depth)]
        while self._kind() == "and":
            self.at += 1
            parts.append(self._negation(depth))
        return parts[0] if len(parts) == 1 else Node("and", "", tuple(parts))

    def _negation(self, depth: int) -> Node:
        negations = 0
        while self._kind() == "not":
            self.at += 1
            negations += 1
            if negations > _DEEPEST:
                raise UndecidedError("an expression with too many negations")
        node = self._primary(depth)
        for _ in range(negations):
            node = Node("not", "", (node,))
        return node

    def _primary(self, depth: int) -> Node:
        kind = self._kind()
        if kind in ("true", "false"):
            self.at += 1
            return Node(kind)
        if kind == "unary":
            return Node("unary", self._take("unary").text, (self._word(depth),))
        if kind == "(":
            return self._in_brackets(depth)
        return self._comparison(depth)

    def _in_brackets(self, depth: int) -> Node:
        self._take("(")
        node = self.condition(depth + 1)
        self._take(")")
        return node

    def _comparison(self, depth: int) -> Node:
        word = self._word(depth)
        kind = self._kind()
        if kind in ("compare", "binary"):
            operator = self._take(kind).text
            return Node(kind, operator, (word, self._word(depth)))
        if kind == "matching":
            operator = self._take(kind).text
            pattern = self._take("regex")
            return Node(operator, pattern.text, (word,), pattern.flags)
        if kind == "in":
            self.at += 1
            return Node("in", "", (word, *self._list(depth)))
        raise ExprSyntaxError(f"{kind} after a word")

    def _list(self, depth: int) -> tuple[Node, ...]:
        if self._kind() == "name":
            return (Node("list", self._take("name").text, self._arguments(depth)),)
        self._take("{")
        words = self._words(depth)
        self._take("}")
        return words

    def _words(self, depth: int) -> tuple[Node, ...]:
        words = [self._word(depth)]
        while self._kind() == ",":
            self.at += 1
            words.append(self._word(depth))
        return tuple(words)

    def _arguments(self, depth: int) -> tuple[Node, ...]:
        self._take("(")
        words = self._words(depth + 1)
        self._take(")")
        return words

    def _word(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise UndecidedError("an expression with too many levels")
        parts = [self._single(depth)]
        while self._kind() == ".":
            self.at += 1
            parts.append(self._single(depth))
        return _concatenated(parts)

    def _single(self, depth: int) -> Node:
        if self._kind() == "name":
            name = self._take("name").text
            return Node("call", name, self._arguments(depth))
        return self._take("word").parts[0]
