"""Reading a check's file."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardaudit.documents.problems import CheckDocumentError
from hardaudit.errors import CheckError
from hardaudit.model.check import Example, ExampleState, Param, Severity, sql_value
from hardaudit.model.gap import GapReason
from hardaudit.policy.check_file import load_check, parse_check

TEXT = """\
id: accounts/second_uid_zero
title: Only root has user ID 0
severity: critical
rationale: |
  A second one is a back door.
references: {cwe: [CWE-250], attack: [T1136.001], nist_800_53: [AC-6(1)], pci_dss: ["7.2.1"], cis_controls: ["5.4"]}
applies: SELECT 1 FROM users WHERE uid < :limit
params:
  ignore: {type: array, items: {type: string}, default: [toor], description: Accounts that may}
  limit: {type: integer, default: 10, description: Bound}
query: |
  SELECT username AS subject, uid FROM users -- :not_this
  WHERE uid = 0 AND username NOT IN (SELECT value FROM json_each(:ignore))
finding: "{subject} has user ID {uid}"
remediation: |
  Remove it.
examples:
  - name: root alone
    tables: {users: [{username: root, uid: 0, shell: null}]}
    params: {ignore: [root]}
    state: pass
  - name: another
    tables: {users: [{username: eve, uid: 0}]}
    state: fail
    subjects: [eve]
  - name: unreadable
    gaps: {users: permission_denied}
    state: unknown
"""


def parse(text: str, origin: str = "x/checks/second_uid_zero.yaml", **options):
    return parse_check(text.encode(), origin, **options)


def test_a_check_as_its_file_has_it():
    check = parse(TEXT)
    assert (check.id, check.domain, check.title) == ("accounts/second_uid_zero", "accounts", "Only root has user ID 0")
    assert (check.severity, check.rationale, check.remediation) == (Severity.CRITICAL, "A second one is a back door.", "Remove it.")
    assert check.references["nist_800_53"] == ("AC-6(1)",)
    assert check.params["ignore"] == Param("ignore", {"type": "array", "items": {"type": "string"}}, ["toor"], "Accounts that may")
    assert check.defaults == {"ignore": ["toor"], "limit": 10}
    assert check.examples[0].tables == {"users": ({"username": "root", "uid": 0, "shell": None},)}
    assert check.examples[1:] == (
        Example("another", {"users": ({"username": "eve", "uid": 0},)}, {}, {}, "fail", ("eve",)),
        Example("unreadable", {}, {"users": GapReason.PERMISSION_DENIED}, {}, "unknown", ()),
    )
    assert check.digest == hashlib.sha256(TEXT.encode()).hexdigest()


def test_a_file_is_verified_then_read(tmp_path):
    path = tmp_path / "second_uid_zero.yaml"
    path.write_text(TEXT)
    seen = []
    assert load_check(path, seen.append, domain="accounts").origin == str(path)
    assert seen == [str(path)]


PASS = "  - name: root alone\n    tables: {users: [{username: root, uid: 0, shell: null}]}\n    params: {ignore: [root]}\n    state: pass\n"

BAD = [
    ("accounts/second_uid_zero", "accounts/other", ["1:5: id must be 'accounts/second_uid_zero', domain and name of the file, not 'accounts/other'"]),
    ("accounts/second_uid_zero", "Accounts/x-y", ["1:5: id must be domain/file name, in a-z, 0-9 and _, not 'Accounts/x-y'"]),
    ("severity: critical", "severity: crit", ["3:11: severity cannot be 'crit'; allowed: critical, high, medium, low; did you mean 'critical'?"]),
    ("title:", "titel:", ["1:1: the file lacks the key 'title'", "2:1: unknown key 'titel'; allowed: id, title, severity, rationale, references, applies, params, query, finding, remediation, examples; did you mean 'title'?"]),
    ("[CWE-250]", "[cwe250]", ["6:20: references.cwe[0] must be an entry such as CWE-434, not 'cwe250'"]),
    ("cwe:", "cve:", ["6:14: unknown key 'cve' in references; allowed: attack, cis_controls, cwe, nist_800_53, pci_dss, url; did you mean 'cwe'?"]),
    ('["5.4"]', "[5.4]", ["6:110: references.cis_controls[0] must be text, not the number 5.4: quote it"]),
    ("default: [toor]", "default: toor", ["9:57: params.ignore.default must be a list, not 'toor'"]),
    ("default: [toor]", "minItem: 1, default: [toor]", [
        "9:48: unknown key 'minItem' in params.ignore; did you mean 'minItems'?"]),
    ("default: 10, ", "", ["10:10: params.limit lacks the key 'default'"]),
    ("{type: integer,", "{type: int,", [
        "10:17: params.limit.type cannot be 'int'; allowed: string, integer, number, boolean, array, object; did you mean 'integer'?"]),
    (":limit", ":limits", [
        "7:10: applies names :limits, which params does not declare; allowed: ignore, limit; did you mean 'limit'?",
        "10:3: neither query nor applies uses the parameter :limit",
    ]),
    (":limit", "@limit", ["7:10: applies has the parameter '@limit': name it as :name"]),
    ("{uid}", "{uid!r}", ["14:10: finding: the { at character 23 belongs to no {column}; write {{ for a brace"]),
    ("    state: unknown", "    state: unknwon", [
        "28:12: examples[2].state cannot be 'unknwon'; allowed: pass, fail, unknown, not_applicable; did you mean 'unknown'?"]),
    ("permission_denied", "permision_denied", [
        "27:19: examples[2].gaps.users cannot be 'permision_denied'; allowed: permission_denied, missing_source, stale_data, truncated, timeout, unsupported, undecidable; did you mean 'permission_denied'?"]),
    ("    subjects: [eve]\n", "", ["22:5: an example that fails lists the subjects of its findings: add 'subjects'"]),
    ("    state: unknown\n", "    state: unknown\n    subjects: [x]\n", ["29:5: an example with the state unknown has no subjects"]),
    (PASS, "", ["17:1: examples need one with the state pass"]),
    ("state: unknown", "state: pass", ["17:1: examples need one with the state not_applicable or unknown"]),
    ("{ignore: [root]}", "{ignor: [root], limit: x}", [
        "20:14: unknown parameter 'ignor'; allowed: ignore, limit; did you mean 'ignore'?",
        "20:36: examples[0].params.limit must be a whole number, not 'x'",
    ]),
    ("name: another", "name: root alone", ["22:11: two examples have the name 'root alone'"]),
    ("uid: 0, shell: null", "uid: 0, shell: true", ["19:54: examples[0].tables.users[0].shell must be text or a number or nothing, not true: quote it"]),
    ("uid: 0, shell: null", "mode: 0644", ["19:45: '0644' may be octal or decimal: quote it if it is text, else leave the zero out"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), BAD, ids=[new[:30].strip() or old[:30].strip() for old, new, _ in BAD])
def test_bad_check(old, new, expected):
    assert TEXT.count(old) >= 1
    with pytest.raises(CheckDocumentError) as caught:
        parse(TEXT.replace(old, new, 1))
    assert isinstance(caught.value, CheckError)
    assert str(caught.value).split("\n") == [f"x/checks/second_uid_zero.yaml:{line}" for line in expected]


def test_the_schema_and_the_model_name_the_same_things():
    schema = json.loads(importlib.resources.files("hardaudit.policy").joinpath("check.schema.json").read_text())
    example = schema["$defs"]["example"]["properties"]
    assert set(example["gaps"]["additionalProperties"]["enum"]) == {reason.value for reason in GapReason}
    assert set(example["state"]["enum"]) == set(get_args(ExampleState))
    assert schema["properties"]["severity"]["enum"] == [severity.value for severity in Severity]
    policy = json.loads(importlib.resources.files("hardaudit.policy").joinpath("policy.schema.json").read_text())
    assert policy["$defs"]["severity"] == schema["properties"]["severity"]


def test_the_domain_is_held_against_the_one_that_the_caller_knows():
    with pytest.raises(CheckDocumentError, match="id must be 'base/second_uid_zero'"):
        parse(TEXT, domain="base")


@pytest.mark.parametrize(
    ("value", "bound"),
    [(True, 1), (False, 0), (5, 5), (1.5, 1.5), ("x", "x"), (None, None), ([], "[]"), (["é", True], '["é", true]'), ({"a": 1}, '{"a": 1}')],
)
def test_what_parameters_are_bound_to(value, bound):
    assert sql_value(value) == bound
    assert type(sql_value(value)) is type(bound)


@given(
    start=st.integers(0, len(TEXT)),
    length=st.integers(0, 40),
    new=st.text(max_size=12) | st.sampled_from(["[", "{", "null", "- ", "\n", "\t"]),
)
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_a_check_or_check_errors(start, length, new):
    try:
        parse(TEXT[:start] + new + TEXT[start + length :])
    except CheckError as error:
        for line in str(error).split("\n"):
            assert line.startswith("x/checks/second_uid_zero.yaml:")
            assert line.isprintable()
    except UnicodeEncodeError:
        assert any("\ud800" <= character <= "\udfff" for character in new)
