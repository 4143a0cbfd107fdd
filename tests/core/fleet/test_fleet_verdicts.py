"""States, score and gate: those of a local run on the same facts."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from fleet_logs import CHECKS, HOUR, NOW, ROOT, TLS, UPLOADS, day, gap, make_policy, read, result_of, snapshot, state, subjects, verdict
from installed_tables import builtin_tables

from hardaudit.audit.registry import Registry
from hardaudit.audit.run import audit
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.fleet.score import FleetLogs, Question
from hardaudit.model.check import Severity, sql_value
from hardaudit.model.policy import Attestation, Gate, Selection, Waiver
from hardaudit.target.target import Target

X, Y = {"subject": "/x"}, {"subject": "/y"}
APPLIES = f"{TLS}:applies"


def waiver(subject="/x", expires="2027-02-01", check=UPLOADS, **keys):
    return Waiver(check, subject, None, "accepted", "ops", day(expires), **keys)


class TestGaps:
    def test_a_row_that_is_a_gap_leaves_the_check_unknown(self, tmp_path):
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW, gap("permission_denied"), gap("timeout")))
        assert verdict(logs, "a", UPLOADS) == ("unknown", "permission_denied")
        assert [(found.table, found.reason.value, found.detail) for found in result_of(logs).gaps] == [
            ("web_files", "permission_denied", "it took too long"),
            ("web_files", "timeout", "it took too long"),
        ]

    def test_a_finding_beside_a_gap_is_a_failure(self, tmp_path):
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW, {**X, "hardaudit_gap": ""}, gap()))
        assert (state(logs), subjects(logs), len(result_of(logs).gaps)) == ("fail", ["/x"], 1)
        assert result_of(logs).findings[0].evidence == {}

    @pytest.mark.parametrize("text", ["{", "[]", '{"table":"t"}', '{"table":"t","reason":"boredom","detail":""}', "x", 7, '{"reason":[]}'])
    def test_a_gap_that_cannot_be_read_is_a_gap(self, tmp_path, text):
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW, {"subject": "", "hardaudit_gap": text}))
        assert verdict(logs, "a", UPLOADS) == ("unknown", "undecidable")

    def test_a_row_without_subject_is_an_error_and_no_pass(self, tmp_path):
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW, {"path": "/x"}))
        assert verdict(logs, "a", UPLOADS)[0] == "error"
        assert state(read(tmp_path, snapshot("a", UPLOADS, NOW, {"path": "/x"}, X))) == "fail"
        assert state(read(tmp_path, snapshot("a", UPLOADS, NOW, "/x"))) == "error"

    def test_a_finding_without_the_columns_of_its_message_is_a_finding(self, tmp_path):
        logs = read(tmp_path, snapshot("a", ROOT, NOW, X))
        assert (state(logs, "a", ROOT), subjects(logs, "a", ROOT)) == ("fail", ["/x"])


class TestWhetherItApplies:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ([snapshot("a", APPLIES, NOW, {"applies": "0"})], ("not_applicable", None)),
            ([snapshot("a", APPLIES, NOW, {"applies": 0})], ("not_applicable", None)),
            ([snapshot("a", APPLIES, NOW, {"applies": "1"})], ("unknown", "missing_source")),
            ([snapshot("a", APPLIES, NOW, {"applies": "0"}, {**gap("timeout"), "applies": ""})], ("unknown", "timeout")),
            ([snapshot("a", APPLIES, NOW, {"applies": "1"}, {**gap("timeout"), "applies": ""})], ("unknown", "missing_source")),
            ([snapshot("a", TLS, NOW - 9), snapshot("a", APPLIES, NOW, {"applies": "1"}, {**gap(), "applies": ""})], ("pass", None)),
            ([snapshot("a", APPLIES, NOW)], ("unknown", "undecidable")),
            ([snapshot("a", APPLIES, NOW, {"applies": "no"})], ("unknown", "undecidable")),
            ([snapshot("a", APPLIES, NOW, {"applies": "0"}, {"applies": "0"})], ("unknown", "undecidable")),
            ([snapshot("a", APPLIES, NOW - 4 * HOUR, {"applies": "0"})], ("unknown", "missing_source")),
            ([snapshot("a", TLS, NOW)], ("pass", None)),
            ([snapshot("a", TLS, NOW - 9), snapshot("a", APPLIES, NOW, {"applies": "1"})], ("pass", None)),
            ([snapshot("a", TLS, NOW - 9), snapshot("a", APPLIES, NOW, {"applies": "0"})], ("not_applicable", None)),
            ([snapshot("a", TLS, NOW, X), snapshot("a", APPLIES, NOW - 9, {"applies": "0"})], ("fail", None)),
            ([snapshot("a", TLS, NOW - 9, X), snapshot("a", APPLIES, NOW, {"applies": "1"})], ("fail", None)),
            (
                [snapshot("a", TLS, NOW - 9), snapshot("a", APPLIES, NOW, {"applies": "0"}, {**gap(), "applies": ""})],
                ("unknown", "timeout"),
            ),
            ([snapshot("a", TLS, NOW - 4 * HOUR, X), snapshot("a", APPLIES, NOW, {"applies": "0"})], ("not_applicable", None)),
            ([snapshot("a", TLS, NOW - 4 * HOUR), snapshot("a", APPLIES, NOW, {"applies": "1"})], ("unknown", "stale_data")),
        ],
    )
    def test_is_told_by_its_own_query(self, tmp_path, lines, expected):
        assert verdict(read(tmp_path, *lines), "a", TLS) == expected

    def test_a_check_without_condition_has_no_such_query(self, tmp_path):
        logs = read(tmp_path, snapshot("a", f"{UPLOADS}:applies", NOW, {"applies": "0"}))
        assert state(logs) == "unknown"


class TestWaivers:
    def test_a_waived_failure_stays_one_and_the_gate_passes(self, tmp_path):
        policy = make_policy(UPLOADS, waivers=(waiver(),))
        host = read(tmp_path, snapshot("a", UPLOADS, NOW, X), policy=policy).host_result("a")
        assert (host.checks[0].state.value, host.checks[0].is_waived, host.gate.state.value) == ("fail", True, "passed")
        assert (host.score.score, host.score.with_waivers) == (0.0, 100.0)

    def test_are_the_policys_and_not_what_a_host_says(self, tmp_path):
        row = {**X, "hardaudit_waiver": "accepted", "hardaudit_gap": ""}
        host = read(tmp_path, snapshot("a", UPLOADS, NOW, row), policy=make_policy(UPLOADS)).host_result("a")
        assert (host.gate.state.value, host.checks[0].findings[0].evidence) == ("failed", {})

    def test_covers_its_subject_alone_and_until_its_day(self, tmp_path):
        for rows, one in (((X, Y), waiver()), ((X,), waiver(expires="2027-01-14"))):
            host = read(tmp_path, snapshot("a", UPLOADS, NOW, *rows), policy=make_policy(UPLOADS, waivers=(one,))).host_result("a")
            assert host.gate.state.value == "failed"

    def test_never_covers_what_was_not_kept(self, tmp_path):
        every = Waiver(UPLOADS, None, "**", "all", "ops", day("2027-02-01"))
        rows = [{"subject": f"/{number}"} for number in range(101)]
        host = read(tmp_path, snapshot("a", UPLOADS, NOW, *rows), policy=make_policy(UPLOADS, waivers=(every,))).host_result("a")
        check = host.checks[0]
        assert (len(check.findings), len(check.unwaived), check.is_waived, host.gate.state.value) == (101, 1, False, "failed")
        assert [found.reason.value for found in check.gaps] == ["truncated"]

    def test_those_that_cover_nothing_are_told(self, tmp_path):
        waivers = (waiver(expires="2028-01-01"), waiver("/never", "2028-01-01"), waiver("/old", "2020-01-01"))
        fleet = read(tmp_path, snapshot("a", UPLOADS, NOW, X), policy=make_policy(UPLOADS, waivers=waivers)).score()
        assert [(notice.waiver.subject, notice.status) for notice in fleet.waivers] == [("/never", "unused"), ("/old", "expired")]


def test_attestations_are_every_hosts(tmp_path):
    made = [Attestation(name, name, day(done), "ops", 30) for name, done in (("kept", "2027-01-01"), ("late", "2026-01-01"))]
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW), snapshot("b", UPLOADS, NOW), policy=make_policy(UPLOADS, attestations=tuple(made)))
    for host in "ab":
        assert verdict(logs, host, "attestation/kept") == ("pass", None)
        assert verdict(logs, host, "attestation/late") == ("manual", "out of date since 2026-01-31")


def test_a_policys_severity_counts(tmp_path):
    policy = make_policy(UPLOADS, gate=Gate(fail_on=Severity.HIGH))
    policy.checks[UPLOADS] = Selection(Severity.LOW, {})
    host = read(tmp_path, snapshot("a", UPLOADS, NOW, X), policy=policy).host_result("a")
    assert (host.checks[0].severity, host.gate.state.value) == (Severity.LOW, "passed")


class TestTheFleet:
    def test_one_that_failed_fails_it_and_the_worst_comes_first(self, tmp_path):
        lines = [
            snapshot(host, name, NOW, *(rows if name == UPLOADS else [])) for host, rows in (("good", []), ("bad", [X])) for name in CHECKS
        ]
        fleet = read(tmp_path, *lines, snapshot("quiet", UPLOADS, NOW)).score()
        assert [(host.identifier, host.gate.state.value) for host in fleet.hosts] == [
            ("bad", "failed"),
            ("quiet", "incomplete"),
            ("good", "passed"),
        ]
        assert (fleet.gate.state.value, fleet.gate.reasons) == ("failed", ("1 host failed", "1 host incomplete"))
        assert [(check.id, check.failing, check.undecided) for check in fleet.checks] == [(UPLOADS, 1, 0), (TLS, 0, 1), (ROOT, 0, 1)]
        assert fleet.hosts[0].failed == (UPLOADS,)
        assert fleet.hosts[1].undecided == {"missing_source": 2}

    @pytest.mark.parametrize("asked", [Gate(min_coverage=0), Gate(min_score=90)])
    def test_a_host_that_is_expected_and_says_nothing_leaves_it_incomplete(self, tmp_path, asked):
        policy = make_policy(UPLOADS, gate=asked)
        lines = [snapshot("here", UPLOADS, NOW), snapshot("old", UPLOADS, NOW - 5 * HOUR), snapshot("new", UPLOADS, NOW)]
        fleet = read(tmp_path, *lines, policy=policy, expected={"here", "old", "gone"}).score()
        assert sorted((host.identifier, host.gate.state.value, host.expected) for host in fleet.hosts) == [
            ("gone", "incomplete", True),
            ("here", "passed", True),
            ("new", "passed", False),
            ("old", "incomplete", True),
        ]
        assert fleet.gate.state.value == "incomplete"
        assert [host.identifier for host in fleet.not_heard] == ["gone", "old"]

    def test_a_host_of_which_only_other_queries_are_heard_is_not_heard_from(self, tmp_path):
        lines = [snapshot("here", UPLOADS, NOW), snapshot("other", "processes", NOW)]
        fleet = read(tmp_path, *lines, policy=make_policy(UPLOADS)).score()
        assert [host.identifier for host in fleet.not_heard] == ["other"]
        fleet = read(tmp_path, *lines, policy=make_policy(UPLOADS), expected={"here"}).score()
        assert (fleet.gate.state.value, fleet.reading.ignored_hosts) == ("passed", ("other",))

    def test_without_any_host_nothing_passed(self, tmp_path):
        fleet = read(tmp_path, policy=make_policy(UPLOADS)).score()
        assert (fleet.gate.state.value, fleet.gate.reasons) == ("incomplete", ("no host was heard from",))


POLICY = """
name: same
checks:
  accounts/second_uid_zero: {severity: critical}
  accounts/duplicate_user_ids: {}
  accounts/legacy_nis_entries: {}
  accounts/system_accounts_shell: {}
  ssh/root_login: {}
  ssh/password_login: {}
  filesystem/account_files_permissions: {}
gate: {fail_on: critical, min_score: 10, min_coverage: 20}
waivers:
  - {check: accounts/second_uid_zero, subject: toor, reason: known, owner: ops, expires: 2099-01-01}
attestations:
  - {id: drill, title: A drill, done: 2020-01-01, by: ops, valid_days: 10}
"""


def logged(engine, policy, checks, at):
    """What an osqueryd that reads the same tables would log: values as text, NULL as nothing, gaps as rows."""
    for name in policy.checks:
        check, parameters = checks[name], {key: sql_value(value) for key, value in policy.checks[name].params.items()}
        applies = None if check.applies is None else engine.run(check.applies, parameters)
        if applies is not None:
            gaps = [{"applies": "", "hardaudit_gap": as_gap(found)} for found in applies.gaps]
            yield snapshot("a", f"{name}:applies", at, {"applies": str(min(1, len(applies.rows))), "hardaudit_gap": ""}, *gaps)
        if applies is None or applies.rows:
            answer = engine.run(check.query, parameters)
            rows = [{key: "" if value is None else str(value) for key, value in row.items()} for row in answer.rows]
            yield snapshot("a", name, at, *rows, *({"subject": "", "hardaudit_gap": as_gap(found)} for found in answer.gaps))


def as_gap(found):
    return json.dumps({"table": found.table, "reason": found.reason.value, "detail": found.detail})


@pytest.mark.parametrize("sshd", [True, False])
@pytest.mark.parametrize(
    "users",
    ["root:x:0:0::/root:/bin/sh\n", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nx:x:5:5::/:/bin/sh\ny:x:5:5::/:/bin/sh\n", None],
)
def test_states_score_and_gate_are_those_of_a_local_run(tmp_path, root, users, sshd):
    root.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\n")
    root.write("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    if users is not None:
        root.write("/etc/passwd", users)
    if sshd:
        root.write("/etc/ssh/sshd_config", "PermitRootLogin yes\n")
        root.write("/usr/sbin/sshd", "")
    (tmp_path / "same.yaml").write_text(
        "\n".join(text for text in POLICY.splitlines() if "legacy_nis" not in text and "system_accounts" not in text)
    )
    registry = Registry()
    policy = registry.load_policy(str(tmp_path / "same.yaml"))
    with Target.directory(root.path) as target, Engine(target, builtin_tables()) as engine:
        local = audit(policy, registry, engine, Bounds())
        at = int(datetime.now(timezone.utc).timestamp())
        log = tmp_path / "osqueryd.snapshots.log"
        log.write_text("".join(f"{line}\n" for line in logged(engine, policy, registry.checks, at)))
    remote = FleetLogs([str(log)], policy, registry, Question()).host_result("a")
    assert [(check.id, check.state, check.reason) for check in remote.checks] == [
        (check.id, check.state, check.reason) for check in local.checks
    ]
    assert [[found.subject for found in check.unwaived] for check in remote.checks] == [
        [found.subject for found in check.unwaived] for check in local.checks
    ]
    assert (remote.score, remote.gate) == (local.score, local.gate)
