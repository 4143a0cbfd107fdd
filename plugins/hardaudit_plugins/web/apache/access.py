"""Who may ask: Require and its containers, Order, Allow, Deny and Satisfy, each merged as its module merges it.

Source: modules/aaa/mod_authz_core.c, mod_authz_host.c, mod_access_compat.c and ap_process_request_internal in server/request.c.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.expr import evaluate
from hardaudit_plugins.web.apache.known_text import is_set
from hardaudit_plugins.web.apache.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.sections import Layer
    from hardaudit_plugins.web.apache.state import State
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.verdict import Place

_CONTAINERS = ("requireall", "requireany", "requirenone")
_COMPAT = ("order", "allow", "deny", "satisfy")
_STANDARD_METHODS = frozenset(
    [
        "GET",
        "PUT",
        "POST",
        "DELETE",
        "CONNECT",
        "OPTIONS",
        "TRACE",
        "PATCH",
        "PROPFIND",
        "PROPPATCH",
        "MKCOL",
        "COPY",
        "MOVE",
        "LOCK",
        "UNLOCK",
        "VERSION-CONTROL",
        "CHECKOUT",
        "UNCHECKOUT",
        "CHECKIN",
        "UPDATE",
        "LABEL",
        "REPORT",
        "MKWORKSPACE",
        "MKACTIVITY",
        "BASELINE-CONTROL",
        "MERGE",
    ]
)


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks. `name`: the host name that the address resolves to, or None. `may_lie`: a header may give another address."""

    address: str
    name: str | None = None
    may_lie: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a request is let through, and the line that decides; None where no line does."""

    granted: bool
    reason: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """`granted`: True, False, or None for "neutral". `needs_user`: it would be granted to someone who logs in."""

    granted: bool | None
    place: Place | None
    reason: str = ""
    needs_user: bool = False


class Authorization:
    """The access rules that layers come to, for a request at the time when they are asked, and a client."""

    def __init__(  # noqa: PLR0913 what a server knows when it asks them
        self, layers: Sequence[Layer], state: State, files: Files, client: Client, choices: Choices, *, all_known: bool
    ) -> None:
        """`all_known`: no module is loaded that may bring authorization providers of its own."""
        self._layers = layers
        self._method = state.seen.method
        self._client = client
        self._environment = state.environment(files)
        self._variables = state.variables
        self._all_known = all_known
        self._choices = choices

    def access(self) -> Access:
        """Whether the request is let through without a login."""
        refusing = self._refuses_method()
        if refusing is not None:
            return Access(False, f"AllowMethods does not name {self._method}", refusing)
        host = self._compat()
        authorized = self._authorized()
        if self._satisfy() == "any":
            if host.granted or authorized.granted:
                return Access(True)
            return Access(False, authorized.reason or host.reason, authorized.place or host.place)
        if not host.granted:
            return host
        return authorized

    def _refuses_method(self) -> Place | None:
        """The AllowMethods line by which the method is refused; GET stands for HEAD too."""
        line: Directive | None = None
        for layer in self._layers:
            for directive in layer.directives:
                line = directive if directive.name == "allowmethods" else line
        named = [] if line is None else [word.upper() for word in line.words()]
        method = "GET" if self._method == "HEAD" else self._method
        return None if line is None or "RESET" in named or method in named else line.place

    # mod_access_compat: a layer with any of its directives replaces what outer layers say.

    def _compat_directives(self) -> list[tuple[Directive, bool]]:
        found: list[tuple[Directive, bool]] = []
        for layer in self._layers:
            here = [(directive, applies) for directive, applies in self._flat(layer.directives) if directive.name in _COMPAT]
            if here:
                found = here
        return found

    def _flat(self, directives: Iterable[Directive]) -> Iterator[tuple[Directive, bool]]:
        """Directives with those of Limit and LimitExcept, each with whether it holds for the method."""
        for directive in directives:
            if directive.name in ("limit", "limitexcept"):
                applies = method_applies(directive, self._method)
                yield from ((inner, applies) for inner in directive.children or ())
            else:
                yield directive, True

    def _satisfy(self) -> str:
        found = [directive for directive, applies in self._compat_directives() if applies and directive.name == "satisfy"]
        return found[-1].arguments.strip().lower() if found else "all"

    def _compat(self) -> Access:
        order, place = "deny,allow", None
        allows: list[Directive] = []
        denies: list[Directive] = []
        for directive, applies in self._compat_directives():
            if not applies:
                continue
            if directive.name == "order":
                order, place = "".join(directive.arguments.lower().split()), directive.place
            elif directive.name == "allow":
                allows.append(directive)
            elif directive.name == "deny":
                denies.append(directive)
        allowed, denied = self._first(allows), self._first(denies)
        if order in ("allow,deny", "mutual-failure"):
            granted = allowed is not None and denied is None
        else:
            granted = allowed is not None or denied is None
        deciding = denied or allowed
        return Access(granted, "" if granted else "access is denied to the client", deciding.place if deciding else place)

    def _first(self, directives: list[Directive]) -> Directive | None:
        for directive in directives:
            words = directive.words()
            if words and words[0].lower() == "from" and any(self._is_from(word) for word in words[1:]):
                return directive
        return None

    def _is_from(self, word: str) -> bool:
        lowered = word.lower()
        if lowered == "all":
            return True
        if lowered.startswith("env="):
            name = word[4:]
            negated, name = name.startswith("!"), name.lstrip("!")
            return self._is_set(name) is not negated
        return self._is_address(word) or self._is_host(word)

    def _is_set(self, name: str) -> bool:
        return is_set(self._variables, name, self._choices)

    def _is_address(self, word: str) -> bool:
        return self._by_client(word, plain=address_matches(word, self._client.address))

    def _by_client(self, word: str, *, plain: bool) -> bool:
        """A condition about the client's address, which with mod_remoteip a header may tell."""
        if not self._client.may_lie:
            return plain
        return self._choices.client(f"client {word}", plain, f"RemoteIPHeader: the client says whether its address is {word}")

    def _is_host(self, word: str) -> bool:
        return self._by_client(word, plain=self._has_name(word))

    def _has_name(self, word: str) -> bool:
        name = self._client.name
        return name is not None and (name == word.lower().strip(".") or name.endswith("." + word.lower().strip(".")))

    # mod_authz_core

    def _authorized(self) -> Access:
        rules: list[Callable[[], _Outcome]] = []
        for layer in self._layers:
            mode, requires = "off", []
            for directive in layer.directives:
                if directive.name == "authmerging":
                    mode = directive.arguments.strip().lower()
            requires = [(d, applies) for d, applies in self._flat(layer.directives) if d.name == "require" or d.name in _CONTAINERS]
            if not requires:
                continue
            here = self._bound(requires)
            rules = [here] if mode == "off" or not rules else [self._combined(mode, rules[0], here)]
        if not rules:
            return Access(True)
        outcome = rules[0]()
        if outcome.granted:
            return Access(True, place=outcome.place)
        reason = "it needs a login" if outcome.needs_user else outcome.reason or "access is denied"
        return Access(False, reason, outcome.place)

    def _bound(self, requires: list[tuple[Directive, bool]]) -> Callable[[], _Outcome]:
        def rule() -> _Outcome:
            if not any(applies for _, applies in requires):
                return _Outcome(True, None)  # every line is about other methods
            return self._any([self._outcome(directive) for directive, applies in requires if applies])

        return rule

    def _combined(self, mode: str, outer: Callable[[], _Outcome], inner: Callable[[], _Outcome]) -> Callable[[], _Outcome]:
        return lambda: self._all([outer(), inner()]) if mode == "and" else self._any([outer(), inner()])

    def _outcome(self, directive: Directive) -> _Outcome:
        if directive.name in _CONTAINERS:
            inner = [self._outcome(child) for child in directive.children or () if child.name == "require" or child.name in _CONTAINERS]
            if directive.name == "requireall":
                return self._all(inner)
            if directive.name == "requireany":
                return self._any(inner)
            granted = any(outcome.granted for outcome in inner)
            return _Outcome(False if granted else None, directive.place, "RequireNone holds for the client")
        words = directive.words()
        negated = bool(words) and words[0].lower() == "not"
        outcome = self._provider(words[1:] if negated else words, directive)
        if negated:
            return _Outcome(False if outcome.granted else None, directive.place, f"Require {directive.arguments}")
        return outcome

    @staticmethod
    def _any(outcomes: list[_Outcome]) -> _Outcome:
        for outcome in outcomes:
            if outcome.granted:
                return outcome
        for outcome in outcomes:
            if outcome.needs_user:
                return outcome
        denied = [outcome for outcome in outcomes if outcome.granted is False]
        return denied[0] if denied else _Outcome(None, outcomes[0].place if outcomes else None)

    @staticmethod
    def _all(outcomes: list[_Outcome]) -> _Outcome:
        for outcome in outcomes:
            if outcome.granted is False and not outcome.needs_user:
                return outcome
        for outcome in outcomes:
            if outcome.needs_user:
                return outcome
        granted = [outcome for outcome in outcomes if outcome.granted]
        return granted[0] if granted else _Outcome(None, outcomes[0].place if outcomes else None)

    def _provider(self, words: list[str], directive: Directive) -> _Outcome:  # noqa: PLR0911 one return a provider
        kind, arguments, place = (words[0] if words else ""), words[1:], directive.place
        lowered = [argument.lower() for argument in arguments]
        reason = f"Require {directive.arguments}"
        if kind == "all":
            return _Outcome(lowered[:1] == ["granted"], place, reason)
        if kind == "ip":
            return _Outcome(any(self._is_address(word) for word in arguments), place, reason)
        if kind in ("host", "forward-dns"):
            return _Outcome(any(self._is_host(word) for word in arguments), place, reason)
        if kind == "local":
            return _Outcome(self._by_client("local", plain=ipaddress.ip_address(self._client.address).is_loopback), place, reason)
        if kind == "method":
            return _Outcome(self._method in (word.upper() for word in arguments), place, reason)
        if kind == "env":
            return _Outcome(any(self._is_set(word) for word in arguments), place, reason)
        if kind == "expr":
            text = directive.arguments.split(None, 2 if directive.arguments.lower().startswith("not") else 1)[-1]
            return _Outcome(evaluate(_unquoted(text), self._environment, self._choices), place, reason)
        if kind in ("user", "valid-user", "group", "file-owner", "file-group") or kind.startswith(("ldap-", "dbm-", "dbd-")):
            return _Outcome(False, place, reason, needs_user=True)
        if kind.lower() != kind or self._all_known:
            raise RefusedError(f"the server answers 500: there is no authorization provider {kind}", place)
        granted = self._choices.undecidable(f"require {kind}", f"Require {kind} is not understood ({place})")
        return _Outcome(granted, place, reason)


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def method_applies(directive: Directive, method: str) -> bool:
    """Whether the directives in a Limit or LimitExcept section hold for a method; GET stands for HEAD too."""
    named = {word.upper() for word in directive.words()}
    method = "GET" if method == "HEAD" else method
    return (method in named) is (directive.name == "limit")


def address_matches(word: str, address: str) -> bool:
    """Whether an address is in what Require ip and Allow from take: an address, its first parts, or a network with prefix or mask."""
    client = ipaddress.ip_address(address)
    if client.version == 4 and "/" not in word and word.replace(".", "").isdigit():
        parts = [part for part in word.split(".") if part]
        return str(client).split(".")[: len(parts)] == [str(int(part)) for part in parts]
    try:
        network = ipaddress.ip_network(word, strict=False)
    except ValueError:
        return False
    return client.version == network.version and client in network
