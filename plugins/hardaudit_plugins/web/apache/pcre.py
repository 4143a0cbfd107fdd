"""From PCRE2's language to that of the `regex` library: what is spelt differently is spelt anew, what may differ is refused."""

from __future__ import annotations

import re

_QUANTIFIER = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_POSIX = re.compile(r"\[:\^?[a-z]+:\]")
_POSIX_NAMES = {
    "alnum",
    "alpha",
    "ascii",
    "blank",
    "cntrl",
    "digit",
    "graph",
    "lower",
    "print",
    "punct",
    "space",
    "upper",
    "word",
    "xdigit",
}
_GROUP = re.compile(r"\(\?(?:<[=!]|[:=!>|]|P?<[A-Za-z_]\w{0,31}>|'[A-Za-z_]\w{0,31}'|P=[A-Za-z_]\w{0,31}\)|[is]*(?:-[is]*)?[:)])")
_SAME_ESCAPES = frozenset("AbBdDsSwWafnrt123456789")
_CLASS_ESCAPES = frozenset("dDsSwWafnrtb")
_SPELT_ANEW = {
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "e": r"\x1b",
    "N": r"[^\n]",
    "h": r"[\t\x20\xa0]",
    "H": r"[^\t\x20\xa0]",
    "v": r"[\n-\r\x85]",
    "V": r"[^\n-\r\x85]",
    "R": r"(?>\r\n|[\n-\r\x85])",
    "C": r"(?s:.)",
    "K": r"\K",
    "G": r"\G",
}
_REFERENCE = re.compile(r"\\(?:g([1-9])(?![0-9])|g\{([1-9][0-9]?)\}|k\{(\w+)\}|k<(\w+)>|k'(\w+)')")
_HEX = re.compile(r"\\x(?:\{([0-9A-Fa-f]{1,2})\}|(?!\{)([0-9A-Fa-f]{0,2}))")
_OCTAL = re.compile(r"\\0([0-7]{0,2})")
_DEEPEST = 250  # PCRE2's own limit
_LARGEST = 70_000


class UndecidedError(Exception):
    """A condition that cannot be decided; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadPatternError(UndecidedError):
    """A pattern that PCRE2 does not compile either: Apache does not start with it, and in a .htaccess file answers 500."""


def translated(pattern: str) -> str:
    """A pattern for `regex` (version 1, bytes) that means what PCRE2 means by `pattern` with PCRE2_DOLLAR_ENDONLY.

    Raises UndecidedError for what may differ: modes other than `i` and `s`, verbs, recursion, conditions, callouts, Unicode properties.
    """
    return _Translation(pattern).whole()


class _Translation:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.done: list[str] = []
        self.sizes = [0]
        self.last = 0

    def whole(self) -> str:
        if "\0" in self.pattern:
            raise self.refused("a NUL")
        while self.at < len(self.pattern):
            self._next()
        return "".join(self.done)

    def refused(self, what: str) -> UndecidedError:
        return UndecidedError(f"pattern {self.pattern[:80]!r} has {what}, which is not evaluated")

    def _next(self) -> None:
        letter = self.pattern[self.at]
        if letter == "\\":
            self._escape()
        elif letter == "[":
            self._class()
        elif letter == "(":
            self._group()
        elif letter == ")":
            self._closed()
        elif letter == "$":
            self._emit(r"\Z", 1)
        elif letter == "{":
            found = _QUANTIFIER.match(self.pattern, self.at)
            if found:
                self._repeat(max(int(count or "1") for count in found.groups()))
            self._emit(found.group() if found else r"\{", len(found.group()) if found else 1)
        elif letter in "}]":
            self._emit("\\" + letter, 1)
        else:
            self._emit(letter, 1)

    def _emit(self, text: str, length: int) -> None:
        """Append what is outside a class, or a class's part: each adds one to the size."""
        self.done.append(text)
        self.at += length
        self.last = 1
        self.sizes[-1] += 1

    def _repeat(self, count: int) -> None:
        """A counted repeat: `regex` writes it out, so that a few nested ones would take all memory. PCRE2 has a limit too."""
        if count > 1:
            self.sizes[-1] += self.last * (count - 1)
        if self.sizes[-1] > _LARGEST:
            raise self.refused("repeats of repeats that are too many")

    def _closed(self) -> None:
        if len(self.sizes) == 1:
            raise self.refused("an unopened group")
        size = self.sizes.pop()
        self._emit(")", 1)
        self.sizes[-1] += size
        self.last = size + 1

    def _group(self) -> None:
        rest = self.pattern[self.at :]
        if rest.startswith("(*"):
            raise self.refused("a verb")
        if rest.startswith("(?#"):
            end = rest.find(")")
            if end < 0:
                raise self.refused("an unfinished comment")
            self.at += end + 1
            return
        if not rest.startswith("(?"):
            self._emit("(", 1)
            self._opened()
            return
        found = _GROUP.match(self.pattern, self.at)
        if found is None:
            raise self.refused(f"the group {rest[:6]!r}")
        head = found.group()
        spelt = head.replace("(?'", "(?P<").replace("'", ">") if head.startswith("(?'") else head
        self._emit(self._modes(spelt), len(head))
        if not head.endswith(")"):
            self._opened()

    def _opened(self) -> None:
        self.sizes.append(0)
        if len(self.sizes) > _DEEPEST:
            raise self.refused(f"more than {_DEEPEST} groups in each other")

    def _modes(self, head: str) -> str:
        """A group's head without what `regex` takes no empty list of modes for."""
        spelt = head.replace("-)", ")").replace("-:", ":")
        return "(?:)" if spelt == "(?)" else spelt

    def _escape(self) -> None:
        letter = self.pattern[self.at + 1 : self.at + 2]
        if letter == "Q":
            self._quoted()
        elif letter == "E":
            self.at += 2
        elif letter in _SPELT_ANEW:
            self._emit(_SPELT_ANEW[letter], 2)
        elif found := _REFERENCE.match(self.pattern, self.at):
            name = next(group for group in found.groups() if group)
            self._emit(f"(?:\\{name})" if name.isdigit() else f"(?P={name})", len(found.group()))
        elif letter.isdigit() and letter != "0" and self.pattern[self.at + 2 : self.at + 3].isdigit():
            raise self.refused("a reference of two digits")
        elif letter and letter in _SAME_ESCAPES:
            self._emit("\\" + letter, 2)
        else:
            self._character()

    def _quoted(self) -> None:
        end = self.pattern.find("\\E", self.at)
        text = self.pattern[self.at + 2 : end if end >= 0 else None]
        self.done.extend(_literal(letter) for letter in text)
        self.at = end + 2 if end >= 0 else len(self.pattern)

    def _character(self) -> None:
        """One character with a backslash, as inside a class and outside."""
        letter = self.pattern[self.at + 1 : self.at + 2]
        if found := _HEX.match(self.pattern, self.at):
            self._emit(f"\\x{int(found.group(1) or found.group(2) or '0', 16):02x}", len(found.group()))
        elif found := _OCTAL.match(self.pattern, self.at):
            self._emit(f"\\x{int(found.group(1) or '0', 8):02x}", len(found.group()))
        elif letter and not letter.isascii():
            self.at += 1
        elif letter and not letter.isalnum():
            self._emit(_literal(letter), 2)
        else:
            raise self.refused(f"the escape {self.pattern[self.at : self.at + 2]!r}")

    def _class(self) -> None:
        self._emit("[", 1)
        if self.pattern.startswith("^", self.at):
            self._emit("^", 1)
        first = True
        while first or not self.pattern.startswith("]", self.at):
            if self.at >= len(self.pattern):
                raise self.refused("an unfinished class")
            self._in_class()
            first = False
        self._emit("]", 1)

    def _in_class(self) -> None:
        letter = self.pattern[self.at]
        following = self.pattern[self.at + 1 : self.at + 2]
        if letter == "[" and following and following in ":.=":
            self._posix()
        elif letter == "\\" and following in _CLASS_ESCAPES:
            self._emit("\\x08" if following == "b" else "\\" + following, 2)
        elif letter == "\\" and following in "hv":
            self._emit(_SPELT_ANEW[following][1:-1], 2)
        elif letter == "\\" and following == "e":
            self._emit(r"\x1b", 2)
        elif letter == "\\":
            self._character()
        elif letter == "-":
            self._emit(self._hyphen(), 1)
        elif not letter.isascii():
            raise self.refused("a class with characters beyond ASCII")
        else:
            self._emit(_literal(letter), 1)

    def _posix(self) -> None:
        found = _POSIX.match(self.pattern, self.at)
        if found is None:
            if re.compile(r"\[([:.=])[^\]\\]*\1\]").match(self.pattern, self.at):
                raise self.refused("an unknown class of characters")
            self._emit(r"\[", 1)
        elif found.group().strip("[]:^") in _POSIX_NAMES:
            self._emit(found.group(), len(found.group()))
        else:
            raise self.refused("an unknown class of characters")

    def _hyphen(self) -> str:
        """A hyphen makes a range where a character is on both sides; elsewhere it is itself."""
        before, after = self.done[-1], self.pattern[self.at + 1 : self.at + 2]
        if before in ("[", "^") or after in ("]", "") or before == "-":
            return r"\-"
        if (len(before) == 2 and before[0] == "\\" and before[1] in "dDsSwW") or before.startswith("[:"):
            return r"\-"
        if after == "\\" and self.pattern[self.at + 2 : self.at + 3] in tuple("dDsSwWhHvV"):
            raise self.refused("a range that ends in a class")
        if after == "[" and self.pattern[self.at + 2 : self.at + 3] == ":":
            raise self.refused("a range that ends in a class")
        if len(self.done) > 1 and self.done[-2] == "-":
            return r"\-"
        return "-"


def _literal(letter: str) -> str:
    """A character as itself; letters and digits need no backslash, nor does what is not ASCII."""
    return letter if letter.isalnum() or not letter.isascii() else "\\" + letter
