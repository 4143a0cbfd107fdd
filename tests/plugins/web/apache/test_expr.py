"""Expressions: what is open stays open, errors are told, and what is hostile ends."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from hardaudit.target.target import Target
from hardaudit_plugins.web.apache.expr import (
    ExprError,
    ExprSyntaxError,
    UndecidedError,
    evaluate,
    evaluate_string,
    evaluate_with_references,
)
from hardaudit_plugins.web.apache.request_state import RequestEnvironment, RequestState
from hardaudit_plugins.web.choices import Choices, explore
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.verdict import Verdict

STATE = RequestState("/images/x.php", "/var/www/shop", "shop.test", filename="/var/www/shop/images/x.php")


@pytest.fixture
def files(root):
    root.write("/etc/key", "secret\n")
    root.symlink("/etc/link", "key")
    root.write("/etc/program", "x", mode=0o755)
    with Target.directory(root.path) as target:
        yield Files(target, {STATE.filename: "<?php"})


@pytest.fixture
def environment(files) -> RequestEnvironment:
    return RequestEnvironment(STATE, files)


@pytest.fixture
def outcomes(environment):
    """What a condition comes to over every outcome of what is open: true, false, or None."""

    def ask(text: str, *, crafted: bool = False) -> bool | None:
        return explore(lambda choices: Verdict(evaluate(text, environment, choices), ""), crafted=crafted).executes

    return ask


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-f %{REQUEST_FILENAME} && -s %{REQUEST_FILENAME}", True),
        ("-d '/var/www/shop/images'", True),
        ("-x %{REQUEST_FILENAME}", False),
        ("-x '/etc/program'", True),
        ("-L '/etc/link' && -f '/etc/link' && ! -h '/etc/key'", True),
        ("-e '/etc/missing'", False),
        ("file('/etc/key') =~ /^secret/", True),
        ("filesize('/etc/key') -eq 7", True),
        ("-F '/etc/missing'", False),
    ],
)
def test_files_are_those_of_the_target_with_the_upload_on_them(outcomes, text: str, expected: bool):
    assert outcomes(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "%{HTTP_USER_AGENT} =~ /bot/",
        "-R '10.0.0.0/8'",
        "%{QUERY_STRING} == 'x'",
        "%{req:X-Key} == 'a'",
        "-n %{HTTP_COOKIE}",
        "%{REMOTE_USER} in {'a'}",
    ],
)
def test_what_the_client_sends_is_false_for_a_plain_request_and_true_for_a_crafted_one(outcomes, text: str):
    assert outcomes(text) is False
    assert outcomes(text, crafted=True) is True


@pytest.mark.parametrize(
    "text", ["%{TIME_HOUR} -gt 12", "osenv('PATH') == ''", "%{SERVER_SOFTWARE} =~ /Debian/", "-U '/x'", "-F '/etc/key'"]
)
def test_what_nobody_knows_is_undecided(outcomes, text: str):
    assert outcomes(text) is None


def test_both_outcomes_may_agree(outcomes):
    assert outcomes("%{TIME_HOUR} -gt 12 || %{TIME_HOUR} !~ /x/ || true") is True
    assert outcomes("%{TIME_HOUR} == '1' && %{TIME_HOUR} != '1'") is False


@pytest.mark.parametrize(
    "text", ["unknown('a') == ''", "%{UNKNOWN} == ''", "'a' -unknown 'b'", "-q 'a'", "'a' in unknown('b')", "'localhost' -ipmatch '10/8'"]
)
def test_what_another_module_may_define_is_undecided(environment, text: str):
    with pytest.raises((UndecidedError, ExprSyntaxError)):
        evaluate(text, environment, Choices((), crafted=False))


@pytest.mark.parametrize(
    "text", ["", "'a'", "'a' ==", "true true", "'a", "%{HTTP_HOST", "(true", "%{HTTP_HOST} =~ 'x'", "-R %{HTTP_HOST}", "!", "'a' in {}"]
)
def test_a_wrong_expression_is_a_syntax_error(environment, text: str):
    with pytest.raises(ExprSyntaxError):
        evaluate(text, environment, Choices((), crafted=False))


def test_too_many_levels_and_missing_files_fail_the_evaluation(environment):
    for text in ("tolower(" * 25 + "'a'" + ")" * 25 + " == 'a'", "file('/missing') == ''"):
        with pytest.raises(ExprError):
            evaluate(text, environment, Choices((), crafted=False))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "true" + ")" * 5000,
        "! " * 5000 + "true",
        "tolower(" * 3000 + "'a'",
        "'%{tolower:" + "%{tolower:" * 1500,
        "'a'" + ".'a'" * 4000,
    ],
)
def test_a_hostile_expression_is_undecided_at_most(environment, text: str):
    with pytest.raises((UndecidedError, ExprSyntaxError)):
        evaluate(text, environment, Choices((), crafted=False))


def test_a_pattern_that_backtracks_for_ever_is_undecided_in_bounded_time(files):
    environment = RequestEnvironment(replace(STATE, uri="/" + "a" * 60), files)
    start = time.monotonic()
    with pytest.raises(UndecidedError):
        evaluate("%{REQUEST_URI} =~ m#^/(a|aa)+b$#", environment, Choices((), crafted=False))
    assert time.monotonic() - start < 60


def test_a_string_is_put_together(environment):
    assert evaluate_string("proxy:unix:/run/%{HTTP_HOST}.sock|fcgi://x%{REQUEST_URI}", environment, Choices((), crafted=False)) == (
        "proxy:unix:/run/shop.test.sock|fcgi://x/images/x.php"
    )


def test_a_string_that_is_not_known_or_that_the_client_chooses_is_undecided(environment):
    with pytest.raises(UndecidedError, match="TIME"):
        evaluate_string("x%{TIME}", environment, Choices((), crafted=False))
    assert evaluate_string("x%{QUERY_STRING}", environment, Choices((), crafted=False)) == "x"
    with pytest.raises(UndecidedError, match="QUERY_STRING"):
        evaluate_string("x%{QUERY_STRING}", environment, Choices((), crafted=True))


def test_groups_of_a_match_are_told(environment):
    holds, references = evaluate_with_references("%{REQUEST_URI} =~ m#^/(.*)/#", environment, Choices((), crafted=False))
    assert holds
    assert references
    assert references[1].value == "images"
