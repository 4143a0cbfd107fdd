"""A line of authorized_keys: as osquery reads it, and as sshd does.

osquery looks for the name of one of five key types anywhere in the line, so it leaves out every other type, and takes a name inside an
option or a comment for the type. sshd(8) wants the type first, or after options in which blanks stand only inside quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLANK = " \t"
_OSQUERY_TYPES = ("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_PLAIN_TYPES = frozenset(
    {*_OSQUERY_TYPES, "ssh-dss", "ssh-ed448", "ssh-xmss@openssh.com", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"}
)
_CERTIFICATE = "-cert-v01@openssh.com"
_KEY_RING = re.compile(r"(?:^|,)\s*zos-key-ring-label=")
_WORD = re.compile(r"[^ \t]*")


@dataclass(frozen=True, slots=True)
class AuthorizedKey:
    """A key that may log in. `algorithm` and `key` are None for a label of a z/OS key ring."""

    algorithm: str | None
    key: str | None
    options: str | None
    comment: str | None


def as_osquery_reads(line: str) -> AuthorizedKey | None:
    """The key of a trimmed line by osquery's rule, None where it finds none."""
    for algorithm in _OSQUERY_TYPES:
        start = line.find(algorithm)
        end = start + len(algorithm)
        if start < 0 or line[end : end + 1] not in (" ", "\t"):
            continue
        key, comment = _first_word(line[end:].lstrip(_BLANK))
        return AuthorizedKey(algorithm, key, line[:start].rstrip(_BLANK) if start else None, comment)
    if _KEY_RING.search(line):
        return AuthorizedKey(None, None, line, None)
    return None


def as_sshd_reads(line: str) -> AuthorizedKey | None:
    """The key of a trimmed line by sshd's rule, None where sshd ignores the line."""
    plain = _typed(line, None)
    if plain is not None:
        return plain
    end = _end_of_options(line)
    return _typed(line[end:].lstrip(_BLANK), line[:end])


def _typed(text: str, options: str | None) -> AuthorizedKey | None:
    algorithm, rest = _first_word(text)
    if rest is None or not _is_type(algorithm):
        return None
    key, comment = _first_word(rest)
    return AuthorizedKey(algorithm, key, options, comment)


def _is_type(name: str) -> bool:
    if name.endswith(_CERTIFICATE):
        plain = name.removesuffix(_CERTIFICATE)
        return plain in _PLAIN_TYPES or f"{plain}@openssh.com" in _PLAIN_TYPES
    return name in _PLAIN_TYPES


def _first_word(text: str) -> tuple[str, str | None]:
    """The text up to the first blank, and what follows the blanks; None when nothing does."""
    word = _WORD.match(text)
    end = word.end() if word else 0
    return text[:end], text[end:].lstrip(_BLANK) or None


def _end_of_options(line: str) -> int:
    """Where the options end: at the first blank outside double quotes; an escaped quote does not end a quotation."""
    quoted = escaped = False
    for position, character in enumerate(line):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = line[position + 1 : position + 2] == '"'
        elif character == '"':
            quoted = not quoted
        elif character in _BLANK and not quoted:
            return position
    return len(line)
