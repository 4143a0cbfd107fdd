"""Apache's expressions (ap_expr), evaluated for a request: server/util_expr_eval.c of httpd 2.4; docs/manual/expr.html."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hardaudit.model import host_text
from hardaudit_plugins.web.apache import expr_functions as functions
from hardaudit_plugins.web.apache.expr_parser import ExprSyntaxError, Node, parse_condition, parse_string
from hardaudit_plugins.web.apache.known_text import EMPTY, Text, decided, joined, settled, together
from hardaudit_plugins.web.apache.patterns import UndecidedError, group_count, matches

if TYPE_CHECKING:
    from hardaudit_plugins.web.apache.patterns import Match
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files

__all__ = ["Environment", "ExprError", "ExprSyntaxError", "UndecidedError", "evaluate", "evaluate_string", "evaluate_with_references"]

_DEEPEST = 20  # AP_EXPR_MAX_RECURSION
_HEADERS = {
    "HTTP_USER_AGENT": "User-Agent",
    "HTTP_PROXY_CONNECTION": "Proxy-Connection",
    "HTTP_REFERER": "Referer",
    "HTTP_COOKIE": "Cookie",
    "HTTP_FORWARDED": "Forwarded",
    "HTTP_HOST": "Host",
    "HTTP_ACCEPT": "Accept",
}
_FROM_CLIENT = frozenset(
    {"REQUEST_METHOD", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_USER", "SERVER_PROTOCOL", "QUERY_STRING", "AUTH_TYPE"}
) | frozenset({"THE_REQUEST", "REMOTE_ADDR", "REMOTE_PORT", "CONN_REMOTE_ADDR", "IPV6", "HTTP2", "CONTENT_TYPE"})
_OF_HOST = (
    frozenset({"REQUEST_SCHEME", "REQUEST_URI", "REQUEST_FILENAME", "SERVER_ADMIN", "SERVER_NAME", "SERVER_PORT"})
    | frozenset({"SCRIPT_FILENAME", "PATH_INFO", "IS_SUBREQ", "DOCUMENT_ROOT", "HANDLER", "REQUEST_LOG_ID", "SCRIPT_USER"})
    | frozenset({"SCRIPT_GROUP", "DOCUMENT_URI", "LAST_MODIFIED", "HTTPS", "CONTEXT_PREFIX", "CONTEXT_DOCUMENT_ROOT"})
    | frozenset({"REQUEST_STATUS", "CONN_LOG_ID", "TIME_YEAR", "TIME_MON", "TIME_DAY", "TIME_HOUR", "TIME_MIN", "TIME_SEC"})
    | frozenset({"TIME_WDAY", "TIME", "SERVER_SOFTWARE", "API_VERSION"})
)


class ExprError(Exception):
    """The evaluation fails (levels too deep, a file that cannot be read): `<If>`, `Require expr` and RewriteCond then do not hold."""


class Environment(Protocol):
    """A request, as an expression asks about it."""

    @property
    def files(self) -> Files:
        """What file tests look at."""

    def variable(self, name: str) -> str | None:
        """A variable by its name in upper case (`REQUEST_URI`, `SERVER_PORT`, `SSL_PROTOCOL`; not `HTTP_…`); None where it is not known.

        Of what the client decides (method, query string, address, `THE_REQUEST` …) it gives the value of a plain request.
        """

    def header(self, name: str) -> str:
        """A request header of a plain request by its name in any case: that of Host, empty for every other."""

    def environment(self, name: str) -> str | None:
        """A variable of the request's environment, as SetEnv sets it; empty when it is not set, None where that is not known."""


def evaluate(text: str, environment: Environment, choices: Choices) -> bool:
    """Whether a boolean expression holds, as in `<If>` and `Require expr`.

    Raises ExprSyntaxError for one that the server refuses to start with, ExprError where its evaluation fails, UndecidedError where neither
    outcome can be tried.
    """
    return _Evaluation(environment, choices).condition(parse_condition(text), 0)


def evaluate_with_references(text: str, environment: Environment, choices: Choices) -> tuple[bool, tuple[Text, ...] | None]:
    """`evaluate`, with the groups of the last pattern that matched (`%0` to `%9` of mod_rewrite), None without one."""
    evaluation = _Evaluation(environment, choices)
    holds = evaluation.condition(parse_condition(text), 0)
    return holds, evaluation.references


def evaluate_string(text: str, environment: Environment, choices: Choices) -> str:
    """What a string expression becomes, as in `SetHandler "expr=…"`, Redirect and ErrorDocument. `text` is without `expr=`.

    Raises as `evaluate` does; UndecidedError also where the text is not known or the client who crafts a request decides it.
    """
    return settled(evaluate_text(text, environment, choices), choices, f"expression {text[:80]!r}")


def evaluate_text(text: str, environment: Environment, choices: Choices) -> Text:
    """`evaluate_string`, with what of it is open instead of an error."""
    return _Evaluation(environment, choices).word(parse_string(text), 0)


class _Evaluation:
    def __init__(self, environment: Environment, choices: Choices) -> None:
        self.environment = environment
        self.choices = choices
        self.references: tuple[Text, ...] | None = None

    def condition(self, node: Node, depth: int) -> bool:
        """Levels are counted as the server counts them: a chain of `&&` or `||` is one."""
        if depth >= _DEEPEST:
            raise ExprError("Recursion limit reached")
        kind = node.kind
        if kind == "not":
            return not self.condition(node.parts[0], depth)
        if kind in ("or", "and"):
            return self._chained(node, depth)
        if kind in ("match", "mismatch"):
            return self._matched(node, depth) is (kind == "match")
        if kind == "in":
            return self._contained(node, depth)
        return kind == "true" if kind in ("true", "false") else self._operator(node, depth)

    def _chained(self, node: Node, depth: int) -> bool:
        *first, last = node.parts
        for part in first:
            if self.condition(part, depth + 1) is (node.kind == "or"):
                return node.kind == "or"
        return self.condition(last, depth)

    def _decided(self, what: str, texts: list[Text], *, plain: bool) -> bool:
        values = ", ".join(repr(text.value[:200]) for text in texts)
        return decided(self.choices, f"{what} ({values})", texts, plain=plain)

    def _matched(self, node: Node, depth: int) -> bool:
        subject = self.word(node.parts[0], depth + 1)
        found = None if subject.unknown else matches(node.text, subject.value, ignore_case=node.flags == "i")
        result = self._decided(f"{_spelled(node.parts[0])} =~ m/{node.text}/{node.flags}", [subject], plain=found is not None)
        if _has_groups(node.text):
            self.references = references_of(found, subject) if result else None
        return result

    def _contained(self, node: Node, depth: int) -> bool:
        needle = self.word(node.parts[0], depth + 1)
        for item in node.parts[1:]:
            if item.kind == "list":
                raise UndecidedError(f"the function {item.text}() of another module")
            value = self.word(item, depth + 1)
            if self._decided(f"{_spelled(node.parts[0])} == {_spelled(item)}", [needle, value], plain=needle.value == value.value):
                return True
        return False

    def _operator(self, node: Node, depth: int) -> bool:
        operands = [self.word(part, depth + 1) for part in node.parts]
        values = [operand.value for operand in operands]
        if node.kind == "compare":
            operator, negated = _POSITIVE.get(node.text, (node.text, False))
            plain = _compare(operator, values[0], values[1])
            spelled = f"{_spelled(node.parts[0])} {operator} {_spelled(node.parts[1])}"
            return self._decided(spelled, operands, plain=plain) is not negated
        spelled = f"-{node.text} {' '.join(_spelled(part) for part in node.parts)}"
        known = not any(operand.unknown for operand in operands)
        if node.kind == "binary":
            return self._decided(spelled, operands, plain=known and self._binary(node, values))
        if node.text == "R":
            network, address = _subnet(node.parts[0]), self._variable("REMOTE_ADDR")
            return self._decided(spelled, [address], plain=not address.unknown and functions.in_subnet(address.value, network))
        if node.text == "z":
            return not self._decided(f"-n {_spelled(node.parts[0])}", operands, plain=values[0] != "")
        return self._decided(spelled, operands, plain=known and self._unary(node.text, values[0]))

    def _unary(self, operator: str, value: str) -> bool:
        if operator == "n":
            return value != ""
        if operator == "T":
            return functions.is_true(value)
        if operator in "defsLhx":
            return functions.file_test(operator, value, self.environment.files)
        if operator == "F" and value.startswith("/") and not functions.file_test("e", value, self.environment.files):
            return False
        if operator in "FUA":
            return self.choices.undecidable(f"-{operator} {value}", f"whether the server gives access to {value}")
        raise UndecidedError(f"the operator -{operator} of another module")

    def _binary(self, node: Node, values: list[str]) -> bool:
        operator = node.text.lower()
        if operator == "ipmatch":
            return functions.in_subnet(values[0], _subnet(node.parts[1]))
        if operator in ("strmatch", "strcmatch", "fnmatch"):
            return functions.wildcard(values[1], values[0], pathname=operator == "fnmatch", ignore_case=operator == "strcmatch")
        raise UndecidedError(f"the operator -{node.text} of another module")

    def word(self, node: Node, depth: int) -> Text:
        """A word's text."""
        if depth >= _DEEPEST:
            raise ExprError("Recursion limit reached")
        if node.kind == "string":
            return Text(node.text)
        if node.kind == "concat":
            return joined(self.word(part, depth + 1) for part in node.parts)
        if node.kind == "reference":
            number = int(node.text)
            return self.references[number] if self.references and number < len(self.references) else EMPTY
        if node.kind == "variable":
            return self._variable(node.text.upper())
        return self._called(node, [self.word(part, depth + 1) for part in node.parts])

    def _variable(self, name: str) -> Text:
        if name in _HEADERS:
            return header_text(self.environment, _HEADERS[name])
        if name not in _FROM_CLIENT and name not in _OF_HOST and not name.startswith("SSL_"):
            raise UndecidedError(f"the variable {name} of another module")
        value = self.environment.variable(name)
        if value is None:
            return Text("", unknown=f"%{{{name}}} is not known")
        return Text(value, client=name if name in _FROM_CLIENT else "")

    def _called(self, node: Node, arguments: list[Text]) -> Text:
        name, argument = node.text.lower(), arguments[0]
        if len(arguments) > 1:
            raise UndecidedError(f"the function {name}() with several arguments")
        if name in functions.FUNCTIONS:
            return argument.with_value(functions.FUNCTIONS[name](argument.value))
        return argument if argument.unknown else self._looked_up(name, argument)

    def _looked_up(self, name: str, argument: Text) -> Text:
        if name in ("req", "http", "req_novary"):
            return header_text(self.environment, argument.value)
        if name in ("env", "reqenv"):
            return environment_text(self.environment, argument.value)
        if name in ("osenv", "note", "resp"):
            return Text("", unknown=f"{name}({argument.value}) is not known")
        if name in ("file", "filesize"):
            content = self._content(argument.value) if name == "file" else functions.file_size(argument.value, self.environment.files)
            return together(content, [argument])
        raise UndecidedError(f"the function {name}() of another module")

    def _content(self, path: str) -> str:
        try:
            return self.environment.files.read_text(path).split("\0")[0]
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ExprError(f"Cannot open file {path}") from error
        except OSError as error:
            raise UndecidedError(f"file({path}): {error.strerror or error}") from error


_POSITIVE = {"!=": ("==", True), "-ne": ("-eq", True)}


def _compare(operator: str, left: str, right: str) -> bool:
    if operator.startswith("-"):
        first, second = functions.integer(left), functions.integer(right)
        return {"-eq": first == second, "-lt": first < second, "-le": first <= second, "-gt": first > second, "-ge": first >= second}[
            operator
        ]
    one, other = host_text.encode(left), host_text.encode(right)
    return {"==": one == other, "<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator]


def _subnet(node: Node) -> tuple[int, int, int]:
    if node.kind != "string":
        raise ExprSyntaxError("an address range must be constant")
    try:
        return functions.subnet(node.text)
    except ValueError as error:
        raise ExprSyntaxError(f"parsing of subnet/netmask failed: {node.text}") from error


def header_text(environment: Environment, name: str) -> Text:
    """A request header; every one but Host is the client's."""
    return Text(environment.header(name), client="" if name.lower() == "host" else f"the header {name}")


def environment_text(environment: Environment, name: str) -> Text:
    """A variable of the request's environment."""
    value = environment.environment(name)
    return Text("", unknown=f"whether the environment has {name}, and its value, is not known") if value is None else Text(value)


def _has_groups(pattern: str) -> bool:
    """Whether a match changes what `$1` is; of a pattern that cannot be run nothing is known, so it does."""
    try:
        return group_count(pattern) > 0
    except UndecidedError:
        return True


def references_of(found: Match | None, subject: Text) -> tuple[Text, ...]:
    """The groups of a match; of one that was chosen to be, although the plain text does not match, as open as the text."""
    if found is None:
        return tuple(subject.with_value("") for _ in range(10))
    return tuple(subject.with_value(group or "") for group in found.groups[:10])


def _spelled(node: Node) -> str:
    if node.kind == "string":
        return repr(node.text)
    if node.kind == "concat":
        return " . ".join(_spelled(part) for part in node.parts)
    if node.kind == "call":
        return f"{node.text}({', '.join(_spelled(part) for part in node.parts)})"
    return f"${node.text}" if node.kind == "reference" else f"%{{{node.text.upper()}}}"
