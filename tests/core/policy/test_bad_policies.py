"""Each way to get a policy wrong: one line, the exact place, what would be right."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardaudit.documents.problems import PolicyDocumentError
from hardaudit.errors import PolicyError
from hardaudit.policy.load import load_policy

SEE = "; 'hardaudit list checks' shows them; allowed: ssh/ciphers, ssh/max_tries, ssh/root_login, web/docroot, web/services"
ONE = "; a waiver names one check exactly; allowed: ssh/ciphers, ssh/max_tries, ssh/root_login, web/docroot, web/services"

BAD = {
    "unknown check": (
        "name: site\nchecks:\n  ssh/rot_login: {}\n",
        [f"3:3: unknown check 'ssh/rot_login'{SEE}; did you mean 'ssh/root_login'?"],
    ),
    "pattern without match": (
        "name: site\nchecks: {wbe/*: {}}\n",
        ["2:10: no check matches 'wbe/*'; allowed: ssh/*, web/*; did you mean 'web/*'?"],
    ),
    "unknown parameter": (
        "name: site\nchecks:\n  ssh/ciphers: {params: {alow: [x]}}\n",
        ["3:26: unknown parameter 'alow' of ssh/ciphers; allowed: allow, limit; did you mean 'allow'?"],
    ),
    "parameter of a check that has none": (
        "name: site\nchecks:\n  web/docroot:\n    params:\n      allow: []\n",
        ["5:7: unknown parameter 'allow' of web/docroot; web/docroot has none"],
    ),
    "parameter that no matched check has": (
        "name: site\nchecks:\n  ssh/*: {params: {depth: 3}}\n",
        ["3:20: unknown parameter 'depth' of these checks; allowed: allow, limit"],
    ),
    "wrong type": (
        "name: site\nchecks:\n  ssh/max_tries:\n    params: {limit: four}\n",
        ["4:21: checks.ssh/max_tries.params.limit must be a whole number, not 'four'"],
    ),
    "wrong type deep inside": (
        "name: site\nchecks:\n  web/services: {params: {allow: [{port: 443, protocol: tpc}, {prt: 1}]}}\n",
        [
            "3:57: checks.web/services.params.allow[0].protocol cannot be 'tpc'; allowed: tcp, udp; did you mean 'tcp'?",
            "3:63: checks.web/services.params.allow[1] lacks the key 'port'",
            "3:64: unknown key 'prt' in checks.web/services.params.allow[1]; allowed: port, protocol; did you mean 'port'?",
        ],
    ),
    "wrong type through a pattern": (
        "name: site\nchecks:\n  '*': {params: {allow: 5}}\n",
        ["3:25: checks.*.params.allow must be a list, not the number 5"],
    ),
    "value that one of the matched checks refuses": (
        "name: site\nchecks:\n  ssh/*: {params: {limit: 0}}\n",
        ["3:27: checks.ssh/*.params.limit must be at least 1, not the number 0"],
    ),
    "bad severity": (
        "name: site\nchecks:\n  web/*: {severity: hihg}\n",
        ["3:21: checks.web/*.severity cannot be 'hihg'; allowed: critical, high, medium, low; did you mean 'high'?"],
    ),
    "yes is no boolean": (
        "name: site\nchecks:\n  web/*: {enabled: no, reason: x}\n",
        ["3:20: checks.web/*.enabled must be true or false, not 'no': write false"],
    ),
    "disabled without a reason": (
        "name: site\nchecks: {web/*: {}, web/docroot: {enabled: false}}\n",
        ["2:44: web/docroot is disabled without saying why: add 'reason'"],
    ),
    "blank reason": (
        "name: site\nchecks:\n  web/*: {enabled: false, reason: '  '}\n",
        ["3:35: checks.web/*.reason must be text, not '  '"],
    ),
    "unknown key": (
        "name: site\nextend: [x]\nchecks: {web/*: }\n",
        ["2:1: unknown key 'extend'; allowed: name, description, extends, checks, gate, waivers, attestations; did you mean 'extends'?"],
    ),
    "no name": ("checks: {web/*: }\n", ["1:1: the file lacks the key 'name'"]),
    "list instead of mapping": ("- name: site\n", ["1:1: the file must be a mapping, not a list"]),
    "malformed check id": (
        "name: site\nchecks: {Web/Docroot: }\n",
        [
            f"2:10: unknown check 'Web/Docroot'{SEE}; did you mean 'web/docroot'?",
        ],
    ),
    "gate": (
        "name: site\nchecks: {web/*: }\ngate:\n  fail_on: hgh\n  min_score: 101\n  min_coverage: '90'\n  min_scor: 1\n",
        [
            "4:12: gate.fail_on cannot be 'hgh'; allowed: critical, high, medium, low; did you mean 'high'?",
            "5:14: gate.min_score must be at most 100, not the number 101",
            "6:17: gate.min_coverage must be a number, not '90'",
            "7:3: unknown key 'min_scor' in gate; allowed: fail_on, min_score, min_coverage; did you mean 'min_score'?",
        ],
    ),
    "bad date": (
        "name: site\nchecks: {web/*: }\nwaivers:\n  - {check: web/docroot, subject: /x, reason: r, owner: o, expires: 2027-02-30}\n",
        ["4:69: waivers[0].expires must be a date written YYYY-MM-DD, not '2027-02-30'"],
    ),
    "date as a number": (
        "name: site\nchecks: {web/*: }\nattestations:\n  - {id: a, title: t, done: 20270101, by: b, valid_days: 0}\n",
        [
            "4:29: attestations[0].done must be a date written YYYY-MM-DD, not the number 20270101: quote it",
            "4:58: attestations[0].valid_days must be at least 1, not the number 0",
        ],
    ),
    "waiver of an unknown check": (
        "name: site\nchecks: {web/*: }\nwaivers:\n  - {check: web/docrot, subject: /x, reason: r, owner: o, expires: 2027-02-28}\n",
        [f"4:13: waiver for the unknown check 'web/docrot'{ONE}; did you mean 'web/docroot'?"],
    ),
    "waiver of a pattern": (
        "name: site\nchecks: {web/*: }\nwaivers:\n  - {check: web/*, subject: /x, reason: r, owner: o, expires: 2027-02-28}\n",
        [f"4:13: waiver for the unknown check 'web/*'{ONE}"],
    ),
    "waiver without subject": (
        "name: site\nchecks: {web/*: }\nwaivers:\n  - {check: web/docroot, reason: r, owner: o, expires: 2027-02-28}\n",
        ["4:5: the waiver has neither 'subject' nor 'subject_glob': give exactly one"],
    ),
    "waiver with two subjects": (
        "name: site\nchecks: {web/*: }\nwaivers:\n  - {check: web/docroot, subject: a, subject_glob: a, reason: r, owner: o, expires: 2027-02-28}\n",
        ["4:5: the waiver has both 'subject' and 'subject_glob': give exactly one"],
    ),
    "waiver without owner, reason and end": (
        "name: site\nchecks: {web/*: }\nwaivers:\n  - check: web/docroot\n    subject: /x\n",
        ["4:5: waivers[0] lacks the key 'reason'", "4:5: waivers[0] lacks the key 'owner'", "4:5: waivers[0] lacks the key 'expires'"],
    ),
    "waiver twice": (
        "name: site\nchecks: {web/*: }\nwaivers:\n"
        + "  - {check: web/docroot, subject: a, reason: r, owner: o, expires: 2027-02-28}\n" * 2,
        ["5:5: the waiver is there twice: first at 4:5"],
    ),
    "attestation twice": (
        "name: site\nchecks: {web/*: }\nattestations:\n" + "  - {id: a, title: t, done: 2027-01-01, by: b, valid_days: 9}\n" * 2,
        ["5:5: the attestation is there twice: first at 4:5"],
    ),
    "nothing selected": ("name: site\n", ["1:1: the policy 'site' enables no check: name some under 'checks', or extend a policy"]),
    "everything disabled": (
        "name: site\nchecks:\n  '*': {enabled: false, reason: r}\n",
        ["2:1: the policy 'site' enables no check: name some under 'checks', or extend a policy"],
    ),
    "extends an unknown policy": (
        "name: site\nextends: [basline]\nchecks: {web/*: }\n",
        ["2:11: extends the unknown policy 'basline' (a file's name ends in .yaml); allowed: baseline; did you mean 'baseline'?"],
    ),
    "extends a file that is not there": (
        "name: site\nextends: [baseline, ../x/absent.yaml]\nchecks: {web/*: }\n",
        ["2:21: extends '{above}/x/absent.yaml', which cannot be read: No such file or directory"],
    ),
    "extends a path of another kind": (
        "name: site\nextends: [./baseline]\nchecks: {web/*: }\n",
        ["2:11: extends './baseline': a file's name ends in .yaml"],
    ),
    "extends no list": ("name: site\nextends: baseline\nchecks: {web/*: }\n", ["2:10: extends must be a list, not 'baseline'"]),
    "duplicate key": ("name: site\nchecks:\n  web/*: {}\n  web/*: {}\n", ["4:3: the key 'web/*' is there twice: first at 3:3"]),
    "anchor": (
        "name: site\nchecks: &all\n  web/*: {}\n",
        ["2:9: the anchor '&all' is not allowed: write the value out where it is needed"],
    ),
    "tab": ("name: site\nchecks:\n\tweb/*: {}\n", ["3:1: a tab cannot indent YAML: use spaces"]),
    "deep": ("name: site\nchecks: " + "{a: " * 60, ["2:134: nested more than 32 levels deep"]),
    "huge": ("name: site\nchecks: {web/*: }\n" + "#" * 2**20, ["1:1: is larger than 1,048,576 bytes, the most that is read"]),
    "not UTF-8": (b"name: site\ndescription: caf\xe9\n", ["2:17: byte 0xe9 is not UTF-8: save the file as UTF-8"]),
    "empty": ("", ["1:1: is empty"]),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_policy(policies, fault):
    text, expected = BAD[fault]
    policies.write("baseline", "name: baseline\nchecks: {'*': {}}\n", shipped=True)
    path = policies.write("site", text)
    with pytest.raises(PolicyDocumentError) as caught:
        policies.load()
    assert isinstance(caught.value, PolicyError)
    above = str(policies.directory.parent)
    assert str(caught.value).split("\n") == [f"{path}:{line}".replace("{above}", above) for line in expected]


def test_faults_of_every_file_and_kind_come_at_once(policies):
    policies.write("base", "name: base\nchecks: {ssh/rootlogin: }\n")
    policies.write("broken", "name: [\n")
    policies.write(
        "site", "name: site\nextends: [base.yaml, broken.yaml]\nchecks: {web/docrot: , web/*: {enable: true}}\ngate: {fail_on: x}\n"
    )
    with pytest.raises(PolicyDocumentError) as caught:
        policies.load()
    places = [str(problem).split(": ")[0].removeprefix(f"{policies.directory}/") for problem in caught.value.problems]
    assert sorted(places) == ["base.yaml:2:10", "broken.yaml:2:1", "site.yaml:3:10", "site.yaml:3:32", "site.yaml:4:17"]


def test_cyclic_extends_names_the_chain(policies):
    a = policies.write("a", "name: a\nextends: [sub/b.yaml]\nchecks: {web/*: }\n")
    b = policies.write("sub/b", "name: b\nextends:\n  - shared\n")
    c = policies.write("c", "name: c\nextends: [a.yaml]\n")
    policies.available["shared"] = c
    with pytest.raises(PolicyDocumentError) as caught:
        policies.load("a")
    assert str(caught.value) == f"{c}:2:11: extends itself: {a} -> {b} -> {c} -> {a}"


def test_a_policy_that_extends_itself_through_a_link(policies):
    site = policies.write("site", "name: site\nextends: [other.yaml]\nchecks: {web/*: }\n")
    (policies.directory / "other.yaml").symlink_to("site.yaml")
    with pytest.raises(PolicyDocumentError) as caught:
        policies.load()
    assert str(caught.value) == f"{site}:2:11: extends itself: {site} -> {policies.directory}/other.yaml"


def test_chains_are_bounded(policies):
    for number in range(30):
        policies.write(f"p{number}", f"name: p\nextends: [p{number + 1}.yaml]\nchecks: {{web/*: }}\n")
    with pytest.raises(PolicyDocumentError) as caught:
        policies.load("p0")
    assert str(caught.value) == f"{policies.directory}/p15.yaml:2:11: extends policies more than 16 deep"
    wide = ", ".join(f"w{number}.yaml" for number in range(70))
    policies.write("wide", f"name: wide\nextends: [{wide}]\nchecks: {{web/*: }}\n")
    for number in range(70):
        policies.write(f"w{number}", "name: w\n")
    with pytest.raises(PolicyDocumentError) as caught:
        policies.load("wide")
    assert caught.value.problems[0].message == "extends more than 64 policies"


def test_unknown_policy_by_name(checks):
    with pytest.raises(PolicyError) as caught:
        load_policy("web-srver", {"baseline": "/b.yaml", "web-server": "/w.yaml"}, checks)
    assert str(caught.value) == (
        "unknown policy 'web-srver'; available: baseline, web-server, or the path of a .yaml file; did you mean 'web-server'?"
    )


def test_a_long_list_of_checks_is_not_printed(policies, checks):
    many = {f"web/check_{number}": checks["web/docroot"] for number in range(40)}
    path = policies.write("site", "name: site\nchecks: {web/chek_7: }\n")
    with pytest.raises(PolicyDocumentError) as caught:
        load_policy(path, {}, many)
    assert str(caught.value) == f"{path}:2:10: unknown check 'web/chek_7'; 'hardaudit list checks' shows them; did you mean 'web/check_7'?"


def outcome(policies):
    """The policy, or the lines of its PolicyError; anything else that is raised is a defect."""
    try:
        return policies.load(), []
    except PolicyError as error:
        return None, str(error).split("\n")


WORDS = ["name", "extends", "checks", "gate", "waivers", "attestations", "params", "severity", "enabled", "reason", "allow", "limit", "high", "check",
         "subject", "subject_glob", "owner", "expires", "fail_on", "min_score", "id", "done", "by", "title", "valid_days", "description",
         "web/*", "ssh/ciphers", "web/services", "*", "2027-01-01", "site.yaml", "\0", "../x.yaml", "port", "a" * 300]  # fmt: skip
words = st.sampled_from(WORDS) | st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)
fields = {
    "name": st.just("site") | values,
    "extends": st.lists(words, max_size=3) | values,
    "checks": st.dictionaries(words, st.dictionaries(words, values, max_size=3) | values, max_size=4) | values,
    "gate": st.dictionaries(words, values, max_size=3) | values,
    "waivers": st.lists(st.dictionaries(words, words | values, max_size=7), max_size=3) | values,
    "attestations": st.lists(st.dictionaries(words, words | values, max_size=7), max_size=3) | values,
}


@given(document=st.fixed_dictionaries({}, optional=fields) | values)
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_documents_are_policies_or_policy_errors(policies, document):
    path = policies.write("site", json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    policy, lines = outcome(policies)
    assert all(line.startswith(path) and line.isprintable() for line in lines)
    if policy is not None:
        assert any(selection.enabled for selection in policy.checks.values())
        assert policy.checks.keys() <= policies.checks.keys()


@given(content=st.binary(max_size=100) | st.text("namechks: {}[]/*&!-\n#|0\"'", max_size=100).map(str.encode))
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_are_policies_or_policy_errors(policies, content):
    path = policies.write("site", content)
    policy, lines = outcome(policies)
    assert policy is not None or lines
    assert all(line.startswith(path) for line in lines)
