"""What a policy comes out as: precedence, merging, defaults, identity."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest

from hardaudit.errors import PluginError
from hardaudit.model.check import Severity
from hardaudit.model.policy import Attestation, Gate, Selection, Waiver
from hardaudit.policy.load import load_policy


def test_a_check_is_selected_with_its_own_severity_and_defaults(policies):
    policies.write("site", "name: site\nchecks: {ssh/max_tries: , web/docroot: {}}\n")
    assert policies.load().checks == {
        "ssh/max_tries": Selection(Severity.LOW, {"limit": 4}),
        "web/docroot": Selection(Severity.CRITICAL, {}),
    }


def test_what_no_key_names_is_not_run(policies):
    policies.write("site", "name: site\nchecks: {ssh/?*: }\n")
    assert list(policies.load().checks) == ["ssh/ciphers", "ssh/max_tries", "ssh/root_login"]
    policies.write("site", "name: site\nchecks: {'*': }\n")
    assert list(policies.load().checks) == sorted(policies.checks)


def test_in_one_file_an_id_beats_a_pattern_and_a_later_pattern_an_earlier_one(policies):
    policies.write(
        "site",
        "name: site\nchecks:\n"
        "  ssh/ciphers: {params: {limit: 256}}\n"
        "  '*': {severity: low, params: {limit: 1}}\n"
        "  ssh/*: {severity: medium, params: {limit: 2}}\n"
        "  ssh/root_login: {enabled: false, reason: console only}\n",
    )
    found = policies.load().checks
    assert found["ssh/ciphers"] == Selection(Severity.MEDIUM, {"limit": 256, "allow": []})
    assert found["ssh/max_tries"] == Selection(Severity.MEDIUM, {"limit": 2})
    assert found["ssh/root_login"] == Selection(Severity.MEDIUM, {}, enabled=False, reason="console only")
    assert found["web/docroot"] == Selection(Severity.LOW, {})


def test_a_child_overrides_its_parent_key_by_key(policies):
    policies.write(
        "base",
        "name: base\nchecks:\n"
        "  ssh/ciphers: {severity: critical, params: {limit: 256, allow: [a]}, reason: by contract}\n"
        "  ssh/max_tries: {enabled: false, reason: measured elsewhere}\n"
        "  web/docroot: {}\n",
    )
    policies.write(
        "site",
        "name: site\nextends: [base.yaml]\nchecks:\n  ssh/*: {params: {allow: [b]}}\n  web/docroot: {enabled: false, reason: no web}\n",
    )
    found = policies.load().checks
    assert found["ssh/ciphers"] == Selection(Severity.CRITICAL, {"limit": 256, "allow": ["b"]}, reason="by contract")
    assert found["ssh/max_tries"] == Selection(Severity.LOW, {"limit": 4})  # named again by the child: enabled again
    assert not found["web/docroot"].enabled


def test_parents_count_in_the_order_they_are_named_and_each_once(policies):
    policies.write("base", "name: base\nchecks: {ssh/*: {params: {limit: 1}}}\n", shipped=True)
    policies.write("one", "name: one\nextends: [base]\nchecks: {ssh/max_tries: {params: {limit: 2}}}\n")
    policies.write("two", "name: two\nextends: [base]\nchecks: {ssh/ciphers: {params: {limit: 3}}}\n")
    site = policies.write("site", "name: site\ndescription: |\n  Ours,\n  and   theirs.\nextends: [one.yaml, ./two.yaml]\n")
    policy = policies.load()
    assert policy.checks["ssh/max_tries"].params == {"limit": 2}
    assert policy.checks["ssh/ciphers"].params["limit"] == 3
    assert policy.files == tuple(f"{policies.directory}/{name}.yaml" for name in ("base", "one", "two", "site"))
    assert set(policies.verified) == set(policy.files)
    assert (policy.name, policy.description, policy.origin) == ("site", "Ours, and theirs.", site)


def test_a_relative_path_starts_at_the_file_that_names_it(policies, monkeypatch):
    policies.write("common/base", "name: base\nextends: [deeper/rest.yaml]\n")
    policies.write("common/deeper/rest", "name: rest\nchecks: {web/*: }\n")
    policies.write("site", "name: site\nextends: [common/base.yaml]\n")
    monkeypatch.chdir(policies.directory / "common")
    assert list(policies.load().checks) == ["web/docroot", "web/services"]


def test_a_parameter_given_through_a_pattern_goes_to_the_checks_that_have_it(policies):
    policies.write("site", "name: site\nchecks: {ssh/*: {params: {limit: 9}}}\n")
    found = {name: selection.params for name, selection in policies.load().checks.items()}
    assert found == {"ssh/ciphers": {"limit": 9, "allow": []}, "ssh/max_tries": {"limit": 9}, "ssh/root_login": {}}


def test_the_gate_merges_key_by_key_over_safe_defaults(policies):
    policies.write("base", "name: base\nchecks: {'*': }\ngate: {min_score: 80, fail_on: medium}\n")
    assert policies.load("base").gate == Gate(Severity.MEDIUM, 80, 90)
    policies.write("site", "name: site\nextends: [base.yaml]\ngate: {fail_on: critical, min_coverage: 99.5}\n")
    assert policies.load().gate == Gate(Severity.CRITICAL, 80, 99.5)
    policies.write("plain", "name: plain\nchecks: {'*': }\n")
    assert policies.load("plain").gate == Gate(Severity.HIGH, 0, 90)


def test_waivers_and_attestations_add_up_and_a_childs_replaces_its_parents(policies):
    policies.write(
        "base",
        "name: base\nchecks: {'*': }\nwaivers:\n"
        "  - {check: web/docroot, subject: /srv/drop, reason: old, owner: ann, expires: 2020-01-31}\n"
        "  - {check: web/docroot, subject_glob: /srv/**, reason: other, owner: ann, expires: 2027-01-31}\n"
        "attestations:\n  - {id: restore-drill, title: A restore was practised, done: 2026-10-01, by: ann, valid_days: 180}\n",
    )
    policies.write(
        "site",
        "name: site\nextends: [base.yaml]\nwaivers:\n"
        "  - {check: web/docroot, subject: /srv/drop, reason: new, owner: bob, expires: 2028-02-29}\n"
        "attestations:\n  - {id: restore-drill, title: A restore, done: 2027-01-01, by: bob, valid_days: 90, severity: high}\n",
    )
    policy = policies.load()
    assert policy.waivers == (
        Waiver("web/docroot", "/srv/drop", None, "new", "bob", date(2028, 2, 29)),
        Waiver("web/docroot", None, "/srv/**", "other", "ann", date(2027, 1, 31)),
    )
    assert policy.attestations == (Attestation("restore-drill", "A restore", date(2027, 1, 1), "bob", 90, Severity.HIGH),)
    assert policies.load("base").waivers[0].expires == date(2020, 1, 31)  # expired ones are kept: the audit reports them
    assert policies.load("base").attestations[0].severity is Severity.MEDIUM


def test_the_digest_covers_every_file_and_not_where_it_lies(policies):
    policies.write("base", "name: base\nchecks: {'*': }\n")
    policies.write("site", "name: site\nextends: [base.yaml]\n")
    first = policies.load().digest
    parts = b"".join(hashlib.sha256((policies.directory / f"{name}.yaml").read_bytes()).digest() for name in ("base", "site"))
    assert first == hashlib.sha256(parts).hexdigest()
    policies.write("elsewhere/base", "name: base\nchecks: {'*': }\n")
    policies.write("elsewhere/site", "name: site\nextends: [base.yaml]\n")
    assert policies.load("elsewhere/site").digest == first
    policies.write("base", "name: base\nchecks: {'*': }\n# changed\n")
    assert policies.load().digest != first


def test_verify_stops_the_reading_of_a_parent(policies, checks):
    policies.write("base", "not: [read")
    site = policies.write("site", "name: site\nextends: [base.yaml]\nchecks: {'*': }\n")

    def verify(path: str) -> None:
        if path.endswith("base.yaml"):
            raise PluginError(f"{path}: anyone may write it")

    with pytest.raises(PluginError, match="anyone may write it"):
        load_policy(site, {}, checks, verify)


def test_a_waiver_covers_its_own_check_and_exact_subjects():
    waiver = Waiver("web/docroot", "/srv/*", None, "r", "o", date(2027, 1, 31))
    assert waiver.covers("web/docroot", "/srv/*")
    assert not waiver.covers("web/docroot", "/srv/a")
    assert not waiver.covers("web/other", "/srv/*")
    globbed = Waiver("web/docroot", None, "/srv/*", "r", "o", date(2027, 1, 31))
    assert globbed.covers("web/docroot", "/srv/a")
    assert not globbed.covers("web/other", "/srv/a")
    assert not waiver.is_expired(date(2027, 1, 31))
    assert waiver.is_expired(date(2027, 2, 1))


def test_an_attestation_holds_for_its_days_and_not_before_it_was_done():
    attestation = Attestation("a", "t", date(2027, 1, 1), "me", 30)
    days = {date(2026, 12, 31): False, date(2027, 1, 1): True, date(2027, 1, 31): True, date(2027, 2, 1): False}
    assert {day: attestation.holds(day) for day in days} == days
    assert Attestation("a", "t", date(9999, 12, 31), "me", 3660).valid_until == date.max


def test_severities_are_ordered_by_weight():
    assert [severity.weight for severity in Severity] == [10, 7, 4, 1]
    assert Severity.HIGH.at_least(Severity.HIGH)
    assert Severity.CRITICAL.at_least(Severity.LOW)
    assert not Severity.LOW.at_least(Severity.MEDIUM)
