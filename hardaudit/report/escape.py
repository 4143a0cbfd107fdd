"""Text of the audited host made safe for a terminal or a log.

A file name may hold escape sequences that rewrite the screen, line breaks that forge a line of the report, or characters that reorder
what is read (Unicode bidirectional controls, CVE-2021-42574). All of it is shown as `\\xNN`, `\\uNNNN` or `\\n`.
"""

from __future__ import annotations

import unicodedata

from hardaudit.model import host_text

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """The text with everything escaped that is no visible character or space; a backslash is doubled, so no two texts look alike."""
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_escape, text))


def visible(text: str) -> str:
    """`printable`, but for a text in which parts are escaped already: a backslash stays as it is."""
    return "".join(character if character == "\\" else _escape(character) for character in text)


def _escape(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if unicodedata.category(character) not in _HIDDEN_CATEGORIES:
        return character
    if host_text.is_raw_byte(character):
        return f"\\x{ord(character) - 0xEF00:02x}"
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # Python's own spelling of such a byte, in arguments of the command line
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
