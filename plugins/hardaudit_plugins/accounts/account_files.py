"""The lines of /etc/passwd, /etc/group and /etc/shadow as glibc's `files` service reads them: fgetpwent(3), fgetgrent(3), fgetspent(3).

glibc leaves out lines that it cannot parse and says nothing. Here such a line is an error with a reason, so that it becomes a gap:
another reader of the file may well make an account of it. What glibc 2.36 does, tested against it: blanks before a line are skipped,
`#` as the first character makes a comment, a NUL ends the line. A number may have blanks and a sign in front; one that does not fit
32 bits unsigned makes the line invalid. The last field of /etc/passwd takes the rest of the line, colons and all. A line that is only
`+name` or `-name` is an entry of NIS with every other field unset. A login reads /etc/group without knowing comments (`as_login_sees`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.accounts.lines import SPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

_ULONG_MAX = 2**64 - 1
_UINT32_MAX = 2**32 - 1
_LONGEST_NUMBER = 20  # digits of 2^64

UNSET = -1
"""A number of /etc/shadow that is not set."""


class EntryError(ValueError):
    """glibc ignores this line; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class PasswdEntry:
    """A line of /etc/passwd; fields that an entry of NIS leaves unset are None. `uid` and `gid` are unsigned, 32 bits."""

    name: str
    password: str | None
    uid: int
    gid: int
    gecos: str | None
    directory: str | None
    shell: str | None


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """A line of /etc/group; `listed` is its last field."""

    name: str
    gid: int
    listed: str

    def members(self) -> Iterator[str]:
        """The names of the members, as often as they are listed."""
        start = 0
        while start < len(self.listed):
            end = self.listed.find(",", start)
            end = len(self.listed) if end < 0 else end
            name = self.listed[start:end].lstrip(SPACE)
            if name:
                yield name
            start = end + 1


@dataclass(frozen=True, slots=True)
class ShadowEntry:
    """A line of /etc/shadow; days, UNSET (-1) where empty. `flag` is None where empty. `password` is None for an entry of NIS."""

    name: str
    password: str | None
    last_change: int
    minimum: int
    maximum: int
    warning: int
    inactive: int
    expire: int
    flag: int | None


def is_nis(name: str) -> bool:
    """Whether an entry is one of NIS, which `compat` obeys and `files` shows but never finds by name or number."""
    return name.startswith(("+", "-"))


def significant(line: str) -> str:
    """What glibc sees of a line: up to the first NUL, without blanks in front; empty for a comment."""
    end = line.find("\0")
    seen = (line if end < 0 else line[:end]).lstrip(SPACE)
    return "" if seen.startswith("#") else seen


def as_login_sees(line: str) -> str:
    """What getgrouplist(3) and initgroups(3) see of a line of /etc/group: up to the first NUL, a comment's `#` being part of the name."""
    return line.partition("\0")[0]


def as_signed(number: int) -> int:
    """An unsigned 32-bit number as C's int has it."""
    return number - 2**32 if number >= 2**31 else number


def parse_passwd(line: str) -> PasswdEntry:
    """A significant line of /etc/passwd. Raises EntryError."""
    fields = line.split(":", 6)
    if _is_name_alone(fields):
        return PasswdEntry(fields[0], None, 0, 0, None, None, None)
    _require(fields, 4)
    fields += [""] * (7 - len(fields))
    empty = 0 if is_nis(fields[0]) else None
    return PasswdEntry(
        fields[0], fields[1], _number(fields[2], "user ID", empty), _number(fields[3], "group ID", empty), fields[4], fields[5], fields[6]
    )


def parse_group(line: str) -> GroupEntry:
    """A significant line of /etc/group. Raises EntryError."""
    fields = line.split(":", 3)
    if _is_name_alone(fields):
        return GroupEntry(fields[0], 0, "")
    _require(fields, 3)
    gid = _number(fields[2], "group ID", 0 if is_nis(fields[0]) else None)
    return GroupEntry(fields[0], gid, fields[3] if len(fields) > 3 else "")


def parse_shadow(line: str) -> ShadowEntry:
    """A significant line of /etc/shadow. Raises EntryError."""
    fields = line.split(":", 5)
    if _is_name_alone(fields):
        return ShadowEntry(fields[0], None, 0, 0, 0, UNSET, UNSET, UNSET, None)
    _require(fields, 5)
    name, password = fields[:2]
    last_change, minimum, maximum = (_day(text) for text in fields[2:5])
    rest = "".join(fields[5:]).lstrip(SPACE)
    if not rest:  # the old form, of five fields
        return ShadowEntry(name, password, last_change, minimum, maximum, UNSET, UNSET, UNSET, None)
    fields = rest.split(":", 3)
    _require(fields, 3)
    warning, inactive, expire = (_day(text) for text in fields[:3])
    flag = _number(fields[3], "reserved field", None) if len(fields) > 3 and fields[3] else None
    return ShadowEntry(name, password, last_change, minimum, maximum, warning, inactive, expire, flag)


def _is_name_alone(fields: list[str]) -> bool:
    """An entry of NIS that is a name, or a name and one colon, and nothing after."""
    return is_nis(fields[0]) and len(fields) <= 2 and not any(fields[1:])


def _require(fields: list[str], count: int) -> None:
    """There must be this many fields, the last of them not empty at the end of the line."""
    if len(fields) < count or (len(fields) == count and not fields[-1]):
        raise EntryError("fields are missing")


def _number(text: str, what: str, empty: int | None) -> int:
    """A field as strtoul(3) reads it, 32 bits at most; `empty`: the value of an empty field, None where it must not be."""
    if not text and empty is not None:
        return empty
    stripped = text.lstrip(SPACE)
    negative = stripped.startswith("-")
    digits = stripped[1:] if stripped.startswith(("+", "-")) else stripped
    if not (digits.isascii() and digits.isdigit()):
        raise EntryError(f"{what} is not a number")
    value = _unsigned(digits.lstrip("0"), negative=negative)
    if value > _UINT32_MAX:
        raise EntryError(f"{what} does not fit 32 bits")
    return value


def _unsigned(digits: str, *, negative: bool) -> int:
    """strtoul(3): a minus sign is taken modulo 2^64; what does not fit is the largest number."""
    value = int(digits or "0") if len(digits) <= _LONGEST_NUMBER else _ULONG_MAX + 1
    if value > _ULONG_MAX:
        return _ULONG_MAX
    return -value % 2**64 if negative else value


def _day(text: str) -> int:
    """A number of /etc/shadow: an empty one is UNSET; glibc stores it as a C int."""
    number = _number(text, "a number of days", UNSET)
    return number if number == UNSET else as_signed(number)
