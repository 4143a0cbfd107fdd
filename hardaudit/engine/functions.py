"""osquery's SQL functions that check authors use, with osquery's semantics (osquery.io, "SQL as understood by osquery")."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
import socket
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hardaudit.engine.versions import COLLATIONS, version_compare
from hardaudit.errors import QueryError
from hardaudit.model import host_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw
    from regex import Pattern

_MAX_REGEX = 256  # bytes; osquery's own limit
_REGEX_SECONDS = 2.0
_MAX_REGEX_ITEMS = 100_000  # of a pattern whose counted repetitions are written out, as `regex` does; some 100 MB
_REGEX_ITEM = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<open>\()|(?P<close>\))|\{(?P<low>\d*),?(?P<high>\d*)\}|.", re.DOTALL | re.ASCII
)
_MAX_INDEX = 2**31
_SPACE = " \t\n\v\f\r"  # what osquery trims; str.strip() would also take Unicode's


def register(connection: apsw.Connection, check_deadline: Callable[[], None]) -> None:
    """Make the functions and collations known to a connection. `check_deadline` is called before each call of a function."""
    for name, (function, arguments) in _FUNCTIONS.items():
        connection.create_scalar_function(name, _guarded(name, function, check_deadline), arguments, deterministic=True)
    for name, compare in COLLATIONS.items():
        connection.create_collation(name, compare)


def _guarded(name: str, function: Callable[..., Any], check_deadline: Callable[[], None]) -> Callable[..., Any]:
    """The function, whose complaints about its arguments are errors of the query."""

    def call(*arguments: object) -> Any:
        check_deadline()
        try:
            return function(*arguments)
        except (TypeError, ValueError, OverflowError) as error:
            raise QueryError(f"{name}: {error}") from error

    return call


def _text(value: object) -> str:
    """A value as SQLite shows it in text; blobs are taken for host text."""
    return host_text.decode(value) if isinstance(value, bytes) else str(value)


def _index(value: object) -> int | None:
    """An index argument, as sqlite3_value_int(3) reads it; a negative one selects nothing, as osquery's conversion to unsigned does."""
    if isinstance(value, (int, float)):
        index = int(value)
    else:
        leading = re.match(r"\s*[+-]?[0-9]{1,10}", _text(value))
        index = int(leading[0]) if leading else 0
    return index if 0 <= index < _MAX_INDEX else None


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> Pattern[str]:
    """An ECMAScript pattern. The dialects agree on what checks use; `regex` is taken because its matching can be stopped."""
    import regex

    if len(pattern.encode()) > _MAX_REGEX:
        raise QueryError(f"regex: the pattern is longer than {_MAX_REGEX} bytes")
    if _items(pattern) > _MAX_REGEX_ITEMS:
        raise QueryError(f"regex: {pattern!r}: too many repetitions")
    try:
        return regex.compile(_REGEX_ITEM.sub(_at_the_very_end, pattern), regex.VERSION0 | regex.ASCII)
    except regex.error as error:
        raise QueryError(f"regex: {pattern!r}: {error}") from error


def _at_the_very_end(item: re.Match[str]) -> str:
    """ECMAScript's $ is the end of the text alone; to `regex` it is also the place before a line feed there."""
    return r"\Z" if item[0] == "$" else item[0]


def _items(pattern: str) -> int:
    """How many characters, classes and groups the pattern has with every `{n}` written out."""
    groups, last = [0], 0
    for match in _REGEX_ITEM.finditer(pattern):
        if match["open"]:
            groups.append(0)
            continue
        if match["low"] is not None:
            times = max(int(match["low"] or 1), int(match["high"] or 1))
            groups[-1] += last * (times - 1)
            last *= times
            continue
        last = 1 + (groups.pop() if match["close"] and len(groups) > 1 else 0)
        groups[-1] += last
    return sum(groups)


def regex_match(text: object, pattern: object, index: object) -> str | None:
    """The group `index` (0: the whole match) of the pattern's first match in the text; NULL without a match or with a NULL argument."""
    number = _index(index)
    if text is None or pattern is None or index is None:
        return None
    try:
        match = _pattern(_text(pattern)).search(_text(text), timeout=_REGEX_SECONDS)
    except TimeoutError as error:
        raise QueryError(f"regex_match: {pattern!r} took longer than {_REGEX_SECONDS:g} s") from error
    if match is None or number is None or number > match.re.groups:
        return None
    return match[number] or ""


def regex_split(text: object, pattern: object, index: object) -> str | None:
    """The part `index` of the text, cut where the pattern matches; NULL when there are not so many or with a NULL argument."""
    number = _index(index)
    if text is None or pattern is None or index is None:
        return None
    if not pattern:
        raise QueryError("regex_split: the pattern is empty")
    subject = _text(text)
    parts, start = [], 0
    try:
        for match in _pattern(_text(pattern)).finditer(subject, timeout=_REGEX_SECONDS):
            if match.end() > match.start():
                parts.append(subject[start : match.start()])
                start = match.end()
    except TimeoutError as error:
        raise QueryError(f"regex_split: {pattern!r} took longer than {_REGEX_SECONDS:g} s") from error
    if start < len(subject) or not parts:
        parts.append(subject[start:])
    return parts[number] if number is not None and number < len(parts) else None


def split(text: object, delimiters: object, index: object) -> str | None:
    """The part `index` of the text, cut at any of the characters; empty parts do not count, white space around a part is dropped."""
    number = _index(index)
    if text is None or delimiters is None or index is None:
        return None
    if not delimiters:
        raise QueryError("split: the delimiters are empty")
    parts = [part for part in re.split(f"[{re.escape(_text(delimiters))}]", _text(text)) if part]
    return parts[number].strip(_SPACE) if number is not None and number < len(parts) else None


def concat(*values: object) -> str | None:
    """The values joined, NULLs left out; NULL without an argument."""
    return "".join(_text(value) for value in values if value is not None) if values else None


def concat_ws(*values: object) -> str | None:
    """The values after the first, NULLs left out, each but the last argument followed by the first; NULL without such values."""
    if not values:
        raise QueryError("concat_ws: the separator is missing")
    if len(values) == 1:
        return None
    separator = "" if values[0] is None else _text(values[0])
    *others, last = values[1:]
    return "".join(_text(value) + separator for value in others if value is not None) + ("" if last is None else _text(last))


def in_cidr_block(block: object, address: object) -> int:
    """1 when the address is one of the block's hosts, else 0: an IPv4 block's first and last addresses are none, as osquery has it.

    Raises QueryError when either cannot be parsed, or their families differ.
    """
    if not isinstance(block, str) or not isinstance(address, str):
        raise QueryError("in_cidr_block: block and address are text")
    try:
        network = ipaddress.ip_network(block, strict=False)
        host = ipaddress.ip_address(address)
    except ValueError as error:
        raise QueryError(f"in_cidr_block: {error}") from error
    if network.version != host.version:
        raise QueryError(f"in_cidr_block: {block} and {address} are of different families")
    if host.version == 4 and network.prefixlen < 32:
        return int(host in network and host not in (network.network_address, network.broadcast_address))
    return int(host in network)


def inet_aton(address: object) -> int | None:
    """An IPv4 address as an integer; NULL for anything else."""
    if address is None:
        return None
    try:
        return int(struct.unpack("!I", socket.inet_pton(socket.AF_INET, str(address)))[0])
    except OSError:
        return None


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else host_text.encode(str(value))


def to_base64(value: object) -> str | None:
    """RFC 4648 text of the value's bytes."""
    return None if value is None else base64.b64encode(_raw(value)).decode()


def from_base64(value: object) -> str | None:
    """What `to_base64` made the text from; empty when it is no base64. Line ends and padding may be missing or be there."""
    if value is None:
        return None
    digits = _raw(value).replace(b"\r\n", b"").replace(b"\n", b"").rstrip(b"=")
    try:
        return host_text.decode(base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True))
    except binascii.Error:
        return ""


def _digest(algorithm: str) -> Any:
    def digest(value: object) -> str | None:
        return None if value is None else hashlib.new(algorithm, _raw(value), usedforsecurity=False).hexdigest()

    return digest


_FUNCTIONS: dict[str, tuple[Any, int]] = {
    "regex_match": (regex_match, 3),
    "regex_split": (regex_split, 3),
    "split": (split, 3),
    "concat": (concat, -1),
    "concat_ws": (concat_ws, -1),
    "in_cidr_block": (in_cidr_block, 2),
    "inet_aton": (inet_aton, 1),
    "version_compare": (version_compare, -1),
    "to_base64": (to_base64, 1),
    "from_base64": (from_base64, 1),
    "md5": (_digest("md5"), 1),
    "sha1": (_digest("sha1"), 1),
    "sha256": (_digest("sha256"), 1),
}
