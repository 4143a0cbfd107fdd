"""Environment variables that the configuration sets by what a request is like: SetEnvIf and its kin, SetEnv.

Source: modules/metadata/mod_setenvif.c and mod_env.c of httpd 2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.expr import evaluate
from hardaudit_plugins.web.apache.patterns import matches
from hardaudit_plugins.web.apache.urls import substituted

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.expr import Environment
    from hardaudit_plugins.web.apache.known_text import Text
    from hardaudit_plugins.web.apache.patterns import Match
    from hardaudit_plugins.web.apache.sections import Layer
    from hardaudit_plugins.web.apache.state import State
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files

_ATTRIBUTES = {
    "request_uri": "REQUEST_URI",
    "request_method": "REQUEST_METHOD",
    "request_protocol": "SERVER_PROTOCOL",
    "remote_addr": "REMOTE_ADDR",
    "remote_host": "REMOTE_HOST",
    "server_addr": "SERVER_ADDR",
}
_KINDS = frozenset({"setenvif", "setenvifnocase", "browsermatch", "browsermatchnocase", "setenvifexpr"})


def set_by_request(layers: Iterable[Layer], state: State, files: Files, choices: Choices) -> None:
    """Apply the SetEnvIf lines of layers in their order; each sees the variables that are set so far."""
    for layer in layers:
        for directive in layer.directives:
            if directive.name in _KINDS:
                _apply(directive, state.variables, state.environment(files), choices)


def _apply(directive: Directive, variables: MutableMapping[str, Text | str], environment: Environment, choices: Choices) -> None:
    words = directive.words()
    if directive.name.startswith("browsermatch"):
        words = ["User-Agent", *words]
    ignore_case = directive.name.endswith("nocase")
    if directive.name == "setenvifexpr":
        if words and evaluate(words[0], environment, choices):
            _set(words[1:], variables, None)
        return
    if len(words) < 3:
        return
    name, pattern, assigned = words[0], words[1], words[2:]
    value = _attribute(name, variables, environment)
    if value is None:
        # A header: the client's to send, and absent in a plain request.
        match = matches(pattern, "", ignore_case=ignore_case)
        if choices.client(f"SetEnvIf {directive.place}", match is not None, f"{directive.spelled} {name} ({directive.place})"):
            _set(assigned, variables, match)
        return
    match = matches(pattern, value, ignore_case=ignore_case)
    if match is not None:
        _set(assigned, variables, match)


def _attribute(name: str, variables: MutableMapping[str, Text | str], environment: Environment) -> str | None:
    """The value of an attribute; None for a header."""
    known = _ATTRIBUTES.get(name.lower())
    if known is not None:
        return environment.variable(known) or ""
    if name.lower() == "host":
        return environment.header("Host")
    value = variables.get(name)
    return value if value is None or isinstance(value, str) else value.value


def _set(assigned: list[str], variables: MutableMapping[str, Text | str], match: Match | None) -> None:
    for word in assigned:
        name, separator, value = word.partition("=")
        if name.startswith("!"):
            variables.pop(name[1:], None)
        else:
            text = value if separator else "1"
            variables[name] = text if match is None else substituted(text, match)


def set_for_handlers(layers: Iterable[Layer], variables: MutableMapping[str, Text | str]) -> None:
    """SetEnv and UnsetEnv, which handlers see, and access rules do not."""
    for layer in layers:
        for directive in layer.directives:
            words = directive.words() if directive.name in ("setenv", "unsetenv") else []
            if directive.name == "setenv" and words:
                variables[words[0]] = words[1] if len(words) > 1 else ""
            elif directive.name == "unsetenv":
                for name in words:
                    variables.pop(name, None)
