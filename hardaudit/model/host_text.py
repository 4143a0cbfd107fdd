"""Bytes of the audited host as text that SQL, JSON and terminals can carry, without losing one.

SQLite's TEXT and JSON are Unicode; names and file contents on Linux are bytes. Bytes that are valid UTF-8 are that text. A byte that is
not is the private-use character U+EF00 + byte (U+EF80 … U+EFFF), the mapping of OPTU-8. Text that really contains one of these
characters has its three UTF-8 bytes mapped the same way, so the two functions are inverses for every input: what a query printed can be
put into the next query's WHERE.
"""

from __future__ import annotations

import re

_FIRST, _LAST = 0xEF80, 0xEFFF
_MAPPED = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_SURROGATE = re.compile("[\udc80-\udcff]")
_TAKEN = {code: "".join(chr(0xEF00 + byte) for byte in chr(code).encode()) for code in range(_FIRST, _LAST + 1)}
_TO_TEXT = {0xDC80 + number: _FIRST + number for number in range(128)}
_TO_BYTES = {written: read for read, written in _TO_TEXT.items()}


def decode(raw: bytes) -> str:
    """Text for bytes of the host; every byte sequence has exactly one."""
    text = raw.decode("utf-8", "surrogateescape")
    if text.isascii():
        return text
    return from_argument(text.translate(_TAKEN) if _MAPPED.search(text) else text)


def from_argument(text: str) -> str:
    """Text of a command line in this spelling: bytes that are not UTF-8 are mapped, and what a query printed in it stays as it is."""
    return text.translate(_TO_TEXT) if _SURROGATE.search(text) else text


def encode(text: str) -> bytes:
    """The bytes that `decode` made the text from. Text that no bytes decode to (a lone surrogate) raises UnicodeEncodeError."""
    if text.isascii():
        return text.encode("ascii")
    return text.translate(_TO_BYTES).encode("utf-8", "surrogateescape")


def is_raw_byte(character: str) -> bool:
    """Whether a character of `decode`'s text stands for one byte that is not valid UTF-8."""
    return _FIRST <= ord(character) <= _LAST
