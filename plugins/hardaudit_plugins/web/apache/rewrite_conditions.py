"""What mod_rewrite puts into texts, and whether a RewriteCond holds: lookup_variable, do_expand and apply_rewrite_cond of mod_rewrite.c."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.expr import ExprError, ExprSyntaxError, evaluate_with_references, header_text, references_of
from hardaudit_plugins.web.apache.expr_functions import file_test, integer
from hardaudit_plugins.web.apache.known_text import EMPTY, Text, decided, joined, together
from hardaudit_plugins.web.apache.patterns import UndecidedError, matches
from hardaudit_plugins.web.apache.request_state import RequestEnvironment, environment_of
from hardaudit_plugins.web.apache.rewrite_maps import look_up
from hardaudit_plugins.web.apache.words import lower

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.apache.patterns import Match
    from hardaudit_plugins.web.apache.request_state import RequestState
    from hardaudit_plugins.web.apache.rewrite_syntax import Condition, Rule
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files

_DEEPEST = 20
_LONGEST = 65_536
_HEADERS = {
    "HTTP_HOST": "Host",
    "HTTP_ACCEPT": "Accept",
    "HTTP_COOKIE": "Cookie",
    "HTTP_REFERER": "Referer",
    "HTTP_FORWARDED": "Forwarded",
    "HTTP_USER_AGENT": "User-Agent",
    "HTTP_PROXY_CONNECTION": "Proxy-Connection",
}
_FROM_CLIENT = frozenset(
    {"REMOTE_ADDR", "REMOTE_HOST", "REMOTE_USER", "REMOTE_IDENT", "THE_REQUEST", "QUERY_STRING", "REQUEST_METHOD"}
) | frozenset({"SERVER_PROTOCOL", "CONN_REMOTE_ADDR", "AUTH_TYPE", "IPV6"})
_OF_HOST = frozenset(
    {"HTTPS", "IS_SUBREQ", "PATH_INFO", "SERVER_NAME", "SERVER_PORT", "REQUEST_URI", "SERVER_ADMIN", "DOCUMENT_ROOT"}
) | frozenset({"CONTEXT_PREFIX", "REQUEST_SCHEME", "SCRIPT_FILENAME", "REQUEST_FILENAME", "CONTEXT_DOCUMENT_ROOT"})
_UNKNOWN = frozenset(
    {"TIME", "TIME_DAY", "TIME_SEC", "TIME_MIN", "TIME_MON", "TIME_WDAY", "TIME_YEAR", "TIME_HOUR", "SERVER_ADDR"}
) | frozenset({"API_VERSION", "REMOTE_PORT", "SCRIPT_USER", "SCRIPT_GROUP", "SERVER_SOFTWARE"})


@dataclass
class Run:
    """The request while rules are applied to it. `state.filename` is what the rules rewrite; in server context it begins as the URL's path.

    `rule_groups` are what `$N` stands for, `condition_groups` what `%N` does; None without a match.
    """

    state: RequestState
    files: Files
    choices: Choices
    maps: Mapping[str, str]
    directory: str | None
    rule_groups: tuple[Text, ...] | None = None
    condition_groups: tuple[Text, ...] | None = None
    handler: str | None = None
    content_type: str | None = None
    variables: dict[str, Text | str] = field(default_factory=dict)

    def set_variable(self, name: str, value: Text) -> None:
        """[E=NAME:VALUE]."""
        self.unset_variable(name)
        self.variables[name] = value
        self.state = replace(self.state, environment=self.variables)

    def unset_variable(self, name: str) -> None:
        """[E=!NAME]."""
        self.variables = {key: value for key, value in self.variables.items() if key.lower() != name.lower()}
        self.state = replace(self.state, environment=self.variables)


def variable(spelled: str, run: Run) -> Text:
    """lookup_variable(): `%{spelled}`; empty for one that does not exist."""
    if len(spelled) < len("TIME"):
        return EMPTY
    if spelled[3] == ":":
        return _with_three_letters(spelled, run)
    if spelled[4:5] == ":":
        return _with_four_letters(spelled) if spelled[:4].upper() != "HTTP" else _header(spelled[5:], run)
    return _named(spelled.upper(), run)


def _named(name: str, run: Run) -> Text:
    if name in _HEADERS:
        return _header(_HEADERS[name], run)
    if name in _UNKNOWN:
        return Text("", unknown=f"%{{{name}}} is not known")
    if name not in _FROM_CLIENT and name not in _OF_HOST:
        return EMPTY
    value = RequestEnvironment(run.state, run.files).variable(name)
    if value is None:
        return Text("", unknown=f"%{{{name}}} is not known")
    return Text(value, client=name if name in _FROM_CLIENT else "")


def _with_three_letters(spelled: str, run: Run) -> Text:
    kind, rest = spelled[:3].upper(), spelled[4:]
    if kind == "ENV" and rest:
        return environment_of(run.state.environment, rest)
    if kind == "SSL" and rest and run.state.https is not False:
        return Text("", unknown=f"%{{SSL:{rest}}} is not known")
    return EMPTY


def _header(name: str, run: Run) -> Text:
    return header_text(RequestEnvironment(run.state, run.files), name) if name else EMPTY


def _with_four_letters(spelled: str) -> Text:
    """LA-U and LA-F ask what a later phase makes of the request; without a login it has no user."""
    if spelled[:4].upper() not in ("LA-U", "LA-F") or not spelled[5:]:
        return EMPTY
    if spelled[5:].upper() == "REMOTE_USER":
        return Text("", client=spelled)
    return Text("", unknown=f"%{{{spelled}}} is not known")


def expanded(text: str, run: Run, rule: Rule | None = None, depth: int = 0) -> Text:
    """do_expand(): the text with `%{NAME}`, `${MAP:KEY|DEFAULT}`, `$N` and `%N` put in. `rule`: whose flag B escapes `$N` and `%N`."""
    return joined(piece for piece, _ in pieces(text, run, rule, depth))


def pieces(text: str, run: Run, rule: Rule | None = None, depth: int = 0) -> list[tuple[Text, bool]]:
    """`expanded` in pieces, each with whether it was put in for something else."""
    if depth > _DEEPEST or len(text) > _LONGEST:
        raise UndecidedError("a text with too many levels of maps, or too long")
    found: list[tuple[Text, bool]] = []
    at = 0
    while at < len(text):
        put_in = text[at] in "$%"
        piece, at = _piece(text, at, run, rule, depth)
        found.append((piece, put_in))
    if sum(len(piece.value) for piece, _ in found) > _LONGEST:
        raise UndecidedError(f"a text of more than {_LONGEST} characters")
    return found


def _piece(text: str, at: int, run: Run, rule: Rule | None, depth: int) -> tuple[Text, int]:
    letter, following = text[at], text[at + 1 : at + 2]
    if letter == "\\":
        return Text(following or letter), at + 2
    if letter not in "$%":
        end = next((index for index in range(at, len(text)) if text[index] in "\\$%"), len(text))
        return Text(text[at:end]), end
    if following == "{":
        end = _closing(text, at + 2)
        colon = _closing(text, at + 2, ":") if letter == "$" else end
        if end < 0 or colon < 0:
            return Text(text[at : at + 2]), at + 2
        inside = text[at + 2 : end]
        return (variable(inside, run) if letter == "%" else _mapped(inside, run, rule, depth)), end + 1
    if following.isascii() and following.isdigit():
        return _reference(int(following), run.rule_groups if letter == "$" else run.condition_groups, rule), at + 2
    return Text(letter), at + 1


def _closing(text: str, at: int, wanted: str = "}") -> int:
    """Where a brace is closed, or where `wanted` is before that on the same level; -1 for nowhere."""
    depth = 1
    for index in range(at, len(text)):
        if text[index] == wanted and depth == 1:
            return index
        if text[index] == "}":
            depth -= 1
            if depth == 0:
                return -1
        elif text[index] == "{":
            depth += 1
    return -1


def _mapped(inside: str, run: Run, rule: Rule | None, depth: int) -> Text:
    """`${MAP:KEY|DEFAULT}`."""
    colon = _closing(inside, 0, ":")
    bar = _closing(inside, colon + 1, "|")
    key = expanded(inside[colon + 1 : bar if bar >= 0 else None], run, rule, depth + 1)
    value = look_up(inside[:colon], key, run.maps, run.files)
    if value is None and bar >= 0:
        value = expanded(inside[bar + 1 :], run, rule, depth + 1)
        return together(value.value, [value, key])
    return value or together("", [key])


def _reference(number: int, groups: tuple[Text, ...] | None, rule: Rule | None) -> Text:
    if groups is None or number >= len(groups):
        return EMPTY
    group = groups[number]
    if rule is None or not {"B", "BCTLS", "BNE"} & rule.flags:
        return group
    return group.with_value(_escaped(group.value, rule))


def _escaped(text: str, rule: Rule) -> str:
    """escape_backref(): as PHP's urlencode; with a value of B only those characters, with BCTLS only spaces and control characters."""
    plus = "BNP" not in rule.flags
    parts: list[str] = []
    for byte in host_text.encode(text):
        letter = chr(byte)
        if not _is_escaped(letter, rule):
            parts.append(letter)
        else:
            parts.append("+" if letter == " " and plus else f"%{byte:02x}")
    return host_text.decode("".join(parts).encode("latin-1"))


def _is_escaped(letter: str, rule: Rule) -> bool:
    if letter in rule.no_escapes or (letter.isascii() and letter.isalnum()) or letter == "_":
        return False
    if rule.escapes:
        return letter in rule.escapes
    if "BCTLS" in rule.flags and "B" not in rule.flags:
        return letter <= " " or letter == "\x7f"
    return True


def matched(pattern: str, subject: Text, run: Run, *, ignore_case: bool) -> tuple[bool, tuple[Text, ...] | None]:
    """Whether a pattern matches, and the groups; what cannot be run or is not known is a choice."""
    found: Match | None = None
    if not subject.unknown:
        try:
            found = matches(pattern, subject.value, ignore_case=ignore_case)
        except UndecidedError as error:
            subject = Text(subject.value, unknown=error.reason)
    case = "(?i)" if ignore_case else ""
    key = f"{subject.value[:200]!r} from {subject.client or subject.unknown or 'the request'} =~ {case}{pattern}"
    holds = decided(run.choices, key, [subject], plain=found is not None)
    return holds, references_of(found, subject) if holds else None


def holds(condition: Condition, run: Run) -> bool:
    """apply_rewrite_cond()."""
    if condition.kind == "expr":
        return _expression_holds(condition, run)
    subject = expanded(condition.test, run)
    if condition.kind == "regex":
        result, groups = matched(condition.operand, subject, run, ignore_case=condition.ignore_case)
        if result and not condition.negated:
            run.condition_groups = groups
        return result is not condition.negated
    return _tested(condition, subject, run) is not condition.negated


def _expression_holds(condition: Condition, run: Run) -> bool:
    environment = RequestEnvironment(run.state, run.files)
    try:
        result, groups = evaluate_with_references(condition.operand, environment, run.choices)
    except ExprError:
        result, groups = False, None
    except ExprSyntaxError as error:
        raise UndecidedError(f"{condition.place}: the expression {condition.operand[:80]!r} is not understood: {error}") from error
    if result and not condition.negated:
        run.condition_groups = groups
    return result is not condition.negated


def _tested(condition: Condition, subject: Text, run: Run) -> bool:
    kind, operand = condition.kind, condition.operand
    key = f"RewriteCond {condition.test} {kind} {operand if kind not in _FILE_TESTS else ''} on {subject.value[:200]!r}"
    if kind in ("U", "F"):
        if not subject.unknown and not subject.client and not _may_exist(kind, subject.value, run):
            return False
        return run.choices.undecidable(key, f"{key}: whether the server gives access to it")
    if kind in _FILE_TESTS:
        plain = not subject.unknown and file_test(kind, subject.value, run.files)
    elif kind.startswith("-"):
        plain = _integers(kind, integer(subject.value), integer(operand))
    else:
        plain = _texts(kind, subject.value, operand, ignore_case=condition.ignore_case)
    return decided(run.choices, key, [subject], plain=plain)


_FILE_TESTS = frozenset("fsdlxUF")


def _may_exist(kind: str, path: str, run: Run) -> bool:
    return path != "" and (kind == "U" or not path.startswith("/") or file_test("e", path, run.files))


def _integers(kind: str, left: int, right: int) -> bool:
    return {"-lt": left < right, "-le": left <= right, "-eq": left == right, "-gt": left > right, "-ge": left >= right}[kind]


def _texts(kind: str, left: str, right: str, *, ignore_case: bool) -> bool:
    """Of two texts the longer one is greater, unless case does not count."""
    if ignore_case:
        order = (host_text.encode(lower(left)) > host_text.encode(lower(right))) - (
            host_text.encode(lower(left)) < host_text.encode(lower(right))
        )
    else:
        one, other = host_text.encode(left), host_text.encode(right)
        order = ((len(one), one) > (len(other), other)) - ((len(one), one) < (len(other), other))
    return {"<": order < 0, "<=": order <= 0, "=": order == 0, ">": order > 0, ">=": order >= 0}[kind]
