from __future__ import annotations

import pytest

from hardaudit_plugins.web.choices import explore
from hardaudit_plugins.web.verdict import Place, Verdict, best

YES, NO, UNKNOWN = Verdict(True, "runs"), Verdict(False, "stays"), Verdict(None, "not known")


def by_host(outcomes):
    """A configuration whose verdict depends on one condition that nobody knows."""
    return lambda choices: outcomes[choices.undecidable("moon", "it depends on the moon")]


def by_client(outcomes):
    return lambda choices: outcomes[choices.client("agent", False, "the client's User-Agent")]


@pytest.mark.parametrize(
    ("outcomes", "executes"),
    [
        ({False: YES, True: YES}, True),
        ({False: NO, True: NO}, False),
        ({False: NO, True: YES}, None),
        ({False: YES, True: NO}, None),
        ({False: NO, True: UNKNOWN}, None),
        ({False: YES, True: UNKNOWN}, None),
        ({False: UNKNOWN, True: UNKNOWN}, None),
    ],
)
def test_what_nobody_knows_must_come_to_the_same_in_both_outcomes(outcomes, executes):
    assert explore(by_host(outcomes)).executes is executes


def test_an_undecided_verdict_says_on_what_it_depends():
    assert explore(by_host({False: NO, True: YES})).reason == "it depends on the moon"


@pytest.mark.parametrize(
    ("outcomes", "plain", "crafted"),
    [
        ({False: NO, True: YES}, False, True),
        ({False: YES, True: NO}, True, True),
        ({False: NO, True: NO}, False, False),
        ({False: NO, True: UNKNOWN}, False, None),
    ],
)
def test_an_attacker_chooses_what_the_client_decides_and_a_plain_request_does_not(outcomes, plain, crafted):
    assert explore(by_client(outcomes)).executes is plain
    assert explore(by_client(outcomes), crafted=True).executes is crafted


def test_a_condition_has_one_outcome_for_the_length_of_a_run():
    def simulate(choices):
        first, second = (choices.undecidable("moon", "the moon") for _ in range(2))
        return NO if first == second else YES

    assert explore(simulate).executes is False


def test_conditions_that_follow_from_others_are_tried_in_every_combination():
    def simulate(choices):
        if choices.undecidable("a", "a"):
            return YES if choices.undecidable("b", "b") else NO
        return NO

    assert explore(simulate).reason == "b"


def test_an_attacker_cannot_choose_what_the_host_decides():
    def simulate(choices):
        mine = choices.client("agent", False, "User-Agent")
        theirs = choices.undecidable("moon", "the moon")
        return YES if mine and theirs else NO

    assert explore(simulate, crafted=True).executes is None


def test_too_many_open_conditions_are_undecided_in_bounded_time():
    asked = []

    def simulate(choices):
        asked.append(sum(choices.undecidable(str(number), "open") for number in range(40)))
        return NO

    verdict = explore(simulate)
    assert verdict.executes is None
    assert "combinations" in verdict.reason
    assert len(asked) == 64


def test_of_several_requests_one_that_runs_counts_then_one_that_is_undecided():
    assert best([NO, UNKNOWN, YES]) is YES
    assert best([NO, UNKNOWN]) is UNKNOWN
    assert best([NO]) is NO
    assert best([]).executes is False


def test_a_place_is_shown_as_file_and_line():
    assert str(Place("/etc/apache2/apache2.conf", 12)) == "/etc/apache2/apache2.conf:12"
