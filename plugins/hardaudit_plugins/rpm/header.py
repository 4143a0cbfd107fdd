"""An installed package's header as rpm keeps it in its database (rpm's docs/manual/hregions.md and format_header.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME, VERSION, RELEASE, EPOCH = 1000, 1001, 1002, 1003
INSTALLTIME, SIZE, VENDOR, GROUP, ARCH, SOURCERPM = 1008, 1009, 1011, 1016, 1022, 1044
SHA1HEADER, LONGSIZE = 269, 5009

_WANTED = frozenset((NAME, VERSION, RELEASE, EPOCH, INSTALLTIME, SIZE, VENDOR, GROUP, ARCH, SOURCERPM, SHA1HEADER, LONGSIZE))
_INTEGERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "Q"}  # rpm's types CHAR, INT8, INT16, INT32, INT64
_STRINGS = frozenset((6, 8, 9))  # STRING, STRING_ARRAY, I18NSTRING
_MAX_ENTRIES = 65_535  # rpm's own limit


@dataclass(frozen=True, slots=True)
class RpmHeader:
    """The wanted tags of a header; a tag that it lacks is not in the mappings. The first value of each."""

    texts: Mapping[int, str]
    numbers: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """The values of a tag: `count` of rpm's type `kind`, in `blob` from byte `start` on and before byte `end`."""

    blob: bytes
    tag: int
    kind: int
    count: int
    start: int
    end: int

    @property
    def is_text(self) -> bool:
        """Whether its values are strings; else they may be numbers."""
        return self.kind in _STRINGS

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.kind in _INTEGERS

    def texts(self, count: int) -> list[bytes]:
        """The first `count` strings. Raises ValueError when there are fewer."""
        strings = self.blob[self.start : self.end].split(b"\0", count) if self.is_text else []
        if len(strings) <= count:
            raise ValueError(f"the tag {self.tag} without its end")
        strings.pop()  # what follows the last
        return strings

    def numbers(self, count: int) -> tuple[int, ...]:
        """The first `count` numbers. Raises ValueError when there are fewer."""
        layout = f">{count}{_INTEGERS[self.kind]}" if self.is_number else ""
        if not layout or self.start + struct.calcsize(layout) > self.end:
            raise ValueError(f"the tag {self.tag} outside of its header")
        return struct.unpack_from(layout, self.blob, self.start)


def entries(blob: bytes, wanted: frozenset[int]) -> Iterator[Entry]:
    """A header's wanted tags. Of a tag that is there twice the later counts. Raises ValueError for a blob that is no header."""
    if len(blob) < 8:
        raise ValueError("a header shorter than its own length fields")
    number, size = struct.unpack_from(">II", blob)
    store = 8 + number * 16
    if not 0 < number <= _MAX_ENTRIES or store + size > len(blob):
        raise ValueError("a header whose lengths do not fit")
    for place in range(8, store, 16):
        tag, kind, offset, count = struct.unpack_from(">IIiI", blob, place)
        if tag not in wanted:
            continue
        if not 0 <= offset < size or not count:
            raise ValueError(f"the tag {tag} outside of its header")
        yield Entry(blob, tag, kind, count, store + offset, store + size)


def parse_header(blob: bytes) -> RpmHeader:
    """The tags that describe a package. Raises ValueError for a blob that is no header, or whose entries point outside of it."""
    texts: dict[int, str] = {}
    numbers: dict[int, int] = {}
    for entry in entries(blob, _WANTED):
        if entry.is_text:
            texts[entry.tag] = host_text.decode(entry.texts(1)[0])
        elif entry.is_number:
            (numbers[entry.tag],) = entry.numbers(1)
    return RpmHeader(texts, numbers)
