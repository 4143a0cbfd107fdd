"""mod_rewrite: what is open stays open, and what is hostile ends."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from hardaudit.target.target import Target
from hardaudit_plugins.web.apache.directive import Directive
from hardaudit_plugins.web.apache.patterns import UndecidedError
from hardaudit_plugins.web.apache.rewrite import (
    RequestState,
    RewriteConfig,
    RewriteOutcome,
    RewriteSyntaxError,
    rewrite_directory,
    rewrite_server,
    rules_from,
)
from hardaudit_plugins.web.choices import Choices, explore
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.verdict import Place, Verdict

SHOP = "/var/www/shop"
UPLOAD = f"{SHOP}/images/x.php"
STATE = RequestState("/images/x.php", SHOP, "shop.test", filename=UPLOAD)


def config(text: str) -> RewriteConfig:
    lines = [line.split(None, 1) for line in f"RewriteEngine on\n{text}".splitlines()]
    return rules_from([Directive(name.lower(), rest, Place(".htaccess", number)) for number, (name, rest) in enumerate(lines, 1)])


@pytest.fixture
def files(root):
    root.write("/var/www/shop/index.php")
    root.write("/etc/map.txt", "# comment\nx.php  /known/x.php\n")
    with Target.directory(root.path) as target:
        yield Files(target, {UPLOAD: "<?php"})


@pytest.fixture
def blocked(files):
    """The verdict over every outcome: does the upload run, where a rule that takes the request keeps it from that."""

    def ask(text: str, *, crafted: bool = False, state: RequestState = STATE) -> bool | None:
        rules = config(text)

        def simulate(choices: Choices) -> Verdict:
            try:
                outcome = rewrite_directory(rules, SHOP, state, files, choices)
            except UndecidedError as error:
                return Verdict(None, error.reason)
            return Verdict(outcome.kind == "unchanged", outcome.kind)

        return explore(simulate, crafted=crafted).executes

    return ask


def applied(files: Files, text: str, state: RequestState = STATE) -> RewriteOutcome:
    return rewrite_directory(config(text), SHOP, state, files, Choices((), crafted=False))


def test_a_rule_about_the_upload_is_decided(blocked):
    assert blocked(r"RewriteRule ^images/.*\.php$ - [F]") is False
    assert blocked(r"RewriteRule ^pics/.*\.php$ - [F]") is True


def test_the_uploaded_file_exists_for_file_tests(blocked):
    assert blocked("RewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]") is True
    assert blocked("RewriteCond %{REQUEST_FILENAME} -f\nRewriteCond %{REQUEST_FILENAME} -s\nRewriteRule ^ - [F]") is False


@pytest.mark.parametrize(
    "condition",
    [
        "%{HTTP_USER_AGENT} curl",
        "%{HTTP:X-Key} !=secret",
        "%{REMOTE_ADDR} !^10\\.",
        "%{REQUEST_METHOD} =GET",
        "%{THE_REQUEST} \\.php",
        "%{QUERY_STRING} ^$",
    ],
)
def test_a_client_who_crafts_a_request_gets_around_what_it_sends(blocked, condition: str):
    assert blocked(f"RewriteCond {condition}\nRewriteRule \\.php$ - [F]", crafted=True) is True


@pytest.mark.parametrize(
    ("condition", "runs"),
    [("%{HTTP_USER_AGENT} curl", True), ("%{HTTP:X-Key} !=secret", False), ("%{REMOTE_ADDR} ^127", False), ("%{HTTP_HOST} ^shop", False)],
)
def test_a_plain_request_has_no_header_but_host(blocked, condition: str, runs: bool):
    assert blocked(f"RewriteCond {condition}\nRewriteRule \\.php$ - [F]") is runs


@pytest.mark.parametrize(
    "condition",
    [
        "%{TIME_HOUR} >12",
        "%{SERVER_ADDR} ^10",
        "%{LA-U:REQUEST_FILENAME} php",
        "/x.php -U",
        'expr "%{TIME_YEAR} -gt 2030"',
        "${random:x} y",
    ],
)
def test_what_nobody_knows_is_undecided(files, condition: str):
    rules = rules_from(
        [
            Directive("rewriteengine", "on", Place("c", 1)),
            Directive("rewritemap", "random rnd:/etc/map.txt", Place("c", 2)),
            Directive("rewritecond", condition, Place("c", 3)),
            Directive("rewriterule", r"\.php$ - [F]", Place("c", 4)),
        ]
    )

    def simulate(choices: Choices) -> Verdict:
        return Verdict(rewrite_server(rules, replace(STATE, filename=""), files, choices).kind == "unchanged", "")

    assert explore(simulate).executes is None


def test_the_same_condition_has_the_same_outcome_in_a_run(blocked):
    assert blocked("RewriteCond %{TIME_HOUR} >12\nRewriteRule ^ - [F]\nRewriteCond %{TIME_HOUR} !>12\nRewriteRule ^ - [F]") is False


def test_a_target_that_a_crafting_client_chooses_is_undecided(blocked):
    rules = "RewriteCond %{QUERY_STRING} to=(.*)\nRewriteRule ^ /%1 [L]"
    assert blocked(rules, crafted=True) is not False


@pytest.mark.parametrize("where", ["rule", "condition", "expression"])
def test_a_pattern_that_backtracks_for_ever_is_undecided_in_bounded_time(blocked, where: str):
    state = replace(STATE, uri="/" + "a" * 60, filename=SHOP + "/" + "a" * 60)
    rules = {
        "rule": "RewriteRule ^(a|aa)+$b - [F]",
        "condition": "RewriteCond %{REQUEST_URI} ^/(a|aa)+b$\nRewriteRule ^ - [F]",
        "expression": 'RewriteCond expr "%{REQUEST_URI} =~ m#^/(a|aa)+b$#"\nRewriteRule ^ - [F]',
    }
    start = time.monotonic()
    assert blocked(rules[where], state=state) is None
    assert time.monotonic() - start < 60


def test_rules_that_go_round_for_ever_end(files):
    assert applied(files, "RewriteRule ^(.*)$ $1x [N]").status == 500


def test_a_loop_of_rounds_that_changes_nothing_is_undecided(files):
    with pytest.raises(UndecidedError, match="more than"):
        applied(files, "RewriteRule ^ - [N=100000000]")


def test_maps_nested_too_deep_are_undecided(files):
    with pytest.raises(UndecidedError, match="levels"):
        applied(files, "RewriteRule ^ " + "${a:" * 100 + "x" + "}" * 100)


def test_a_text_map_is_read_and_functions_are_known(files):
    lines = [
        "RewriteEngine on",
        "RewriteMap m txt:/etc/map.txt",
        "RewriteMap low int:tolower",
        r"RewriteRule ^/images/(.*) ${m:${low:$1}|/none}",
    ]
    rules = rules_from([Directive(*_split(line), Place("c", number)) for number, line in enumerate(lines, 1)])
    outcome = rewrite_server(rules, replace(STATE, uri="/images/X.php", filename=""), files, Choices((), crafted=False))
    assert (outcome.kind, outcome.target) == ("filename", f"{SHOP}/known/x.php")


def _split(line: str) -> tuple[str, str]:
    name, rest = line.split(None, 1)
    return name.lower(), rest


@pytest.mark.parametrize(
    "line",
    [
        "RewriteRule x",
        "RewriteRule x y [Z]",
        "RewriteRule x y z",
        "RewriteRule x y [R=700]",
        "RewriteCond a b [X]",
        "RewriteOptions Foo",
        "RewriteBase x",
    ],
)
def test_a_line_that_the_server_refuses_is_an_error_with_its_place(line: str):
    with pytest.raises(RewriteSyntaxError, match=r"\.htaccess:2"):
        config(line)


def test_older_versions_may_lack_the_fixes_and_are_undecided(files):
    rules = config("RewriteRule ^(.*)$ $1?x\nRewriteRule ^ - [E=A:1]")
    odd = replace(STATE, uri="/images/x.php?y", filename=f"{SHOP}/images/x.php?y")
    assert rewrite_directory(rules, SHOP, odd, files, Choices((), crafted=False)).kind == "forbidden"
    old = replace(odd, version=(2, 4, 52))
    verdict = explore(lambda choices: Verdict(rewrite_directory(rules, SHOP, old, files, choices).kind == "forbidden", ""))
    assert verdict.executes is None
    assert "2.4.60" in verdict.reason


def test_the_flag_end_keeps_later_requests_from_the_rules(files):
    outcome = applied(files, "RewriteRule ^images/(.*) pics/$1 [END]")
    assert (outcome.kind, outcome.target, outcome.end) == ("uri", "/pics/x.php", True)
    redirected = STATE.redirected(outcome.target, outcome.query, outcome.query_unknown, outcome.environment, ended=outcome.end)
    assert applied(files, "RewriteRule ^ - [F]", redirected).kind == "unchanged"


def test_a_handler_and_a_type_of_a_rule_are_told(files):
    outcome = applied(files, r"RewriteRule \.php$ - [H=Application/X-httpd-php,T=text/plain]")
    assert (outcome.kind, outcome.handler, outcome.content_type) == ("unchanged", "application/x-httpd-php", "text/plain")


def test_a_handler_on_a_redirect_inside_is_undecided(files):
    with pytest.raises(UndecidedError, match="takes the place"):
        applied(files, r"RewriteRule ^images/(.*) pics/$1 [H=application/x-httpd-php]")
