"""mod_rewrite's directives: RewriteRule, RewriteCond and what sets them up, and how sections inherit them.

Source: the configuration half of modules/mappers/mod_rewrite.c, httpd 2.4; docs/manual/rewrite/flags.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from hardaudit_plugins.web.apache.expr_functions import integer
from hardaudit_plugins.web.apache.expr_parser import ExprSyntaxError, parse_condition
from hardaudit_plugins.web.apache.pcre import UndecidedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardaudit_plugins.web.verdict import Place

_SPACES = " \t\n\v\f\r"
_MOST_ROUNDS = 10_000
_OPTIONS = frozenset(
    {"inherit", "inheritbefore", "inheritdown", "inheritdownbefore", "ignoreinherit", "allownoslash", "allowanyuri", "mergebase"}
    | {"ignorecontextinfo", "legacyprefixdocroot", "longurloptimization"}
)
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


@dataclass(frozen=True, slots=True)
class RewriteConfig:
    """What mod_rewrite has for a server or a directory. `engine` is None where nothing says; it is off then.

    `present`: whether any of its directives is there. `base`: RewriteBase, `base_is_set`: what MergeBase goes by. `maps`: RewriteMap, name
    to its source (`txt:/etc/map`). `pending`: conditions after the last rule, which have no effect.
    """

    engine: bool | None = None
    options: frozenset[str] | None = None
    base: str | None = None
    rules: tuple[Rule, ...] = ()
    pending: tuple[Condition, ...] = ()
    maps: Mapping[str, str] = field(default_factory=dict)
    present: bool = False
    base_is_set: bool = False

    def has_option(self, name: str) -> bool:
        """Whether RewriteOptions has it; `name` in lower case."""
        return self.options is not None and name in self.options


def rules_from(directives: Sequence[Line]) -> RewriteConfig:
    """The configuration of one section or of what is outside of sections. Other directives are passed over. Raises RewriteSyntaxError."""
    config = RewriteConfig()
    rules: list[Rule] = []
    pending: list[Condition] = []
    for line in directives:
        if line.name == "rewritecond":
            pending.append(_condition(line))
        elif line.name == "rewriterule":
            rules.append(_rule(line, tuple(pending)))
            pending = []
        elif line.name in ("rewriteengine", "rewriteoptions", "rewritebase", "rewritemap"):
            config = _set(config, line)
        else:
            continue
        config = replace(config, present=True)
    return replace(config, rules=tuple(rules), pending=tuple(pending))


def merge_server(base: RewriteConfig, local: RewriteConfig, *, in_sections: bool = False) -> RewriteConfig:
    """A virtual host's configuration from the main server's and its own. `in_sections`: whether sections in it have any of its directives.

    Without any directive in it the host applies no rules, inherited or not, but the engine's state holds for its directories.
    """
    merged = _merged(base, local)
    if not local.present and not in_sections:
        return replace(merged, rules=(), pending=(), maps=base.maps)
    return merged


def directory_config(server: RewriteConfig, locals_: Sequence[RewriteConfig]) -> RewriteConfig:
    """The configuration of a directory: of its sections and .htaccess files in their order, then merged onto the server's (`merge_server`).

    The order of merging counts: options of the server do not reach from one section to the next. Of the server its state, options and maps
    hold, none of its rules.
    """
    server = replace(server, rules=(), pending=(), base=None, base_is_set=False)
    merged: RewriteConfig | None = None
    for local in locals_:
        if local.present:
            merged = local if merged is None else _merged_directory(merged, local)
    return server if merged is None else replace(_merged_directory(server, merged), maps=server.maps)


def _merged_directory(base: RewriteConfig, local: RewriteConfig) -> RewriteConfig:
    """config_perdir_merge(), which forgets that RewriteBase was set where the option MergeBase is not."""
    merged = _merged(base, local)
    if not merged.has_option("mergebase"):
        return replace(merged, base=local.base, base_is_set=False)
    return replace(merged, base=local.base if local.base_is_set else base.base, base_is_set=local.base_is_set or base.base_is_set)


def _merged(base: RewriteConfig, local: RewriteConfig) -> RewriteConfig:
    options = base.options if local.options is None else local.options
    merged = RewriteConfig(
        base.engine if local.engine is None else local.engine, options, local.base, present=base.present or local.present
    )
    ignored = merged.has_option("ignoreinherit")
    if merged.has_option("inherit") or (base.has_option("inheritdown") and not ignored):
        return _joined(merged, local, base, {**base.maps, **local.maps})
    if merged.has_option("inheritbefore") or (base.has_option("inheritdownbefore") and not ignored):
        return _joined(merged, base, local, {**local.maps, **base.maps})
    return replace(merged, rules=local.rules, pending=local.pending, maps=local.maps)


def _joined(merged: RewriteConfig, first: RewriteConfig, second: RewriteConfig, maps: Mapping[str, str]) -> RewriteConfig:
    return replace(merged, rules=first.rules + second.rules, pending=first.pending + second.pending, maps=maps)


def _set(config: RewriteConfig, line: Line) -> RewriteConfig:
    words = line.words()
    if line.name == "rewriteengine":
        if len(words) != 1 or words[0].lower() not in ("on", "off"):
            raise RewriteSyntaxError(line.place, "RewriteEngine must be On or Off")
        return replace(config, engine=words[0].lower() == "on")
    if line.name == "rewriteoptions":
        options = {word.lower() for word in words if not word.lower().startswith("maxredirects=")}
        if options - _OPTIONS or not words:
            raise RewriteSyntaxError(line.place, f"RewriteOptions: unknown option {sorted(options - _OPTIONS)}")
        return replace(config, options=(config.options or frozenset()) | options)
    if line.name == "rewritebase":
        if len(words) != 1 or not words[0].startswith("/"):
            raise RewriteSyntaxError(line.place, "RewriteBase: argument is not a valid URL")
        return replace(config, base=words[0], base_is_set=True)
    if len(words) not in (2, 3):
        raise RewriteSyntaxError(line.place, "RewriteMap takes a name and a source")
    return replace(config, maps={**config.maps, words[0]: words[1]})


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


def _condition(line: Line) -> Condition:
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


def _rule(line: Line, conditions: tuple[Condition, ...]) -> Rule:
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
