"""The fleet's reports: JSON keeps to its schema, HTML stands alone, the table says what to do first."""

from __future__ import annotations

import copy
import gzip
import json
from html.parser import HTMLParser
from importlib import resources

import jsonschema
import pytest
from fleet_logs import HOUR, NOW, ROOT, TLS, UPLOADS, day, make_policy, read, snapshot

from hardaudit.fleet.fleet_result import SCHEMA_VERSION
from hardaudit.fleet.formats import FORMATS
from hardaudit.model.policy import Attestation, Waiver
from hardaudit.model.report_format import RenderOptions
from hardaudit.model.result import State
from hardaudit.report.formats import BUILT_IN

SCHEMA = json.loads(resources.files("hardaudit.fleet").joinpath("fleet.schema.json").read_text())
HOST_SCHEMA = json.loads(resources.files("hardaudit.report").joinpath("report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
X = {"subject": "/x"}
PLAIN = RenderOptions()


def everything(place):
    """A fleet with something of all that a report can say."""
    waivers = tuple(Waiver(UPLOADS, subject, None, "accepted", "ops", day("2027-02-01")) for subject in ("/waived", "/never"))
    drill = Attestation("drill", "A drill", day("2020-01-01"), "ops", 10)
    lines = [
        *(snapshot("good", name, NOW - 5) for name in (UPLOADS, TLS, ROOT)),
        snapshot("bad", UPLOADS, NOW - 300, X),
        snapshot("bad", f"{TLS}:applies", NOW, {"applies": "0"}),
        snapshot("bad", ROOT, NOW, {"no": "subject"}),
        snapshot("waived", UPLOADS, NOW - HOUR, {"subject": "/waived"}),
        snapshot("old", UPLOADS, NOW - 50 * HOUR),
        snapshot("stranger", "processes", NOW),
        snapshot("late", UPLOADS, NOW + 1),
        '{"cut',
    ]
    files = {"a.log": "\n".join(lines), "b.log.1.gz": gzip.compress(b"x\n" * 9000)[:-9], "c.log.3": "", "c.log.1": ""}
    policy = make_policy(waivers=waivers, attestations=(drill,))
    return read(place, files=files, policy=policy, expected={"good", "bad", "gone", "old"})


@pytest.fixture
def fleet(tmp_path):
    return everything(tmp_path).score()


@pytest.fixture
def report(fleet):
    return json.loads(FORMATS["json"].render(fleet, PLAIN))


class TestJson:
    def test_keeps_to_the_schema_that_is_shipped(self, report):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        VALIDATOR.validate(report)
        assert SCHEMA["properties"]["schema_version"]["const"] == report["schema_version"] == SCHEMA_VERSION
        assert set(SCHEMA["$defs"]["state"]["enum"]) == {state.value for state in State}

    def test_no_key_is_left_out_and_none_is_unknown(self, report):
        for path, found in objects(report):
            if path and path[-1] in ("disabled", "undecided", "other_policies"):
                continue
            for key in found:
                changed = copy.deepcopy(report)
                at(changed, path).pop(key)
                assert not VALIDATOR.is_valid(changed), (path, key)
            changed = copy.deepcopy(report)
            at(changed, path)["surprise"] = 1
            assert not VALIDATOR.is_valid(changed), path

    def test_says_it_all(self, report):
        assert report["gate"] == "failed"
        assert report["gate_reasons"] == [
            "1 host failed",
            "2 hosts not heard from",
            "2 hosts incomplete",
            "1 file could not be read to the end",
        ]
        assert [(host["identifier"], host["gate"]) for host in report["hosts"]] == [
            ("bad", "failed"),
            ("gone", "incomplete"),
            ("old", "incomplete"),
            ("waived", "incomplete"),
            ("good", "incomplete"),
        ]
        bad = report["hosts"][0]
        assert (bad["failed"], bad["undecided"], bad["expected"]) == ([UPLOADS], {"error": 1, "manual": 1}, True)
        assert (bad["counts"]["not_applicable"], bad["last_heard"]) == (1, "2027-01-15T08:00:00+00:00")
        assert report["not_heard"] == ["gone", "old"]
        assert report["reading"]["ignored_hosts"] == ["late", "stranger"]
        assert (report["reading"]["future"], report["reading"]["unusable"], report["reading"]["problems_count"]) == (1, 9001, 3)
        assert [(notice["subject"], notice["status"]) for notice in report["policy"]["waivers"]] == [
            ("/waived", "expiring"),
            ("/never", "expiring"),
            ("/never", "unused"),
        ]

    def test_of_no_host_is_valid(self, tmp_path):
        VALIDATOR.validate(json.loads(FORMATS["json"].render(read(tmp_path).score(), PLAIN)))

    def test_of_one_host_keeps_to_the_schema_of_a_run(self, tmp_path):
        logs = everything(tmp_path)
        for host in ("good", "bad", "waived", "old"):
            found = json.loads(BUILT_IN["json"].render(logs.host_result(host), PLAIN))
            jsonschema.Draft202012Validator(HOST_SCHEMA).validate(found)
            assert (found["target"]["hostname"], found["source"]) == (host, "osquery")


def objects(value, path=()):
    if isinstance(value, dict):
        yield path, value
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from objects(inner, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


class Page(HTMLParser):
    """A page's elements and text; elements that are never closed, or closed in the wrong order, raise."""

    EMPTY = ("meta", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.attributes, self.words = [], [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


class TestHtml:
    def test_stands_alone_and_needs_no_script(self, fleet):
        text = FORMATS["html"].render(fleet, PLAIN)
        page = Page(text)
        assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.elements)
        assert {value[0] for name, value in page.attributes if name == "href"} == {"#"}
        assert not {"src", "srcset", "action", "onload", "onclick", "style"} & {name for name, _ in page.attributes}
        assert "url(" not in text
        assert "default-src 'none'" in text

    def test_shows_hosts_checks_and_who_was_not_heard_from(self, fleet):
        words = " ".join(" ".join(Page(FORMATS["html"].render(fleet, PLAIN)).words).split())
        assert "Fleet, policy site: failed" in words
        assert "Not heard from: 2 gone, old" in words
        assert "Failed: web/uploads" in words
        assert "The title of web/uploads" in words

    def test_lists_the_worst_of_many_hosts_and_says_how_many_it_leaves_out(self, tmp_path):
        lines = [snapshot(f"host-{number}", UPLOADS, NOW, *([X] if number % 10 == 0 else [])) for number in range(1200)]
        fleet = read(tmp_path, *lines, policy=make_policy(UPLOADS)).score()
        page = Page(FORMATS["html"].render(fleet, PLAIN))
        assert page.elements.count("tr") == 1 + 500 + 1 + 1
        assert any("700 more hosts, none worse than these, are not listed" in word for word in page.words)
        assert Page(FORMATS["html"].render(fleet, RenderOptions(verbose=True))).elements.count("tr") == 1 + 1200 + 1 + 1


class TestTable:
    def test_has_a_line_a_host_and_the_gate_first_and_last(self, fleet):
        lines = FORMATS["table"].render(fleet, PLAIN).splitlines()
        gate = "Gate    FAILED: 1 host failed; 2 hosts not heard from; 2 hosts incomplete; 1 file could not be read to the end"
        assert (lines[5], lines[-1]) == (gate, gate)
        assert [line.split()[:4] for line in lines if line.strip().startswith(("bad", "good"))] == [
            ["bad", "failed", "0.0", "55.6"],
            ["good", "incomplete", "84.0", "84.0"],
        ]

    @pytest.mark.parametrize(("width", "hosts", "checks"), [(200, 9, 9), (80, 7, 9), (60, 5, 6)])
    def test_fits_the_terminal(self, tmp_path, width, hosts, checks):
        logs = read(tmp_path, snapshot("web-00170.example.org", UPLOADS, NOW, {"subject": "/x"}), policy=make_policy(UPLOADS))
        lines = FORMATS["table"].render(logs.score(), RenderOptions(width=width)).splitlines()
        assert max(map(len, lines)) <= width
        found = {
            line.split()[0]: line.replace("last heard", "last_heard").split() for line in lines if line.startswith(("  host", "  check"))
        }
        assert (len(found["host"]), len(found["check"])) == (hosts, checks)
        assert found["host"][:3] == ["host", "gate", "score"]
        assert found["check"][:3] == ["check", "severity", "fail"]

    def test_says_what_was_lost_and_who_is_strange(self, fleet):
        text = " ".join(FORMATS["table"].render(fleet, PLAIN).split())
        assert "a.log: of 11 lines, 1 cut or no JSON; of 1 the host cannot be told" in text
        assert "c.log.1: the file rotated before it is missing" in text
        assert "not on the list of hosts, and without any of the policy's queries: late, stranger" in text
        assert "not on the list of hosts, but scored, for the policy's queries run there: waived" in text
        assert "1 line is dated after the time as of which this is, and not counted" in text

    def test_leaves_out_the_better_of_many_hosts_unless_all_are_wanted(self, tmp_path):
        fleet = read(tmp_path, *[snapshot(f"host-{number}", UPLOADS, NOW) for number in range(100)], policy=make_policy(UPLOADS)).score()
        text = FORMATS["table"].render(fleet, PLAIN)
        assert text.count("host-") == 25
        assert "… and 75 more hosts that are no worse: --verbose or --format json has them all" in text
        assert FORMATS["table"].render(fleet, RenderOptions(verbose=True)).count("host-") == 100

    def test_has_no_colour_unless_it_is_allowed(self, fleet):
        assert "\x1b" not in FORMATS["table"].render(fleet, PLAIN)
        assert "\x1b[31m" in FORMATS["table"].render(fleet, RenderOptions(colour=True))
