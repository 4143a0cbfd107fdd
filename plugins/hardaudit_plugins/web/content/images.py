"""The places of image files that hold text: comments, Exif, XMP. JPEG, PNG and WebP, by their own headers.

Only what lies outside a file's first and last 64 KiB, or is compressed, needs finding: the rest is searched as it is. GIF's comments are
cut into pieces of 255 bytes with a length before each, as PHP would see them too.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

METADATA_BYTES = 4 * 2**20
"""Bytes of metadata of a file that are looked at."""

_MOST_PARTS = 2_000
_INFLATED_BYTES = 2**20
_JPEG_TEXT = (*range(0xE0, 0xF0), 0xFE)  # APP0 … APP15, COM
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_PNG_TEXT = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")
_WEBP_TEXT = (b"EXIF", b"XMP ", b"ICCP")


def metadata(kind: str, read: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """The texts in an image of a `sniffed_type`; `read` gives so many bytes from an offset, fewer at the end.

    A file that is broken ends them.
    """
    parts = {"jpeg": _jpeg, "png": _png, "webp": _webp}.get(kind)
    if parts is None:
        return
    left = METADATA_BYTES
    for text in parts(read):
        yield text
        left -= len(text)
        if left <= 0:
            return


def _jpeg(read: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """ISO/IEC 10918-1, annex B: a marker, then the length of a segment with the length itself in it; after SOS comes the picture."""
    offset = 2
    for _ in range(_MOST_PARTS):
        head = read(offset, 4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (_JPEG_SCAN, _JPEG_END):
            return
        length = struct.unpack(">H", head[2:])[0]
        if head[1] in _JPEG_TEXT:
            yield read(offset + 4, length)
        offset += 2 + max(length, 2)


def _png(read: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """PNG specification, 5.3: length, type, data, checksum."""
    offset = 8
    for _ in range(_MOST_PARTS):
        head = read(offset, 8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind in _PNG_TEXT:
            yield _png_text(kind, read(offset + 8, min(length, METADATA_BYTES)))
        if kind == b"IEND":
            return
        offset += 12 + length


def _png_text(kind: bytes, data: bytes) -> bytes:
    """The text of a chunk, inflated where it is compressed: zTXt always, iTXt by its flag, 11.3.3."""
    keyword, _, rest = data.partition(b"\0")
    if kind == b"zTXt":
        return keyword + b"\n" + _inflated(rest[1:])
    if kind == b"iTXt" and rest[:1] == b"\1":
        language, _, after = rest[2:].partition(b"\0")
        translated, _, text = after.partition(b"\0")
        return b"\n".join((keyword, language, translated, _inflated(text)))
    return data


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _INFLATED_BYTES)
    except zlib.error:
        return data  # no reader inflates it either


def _webp(read: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """RIFF: type, length in little-endian, data, filled up to an even length."""
    offset = 12
    for _ in range(_MOST_PARTS):
        head = read(offset, 8)
        if len(head) < 8:
            return
        kind, length = struct.unpack("<4sI", head)
        if kind in _WEBP_TEXT:
            yield read(offset + 8, min(length, METADATA_BYTES))
        offset += 8 + length + (length & 1)
