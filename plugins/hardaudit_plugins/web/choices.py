"""Conditions whose outcome nobody can read from the configuration: both outcomes are tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.verdict import Verdict, best

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_RUNS = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """A condition that was met in a run: whether the client decides it, why it is open, and its outcome in this run."""

    is_clients: bool
    reason: str
    outcome: bool


class Choices:
    """One run's outcomes. The same key has the same outcome for the length of a run.

    `crafted`: the request is made by an attacker who chooses its method, headers, query string and path info; otherwise it is a plain GET
    with the site's host name and no other header, query string or login.
    """

    def __init__(self, script: tuple[bool, ...], *, crafted: bool) -> None:
        self.crafted = crafted
        self.made: list[Choice] = []
        self._script = script
        self._by_key: dict[tuple[bool, str], bool] = {}

    def undecidable(self, key: str, reason: str) -> bool:
        """The outcome of a condition that depends on what is not known: both are tried, and must agree on the verdict."""
        return self._choose(key, reason, is_clients=False)

    def client(self, key: str, plain: bool, reason: str) -> bool:  # noqa: FBT001 the outcome itself
        """The outcome of a condition that the client decides by what it sends; `plain` is what a plain GET makes of it."""
        return self._choose(key, reason, is_clients=True) if self.crafted else plain

    def _choose(self, key: str, reason: str, *, is_clients: bool) -> bool:
        outcome = self._by_key.get((is_clients, key))
        if outcome is None:
            position = len(self.made)
            outcome = position < len(self._script) and self._script[position]
            self._by_key[is_clients, key] = outcome
            self.made.append(Choice(is_clients, reason, outcome))
        return outcome


def explore(simulate: Callable[[Choices], Verdict], *, crafted: bool = False) -> Verdict:
    """The verdict over every outcome of the conditions that `simulate` asks about.

    What the client decides is a choice of the attacker: one outcome that runs PHP is enough. What else is not known must come to the same
    in both outcomes, or the verdict is None. More than 64 combinations are not tried: None.
    """
    return _Exploration(simulate, crafted=crafted).verdict(())


class _Exploration:
    def __init__(self, simulate: Callable[[Choices], Verdict], *, crafted: bool) -> None:
        self._simulate = simulate
        self._crafted = crafted
        self._runs = 0

    def verdict(self, script: tuple[bool, ...]) -> Verdict:
        """Over every way to go on after the outcomes of `script`."""
        if self._runs >= _MOST_RUNS:
            return Verdict(None, f"more than {_MOST_RUNS} combinations of conditions that the configuration leaves open")
        self._runs += 1
        choices = Choices(script, crafted=self._crafted)
        verdict = self._simulate(choices)
        if len(choices.made) <= len(script):
            return verdict
        choice = choices.made[len(script)]
        outcomes = [self.verdict((*script, outcome)) for outcome in (False, True)]
        if choice.is_clients:
            return best(outcomes)
        decided = {outcome.executes for outcome in outcomes}
        if len(decided) == 1:
            return outcomes[0]
        if decided == {False, None}:
            return best(outcomes)
        handler = next((outcome.handler for outcome in outcomes if outcome.handler), None)
        return Verdict(None, choice.reason, handler, next((outcome.place for outcome in outcomes if outcome.place), None))
