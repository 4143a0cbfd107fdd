"""The statements made of a check: forms of SQL that they embed, gaps, waivers; and what they are put into."""

from __future__ import annotations

import json
from datetime import date

import pytest
import yaml

from hardaudit.errors import UsageError
from hardaudit.export import fleet_policies, osquery_pack
from hardaudit.export.queries import check_sql, policy_sql
from hardaudit.export.sql_text import CannotExportError
from hardaudit.model.check import Check, Param, Severity
from hardaudit.model.policy import Policy, Selection, Waiver

ROWS = {
    "users": [{"uid": 0, "username": "root", "shell": "/bin/sh"}, {"uid": 5, "username": "it's", "shell": "/bin/x"}],
    "posix_acls": [{"path": "/srv", "tag": "user", "id": 5}],
}


def make(query, applies=None, name="a/one", **texts):
    params = {"n": Param("n", {}, 0, "d"), "names": Param("names", {}, ["root"], "d")}
    fields = {"title": "The title", "rationale": "Why.", "remediation": "Fix."} | texts
    return Check(
        name,
        fields["title"],
        Severity.HIGH,
        fields["rationale"],
        {},
        applies,
        params,
        query,
        "{subject}",
        fields["remediation"],
        (),
        "f",
        "0" * 64,
    )


def policy(checks, waivers=(), severity=Severity.HIGH):
    selections = {check.id: Selection(severity, check.defaults) for check in checks}
    return Policy("site_1", "", "site.yaml", selections, "ab" * 32, waivers=tuple(waivers))


def exported(dialect, checks, waivers=(), form=osquery_pack):
    return policy_sql(policy(checks, waivers), {check.id: check for check in checks}, dialect, form.statements)


def waiver(subject=None, glob=None, expires=date(2999, 1, 1), reason="agreed", check="a/one"):
    return Waiver(check, subject, glob, reason, "ops", expires)


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("SELECT username AS subject FROM users WHERE uid > :n", ["it's"]),
        ("SELECT username AS subject FROM users WHERE uid > :n -- the end; of ':n'", ["it's"]),
        ("-- first\nSELECT username AS subject FROM users WHERE uid > :n ; -- done\n", ["it's"]),
        ("WITH u AS MATERIALIZED (SELECT * FROM users) SELECT username AS subject FROM u WHERE uid > :n /* ) */", ["it's"]),
        (
            "SELECT username AS subject FROM users UNION ALL SELECT shell FROM users WHERE uid > :n ORDER BY 1 DESC LIMIT 2",
            ["it's", "root"],
        ),
        ("SELECT username AS subject, count(*), uid AS \"select\", 1 AS 'a b' FROM users GROUP BY uid HAVING uid > :n", ["it's"]),
        ("SELECT username AS subject FROM users WHERE username NOT IN (SELECT value FROM json_each(:names))", ["it's"]),
        ("SELECT u.username AS subject, a.path FROM users u JOIN posix_acls a ON a.id = u.uid AND a.path = '/srv'", ["it's"]),
        ("SELECT uid AS subject FROM users WHERE uid = 9", []),
    ],
)
def test_forms_of_sql(query, subjects, host, dialect):
    check = make(query, applies="SELECT 1 FROM users -- there\n;")
    for waivers in ((), (waiver(subject="nobody"),)):
        heard = host(ROWS).hear(exported(dialect, [check], waivers).checks[0])
        assert (heard.state, heard.subjects, heard.passes) == ("fail" if subjects else "pass", subjects, not subjects)
        assert set(heard.waivers) <= {None}


ACLS = "SELECT path AS subject FROM posix_acls WHERE path = '/srv' AND id = 0"


@pytest.mark.parametrize(
    ("applies", "gaps", "state", "passes"),
    [
        (None, {}, "pass", True),
        (None, {"posix_acls": "permission_denied"}, "unknown", False),
        (None, {"sshd_settings": "timeout"}, "pass", True),  # another table's
        ("SELECT 1 FROM sshd_settings", {}, "not_applicable", True),
        ("SELECT 1 FROM sshd_settings", {"sshd_settings": "timeout"}, "unknown", False),
        ("SELECT 1 FROM sshd_settings", {"posix_acls": "timeout"}, "not_applicable", True),
        ("SELECT 1 FROM users", {"posix_acls": "timeout"}, "unknown", False),
        ("SELECT 1 FROM users WHERE uid = 9", {"posix_acls": "timeout"}, "not_applicable", True),
    ],
)
def test_gaps_are_read_after_the_tables_that_have_them(applies, gaps, state, passes, host, dialect):
    heard = host(ROWS, gaps).hear(exported(dialect, [make(ACLS, applies)]).checks[0])
    assert (heard.state, heard.passes) == (state, passes)


@pytest.mark.parametrize("applies", [None, "SELECT 1 FROM sshd_settings", "SELECT 1 FROM users"])
def test_nothing_passes_that_the_extension_does_not_confirm(applies, host, dialect):
    check = exported(dialect, [make(ACLS, applies)]).checks[0]
    assert (host(ROWS).hear(check).passes, host(ROWS, confirms=False).hear(check).passes) == (True, False)
    assert host(ROWS, confirms=False).hear(check).state == "unknown"


def test_waived_findings_stay_in_the_pack_and_do_not_fail_the_policy(host, dialect):
    check = make("SELECT username AS subject FROM users")
    half, whole = [waiver(subject="it's", reason="it's agreed")], [waiver(subject="it's"), waiver(glob="r*t", reason="all")]
    ended = [waiver(subject="it's", expires=date(2020, 1, 1)), waiver(glob="*", expires=date(2020, 1, 1))]
    found = []
    for waivers in (half, whole, ended):
        heard = host(ROWS).hear(exported(dialect, [check], waivers).checks[0])
        assert (heard.state, heard.subjects) == ("fail", ["it's", "root"])
        found.append((heard.waivers, heard.passes))
    assert found == [([None, "it's agreed"], False), (["all", "agreed"], True), ([None, None], False)]


def test_a_waived_finding_does_not_hide_a_gap(host, dialect):
    check = make("SELECT path AS subject FROM posix_acls WHERE path = '/srv'")
    heard = host(ROWS, {"posix_acls": "timeout"}).hear(exported(dialect, [check], [waiver(subject="/srv")]).checks[0])
    assert (heard.state, heard.passes) == ("fail", False)


def test_a_waiver_that_sql_cannot_say_is_named_and_covers_nothing(host, dialect):
    found = exported(dialect, [make("SELECT '/a/b/c' AS subject FROM users")], [waiver(glob="/*/?/**")])
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("a/one: a waiver is left out, what it covers counts as a finding: the pattern '/*/?/**'")
    assert not host(ROWS).hear(found.checks[0]).passes


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT username FROM users", "no column `subject`"),
        ("SELECT 'x' AS subject WHERE 0", "reads no table"),
        ("SELECT username AS subject FROM users WHERE 1 = 0", "looks into no table"),
        ("SELECT username AS subject, 1 AS hardaudit_gap FROM users", "one whose name the export needs"),
        ("SELECT username AS subject, uid, uid FROM users", "two columns of one name"),
        ("SELECT username AS subject FROM users; SELECT 1", "several statements"),
        ("SELECT username AS subject FROM users) UNION SELECT (1", "syntax error"),
        ("SELECT username AS subject FROM users WHERE uid = :x", "the parameter :x has no value"),
    ],
)
def test_a_check_that_cannot_be_exported_is_named(query, reason, dialect):
    good = make("SELECT username AS subject FROM users", name="a/two")
    found = exported(dialect, [make(query), good])
    assert [check.check.id for check in found.checks] == ["a/two"]
    assert reason in found.left_out["a/one"]


def test_a_parameter_that_has_no_literal_is_refused(dialect):
    check = make("SELECT username AS subject FROM users WHERE uid > :n")
    with pytest.raises(CannotExportError, match="64 bits"):
        check_sql(check, Selection(Severity.LOW, {"n": 2**70}), dialect)


PACKED = [
    make("SELECT username AS subject FROM users WHERE uid > :n", name="a/one", title="Only \u202eroot"),
    make(ACLS, applies="SELECT 1 FROM sshd_settings", name="a/two"),
    make("SELECT uid AS subject FROM users", applies="SELECT 1 FROM sshd_settings", name="b/three"),
    make("SELECT uid AS subject FROM users", applies="SELECT 1 FROM users WHERE uid = :n", name="b/four"),
]


def test_the_pack(dialect):
    text = osquery_pack.render_pack(policy(PACKED), exported(dialect, PACKED), 600, "5.23.0")
    assert text == osquery_pack.render_pack(policy(PACKED), exported(dialect, PACKED[::-1]), 600, "5.23.0")
    assert text.isascii()  # what a terminal could take for a command is escaped
    content = json.loads(text)
    assert content["hardaudit"] == {"policy": "site_1", "policy_digest": "ab" * 32}
    packs = content["packs"]
    plain, *conditional = sorted(packs)
    assert plain == "hardaudit-site_1"
    assert all(name.startswith("hardaudit-site_1-") for name in conditional)
    assert {(pack["platform"], pack["version"]) for pack in packs.values()} == {("linux", "5.23.0")}
    assert list(packs[plain]["queries"]) == ["a/one", "a/two:applies", "b/four:applies", "b/three:applies"]
    assert "discovery" not in packs[plain]
    grouped = sorted((packs[name]["discovery"], list(packs[name]["queries"])) for name in conditional)
    assert grouped == [(["SELECT 1 FROM sshd_settings"], ["a/two", "b/three"]), (["SELECT 1 FROM users WHERE uid =  (0)"], ["b/four"])]
    assert packs[plain]["queries"]["a/one"] == {
        "query": "SELECT username AS subject FROM users WHERE uid >  (0)",
        "interval": 600,
        "snapshot": True,
        "description": "Only \u202eroot",
        "value": "high",
    }
    assert packs[plain]["queries"]["a/two:applies"]["query"] == (
        'SELECT NULL AS "applies", NULL AS "hardaudit_gap" FROM hardaudit_gaps WHERE table_name = \'begin a/two:applies\'\n'
        "UNION ALL\nSELECT count(*) AS applies, NULL AS hardaudit_gap FROM (SELECT 1 FROM (\nSELECT 1 FROM sshd_settings\n) LIMIT 1)\n"
        "UNION ALL\nSELECT NULL, json_object('table', asked.key, 'reason', reason, 'detail', detail)"
        ' FROM json_each(\'{"sshd_settings": "sshd_settings since a/two:applies"}\') AS asked'
        " CROSS JOIN hardaudit_gaps ON table_name = asked.value\n"
        'UNION ALL\nSELECT NULL, \'{"table": "hardaudit_gaps", "reason": "undecidable", "detail": "the extension does not know when the query'
        " began: it was started anew meanwhile, or the query took more than 15 minutes\"}'"
        " WHERE NOT EXISTS (SELECT 1 FROM hardaudit_gaps WHERE table_name = 'end a/two:applies')"
    )
    needing = [queries["a/two"] for queries in (packs[name]["queries"] for name in conditional) if "a/two" in queries]
    assert needing[0]["description"] == "The title (needs hardaudit's osquery extension)"


HOSTILE = "x\n---\nkind: config\n\t- 'a': \"b\" # c\n\u2028\x85\u202e{{ $X }}\n  trailing  \n"


@pytest.mark.parametrize("text", ["plain", "---", HOSTILE, "yes", "1e3", "- a", ": b", "a: b", "#", " lead", "|", "a" * 300 + " b" * 100])
def test_no_text_breaks_out_of_fleets_yaml(text, dialect):
    check = make(
        "SELECT username AS subject FROM users WHERE username = '" + text.replace("'", "''") + "'",
        title=text,
        rationale=text,
        remediation=text,
    )
    found = exported(dialect, [check, make(ACLS, name="a/two")], form=fleet_policies)
    written = fleet_policies.render_fleet(policy([check]), found)
    assert written.startswith("---\n# hardaudit policy site_1, digest abab")
    assert sum(line.startswith("---") for line in written.split("\n")) == 2  # at which Fleet cuts, whatever YAML says
    first, second = yaml.safe_load_all(written)
    assert (first["apiVersion"], first["kind"], first["spec"]["name"]) == ("v1", "policy", "hardaudit a/one")
    assert first["spec"]["description"] == f"{text}.\n\n{text}"
    assert first["spec"]["resolution"] == text
    assert first["spec"]["query"] == fleet_policies.statements(found.checks[0])[0]
    assert (first["spec"]["platform"], first["spec"]["critical"]) == ("linux", False)
    assert second["spec"]["description"].endswith("Needs hardaudit's osquery extension on the host; without it there is no answer.")


def test_a_critical_check_is_a_critical_policy(dialect):
    check = make("SELECT username AS subject FROM users")
    chosen = policy([check], severity=Severity.CRITICAL)
    found = policy_sql(chosen, {check.id: check}, dialect, fleet_policies.statements)
    assert yaml.safe_load(fleet_policies.render_fleet(chosen, found))["spec"]["critical"] is True


def test_a_policy_that_leaves_no_check_is_refused(dialect):
    check = make("SELECT username AS subject FROM users")
    with pytest.raises(UsageError, match="--only b/\\* matches no check of it"):
        policy_sql(policy([check]), {check.id: check}, dialect, osquery_pack.statements, only=["b/*"])
