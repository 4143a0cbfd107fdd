"""Package lists, read as streams: tens of megabytes from which only the installed packages' versions are wanted."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from typing import BinaryIO

    from hardaudit.target.table import TableContext

_CHUNK = 2**20
_MAX_LIST = 2**30  # bytes of a list, unpacked; Debian's largest has 60 MB
_MAX_PARAGRAPH = 4 * 2**20
_MAX_VERSION = 250


@dataclass(frozen=True, slots=True)
class Listed:
    """A package in a list. `source`: name of its source package, which may be its own name."""

    name: str
    architecture: str
    version: str
    source: str


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def listed_packages(context: TableContext, path: str, names: Container[bytes]) -> Iterator[Listed]:
    """The entries of a list for packages of these names. What cannot be read of it becomes a gap, after the entries before it."""
    unpack = _unpacker(path)
    if unpack is None:
        context.gap(GapReason.UNSUPPORTED, f"{path}: this compression cannot be read")
        return
    try:
        with context.target.open(path) as file:
            yield from _entries(context, path, unpack(file), names)
    except FileNotFoundError as error:
        context.gap_for(error, path)
    except OSError as error:  # bz2 and gzip report damage as OSErrors too
        if error.errno is None:
            context.gap(GapReason.UNDECIDABLE, f"{path}: damaged: {error}")
        else:
            context.gap_for(error, path)
    except (EOFError, lzma.LZMAError, zlib.error, RuntimeError, ValueError) as error:
        context.gap(GapReason.UNDECIDABLE, f"{path}: damaged: {error}")


def _unpacker(path: str) -> Callable[[BinaryIO], _Readable] | None:
    return _UNPACKERS.get(path.rpartition("Packages")[2])


def _lz4(file: BinaryIO) -> _Readable:
    import lz4.frame  # only hosts that keep their lists so need it, and starting must stay quick

    return lz4.frame.LZ4FrameFile(file, mode="rb")  # type: ignore[no-any-return]


def _gzip(file: BinaryIO) -> _Readable:
    return gzip.GzipFile(fileobj=file, mode="rb")


def _lzma(file: BinaryIO) -> _Readable:
    return lzma.LZMAFile(file)


def _bz2(file: BinaryIO) -> _Readable:
    return bz2.BZ2File(file)


_UNPACKERS: dict[str, Callable[[BinaryIO], _Readable]] = {
    "": lambda file: file,
    ".lz4": _lz4,
    ".gz": _gzip,
    ".xz": _lzma,
    ".lzma": _lzma,
    ".bz2": _bz2,
}


def _entries(context: TableContext, path: str, stream: _Readable, names: Container[bytes]) -> Iterator[Listed]:
    for paragraph in _paragraphs(context, path, stream):
        if paragraph.startswith(b"Package: "):  # as nearly every repository writes it; the others are read in full
            name = paragraph[9 : paragraph.find(b"\n")]
            if name.strip() not in names:
                continue
        fields = _fields(paragraph)
        name, version = fields.get(b"package", b""), fields.get(b"version", b"")
        if name not in names:
            continue
        if not version or len(version) > _MAX_VERSION or b"architecture" not in fields:
            context.gap(GapReason.UNDECIDABLE, f"{path}: the entry of {name.decode('ascii', 'replace')} has no version or no architecture")
            continue
        source = fields.get(b"source", b"").partition(b" ")[0] or name
        yield Listed(_text(name), _text(fields[b"architecture"]), _text(version), _text(source))


def _paragraphs(context: TableContext, path: str, stream: _Readable) -> Iterator[bytes]:
    rest, total = b"", 0
    while chunk := stream.read(_CHUNK):
        context.check_deadline()
        total += len(chunk)
        rest += chunk
        if b"\r" in chunk:
            rest = rest.replace(b"\r", b"")
        *whole, rest = rest.split(b"\n\n")
        yield from whole
        if total > _MAX_LIST or len(rest) > _MAX_PARAGRAPH:
            limit = f"{_MAX_LIST:,} bytes" if total > _MAX_LIST else f"{_MAX_PARAGRAPH:,} bytes for one entry"
            context.gap(GapReason.TRUNCATED, f"{path}: larger than the limit of {limit}")
            return
    yield rest


def _fields(paragraph: bytes) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for line in paragraph.split(b"\n"):
        if line[:1] not in (b" ", b"\t"):
            name, _, value = line.partition(b":")
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
