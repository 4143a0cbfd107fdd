"""Hosts can lie: no line of theirs ends the run, takes all memory, or makes a failure a pass unseen."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc

import pytest
from fleet_logs import NOW, REGISTRY, ROOT, TLS, UPLOADS, batch, event, make_policy, read, result_of, snapshot, state, subjects

from hardaudit.fleet import host_state, reading
from hardaudit.fleet.formats import FORMATS
from hardaudit.fleet.log_files import find_logs
from hardaudit.fleet.query_names import QueryNames
from hardaudit.fleet.reading import Reader
from hardaudit.fleet.score import FleetLogs, Question
from hardaudit.model.report_format import RenderOptions
from hardaudit.report.formats import BUILT_IN

X, Y = {"subject": "/x"}, {"subject": "/y"}

STRANGE = [
    "",
    "null",
    "[]",
    "7",
    '"text"',
    "{}",
    "{" * 100_000,
    "[" * 100_000,
    '{"name":' + "[" * 900 + "]" * 900 + "}",
    snapshot("a", UPLOADS, NOW, X)[:-1] + ',"snapshot":[]}',
    snapshot("a", UPLOADS, NOW, X).replace('"/x"', '"/x", "subject": "/y"'),
    "NaN",
    snapshot("a", UPLOADS, NOW).replace(str(NOW), "NaN"),
    snapshot("a", UPLOADS, NOW).replace(str(NOW), "Infinity"),
    snapshot("a", UPLOADS, NOW).replace(str(NOW), "1e999"),
    snapshot("a", UPLOADS, NOW).replace(str(NOW), "9" * 5000),
    snapshot("a", UPLOADS, NOW).replace(str(NOW), "-1"),
    snapshot("a", UPLOADS, True),
    snapshot("a", UPLOADS, "１８"),
    snapshot("a", UPLOADS, 0),
    snapshot("a", UPLOADS, None),
    snapshot("", UPLOADS, NOW),
    snapshot("h" * 256, UPLOADS, NOW),
    snapshot("a", UPLOADS, NOW)[:-1] + ',"name":7}',
    snapshot("a", UPLOADS, NOW)[:-1] + ',"snapshot":{}}',
    snapshot("a", UPLOADS, NOW).replace('"action": "snapshot"', '"action": null'),
    batch("a", UPLOADS, NOW, counter=-1),
    batch("a", UPLOADS, NOW, epoch=2**64),
    batch("a", UPLOADS, NOW, epoch=1.5),
    snapshot("a", UPLOADS, NOW).replace('"snapshot": []', '"diffResults": []'),
    snapshot("a", UPLOADS, NOW).replace('"snapshot": []', '"diffResults": {"added": []}'),
    snapshot("a", UPLOADS, NOW).replace('"snapshot": []', '"diffResults": {"added": [], "removed": 0}'),
    event("a", UPLOADS, NOW, "changed", X),
    event("a", UPLOADS, NOW, ["added"], X),
]


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_what_is_no_result_is_counted_and_is_no_evidence(tmp_path, text):
    logs = read(tmp_path, snapshot("b", UPLOADS, NOW - 60), snapshot("a", ROOT, NOW - 60), text)
    assert logs.reading.files[0].unusable == (1 if text else 0)
    assert state(logs) == "unknown"


@pytest.mark.parametrize(
    "row", [None, 7, [], [X], "x", {"subject": {"a": [1]}}, {"subject": None}, {"subject": True}, {"": ""}, {"subject": 1e300}]
)
def test_a_row_of_any_kind_is_no_pass(tmp_path, row):
    for lines in ([snapshot("a", UPLOADS, NOW, row)], [batch("a", UPLOADS, NOW, [row])], [event("a", UPLOADS, NOW, "added", row)]):
        assert state(read(tmp_path, *lines)) in ("fail", "error")


def test_a_row_as_deep_as_can_be_read_is_no_traceback(tmp_path):
    for depth in range(10, 1200, 35):
        nested = '{"subject":' + "[" * depth + "]" * depth + "}"
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW, "ROW").replace('"ROW"', nested))
        assert state(logs) in ("fail", "unknown")
        FORMATS["html"].render(logs.score(), RenderOptions())


HOSTILE = [
    "\x1b[2J\x1b]0;x\x07",
    "<script>alert(1)</script>",
    "\u202egpj.exe",
    '"onload="x',
    "\ud800",
    "a\nGate    PASSED",
    "{{ 7*7 }}",
    "\x9b31m",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_host_reaches_a_page_or_terminal_as_it_is(tmp_path, text):
    lines = [snapshot(f"h{text}", UPLOADS, NOW, {"subject": text, text: text}), snapshot(f"o{text}", "other", NOW)]
    logs = read(tmp_path, *lines, files=None)
    pages = [BUILT_IN[form].render(logs.host_result(f"h{text}"), RenderOptions(verbose=True)) for form in ("table", "json")]
    result = logs.score()
    pages += [form.render(result, RenderOptions(verbose=True)) for form in FORMATS.values()]
    for page in pages:
        page.encode()
        assert not any(bad in page for bad in ("\x1b", "\x07", "\x9b", "\u202e", "\nGate    PASSED\n", "h49"))
    assert "<script" not in pages[-1]
    assert '"onload' not in pages[-1]


def test_bytes_that_are_no_utf8_are_evidence_like_others(tmp_path):
    content = snapshot("a", UPLOADS, NOW, {"subject": "/BYTE"}).replace("BYTE", "\xff").encode("latin-1")
    assert subjects(read(tmp_path, files={"x.log": content})) == ["/\uefff"]


class TestBounds:
    def test_rows_beyond_a_number_are_not_kept_and_the_check_still_fails(self, tmp_path):
        logs = read(tmp_path, snapshot("a", UPLOADS, NOW, *({"subject": f"/{number}"} for number in range(5000))))
        check = result_of(logs)
        assert (check.state.value, len(check.findings), [gap.reason.value for gap in check.gaps]) == ("fail", 101, ["truncated"])
        assert "1 result with more rows than are kept" in FORMATS["table"].render(logs.score(), RenderOptions())

    def test_gaps_cannot_crowd_out_a_finding(self, tmp_path):
        gaps = [{"hardaudit_gap": f"{number}"} for number in range(5000)]
        assert state(read(tmp_path, snapshot("a", UPLOADS, NOW, *gaps))) == "unknown"
        assert state(read(tmp_path, snapshot("a", UPLOADS, NOW, *gaps, X))) == "fail"

    def test_a_row_that_is_too_large_to_keep_is_a_failure(self, tmp_path):
        assert state(read(tmp_path, snapshot("a", UPLOADS, NOW, {"subject": "x" * 100_000}))) == "fail"

    def test_differences_that_were_not_all_kept_never_end_in_a_pass(self, tmp_path):
        rows = [{"subject": f"/{number}"} for number in range(200)]
        lines = [batch("a", UPLOADS, NOW - 60, rows), batch("a", UPLOADS, NOW - 30, [], rows, counter=1)]
        assert state(read(tmp_path, *lines)) == "unknown"
        assert state(read(tmp_path, *lines, batch("a", UPLOADS, NOW - 20), batch("a", UPLOADS, NOW - 10, [X], counter=1))) == "fail"

    def test_more_hosts_than_can_be_told_apart_are_counted_and_leave_the_fleet_incomplete(self, tmp_path, monkeypatch):
        monkeypatch.setattr(reading, "HOST_LIMIT", 10)
        lines = [snapshot(f"forged-{number}", UPLOADS, NOW) for number in range(25)] + [snapshot("mine", UPLOADS, NOW, X)]
        logs = read(tmp_path, *lines, policy=make_policy(UPLOADS), expected={"mine"})
        assert (len(logs.reading.hosts), logs.reading.refused, state(logs, "mine")) == (11, 15, "fail")
        fleet = read(tmp_path, *lines[:25], policy=make_policy(UPLOADS)).score()
        assert fleet.gate.state.value == "incomplete"

    def test_memory_does_not_grow_with_what_one_host_says(self, tmp_path, monkeypatch):
        monkeypatch.setattr(host_state, "_HOST_BYTES", 2**18)

        def peak(lines):
            log = tmp_path / f"{lines}.log"
            with log.open("w") as file:
                for number in range(lines):
                    rows = [{"subject": f"/{number}/{row}", "text": "x" * 200} for row in range(50)]
                    file.write(event("a", (UPLOADS, TLS, ROOT)[number % 3], NOW - lines + number, "added", rows[0], counter=number) + "\n")
                    file.write(snapshot("a", (UPLOADS, TLS, ROOT)[number % 3], NOW - lines + number, *rows) + "\n")
                    file.write(f'{{"cut":"{number}"\n{snapshot("b", f"other-{number}", NOW)}\n')
            files = find_logs([str(log)])
            tracemalloc.start()
            Reader(QueryNames("site", [UPLOADS, TLS, ROOT], [TLS]), NOW).read(files)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        peak(10)
        assert peak(2000) < peak(200) + 400_000


def fuzz_lines():
    """Three hosts in three formats, each with a failure of every kind after a pass."""
    yield snapshot("a", UPLOADS, NOW - 900)
    yield snapshot("a", UPLOADS, NOW - 600, X)
    yield snapshot("a", ROOT, NOW - 900, X)
    yield event("b", UPLOADS, NOW - 900, "added", X)
    yield event("b", UPLOADS, NOW - 800, "removed", X, counter=3)
    yield event("b", UPLOADS, NOW - 700, "added", Y, counter=4)
    yield batch("c", UPLOADS, NOW - 900, [X])
    yield batch("c", UPLOADS, NOW - 800, [], [X], counter=3)
    yield batch("c", UPLOADS, NOW - 700, [Y], [], counter=4)
    yield snapshot("c", TLS, NOW - 600, X)
    yield snapshot("c", f"{TLS}:applies", NOW - 600, {"applies": "1"})


FAILURES = (("a", UPLOADS), ("a", ROOT), ("b", UPLOADS), ("c", UPLOADS), ("c", TLS))


def mutated(rng, content):
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at = rng.randrange(len(content))
        kind = rng.randrange(6)
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at] = rng.choice(b'"{}[],:\\0123456789naz \n')
        elif kind == 2:
            del content[at : at + rng.choice([1, 1, 3, 40, 200])]
        elif kind == 3:
            content[at:at] = rng.choice([b"\n", b'"', b"\x00", b"\xff", b"{", b"0", b"\\u0000", content[at : at + 60]])
        elif kind == 4:
            del content[at:]
        else:
            content[at:at] = content[rng.randrange(len(content)) :][: rng.randrange(400)]
        if not content:
            break
    return bytes(content)


def is_told(logs, original):
    """Whether the reading says that something is not as it was: lost, unknown, of other hosts, or in another number."""
    found = logs.reading
    return bool(
        any(not file.is_whole for file in found.files)
        or found.other
        or found.future_results
        or found.lines != original.reading.lines
        or set(found.hosts) != set(original.reading.hosts)
    )


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_makes_a_failure_a_pass_unseen(tmp_path, seed, monkeypatch):
    rng = random.Random(seed)
    content = "".join(f"{text}\n" for text in fuzz_lines()).encode()
    original = read(tmp_path, files={"x.log": content})
    assert [state(original, *failure) for failure in FAILURES] == ["fail"] * 5
    for _ in range(400):
        damaged = mutated(rng, content)
        (tmp_path / "x.log").write_bytes(damaged if rng.random() < 0.9 else mutated(rng, gzip.compress(content, mtime=0)))
        logs = FleetLogs([str(tmp_path)], make_policy(), REGISTRY, Question(as_of=NOW))
        for host, check in FAILURES:
            if host in logs.reading.hosts and state(logs, host, check) not in ("fail", "unknown", "error"):
                assert is_told(logs, original), damaged.decode(errors="replace")
        json.loads(FORMATS["json"].render(logs.score(), RenderOptions()))
