"""Conditions whose outcome nobody can read from the configuration: both outcomes are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_RUNS = 64


class Choices:
    """One run's outcomes. The same key has the same outcome for the length of a run.

    `crafted`: the request is made by an attacker who chooses its method, headers, query string and path info; otherwise it is a plain GET
    with the site's host name and no other header, query string or login, from any address or the host itself.
    """

    def __init__(self, script: tuple[bool, ...], *, crafted: bool) -> None:
        self.crafted = crafted
        self.undecided: list[tuple[str, str]] = []
        self.clients: list[str] = []
        self._script = script
        self._made: dict[tuple[str, str], bool] = {}
        self.path: list[tuple[str, bool]] = []

    def undecidable(self, key: str, reason: str) -> bool:
        """The outcome of a condition that depends on what is not known: both are tried, and must agree on the verdict."""
        return self._choose("host", key, reason)

    def client(self, key: str, plain: bool, reason: str) -> bool:
        """The outcome of a condition that the client decides by what it sends; `plain` is what a plain GET makes of it."""
        return self._choose("client", key, reason) if self.crafted else plain

    def _choose(self, who: str, key: str, reason: str) -> bool:
        made = self._made.get((who, key))
        if made is None:
            position = len(self.path)
            made = self._script[position] if position < len(self._script) else False
            self._made[who, key] = made
            self.path.append((who, made))
            self.undecided.append((who, reason))
        return made


def explore(simulate: Callable[[Choices], Verdict], *, crafted: bool = False) -> Verdict:
    """The verdict over every outcome of the conditions that `simulate` asks about.

    What the client decides is a choice of the attacker: one outcome that runs PHP is enough. What else is not known must come to the same in
    both outcomes, or the verdict is None. More than 64 combinations are not tried: None.
    """
    budget = [_MOST_RUNS]
    return _explore(simulate, (), crafted, budget)


def _explore(simulate: Callable[[Choices], Verdict], script: tuple[bool, ...], crafted: bool, budget: list[int]) -> Verdict:
    if budget[0] <= 0:
        return Verdict(None, f"more than {_MOST_RUNS} combinations of conditions that the configuration leaves open")
    budget[0] -= 1
    choices = Choices(script, crafted=crafted)
    verdict = simulate(choices)
    if len(choices.path) <= len(script):
        return verdict
    who, reason = choices.undecided[len(script)]
    first = _explore(simulate, (*script, False), crafted, budget)
    second = _explore(simulate, (*script, True), crafted, budget)
    if who == "client":
        return _either(first, second)
    if first.executes is second.executes is not None:
        return first
    for unknown in (first, second):
        if unknown.executes is None and first.executes != True and second.executes != True:  # noqa: E712 None is neither
            return unknown
    return Verdict(None, reason, first.handler or second.handler, first.place or second.place)


def _either(first: Verdict, second: Verdict) -> Verdict:
    for wanted in (True, None):
        for verdict in (first, second):
            if verdict.executes is wanted:
                return verdict
    return first
