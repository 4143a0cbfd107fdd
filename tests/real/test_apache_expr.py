"""Apache's expressions against a real Apache: each in a .htaccess file of its own, where a wrong one answers 500."""

from __future__ import annotations

import http.client
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from private_apache import PrivateApache, WatchedChoices

from hardaudit.target.target import Target
from hardaudit_plugins.web.apache.expr import ExprError, ExprSyntaxError, UndecidedError, evaluate, evaluate_string
from hardaudit_plugins.web.apache.request_state import RequestEnvironment, RequestState
from hardaudit_plugins.web.files import Files

pytestmark = pytest.mark.real

FIXTURES = Path(__file__).parent.parent / "fixtures" / "apache_expr"
MODULES = ("mpm_prefork", "authz_core", "headers", "setenvif")
WRONG = "syntax error"


@pytest.fixture
def apache(require_root: None, require_tool) -> str:
    return require_tool("apache2")


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def differences(apache: str, conditions: list[str], strings: list[str]) -> tuple[list[str], int]:
    """Where server and evaluation differ, and how many were compared."""
    root = Path(tempfile.mkdtemp(prefix="apache-"))
    try:
        return _differences(apache, root, conditions, strings)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _differences(apache: str, root: Path, conditions: list[str], strings: list[str]) -> tuple[list[str], int]:
    documents = root / "documents"
    texts = [f"<If {quoted(text)}>\nHeader always set X-If true\n</If>\n" for text in conditions]
    texts += [f"Header always set X-If {quoted('expr=' + text)}\n" for text in strings]
    for number, text in enumerate(texts):
        directory = documents / f"e{number}"
        directory.mkdir(parents=True)
        (directory / "f.txt").write_text("hello")
        (directory / ".htaccess").write_text(text)
    found: list[str] = []
    compared = 0
    configuration = f"DocumentRoot {documents}\n<Directory {documents}>\nAllowOverride All\n</Directory>\n"
    with PrivateApache(apache, root, configuration, MODULES) as server, Target.live_host() as target:
        for number, text in enumerate((*conditions, *strings)):
            is_condition = number < len(conditions)
            ours = _evaluated(text, documents / f"e{number}", Files(target, {}), is_condition=is_condition)
            if ours is None:
                continue
            compared += 1
            real = _real(server, f"/e{number}/f.txt", is_condition=is_condition)
            if real != ours:
                found.append(f"{text!r}: {ours!r}, but the server {real!r}")
    return found, compared


def _real(server: PrivateApache, path: str, *, is_condition: bool) -> bool | str:
    try:
        response = server.get(path)
    except http.client.RemoteDisconnected:  # its scanner aborts on some wrong expressions
        return WRONG
    if response.status == 500:
        return WRONG
    value = response.headers.get("x-if", "").strip()
    return value == "true" if is_condition else value


def _evaluated(text: str, directory: Path, files: Files, *, is_condition: bool) -> bool | str | None:
    path = f"/{directory.name}/f.txt"
    environment = RequestEnvironment(RequestState(path, str(directory.parent), "main.test", filename=f"{directory}/f.txt"), files)
    choices = WatchedChoices()
    try:
        value = evaluate(text, environment, choices) if is_condition else evaluate_string(text, environment, choices)
    except ExprSyntaxError:
        return WRONG
    except ExprError:
        return False
    except UndecidedError:
        return None
    return None if choices.asked else value.strip() if isinstance(value, str) else value


def test_hand_written_expressions_are_what_the_server_makes_of_them(apache: str):
    conditions, strings = ((FIXTURES / f"{name}.txt").read_text().rstrip("\n").split("\n") for name in ("conditions", "strings"))
    found, compared = differences(apache, conditions, strings)
    assert not found, "\n".join(found)
    assert compared > 250


WORDS = st.recursive(
    st.sampled_from(
        [
            "%{HTTP_HOST}",
            "%{REQUEST_URI}",
            "%{REQUEST_METHOD}",
            "%{QUERY_STRING}",
            "%{REMOTE_ADDR}",
            "%{HTTPS}",
            "'a'",
            "'GET'",
            '"main.test"',
            "''",
        ]
    )
    | st.sampled_from(
        ["5", "-3", "'10x'", "$0", "$1", '"x$1y"', "'%{REQUEST_METHOD}z'", "%{tolower:AbC}", "%{req:Host}", "'\\''", '"\\x41"', "007"]
    ),
    lambda inner: (
        st.builds("{} . {}".format, inner, inner)
        | st.builds("{}({})".format, st.sampled_from(["tolower", "toupper", "escape", "unescape", "md5", "base64", "req"]), inner)
    ),
    max_leaves=4,
)
PATTERNS = st.sampled_from(["/a/", "/(G)(E)/", "m#^/(e\\d*)#", "/MAIN/i", "m|(x)?|", "/./", "/^$/", "m!(.)\\.!"])
COMPARED = st.sampled_from(
    ["==", "!=", "<", "<=", ">", ">=", "=", "-eq", "-ne", "-lt", "-gt", "-le", "-ge", "eq", "lt", "-strmatch", "-fnmatch", "-strcmatch"]
)
CONDITIONS = st.recursive(
    st.sampled_from(["true", "false", "-R '127.0.0.0/8'", "-f %{REQUEST_FILENAME}", "%{REMOTE_ADDR} -ipmatch '127.0.0.1/31'"])
    | st.builds("{} {} {}".format, WORDS, COMPARED, WORDS)
    | st.builds("{} {} {}".format, WORDS, st.sampled_from(["=~", "!~"]), PATTERNS)
    | st.builds("{} {}".format, st.sampled_from(["-n", "-z", "-T", "-d", "-e"]), WORDS)
    | st.builds("{} {} {{ {} }}".format, WORDS, st.sampled_from(["in", "-in"]), st.lists(WORDS, min_size=1, max_size=3).map(", ".join)),
    lambda inner: (
        st.builds("{} {} {}".format, inner, st.sampled_from(["&&", "||", "and", "or"]), inner)
        | st.builds("{} {}".format, st.sampled_from(["!", "not"]), inner)
        | st.builds("({})".format, inner)
    ),
    max_leaves=6,
)
PIECES = st.sampled_from(
    ["%{HTTP_HOST}", "%{toupper:a%{REQUEST_METHOD}}", "x", " ", "$1", "\\x41", "%", "$", "'", '\\"', "}", "%{req:Host}", "\\101", "%{HTTP"]
)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(
    st.lists(CONDITIONS, min_size=150, max_size=150),
    st.lists(st.lists(PIECES, min_size=1, max_size=5).map("".join).filter(str.strip), min_size=30, max_size=30),
)
def test_generated_expressions_are_what_the_server_makes_of_them(apache: str, conditions: list[str], strings: list[str]):
    found, compared = differences(apache, conditions, strings)
    assert not found, "\n".join(found[:30])
    assert compared > 100
