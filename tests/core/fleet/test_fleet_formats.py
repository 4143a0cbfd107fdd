"""The formats of osqueryd's results, one by one."""

from __future__ import annotations

import pytest
from fleet_logs import CHECKS, NOW, ROOT, TLS, UPLOADS, batch, event, make_policy, read, result_of, snapshot, state, subjects, verdict

from hardaudit.fleet.notices import notices
from hardaudit.fleet.query_names import OTHER, QueryNames

X, Y = {"subject": "/x", "why": "1"}, {"subject": "/y", "why": "2"}


def test_a_snapshot_without_rows_is_a_pass_and_one_with_rows_a_failure(tmp_path):
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 60), snapshot("b", UPLOADS, NOW - 60, X, Y))
    assert verdict(logs, "a", UPLOADS) == ("pass", None)
    assert verdict(logs, "b", UPLOADS) == ("fail", None)
    assert subjects(logs, "b") == ["/x", "/y"]
    found = result_of(logs, "b").findings[0]
    assert (found.message, found.evidence) == ("/x is wrong", {"why": "1"})


def test_what_was_never_reported_is_unknown(tmp_path):
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW))
    assert verdict(logs, "a", ROOT) == ("unknown", "missing_source")


def test_the_newest_snapshot_counts(tmp_path):
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 60, X), snapshot("a", UPLOADS, NOW - 30))
    assert state(logs) == "pass"
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW - 60), snapshot("a", UPLOADS, NOW - 30, X))
    assert state(logs) == "fail"


def test_a_snapshot_with_a_row_a_line_is_one_result_a_time(tmp_path):
    rows = [event("a", UPLOADS, NOW - 60, "snapshot", X), event("a", UPLOADS, NOW - 60, "snapshot", Y)]
    assert subjects(read(tmp_path, *rows)) == ["/x", "/y"]
    assert subjects(read(tmp_path, *rows, event("a", UPLOADS, NOW - 30, "snapshot", Y))) == ["/y"]


def test_differences_in_the_event_format(tmp_path):
    logs = read(
        tmp_path,
        event("a", UPLOADS, NOW - 90, "added", X),
        event("a", UPLOADS, NOW - 90, "added", Y),
        event("a", UPLOADS, NOW - 60, "removed", X, counter=5),
    )
    assert subjects(logs) == ["/y"]
    logs = read(
        tmp_path,
        event("a", UPLOADS, NOW - 90, "added", X),
        event("a", UPLOADS, NOW - 60, "removed", X, counter=5),
    )
    assert state(logs) == "pass"


def test_differences_in_the_batch_format(tmp_path):
    logs = read(tmp_path, batch("a", UPLOADS, NOW - 90, [X, Y]), batch("a", UPLOADS, NOW - 60, [], [X, Y], counter=7))
    assert state(logs) == "pass"
    logs = read(tmp_path, batch("a", UPLOADS, NOW - 90, [X]), batch("a", UPLOADS, NOW - 60, [Y], [X], counter=7))
    assert subjects(logs) == ["/y"]


def test_numbers_may_be_text_and_text_numbers(tmp_path):
    logs = read(
        tmp_path,
        event("a", UPLOADS, str(NOW - 90), "added", {"subject": "/x", "n": 1.5}, epoch="0", counter="0"),
        event("a", UPLOADS, str(NOW - 60), "removed", {"n": 1.5, "subject": "/x"}, epoch="0", counter="1"),
    )
    assert state(logs) == "pass"
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW, {"subject": 7, "n": 3}))
    assert subjects(logs) == ["7"]


def test_status_messages_and_other_queries_are_no_results(tmp_path):
    status = (
        '{"hostIdentifier":"a","calendarTime":"","unixTime":1,"severity":"0","filename":"x.cpp","line":"1","message":"m","version":"5"}'
    )
    logs = read(tmp_path, status, snapshot("a", "processes", NOW, {"pid": "1"}), snapshot("a", UPLOADS, NOW))
    assert (logs.reading.results, logs.reading.other, logs.reading.files[0].unusable) == (1, 1, 0)
    assert state(logs) == "pass"


@pytest.mark.parametrize(
    ("name", "stands_for"),
    [
        ("web/tls", "web/tls"),
        ("pack_site_web/tls", "web/tls"),
        ("pack/Global/web/tls", "web/tls"),
        ("pack/team-3/web/tls:applies", "web/tls:applies"),
        ("pack_a_pack_b_ssh/root", "ssh/root"),
        ("pack_site_old_web/tls", "old_web/tls"),
        ("pack-site_web/tls", None),
        ("packxsitexweb/tls", None),
        ("site_web/tls", None),
        ("pack_site_web/tls2", None),
        ("pack_site_web/uploads:applies", None),
        ("pack_hardaudit-site_web/tls", "web/tls"),
        ("pack_hardaudit-site-0a1b2c3d_web/tls", "web/tls"),
        ("pack/hardaudit-site/web/tls:applies", "web/tls:applies"),
        ("pack_hardaudit-site-shop_web/tls", None),
        ("pack_hardaudit-sites_web/tls", None),
        ("pack-hardaudit-other-web/tls", None),
        ("pack_hardaudit-other-0a1b2c3d_old_web/tls", None),
        ("pack_hardauditor_web/tls", "web/tls"),
        ("pack_", None),
        ("pack", None),
        ("", None),
    ],
)
def test_a_query_is_known_by_its_name_in_any_pack(name, stands_for):
    names = QueryNames("site", [*CHECKS, "old_web/tls"], [TLS])
    number = names.number(name)
    assert (None if number == OTHER else names.names[number]) == stands_for


def test_a_pack_of_another_policy_asks_otherwise_and_does_not_count(tmp_path):
    """On a host with the packs of two policies, the parameters of one may allow what the other does not."""
    lines = [
        snapshot("a", f"pack_hardaudit-site_{UPLOADS}", NOW - 60, X),
        snapshot("a", f"pack_hardaudit-lax_{UPLOADS}", NOW - 30),
        snapshot("a", "pack_hardaudit-lax_no/such_check", NOW - 20),
    ]
    lines = [line.replace("pack_hardaudit_pack", "pack") for line in lines]
    logs = read(tmp_path, *lines, policy=make_policy(UPLOADS))
    assert state(logs) == "fail"
    assert (logs.reading.results, logs.reading.other, dict(logs.reading.other_policies)) == (1, 2, {"hardaudit-lax": 1})
    assert "1 line is of packs of other policies and not counted: hardaudit-lax" in notices(logs.score())


def test_a_check_that_is_disabled_or_of_another_policy_does_not_count(tmp_path):
    logs = read(tmp_path, snapshot("a", UPLOADS, NOW, X), snapshot("a", ROOT, NOW), policy=make_policy(ROOT))
    assert [check.id for check in logs.host_result("a").checks] == [ROOT]
    assert logs.host_result("a").gate.state.value == "passed"
