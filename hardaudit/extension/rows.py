"""Rows as they go over the socket: a list of maps from column to text, encoded one by one so that no table is held twice."""

from __future__ import annotations

import os
import struct
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from osquery.extensions.ttypes import ExtensionResponse, ExtensionStatus
from thrift.Thrift import TType

from hardaudit.extension.errors import AnswerError
from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit.model.table import Value

MOST_ROWS = 100_000
MOST_BYTES = 64 * 2**20

_DIGEST_KEY = os.urandom(16)


def _string(content: bytes) -> bytes:
    return struct.pack("!i", len(content)) + content


_ROWID = _string(b"rowid")


class EncodedRows:
    """Rows of some columns. A NULL is left out: osquery makes NULL of it in a column of numbers, the empty text in one of TEXT."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._names = tuple(_string(name.encode()) for name in columns)
        self._content = bytearray()
        self._twins: dict[bytes, int] = {}
        self.count = 0

    def add(self, values: Sequence[Value]) -> None:
        """A row, its values in the order of the columns. Raises AnswerError beyond the bounds: an answer is whole or none."""
        if self.count == MOST_ROWS:
            raise AnswerError(GapReason.TRUNCATED, f"more than {MOST_ROWS:,} rows: narrow the query")
        fields = [(name, value) for name, value in zip(self._names, values, strict=True) if value is not None]
        self._content += struct.pack("!bbi", TType.STRING, TType.STRING, len(fields) + 1)
        for name, value in fields:
            self._content += name
            self._content += _string(_text(value).encode())
        self._content += _ROWID
        self._content += _string(self._rowid(values))
        self.count += 1
        if len(self._content) > MOST_BYTES:
            raise AnswerError(GapReason.TRUNCATED, f"more than {MOST_BYTES // 2**20} MiB: narrow the query")

    def _rowid(self, values: Sequence[Value]) -> bytes:
        """An identity that the row has in every branch of an OR, where SQLite drops rows whose rowid it has seen; osquery's own is the
        row's number in the scan. Equal rows differ by their number: a branch that returns one of them returns all.
        """
        content = repr(values).encode()
        base = blake2b(content, digest_size=8, key=_DIGEST_KEY).digest()
        twin = self._twins[base] = self._twins.get(base, -1) + 1
        if twin:
            base = blake2b(b"%d %b" % (twin, content), digest_size=8, key=_DIGEST_KEY).digest()
        return str(int.from_bytes(base, "big", signed=True)).encode()

    def write(self, protocol: Any) -> None:
        """As an element of type list<map<string, string>>."""
        protocol.writeListBegin(TType.MAP, self.count)
        protocol.trans.write(self._content)
        protocol.writeListEnd()


class EncodedResponse(ExtensionResponse):  # type: ignore[misc]  # the bindings have no types
    """A good ExtensionResponse whose rows are encoded already."""

    def __init__(self, rows: EncodedRows) -> None:
        super().__init__(status=ExtensionStatus(code=0, message="OK"), response=[])
        self._encoded = rows

    def write(self, oprot: Any) -> None:
        """As thrift's generated code writes it."""
        oprot.writeStructBegin("ExtensionResponse")
        oprot.writeFieldBegin("status", TType.STRUCT, 1)
        self.status.write(oprot)
        oprot.writeFieldEnd()
        oprot.writeFieldBegin("response", TType.LIST, 2)
        self._encoded.write(oprot)
        oprot.writeFieldEnd()
        oprot.writeFieldStop()
        oprot.writeStructEnd()


def _text(value: Value) -> str:
    """As strtoll and strtod read it; text is itself."""
    return value if isinstance(value, str) else repr(value)
