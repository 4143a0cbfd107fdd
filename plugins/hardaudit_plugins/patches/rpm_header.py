"""An installed package's header as rpm keeps it in its database (rpm's docs/manual/hregions.md and format_header.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME, VERSION, RELEASE, EPOCH = 1000, 1001, 1002, 1003
INSTALLTIME, SIZE, VENDOR, GROUP, ARCH, SOURCERPM = 1008, 1009, 1011, 1016, 1022, 1044
SHA1HEADER, LONGSIZE = 269, 5009

_WANTED = frozenset((NAME, VERSION, RELEASE, EPOCH, INSTALLTIME, SIZE, VENDOR, GROUP, ARCH, SOURCERPM, SHA1HEADER, LONGSIZE))
_INTEGERS = {2: ">B", 3: ">H", 4: ">I", 5: ">Q"}  # rpm's types CHAR or INT8, INT16, INT32, INT64
_STRINGS = frozenset((6, 8, 9))  # STRING, STRING_ARRAY, I18NSTRING: the first of each is taken
_MAX_ENTRIES = 65_535  # rpm's own limit


@dataclass(frozen=True, slots=True)
class RpmHeader:
    """The wanted tags of a header; a tag that it lacks is not in the mappings. The first value of each."""

    texts: Mapping[int, str]
    numbers: Mapping[int, int]


def parse_header(blob: bytes) -> RpmHeader:
    """A header's wanted tags. Raises ValueError for a blob that is none, or whose entries point outside of it."""
    if len(blob) < 8:
        raise ValueError("a header shorter than its own length fields")
    entries, size = struct.unpack_from(">II", blob)
    data = 8 + entries * 16
    if not 0 < entries <= _MAX_ENTRIES or data + size > len(blob):
        raise ValueError("a header whose lengths do not fit")
    texts: dict[int, str] = {}
    numbers: dict[int, int] = {}
    for index in range(entries):
        tag, kind, offset, count = struct.unpack_from(">IIiI", blob, 8 + index * 16)
        if tag not in _WANTED:
            continue
        if not 0 <= offset < size or not count:
            raise ValueError(f"the tag {tag} outside of its header")
        if kind in _STRINGS:
            end = blob.find(b"\0", data + offset, data + size)
            if end < 0:
                raise ValueError(f"the tag {tag} without its end")
            texts[tag] = host_text.decode(blob[data + offset : end])
        elif kind in _INTEGERS:
            if offset + struct.calcsize(_INTEGERS[kind]) > size:
                raise ValueError(f"the tag {tag} outside of its header")
            numbers[tag] = struct.unpack_from(_INTEGERS[kind], blob, data + offset)[0]
    return RpmHeader(texts, numbers)
