"""How nginx reads its configuration, against the real one: words, host names and addresses."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nginx_server import Asked

from hardaudit.target.target import Target
from hardaudit_plugins.web.nginx.values import UndecidedRequestError

pytestmark = pytest.mark.real
pytest_plugins = ["nginx_fixtures"]

PIECES = [
    "a",
    "b.c",
    "\\",
    '"',
    "'",
    "\\\\",
    "\\n",
    "\\t",
    "\\.",
    " ",
    "\n",
    "{",
    "}",
    ";",
    "#",
    "(",
    ")",
    "$uri",
    "${uri}",
    "/",
    "\\;",
    "\\ ",
    '\\"',
    "ä",
]
WORDS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)
QUOTED = st.builds(lambda quote, text: quote + text + quote, st.sampled_from(["'", '"']), WORDS)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(WORDS, QUOTED))
@example("a\\.php$")
@example('"\\\\.php"')
@example("a${uri}b")
@example("'a''b'")
@example("a{2}")
@example("}")
@example(" ")
@example("a; } location = /other { return 200 b")
def test_words_are_read_as_nginx_reads_them(real_nginx, word):
    real_nginx.forget()
    real_nginx.site(0, f"server {{ listen 80; server_name s0.test; location = /w {{ return 200 {word}; }} }}\n")
    answers = real_nginx.answers([Asked("s0.test", "/w", "")])
    with Target.directory(str(real_nginx.root)) as target:
        sites, evidence = real_nginx.sites(target)
        if isinstance(answers, str):
            not_syntax = ("variable", "invalid number of arguments", "unknown directive")
            assert not evidence.is_complete or any(reason in answers for reason in not_syntax), answers
            return
        assert evidence.is_complete
        (location,) = [scope for scope in sites[0].block.server.locations if scope.match.text == "/w"]
        (directive,) = location.own["return"]
    text = (*directive.args, "")[1].replace("${uri}", "/w").replace("$uri", "/w")  # a word of nothing but space is none
    assert text.encode().decode("latin-1")[:500] == answers[0][1]


NAMES = [
    "shop.test",
    "*.shop.test",
    ".shop.test",
    "www.shop.*",
    "www.*",
    '""',
    "_",
    r"~^(www|img)\d?\.shop\.test$",
    "~SHOP",
    r"~^\w+\.test$",
    "other.test",
    "a.shop.test",
]
HOSTS = ["shop.test", "www.shop.test", "a.b.shop.test", "www.shop.example", "www.other", "img2.shop.test", "other.test", "Shop.TEST", "shop.test.", "nobody", "_", "a.shop.test", "x.test"]  # fmt: skip
LISTENS = ["80", "80", "81", "127.0.0.1:80", "*:81", "127.0.0.1:81", "[::]:80", "localhost:80"]


@st.composite
def servers(draw: st.DrawFn) -> list[str]:
    found = []
    for number in range(draw(st.integers(1, 5))):
        listens = draw(
            st.lists(st.sampled_from(LISTENS), max_size=2, unique_by=lambda text: text.removeprefix("*:").replace("localhost", "127.0.0.1"))
        )
        names = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
        default = " default_server" if draw(st.integers(0, 5)) == 0 else ""
        lines = [f"listen {listen}{default};" for listen in listens] + ([f"server_name {' '.join(names)};"] if names else [])
        found.append("server {\n" + "\n".join(lines) + f"\nreturn 200 number{number};\n}}\n")
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(servers())
def test_a_request_reaches_the_server_that_nginx_chooses(real_nginx, blocks):
    real_nginx.forget()
    sites = real_nginx.root / "etc/nginx/sites-enabled"
    for number, block in enumerate(blocks):
        (sites / f"{number}.conf").write_text(block)
    (sites / "always.conf").write_text("server { listen 127.0.0.1:80; server_name always.test; return 200 always; }\n")
    asked = [Asked(host, "/", "", port=port) for port in (80, 81) for host in HOSTS]
    answers = real_nginx.answers(asked)
    if isinstance(answers, str):
        return
    with Target.directory(str(real_nginx.root)) as target:
        found, _ = real_nginx.sites(target)
        addresses = found[0].block.http.addresses
        for ask, (status, body, _, _) in zip(asked, answers, strict=True):
            address = addresses.get(("127.0.0.1", ask.port)) or addresses.get(("*", ask.port))
            if status == 0:
                assert address is None
                continue
            try:
                chosen = address.server_for(ask.host)
            except UndecidedRequestError:
                continue
            assert chosen.own["return"][0].args[1] == body, (ask, body)
