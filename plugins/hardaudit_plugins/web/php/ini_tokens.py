"""The words of ini syntax, as Zend/zend_ini_scanner.l cuts them in normal mode: the longest match wins, of two the first rule."""

from __future__ import annotations

import re
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class IniToken:
    """`kind`: the rule, or the character itself outside of values; `text` without quotes; `line` counts from 1."""

    kind: str
    text: str
    line: int


class IniScanner:
    """One text, token by token."""

    def __init__(self, text: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self.position = 0
        self.line = 1
        self.state = "initial"
        self._stack: list[str] = []

    def next(self) -> IniToken:
        """The next token; of kind `end` for ever at the end, and where PHP stops without a word."""
        while True:
            token = self._quoted() if self.state == "quotes" else self._plain()
            if token.kind != "blank":
                return token

    def _plain(self) -> IniToken:
        line = self.line
        if self.position >= len(self.text):
            if self.state == "value":
                self.state = "initial"
                return IniToken("end of line", "", line)
            return IniToken("end", "", line)
        best_kind, best_end = "", self.position
        for kind, pattern in _COMPILED[self.state]:
            found = pattern.match(self.text, self.position)
            if found is not None and (found.end() > best_end or (kind == "label" and found.end() == best_end == len(self.text))):
                best_kind, best_end = kind, found.end()  # at the very end, `on` is a name
        if not best_kind:
            if self.state != "value" or not (self.text.startswith("''", self.position) or self.text.endswith("$", self.position)):
                return IniToken("end", "", line)  # PHP stops here without a word
            best_kind, best_end = "end of line", self.position + 1
        text = self.text[self.position : best_end]
        if best_kind != "second =":
            self._advance(best_end)
        return self._enter(best_kind, text, line)

    def _enter(self, kind: str, text: str, line: int) -> IniToken:
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
        return IniToken({"second =": "end of line", "token": text}.get(kind, kind), text, line)

    def _quoted(self) -> IniToken:
        """Inside double quotes: the end, a variable, or text up to one of them."""
        line = self.line
        if self.position >= len(self.text):
            return IniToken("end", "", line)
        closing = _CLOSE_QUOTE.match(self.text, self.position)
        if closing is not None:
            self._advance(closing.end())
            self.state = self._stack.pop()
            return IniToken('"', closing.group(), line)
        if self.text.startswith("${", self.position):
            self._advance(self.position + 2)
            self._stack.append("quotes")
            self.state = "variable"
            return IniToken("${", "${", line)
        start, end = self.position, self._end_of_quoted()
        self._advance(end)
        return IniToken("quoted", _unescape(self.text[start:end]), line)

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
