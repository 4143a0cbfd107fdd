"""The lines of mod_rewrite's rules: RewriteRule and RewriteCond, their flags and conditions.

Source: cmd_rewriterule, cmd_rewritecond and cmd_parseflagfield of modules/mappers/mod_rewrite.c, httpd 2.4; docs/manual/rewrite/flags.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from hardaudit_plugins.web.apache.expr_functions import integer
from hardaudit_plugins.web.apache.expr_parser import ExprSyntaxError, parse_condition
from hardaudit_plugins.web.apache.pcre import UndecidedError

if TYPE_CHECKING:
    from hardaudit_plugins.web.verdict import Place

_SPACES = " \t\n\v\f\r"
_MOST_ROUNDS = 10_000
_STATUSES = frozenset(
    {100, 101, 102, 103, 226, *range(200, 209), *range(300, 309), *range(400, 419), *range(421, 425), 426, 428, 429, 431, 451}
    | {*range(500, 509), 510, 511}
)
_FLAGS = {
    "b": "B",
    "backrefescaping": "B",
    "bnp": "BNP",
    "backrefernoplus": "BNP",
    "bctls": "BCTLS",
    "bne": "BNE",
    "c": "C",
    "chain": "C",
    "co": "CO",
    "cookie": "CO",
    "dpi": "DPI",
    "d": "DPI",
    "discardpath": "DPI",
    "e": "E",
    "env": "E",
    "end": "END",
    "f": "F",
    "forbidden": "F",
    "g": "G",
    "gone": "G",
    "h": "H",
    "handler": "H",
    "l": "L",
    "last": "L",
    "ne": "NE",
    "noescape": "NE",
    "n": "N",
    "next": "N",
    "ns": "NS",
    "nosubreq": "NS",
    "nc": "NC",
    "nocase": "NC",
    "p": "P",
    "proxy": "P",
    "pt": "PT",
    "passthrough": "PT",
    "qsa": "QSA",
    "qsappend": "QSA",
    "qsd": "QSD",
    "qsdiscard": "QSD",
    "qsl": "QSL",
    "qslast": "QSL",
    "r": "R",
    "redirect": "R",
    "s": "S",
    "skip": "S",
    "t": "T",
    "type": "T",
    "unsafeallow3f": "UNSAFE_ALLOW_3F",
    "unsafeprefixstat": "UNSAFE_PREFIX_STAT",
    "unc": "UNC",
}
_REDIRECTS = {"permanent": 301, "temp": 302, "seeother": 303}


class RewriteSyntaxError(Exception):
    """The server does not start with this line; of a .htaccess file it answers every request below with status 500."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


class Line(Protocol):
    """What is asked of a directive: see `directive.Directive`."""

    @property
    def name(self) -> str:
        """In lower case."""

    @property
    def resolved(self) -> str:
        """Its arguments as one text, variables put in."""

    @property
    def place(self) -> Place:
        """Its line."""

    def words(self) -> list[str]:
        """Its arguments."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A RewriteCond. `kind`: `regex`, `expr`, `U`, `F`, a file test (`f` `d` `s` `l` `x`) or a comparison (`<` `<=` `=`, `-lt` …)."""

    test: str
    kind: str
    operand: str
    negated: bool
    ignore_case: bool
    or_next: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Rule:
    """A RewriteRule with its conditions. `flags`: their short names, and `STATUS` for one that answers with a status that is no redirect.

    `status`: of R, F and G, 0 without one.
    """

    pattern: str
    negated: bool
    substitution: str
    flags: frozenset[str]
    conditions: tuple[Condition, ...]
    place: Place
    status: int = 0
    skip: int = 0
    rounds: int = _MOST_ROUNDS
    handler: str | None = None
    content_type: str | None = None
    variables: tuple[str, ...] = ()
    escapes: str = ""
    no_escapes: str = ""

    @property
    def no_substitution(self) -> bool:
        """Whether the URL stays as it is."""
        return self.substitution == "-" or self.has_status

    @property
    def has_status(self) -> bool:
        """Whether the rule answers with a status that is no redirect."""
        return "STATUS" in self.flags


def _arguments(line: Line) -> tuple[str, str, str | None]:
    """parseargline(): two or three arguments, with or without quotes; a backslash before a space keeps both."""
    found: list[str] = []
    text, at = line.resolved, 0
    for _ in range(3):
        while at < len(text) and text[at] in _SPACES:
            at += 1
        if found[1:] and at >= len(text):
            break
        quote = text[at] if text[at : at + 1] in ('"', "'") else ""
        start = at = at + len(quote)
        while at < len(text) and not (text[at] == quote if quote else text[at] in _SPACES):
            at += 2 if text[at] == "\\" and text[at + 1 : at + 2] and text[at + 1] in _SPACES else 1
        at = min(at, len(text))
        found.append(text[start:at])
        if at >= len(text):
            if len(found) == 1:
                raise RewriteSyntaxError(line.place, "bad argument line: at least two arguments required")
            break
        at += 1
    flags = found[2] if found[2:] else None
    if flags is not None and not (flags.startswith("[") and flags.endswith("]") and flags[1:]):
        raise RewriteSyntaxError(line.place, "bad flag delimiters")
    return found[0], found[1], flags


def _flags(text: str | None) -> list[tuple[str, str]]:
    """cmd_parseflagfield(): keys and values; no comma can be in a value."""
    if text is None:
        return []
    flags: list[tuple[str, str]] = []
    fields = text[1:-1].split(",")
    for index, flag in enumerate(fields):
        stripped = flag.strip(_SPACES)
        if not stripped and index == len(fields) - 1 and flag:
            break
        key, _, value = stripped.partition("=")
        flags.append((key, value))
    return flags


def condition_of(line: Line) -> Condition:
    """The condition of a RewriteCond line. Raises RewriteSyntaxError."""
    test, pattern, field_text = _arguments(line)
    names: set[str] = set()
    for key, _ in _flags(field_text):
        name = {"nocase": "nc", "ornext": "or", "novary": "nv"}.get(key.lower(), key.lower())
        if name not in ("nc", "or", "nv"):
            raise RewriteSyntaxError(line.place, f"RewriteCond: unknown flag '{key}'")
        names.add(name)
    negated = pattern.startswith("!")
    kind, operand = _kind(test, pattern[1:] if negated else pattern)
    if kind == "expr":
        _check_expression(operand, line.place)
    if kind == "-ne":
        kind, negated = "-eq", not negated
    return Condition(test, kind, operand, negated, "nc" in names, "or" in names, line.place)


def _check_expression(text: str, place: Place) -> None:
    try:
        parse_condition(text)
    except ExprSyntaxError as error:
        raise RewriteSyntaxError(place, f'RewriteCond: cannot compile expression "{text}": {error}') from error
    except UndecidedError:  # raised again where the condition is evaluated
        return


_FILE_KINDS = {"f": "f", "s": "s", "d": "d", "x": "x", "h": "l", "L": "l", "l": "l", "U": "U", "F": "F"}
_INTEGER_KIND = re.compile(r"-(lt|le|gt|ge|eq|ne)(.+)", re.DOTALL)


def _kind(test: str, pattern: str) -> tuple[str, str]:
    if test.lower() == "expr" or len(pattern) < len("-f"):
        return "expr" if test.lower() == "expr" else "regex", pattern
    if len(pattern) == len("-f") and pattern[0] == "-":
        return _FILE_KINDS.get(pattern[1], "regex"), pattern
    if found := _INTEGER_KIND.fullmatch(pattern):
        return f"-{found[1]}", found[2]
    if pattern[0] in "<>":
        length = 2 if pattern[1] == "=" else 1
        return pattern[:length], pattern[length:]
    if pattern[0] == "=":
        return "=", "" if pattern[1:] == '""' else pattern[1:]
    return "regex", pattern


def rule_of(line: Line, conditions: tuple[Condition, ...]) -> Rule:
    """The rule of a RewriteRule line, with the conditions before it. Raises RewriteSyntaxError."""
    pattern, substitution, field_text = _arguments(line)
    negated = pattern.startswith("!")
    rule = Rule(pattern[1:] if negated else pattern, negated, substitution, frozenset(), conditions, line.place)
    for key, value in _flags(field_text):
        name = _FLAGS.get(key.lower())
        if name is None and key[:1] not in ("d", "D"):
            raise RewriteSyntaxError(line.place, f"RewriteRule: unknown flag '{key}'")
        if name is not None:
            rule = _flagged(rule, name, value, line.place)
    return rule


def _flagged(rule: Rule, name: str, value: str, place: Place) -> Rule:
    rule = replace(rule, flags=rule.flags | {name})
    if name == "R":
        status = _REDIRECTS.get(value.lower(), integer(value) if value[:1].isdigit() else 0)
        if value[:1].isdigit() and status not in _STATUSES:
            raise RewriteSyntaxError(place, f"RewriteRule: invalid HTTP response code '{value}' for flag 'R'")
        answers = {"STATUS"} if value[:1].isdigit() and not 300 <= status < 400 else set()
        return replace(rule, status=status if value else rule.status, flags=rule.flags | answers)
    if name in ("F", "G"):
        return replace(rule, status=403 if name == "F" else 410, flags=rule.flags | {"STATUS"})
    if name == "E":
        return replace(rule, variables=(*rule.variables, value))
    if name == "S":
        return replace(rule, skip=integer(value))
    if name == "N":
        return replace(rule, rounds=integer(value) if value else rule.rounds)
    return _with_text(rule, name, value)


def _with_text(rule: Rule, name: str, value: str) -> Rule:
    if name in ("H", "T"):
        return replace(rule, handler=value) if name == "H" else replace(rule, content_type=value)
    if name in ("B", "BNE") and value:
        return replace(rule, escapes=value) if name == "B" else replace(rule, no_escapes=value)
    return rule
