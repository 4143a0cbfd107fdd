"""Environment variables that the configuration sets by what a request is like: SetEnvIf and its kin, SetEnv.

Source: modules/metadata/mod_setenvif.c and mod_env.c of httpd 2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.expr import evaluate
from hardaudit_plugins.web.apache.known_text import Text
from hardaudit_plugins.web.apache.patterns import matches
from hardaudit_plugins.web.apache.urls import substituted

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.expr import Environment
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
    subject = _attribute(name, variables, environment)
    match = None if subject.unknown else matches(pattern, subject.value, ignore_case=ignore_case)
    open_text = subject.unknown or (subject.client if choices.crafted else "")
    if not open_text:
        if match is not None:
            _set(assigned, variables, match)
        return
    # Whether it matches is open, and stays so until something asks for one of the variables: most are for logs and filters.
    before = dict(variables)
    if match is not None:
        _set(assigned, variables, match)
    for word in assigned:
        changed = word.lstrip("!").partition("=")[0]
        plain = variables.get(changed, before.get(changed) if word.startswith("!") and match is None else "")
        value = plain.value if isinstance(plain, Text) else plain or ""
        variables[changed] = Text(value, subject.unknown, subject.client)


def _attribute(name: str, variables: MutableMapping[str, Text | str], environment: Environment) -> Text:
    """The value of an attribute; a header is empty in a plain request, and the client's to send."""
    known = _ATTRIBUTES.get(name.lower())
    if known is not None:
        value = environment.variable(known)
        return Text("", unknown=f"{name} is not known") if value is None else Text(value)
    if name.lower() == "host":
        return Text(environment.header("Host"))
    set_before = variables.get(name)
    if set_before is None:
        return Text("", client=f"the header {name}")
    return Text(set_before) if isinstance(set_before, str) else set_before


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
