"""Reading YAML: values, positions, refusals, bounds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hardaudit.documents import reading
from hardaudit.documents.problems import Choice, DocumentError, PolicyDocumentError, Position, Problem, Problems, printable, quote
from hardaudit.documents.reading import parse_document, read_document
from hardaudit.documents.schema import hold_against, validator


def parse(text: str | bytes):
    return parse_document(text.encode() if isinstance(text, str) else text, "p.yaml", PolicyDocumentError)


def faults(text: str | bytes) -> list[str]:
    with pytest.raises(PolicyDocumentError) as caught:
        parse(text)
    return str(caught.value).split("\n")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2027-03-31", "2027-03-31"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0", 0),
        ("-17", -17),
        ("0x1F", 31),
        ("0o755", 493),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("9223372036854775807", 2**63 - 1),
        ("'0755'", "0755"),
        ('"true"', "true"),
        ("1.2.3", "1.2.3"),
        ("<<", "<<"),
        ("=", "="),
        ("0.5", 0.5),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written, value):
    found = parse(f"key: {written}\n").value["key"]
    assert found == value
    assert type(found) is type(value)


def test_blocks_keep_their_lines_and_are_text():
    assert parse("a: |\n  SELECT 1\n  -- two\nb: >\n  x\n  y\nc: |\n  5\n").value == {"a": "SELECT 1\n-- two\n", "b": "x y\n", "c": "5\n"}


def test_positions_are_of_values_and_of_keys():
    document = parse("name: x\nchecks:\n  web/*: {severity: high, params: {é: [1, zwei]}}\n  empty:\n")
    assert document.at_key(("checks", "web/*")) == Position(3, 3)
    assert document.at(("checks", "web/*")) == Position(3, 10)
    assert document.at(("checks", "web/*", "severity")) == Position(3, 21)
    assert document.at_key(("checks", "web/*", "params", "é")) == Position(3, 36)
    assert document.at(("checks", "web/*", "params", "é", 1)) == Position(3, 43)
    assert document.at_key(("checks", "web/*", "params", "é", 1)) == Position(3, 43)
    assert document.at(("checks",)) == Position(3, 3)
    assert document.at(("checks", "absent", "deeper")) == Position(3, 3)
    assert document.at(()) == Position(1, 1)


def test_a_byte_order_mark_and_windows_line_ends_shift_nothing():
    document = parse("\ufeffname: x\r\ngate: {a: 1}\r\n")
    assert document.at_key(("gate", "a")) == Position(2, 8)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: 1\nb: 2\na: 3\n", ["p.yaml:3:1: the key 'a' is there twice: first at 1:1"]),
        ("x: {a: 1, 'a': 2}\n", ["p.yaml:1:11: the key 'a' is there twice: first at 1:5"]),
        ("a: &x [1]\n", ["p.yaml:1:4: the anchor '&x' is not allowed: write the value out where it is needed"]),
        ("a: b\nc: *b\n", ["p.yaml:2:4: the alias '*b' is not allowed: write the value out"]),
        (
            "a: !!python/object/apply:os.system [id]\n",
            ["p.yaml:1:4: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed"],
        ),
        ("a: ! 5\n", ["p.yaml:1:4: the tag '!' is not allowed"]),
        ("%YAML 1.1\n---\na: 1\n", ["p.yaml:1:1: directives (%YAML, %TAG) are not allowed"]),
        ("a: 1\n---\nb: 2\n", ["p.yaml:2:1: a second document: a file holds one"]),
        ("1: a\n", ["p.yaml:1:1: a key must be text, not the number 1: quote it"]),
        ("? {a: b}\n: c\n", ["p.yaml:1:3: a key must be text, not a mapping: quote it"]),
        (
            "true: a\nnull: b\n",
            ["p.yaml:1:1: a key must be text, not true: quote it", "p.yaml:2:1: a key must be text, not nothing: quote it"],
        ),
        ("mode: 0755\n", ["p.yaml:1:7: '0755' may be octal or decimal: quote it if it is text, else leave the zero out"]),
        ("n: 9223372036854775808\n", ["p.yaml:1:4: '9223372036854775808' does not fit 64 bits: quote it if it is text"]),
        (f"n: {'9' * 100_000}\n", [f"p.yaml:1:4: '{'9' * 79}…' does not fit 64 bits: quote it if it is text"]),
        (
            "n: .inf\nm: .nan\no: 1e999\n",
            [f"p.yaml:{i}:4: '{v}' is no finite number: quote it if it is text" for i, v in ((1, ".inf"), (2, ".nan"), (3, "1e999"))],
        ),
        ("a:\n\tb: 1\n", ["p.yaml:2:1: a tab cannot indent YAML: use spaces"]),
        ("a: b: c\n", ["p.yaml:1:5: a second ': ' in plain text, or a key where none can be: quote text that has ': ' in it"]),
        ("a: @b\n", ["p.yaml:1:4: '@' cannot start plain text: quote the text"]),
        ("a: 1\nb: [2\nc: 3\n", ["p.yaml:3:2: did not find expected ',' or ']' (while parsing a flow sequence that starts at 2:4)"]),
        ("", ["p.yaml:1:1: is empty"]),
        ("# nothing\n", ["p.yaml:1:1: is empty"]),
        ("a: 1\nb: \x07\n", ["p.yaml:2:4: the control character U+0007 is not allowed"]),
        ("a: x\u2028y\n", ["p.yaml:1:5: the control character U+2028 is not allowed"]),
        ("a: x\ry\n", ["p.yaml:1:5: the control character U+000D is not allowed"]),
        (b"a: 1\nb: \xe9t\xe9\n", ["p.yaml:2:4: byte 0xe9 is not UTF-8: save the file as UTF-8"]),
        ("a: 1\n".encode("utf-16"), ["p.yaml:1:1: byte 0xff is not UTF-8: save the file as UTF-8"]),
        ("a: " + "[" * 40 + "]" * 40, ["p.yaml:1:36: nested more than 32 levels deep"]),
        ("? " * 5000 + "a\n", ["p.yaml:1:67: nested more than 32 levels deep"]),
        ("[" + "a," * 200_000 + "]", ["p.yaml:1:200000: more than 100,000 values"]),
        (b"#" * (2**20 + 1), ["p.yaml:1:1: is larger than 1,048,576 bytes, the most that is read"]),
    ],
)
def test_refused_in_one_line_at_the_very_place(text, lines):
    assert faults(text) == lines


def test_very_deep_nesting_is_refused_wherever_libyaml_notices():
    (line,) = faults("a: " + "[" * 500_000)
    assert re.fullmatch(r"p\.yaml:1:\d+: nested more than 32 levels deep", line)


def test_every_fault_is_named_in_order_and_a_flood_is_cut():
    assert len(faults("a: *x\nb: !t 1\na: 007\n")) == 4
    flood = faults("[" + "*a ," * 20_000 + "]")
    assert len(flood) == 51
    assert flood[-1] == "p.yaml: and 19950 more problems"


def test_a_bomb_of_aliases_expands_nowhere():
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    lines = faults(bomb)
    assert lines[0] == "p.yaml:1:5: the anchor '&a0' is not allowed: write the value out where it is needed"
    assert all("is not allowed" in line or "more problems" in line for line in lines)


def test_the_pure_python_parser_reads_the_same(monkeypatch):
    text = "a: [1, {b: no}]\nc: |\n  x\n'é': 2027-01-01\n"
    fast = parse(text)
    monkeypatch.setattr(reading, "_LOADER", yaml.SafeLoader)
    slow = parse(text)
    assert slow == fast
    assert faults('a: &x 1\nb: "\\ud800"\n')[-1].startswith("p.yaml:2:4: ")


def test_files_that_are_none_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "large.yaml").write_bytes(b"a: " + b"x" * 2**21)
    seen = []
    expected = {
        "fifo.yaml": ": cannot be read: it is not a regular file",
        "absent.yaml": ": cannot be read: No such file or directory",
        ".": ": cannot be read: it is not a regular file",
        "large.yaml": ":1:1: is larger than 1,048,576 bytes, the most that is read",
    }
    for name, message in expected.items():
        path = str(tmp_path / name)
        with pytest.raises(PolicyDocumentError) as caught:
            read_document(path, PolicyDocumentError, seen.append)
        assert str(caught.value) == path + message
        assert seen[-1] == path


def test_verify_is_asked_before_the_file_is_opened(tmp_path):
    class NotTrustedError(Exception):
        pass

    def refuse(path: str) -> None:
        raise NotTrustedError(path)

    with pytest.raises(NotTrustedError):
        read_document(str(tmp_path / "absent.yaml"), PolicyDocumentError, refuse)


def test_messages_stay_on_one_line_and_show_no_control_characters():
    assert (
        faults('"a\\nb\\e[31m\\u202e": &x 1\n"a\\nb\\e[31m\\u202e": 2\n')[1]
        == "p.yaml:2:1: the key 'a\\nb\\x1b[31m\\u202e' is there twice: first at 1:1"
    )
    assert str(Problem("p\n.yaml", Position(1, 2), "x")) == "p\\n.yaml:1:2: x"
    assert quote("x" * 200) == "'" + "x" * 79 + "…'"
    assert printable("naïve ü") == "naïve ü"


def test_problems_sort_by_file_read_and_place():
    problems = Problems(PolicyDocumentError)
    problems.add_at("b", Position(2, 1), "second")
    problems.add_at("a", Position(1, 1), "third")
    problems.add_at("b", Position(1, 9), "first", Choice("hihg", ["high", "low"]))
    problems.add_at("b", Position(2, 1), "second")
    with pytest.raises(DocumentError) as caught:
        problems.fail_if_any()
    assert str(caught.value) == "b:1:9: first; allowed: high, low; did you mean 'high'?\nb:2:1: second\na:1:1: third"
    assert [problem.message for problem in caught.value.problems][1:] == ["second", "third"]


@pytest.mark.parametrize(
    ("schema", "text", "lines"),
    [
        ({"type": "integer"}, "1.0", ["1:4: v must be a whole number, not the number 1.0"]),
        ({"type": "integer"}, "true", ["1:4: v must be a whole number, not true"]),
        ({"type": "string"}, "5", ["1:4: v must be text, not the number 5: quote it"]),
        ({"type": "boolean"}, "on", ["1:4: v must be true or false, not 'on': write true"]),
        ({"type": ["array", "null"]}, "{}", ["1:4: v must be a list or nothing, not a mapping"]),
        (
            {"type": "array", "items": {"type": "integer"}},
            "[1, x, y]",
            ["1:8: v[1] must be a whole number, not 'x'", "1:11: v[2] must be a whole number, not 'y'"],
        ),
        ({"enum": ["low", "high", 3]}, "hgih", ["1:4: v cannot be 'hgih'; allowed: low, high, 3; did you mean 'high'?"]),
        ({"pattern": "^a", "description": "a word with a"}, "b", ["1:4: v must be a word with a, not 'b'"]),
        ({"pattern": "^a"}, "b", ["1:4: v must be text like ^a, not 'b'"]),
        ({"format": "date"}, "2027-02-29", ["1:4: v must be a date written YYYY-MM-DD, not '2027-02-29'"]),
        ({"format": "date"}, "20270228", []),  # a number: the type's business
        ({"format": "date"}, "'20270228'", ["1:4: v must be a date written YYYY-MM-DD, not '20270228'"]),
        ({"format": "date"}, '"2027-02-28\\n"', ["1:4: v must be a date written YYYY-MM-DD, not '2027-02-28\\n'"]),
        ({"format": "date"}, "2027-W08-7", ["1:4: v must be a date written YYYY-MM-DD, not '2027-W08-7'"]),
        ({"format": "regex"}, "'[a'", ["1:4: v must be a regular expression, not '[a'"]),
        ({"format": "regex"}, "'[a]'", []),
        ({"minimum": 1, "maximum": 9}, "0", ["1:4: v must be at least 1, not the number 0"]),
        ({"minItems": 1}, "[]", ["1:4: v must have at least 1 items"]),
        ({"uniqueItems": True}, "[{a: 1}, {a: 1}]", ["1:4: v must have no item twice"]),
        ({"required": ["a", "b", "c"]}, "{b: 1}", ["1:4: v lacks the key 'a'", "1:4: v lacks the key 'c'"]),
        (
            {"properties": {"port": {}, "protocol": {}}, "additionalProperties": False},
            "{prot: 1, zz: 2}",
            [
                "1:5: unknown key 'prot' in v; allowed: port, protocol; did you mean 'port'?",
                "1:14: unknown key 'zz' in v; allowed: port, protocol",
            ],
        ),
        ({"propertyNames": {"pattern": "^[a-z]+$", "description": "a word"}}, "{a: 1, B2: 1}", ["1:11: the key 'B2' in v must be a word"]),
        ({"not": {}}, "1", ["1:4: v is not allowed here: '1 should not be valid under {}'"]),
    ],
)
def test_schema_faults_in_words(schema, text, lines):
    document = parse(f"v: {text}\n")
    problems = Problems(PolicyDocumentError)
    kept = hold_against(validator(schema), document, ("v",), problems)
    assert kept is (not lines)
    if lines:
        with pytest.raises(PolicyDocumentError) as caught:
            problems.fail()
        assert str(caught.value).split("\n") == [f"p.yaml:{line}" for line in lines]


def test_the_schema_library_is_not_imported_for_nothing():
    code = (
        "import sys, hardaudit.documents.schema, hardaudit.policy.load, hardaudit.policy.check_file; sys.exit('jsonschema' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"), exclude_characters="\ufeff\x85"), max_size=30
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(value=json_values)
@settings(deadline=None)
def test_json_is_read_as_json_reads_it_and_positions_point_at_values(value):
    text = json.dumps({"value": value}, ensure_ascii=False, indent=1)
    document = parse(text)
    assert document.value == {"value": value}
    lines = text.split("\n")
    for path, position in document.values.items():
        if path:
            rest = lines[position.line - 1][position.column - 1 :]
            found = document.get(path)
            expected = "{" if isinstance(found, dict) else "[" if isinstance(found, list) else json.dumps(found, ensure_ascii=False)
            assert rest.startswith(expected)
    for path, position in document.keys.items():
        assert lines[position.line - 1][position.column - 1 :].startswith(json.dumps(path[-1], ensure_ascii=False))


@given(content=st.binary(max_size=200) | st.text("ab01:-[]{},#&*!|>'\"%@`?~ \n\t\\", max_size=120).map(str.encode))
@settings(deadline=None, max_examples=500)
def test_whatever_bytes_come_the_answer_is_a_document_or_one_line_faults(content):
    document, lines = None, []
    try:
        document = parse(content)
    except DocumentError as error:
        lines = str(error).split("\n")
    assert all(line.startswith("p.yaml:") and line.isprintable() for line in lines)
    if document is None:
        assert lines
    else:
        json.dumps(document.value, allow_nan=False)
