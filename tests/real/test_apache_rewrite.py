"""mod_rewrite's evaluation against a real Apache: what becomes of requests under many rule sets, hand-written and generated."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rewrite_requests import Batch, Case, batch_of, differences

pytestmark = pytest.mark.real

FIXTURES = Path(__file__).parent.parent / "fixtures" / "apache_rewrite"
ODD_REQUESTS = (
    "/images/a.txt",
    "/images/sub/b.txt/more",
    "/images/x%3fy",
    "/images/x%2541",
    "/images/x%20y?a=b%20c",
    "/images/a%20.b?x=y?z",
    "/al/a.txt",
)


@pytest.fixture
def apache(require_root: None, require_tool) -> str:
    """The program; root, as Apache is started as it is on hosts."""
    return require_tool("apache2")


def compare(apache: str, batch: Batch, least: int) -> None:
    """Fail with every difference; at least `least` requests must have been comparable."""
    root = Path(tempfile.mkdtemp(prefix="apache-"))
    try:
        found, compared = differences(apache, root, batch)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    assert not found, "\n".join(found[:20])
    assert compared >= least


@pytest.mark.parametrize("requests", [Batch(()).requests, ODD_REQUESTS])
def test_requests_under_hand_written_rules_become_what_the_server_makes_of_them(apache: str, requests: tuple[str, ...]):
    hosts, htaccess = ((FIXTURES / f"{name}.txt").read_text().strip("\n").split("\n\n") for name in ("hosts", "htaccess"))
    batch = batch_of(hosts, htaccess)
    compare(apache, Batch(batch.cases, requests=requests), least=1500)


def test_a_url_of_the_site_itself_is_a_path(apache: str):
    targets = ("http://v%d.test:@PORT@/pics$1", "http://v%d.test:@PORT@/etc/hostname", "http://v%d.test:81/pics", "http://v%d.test/pics")
    targets += ("HTTP://V%d.test:@PORT@/pics$1", "https://v%d.test:@PORT@/", "http://x%d.test:@PORT@/")
    rules = [f"RewriteEngine on\nRewriteRule ^/images(.*) {target % number}" for number, target in enumerate(targets)]
    compare(apache, Batch(tuple(Case(host=rule) for rule in rules), has_ports=True), least=40)


ENGINE = st.sampled_from(["RewriteEngine on", "RewriteEngine on", "RewriteEngine on", "RewriteEngine off", ""])
OPTIONS = st.sampled_from(
    [
        "",
        "",
        "",
        "Inherit",
        "InheritBefore",
        "InheritDown",
        "InheritDownBefore",
        "InheritDown IgnoreInherit",
        "IgnoreInherit",
        "MergeBase",
        "AllowNoSlash",
        "IgnoreContextInfo",
        "Inherit MergeBase",
    ]
)
PATTERN = st.sampled_from(
    [
        "^/?images/(.*)$",
        "^images/(.*)",
        "^/images/(.*)",
        "^(.*)$",
        "(.*)",
        "^",
        ".",
        r"^(.*)\.txt$",
        "!^/?images",
        "sub",
        "^$",
        "A",
        "^/?pics/(.+)",
        "(a)(.*)",
        "^(x)?(.*)",
        "!x",
    ]
)
SUBSTITUTION = st.sampled_from(
    [
        "-",
        "-",
        "/pics/$1",
        "pics/$1",
        "$1",
        "/$1",
        "index.txt",
        "/index.txt",
        "%1",
        "/x/%1/$1",
        "%{REQUEST_URI}x",
        "/pics/$1?z=$1",
        "/al/$1",
        "%{DOCUMENT_ROOT}/pics/$1",
        "http://other.test/$1",
        "/etc/hostname",
        "$0.txt",
        "../$1",
        "/pics/./../d/$1",
        "$2$1",
        "%{ENV:A}/$1",
        "?",
        "/?a",
        "${low:A$1}",
        "${low:%{REQUEST_URI}|x}",
        "${none:$1|y$1}",
        "/images/a.txt",
        "images/a.txt",
        "%{CONTEXT_PREFIX}/$1",
        "/e$1",
        r"\$1%%{x",
    ]
)
FLAG = st.sampled_from(
    [
        "L",
        "L",
        "R",
        "R=301",
        "R=404",
        "F",
        "G",
        "NC",
        "QSA",
        "QSD",
        "QSL",
        "PT",
        "S=1",
        "S=2",
        "C",
        "N=3",
        "END",
        "NE",
        "E=A:$1",
        "E=A:%1",
        "E=!A",
        "B",
        "B=/.",
        "BNP",
        "BCTLS",
        "DPI",
        "NS",
        "E=A:%{REQUEST_FILENAME}",
        "UnsafePrefixStat",
        "UnsafeAllow3F",
        "P",
    ]
)
TEST = st.sampled_from(
    [
        "%{REQUEST_URI}",
        "%{REQUEST_FILENAME}",
        "%{DOCUMENT_ROOT}%{REQUEST_URI}",
        "%{HTTP_HOST}",
        "%{QUERY_STRING}",
        "$1",
        "%1",
        "%{ENV:A}",
        "%{THE_REQUEST}",
        "%{HTTPS}",
        "%{ENV:REDIRECT_STATUS}",
        "%{PATH_INFO}",
        "%{REQUEST_METHOD}",
        "%{SERVER_PORT}",
        "%{HTTP:Foo}",
        "expr",
    ]
)
CONDITION_PATTERN = st.sampled_from(
    [
        "-f",
        "-d",
        "!-f",
        "!-d",
        "-s",
        "-x",
        "-l",
        "^$",
        "!^$",
        "(.*)",
        "(a)(.*)",
        "^/images/(.+)$",
        "=off",
        "!=on",
        "<m",
        ">=/images",
        "-eq80",
        "!-ne80",
        "-gt100",
        "GET",
        "=GET",
        "v(.)",
        "A",
        "txt$",
    ]
)
EXPRESSION = st.sampled_from(['"%{REQUEST_URI} =~ m#/(i.*)$#"', '"-f %{REQUEST_FILENAME}"', "\"!(%{QUERY_STRING} == '')\"", "!true"])
CONDITION_FLAGS = st.sampled_from(["", "", "", "[NC]", "[OR]", "[NC,OR]", "[NV]"])


@st.composite
def conditions(draw: st.DrawFn) -> str:
    test, pattern, flags = draw(TEST), draw(CONDITION_PATTERN), draw(CONDITION_FLAGS)
    return f"RewriteCond {test} {draw(EXPRESSION) if test == 'expr' else pattern} {flags}"


@st.composite
def rule_sets(draw: st.DrawFn, *, in_directory: bool) -> str:
    lines = [draw(ENGINE)]
    if options := draw(OPTIONS):
        lines.append(f"RewriteOptions {options}")
    if in_directory and draw(st.integers(0, 3)) == 0:
        lines.append(f"RewriteBase {draw(st.sampled_from(['/', '/images', '/base/', '/al']))}")
    elif not in_directory:
        lines.append("RewriteMap low int:tolower")
    for _ in range(draw(st.integers(1, 4))):
        lines += [draw(conditions()) for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 3])))]
        flags = draw(st.lists(FLAG, max_size=3))
        lines.append(f"RewriteRule {draw(PATTERN)} {draw(SUBSTITUTION)} {'[' + ','.join(flags) + ']' if flags else ''}")
    return "\n".join(line for line in lines if line)


IN_HOST, IN_DIRECTORY = rule_sets(in_directory=False), rule_sets(in_directory=True)
CASES = st.one_of(
    st.builds(Case, host=IN_HOST),
    st.builds(Case, htaccess=IN_DIRECTORY),
    st.builds(Case, htaccess=IN_DIRECTORY),
    st.builds(Case, host=IN_HOST, section=IN_DIRECTORY, htaccess=IN_DIRECTORY, below=IN_DIRECTORY),
    st.builds(Case, section=IN_DIRECTORY, below=IN_DIRECTORY),
)
BATCHES = st.builds(Batch, st.lists(CASES, min_size=60, max_size=60).map(tuple), st.one_of(st.just(""), IN_HOST))


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(batch=BATCHES)
def test_requests_under_generated_rules_become_what_the_server_makes_of_them(apache: str, batch: Batch):
    compare(apache, batch, least=200)
