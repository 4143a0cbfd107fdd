"""The reply to a query over osquery's extension socket, a row at a time.

The official bindings build the whole reply in memory before the first row can be looked at; a table of a million files would take
gigabytes, and a false osquery could ask for any amount. So the message is read here as it arrives, in Thrift's binary protocol
(thrift-binary-protocol.md) with the types of osquery.thrift: `ExtensionResponse {1: ExtensionStatus status, 2: list<map<string, string>>}`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.osquery.reader import OsqueryError, ReportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit.model.table import Value

STRING_LIMIT: Final = 16 * 2**20
"""Bytes of one text in a reply."""

_COLUMNS_LIMIT = 2000  # of a row; SQLite's own limit
_ROW_LIMIT = 16 * 2**20  # bytes
_KEPT_TEXT = 2**21  # bytes; of longer texts a query sees the start alone, with a gap
_DEPTH_LIMIT = 8  # of fields that are skipped
_NAME_LIMIT = 10_000  # bytes

_STOP, _BOOL, _BYTE, _DOUBLE, _I16, _I32, _I64, _STRING, _STRUCT, _MAP, _SET, _LIST = 0, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15
_FIXED = {_BOOL: 1, _BYTE: 1, _DOUBLE: 8, _I16: 2, _I32: 4, _I64: 8}
_VERSION_MASK, _VERSION_1 = 0xFFFF0000, 0x80010000
_REPLY, _EXCEPTION = 2, 3

_LENGTH = struct.Struct(">I")  # a negative one is too large
_NO_KEY = (b"\xff\xff\xff\xff", "")  # no column begins like this
_MAP_HEADER = struct.Struct(">bbi")


class BadReplyError(OsqueryError):
    """What came over the socket is no reply to the query."""

    def __init__(self, problem: str) -> None:
        super().__init__(GapReason.UNSUPPORTED, f"osquery's reply cannot be understood: {problem}")


class Reply:
    """One reply. `receive` returns the next bytes from the socket, at least one, or raises OsqueryError."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._data = b""
        self._latin: str | None = None
        self._at = 0
        self._keys: list[tuple[bytes, str]] = []
        self._code: int | None = None
        self._message = ""

    def rows(self) -> Iterator[dict[str, Value]]:
        """The rows. Raises ReportedError when osquery says that the query failed, BadReplyError for what is no reply."""
        kind = self._header()
        if kind == _EXCEPTION:
            raise ReportedError(self._exception())
        for field, wire_type in self._fields():
            if (field, wire_type) == (0, _STRUCT):
                yield from self._response()
            else:
                self._skip(wire_type)
        if self._code is None:
            raise BadReplyError("it has no status")
        if self._code != 0:
            raise ReportedError(self._message)
        if self._at != len(self._data):
            raise BadReplyError("there are bytes after its end")

    def _header(self) -> int:
        version = self._integer(4) & 0xFFFFFFFF
        if version & _VERSION_MASK != _VERSION_1:
            raise BadReplyError("it does not begin as a Thrift message does")
        self._text()  # the method's name
        self._integer(4)  # the sequence number: one call at a time is made on a connection
        kind = version & 0xFF
        if kind not in (_REPLY, _EXCEPTION):
            raise BadReplyError(f"it is a message of kind {kind}")
        return kind

    def _exception(self) -> str:
        """The message of a TApplicationException, field 1."""
        message = ""
        for field, wire_type in self._fields():
            if (field, wire_type) == (1, _STRING):
                message = self._text()
            else:
                self._skip(wire_type)
        return message

    def _response(self) -> Iterator[dict[str, Value]]:
        for field, wire_type in self._fields():
            if (field, wire_type) == (1, _STRUCT):
                self._status()
                if self._code:
                    raise ReportedError(self._message)
            elif (field, wire_type) == (2, _LIST):
                yield from self._list()
            else:
                self._skip(wire_type)

    def _status(self) -> None:
        for field, wire_type in self._fields():
            if (field, wire_type) == (1, _I32):
                self._code = self._integer(4)
            elif (field, wire_type) == (2, _STRING):
                self._message = self._text()
            else:
                self._skip(wire_type)

    def _list(self) -> Iterator[dict[str, Value]]:
        kind, count = self._integer(1), self._integer(4)
        if count < 0 or (count and kind != _MAP):
            raise BadReplyError("its rows are no list of maps")
        for _ in range(count):
            yield self._row()

    def _row(self) -> dict[str, Value]:
        """The next map; value by value where it is not there whole, so that nothing is read twice however it arrives."""
        data, at = self._data, self._at
        if self._latin is None:
            self._latin = data.decode("latin-1")
        try:
            row, self._at = self._parse_row(data, at, self._latin)
            if not data[at : self._at].isascii():  # in a length, or in a text, which is not Latin-1 then
                row, self._at = self._parse_row(data, at, None)
        except struct.error:
            self._at = at
            return self._row_in_pieces()
        return row

    def _row_in_pieces(self) -> dict[str, Value]:
        count = self._columns(*_MAP_HEADER.unpack(self._take(_MAP_HEADER.size)))
        row: dict[str, Value] = {}
        size = 0
        for _ in range(count):
            name = self._text(_NAME_LIMIT)
            length = self._length(STRING_LIMIT)
            size += length
            if size > _ROW_LIMIT:
                raise OsqueryError(GapReason.TRUNCATED, f"a row of osquery's is longer than {_ROW_LIMIT:,} bytes")
            row[name] = host_text.decode(self._take(length))
        return row

    @staticmethod
    def _columns(key_type: int, value_type: int, count: int) -> int:
        """How many columns a row has, from its map's header."""
        if not 0 <= count <= _COLUMNS_LIMIT or (count and (key_type, value_type) != (_STRING, _STRING)):
            raise BadReplyError("a row is no map of texts")
        return count

    def _parse_row(self, data: bytes, at: int, latin: str | None) -> tuple[dict[str, Value], int]:
        """The map at a place in the data, and the place after it. Raises struct.error when its end is not there yet.

        `latin`: the data as Latin-1, of which texts in ASCII are slices: decoding each for itself takes twice as long.
        """
        count = self._columns(*_MAP_HEADER.unpack_from(data, at))
        at += _MAP_HEADER.size
        length_at = _LENGTH.unpack_from
        row: dict[str, Value] = {}
        if len(self._keys) != count:
            self._keys = [_NO_KEY] * count
        for index, (key, known) in enumerate(self._keys):
            name = known
            if data.startswith(key, at):  # the same column as in the row before, as a rule
                at += len(key)
            else:
                name, at = self._read_key(data, at, index)
            (length,) = length_at(data, at)
            if length > STRING_LIMIT:
                raise BadReplyError(f"a text of {length:,} bytes")
            start = at + 4
            at = start + length
            row[name] = host_text.decode(data[start:at]) if latin is None else latin[start:at]
        if at > len(data):
            raise struct.error
        return row, at

    def _read_key(self, data: bytes, at: int, index: int) -> tuple[str, int]:
        """A column's name, remembered for the next row with the bytes that it stands in, and the place after it."""
        (length,) = _LENGTH.unpack_from(data, at)
        if length > _NAME_LIMIT:
            raise BadReplyError(f"a column's name of {length:,} bytes")
        end = at + 4 + length
        if end > len(data):
            raise struct.error
        name = host_text.decode(data[at + 4 : end])
        self._keys[index] = (data[at:end], name)
        return name, end

    def _fields(self) -> Iterator[tuple[int, int]]:
        """Number and wire type of a struct's fields; each has to be read before the next is asked for."""
        while (wire_type := self._integer(1)) != _STOP:
            yield self._integer(2), wire_type

    def _skip(self, wire_type: int, depth: int = 0) -> None:
        """Pass over a field that is not known here."""
        if depth > _DEPTH_LIMIT:
            raise BadReplyError("its fields are nested too deeply")
        if wire_type in _FIXED:
            self._take(_FIXED[wire_type])
        elif wire_type == _STRING:
            self._text()
        elif wire_type == _STRUCT:
            for _, inner in self._fields():
                self._skip(inner, depth + 1)
        elif wire_type in (_LIST, _SET):
            inner = self._integer(1)
            for _ in range(self._integer(4)):
                self._skip(inner, depth + 1)
        elif wire_type == _MAP:
            key, value = self._integer(1), self._integer(1)
            for _ in range(self._integer(4)):
                self._skip(key, depth + 1)
                self._skip(value, depth + 1)
        else:
            raise BadReplyError(f"a field of type {wire_type}")

    def _integer(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big", signed=True)

    def _text(self, limit: int = STRING_LIMIT) -> str:
        return host_text.decode(self._take(self._length(limit)))

    def _length(self, limit: int) -> int:
        length = self._integer(4)
        if not 0 <= length <= limit:
            raise BadReplyError(f"a text of {length:,} bytes")
        return length

    def _take(self, size: int) -> bytes:
        """The next bytes; of more than _KEPT_TEXT the first."""
        pieces, keep = [], _KEPT_TEXT
        while size:
            if self._at == len(self._data):
                self._data, self._at, self._latin = self._receive(), 0, None
            piece = self._data[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            pieces.append(piece[:keep])
            keep -= len(pieces[-1])
        return b"".join(pieces)
