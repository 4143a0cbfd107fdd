"""One line of a results log: what a query of a host returned, or what can still be told of a line that cannot be used.

The formats are osqueryd's: `snapshot` (all rows in a line, or with --logger_snapshot_event_type a row a line), the event format (a row a
line, `added` or `removed`) and the batch format (`diffResults`). See osquery/core/query.cpp and docs/wiki/deployment/logging.md there.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, NoReturn, TypeAlias

from hardaudit.model import host_text

JsonRow: TypeAlias = Any
"""A row as it stands in the line: an object of columns if all is well."""

LAST_TIME = 253_402_300_799
"""The last second of the year 9999; the log's times go from 1 to it."""

_LONGEST_IDENTIFIER = 255
_LARGEST = 2**64 - 1
_STATUS_KEYS = frozenset({"severity", "message"})
_RESULT_KEYS = frozenset({"name", "snapshot", "diffResults", "columns"})
_TEXT = rb'"((?:[^"\\\n]|\\.){1,1024})"'
_NAMES = re.compile(rb'"name"\s*:\s*' + _TEXT)
_HOSTS = re.compile(rb'"hostIdentifier"\s*:\s*' + _TEXT)
_TIMES = re.compile(rb'"unixTime"\s*:\s*"?(\d{1,12})\b')
_LOOKED_AT = 8192
_MOST = 8


class Report(NamedTuple):
    """What a query returned.

    `rows` are those of a snapshot, or those added; `removed` is None for a snapshot. `single`: one row of several lines. `time` is in Unix
    seconds, by the host's clock.
    """

    host: str
    name: str
    time: int
    rows: list[JsonRow]
    removed: list[JsonRow] | None
    single: bool
    epoch: int
    counter: int


class Traces(NamedTuple):
    """What a line that cannot be used still says: identifiers of hosts, names of queries, and a time."""

    hosts: tuple[str, ...]
    names: tuple[str, ...]
    time: int | None


class LineError(ValueError):
    """The line is no result; `is_json` tells one that was cut from one that says what no result can."""

    def __init__(self, message: str, *, is_json: bool) -> None:
        super().__init__(message)
        self.is_json = is_json


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key that is there twice comes of two lines run together, or of someone who wants readers to differ."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")
    return value


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique)


def parse(line: bytes) -> Report | None:
    """The result in a line; None for one of osqueryd's status messages. Raises LineError."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = host_text.decode(line)
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise LineError("no JSON", is_json=False) from error
    if not isinstance(value, dict):
        raise LineError("no JSON object", is_json=True)
    try:
        return _report(value)
    except KeyError as error:
        if value.keys() >= _STATUS_KEYS and not value.keys() & _RESULT_KEYS:
            return None
        raise LineError(f"no {error.args[0]}", is_json=True) from error


def _report(value: dict[str, Any]) -> Report:
    host, name = value["hostIdentifier"], value["name"]
    if type(host) is not str or type(name) is not str or not host or len(host) > _LONGEST_IDENTIFIER:
        raise LineError("the host's identifier or the query's name is none", is_json=True)
    time = _number(value["unixTime"])
    if not 0 < time <= LAST_TIME:
        raise LineError("unixTime is none", is_json=True)
    if "snapshot" in value:
        rows = value["snapshot"]
        if type(rows) is not list or value["action"] != "snapshot":
            raise LineError("snapshot is no list of rows", is_json=True)
        return Report(host, name, time, rows, None, False, 0, 0)
    if "diffResults" in value:
        added, removed = _differences(value["diffResults"])
        return Report(host, name, time, added, removed, False, _number(value["epoch"]), _number(value["counter"]))
    row, action = value["columns"], value["action"]
    if action == "snapshot":
        return Report(host, name, time, [row], None, True, 0, 0)
    if action == "added":
        return Report(host, name, time, [row], [], True, _number(value["epoch"]), _number(value["counter"]))
    if action == "removed":
        return Report(host, name, time, [], [row], True, _number(value["epoch"]), _number(value["counter"]))
    raise LineError("action is none", is_json=True)


def _number(value: object) -> int:
    """A whole number from 0 to 2^64 - 1, as a number or as text: osquery has written both."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise LineError("a time, epoch or counter is no number", is_json=True)
    return value


def _differences(value: object) -> tuple[list[JsonRow], list[JsonRow]]:
    if type(value) is not dict or value.keys() != {"added", "removed"}:
        raise LineError("diffResults has not added and removed", is_json=True)
    # osquery 2 wrote "" for no row.
    added, removed = (rows if rows != "" else [] for rows in (value["added"], value["removed"]))
    if type(added) is not list or type(removed) is not list:
        raise LineError("diffResults holds no lists of rows", is_json=True)
    return added, removed


def traces(line: bytes) -> Traces:
    """What can be told of a line that cannot be used, from its first and last bytes.

    A quotation mark within a JSON text has a backslash before it, so that what a row says of itself is not taken for the line's own.
    """
    ends = line if len(line) <= 2 * _LOOKED_AT else line[:_LOOKED_AT] + b"\n" + line[-_LOOKED_AT:]
    times = [int(found) for found in _TIMES.findall(ends)]
    return Traces(_texts(_HOSTS, ends, _LONGEST_IDENTIFIER), _texts(_NAMES, ends, 1024), max(times, default=None))


def _texts(pattern: re.Pattern[bytes], line: bytes, longest: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for match in pattern.finditer(line):
        try:
            text = json.loads(b'"' + match[1] + b'"')
        except ValueError:
            continue
        if 0 < len(text) <= longest:
            found[text] = None
        if len(found) == _MOST:
            break
    return tuple(found)
