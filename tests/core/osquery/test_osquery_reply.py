"""Replies over the extension socket: whole, in pieces, false."""

from __future__ import annotations

import itertools
import random
import struct

import pytest
from osquery.extensions import ExtensionManager
from osquery.extensions.ttypes import ExtensionResponse, ExtensionStatus
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from hardaudit.model.gap import GapReason
from hardaudit.osquery.reader import OsqueryError, ReportedError
from hardaudit.osquery.reply import STRING_LIMIT, BadReplyError, Reply


def written(rows, code=0, message="OK"):
    """A reply as the official bindings write it."""
    buffer = TMemoryBuffer()
    protocol = TBinaryProtocol(buffer)
    protocol.writeMessageBegin("query", TMessageType.REPLY, 0)
    status = ExtensionStatus(code=code, message=message, uuid=7)
    ExtensionManager.query_result(success=ExtensionResponse(status=status, response=rows)).write(protocol)
    protocol.writeMessageEnd()
    return buffer.getvalue()


def read(content, size=1_000_000):
    """The rows of a reply that arrives in pieces of this size; its end is an end of the connection."""
    pieces = iter([content[at : at + size] for at in range(0, len(content), size)])

    def receive():
        piece = next(pieces, None)
        if piece is None:
            raise OsqueryError(GapReason.MISSING_SOURCE, "gone")
        return piece

    return list(Reply(receive).rows())


ROWS = [{"uid": "0", "username": "root", "description": ""}, {"uid": "1000", "username": "zoë\n'", "description": "x" * 5000}, {}]


class TestWhole:
    @pytest.mark.parametrize("size", [1, 2, 7, 64, 10**6])
    def test_rows_do_not_depend_on_how_they_arrive(self, size):
        assert read(written(ROWS), size) == ROWS

    def test_a_reply_without_rows(self):
        assert read(written([])) == []

    def test_bytes_that_are_no_utf_8_are_host_text(self):
        content = written([{"path": "/srv/bad-XY"}]).replace(b"bad-XY", b"bad-\xff\xfe")
        assert read(content) == [{"path": "/srv/bad-\uefff\ueffe"}]

    def test_rows_come_before_the_reply_is_whole(self):
        content = written([{"n": str(number)} for number in range(1000)])
        pieces = iter([content[: len(content) // 2]])
        rows = Reply(lambda: next(pieces)).rows()
        assert [row["n"] for row in itertools.islice(rows, 300)] == [str(number) for number in range(300)]


class TestReported:
    @pytest.mark.parametrize(
        ("message", "reason"),
        [
            ("no such table: nosuch", GapReason.MISSING_SOURCE),
            ("no such column: x", GapReason.MISSING_SOURCE),
            ("Authorizer denied action", GapReason.PERMISSION_DENIED),
            ("interrupted", GapReason.TIMEOUT),
            ("constraint failed", GapReason.UNSUPPORTED),
            ("", GapReason.UNSUPPORTED),
        ],
    )
    def test_a_failed_query_is_an_error_with_its_reason(self, message, reason):
        with pytest.raises(ReportedError) as raised:
            read(written([], 1, message))
        assert raised.value.reason is reason
        assert message in raised.value.detail

    def test_rows_beside_a_failure_are_no_answer(self):
        with pytest.raises(ReportedError):
            read(written([{"a": "1"}], 1, "failed"))

    def test_an_exception_of_thrift(self):
        buffer = TMemoryBuffer()
        protocol = TBinaryProtocol(buffer)
        protocol.writeMessageBegin("query", TMessageType.EXCEPTION, 0)
        TApplicationException(TApplicationException.UNKNOWN_METHOD, "Invalid method name: 'query'").write(protocol)
        protocol.writeMessageEnd()
        with pytest.raises(ReportedError, match="Invalid method name"):
            read(buffer.getvalue())


HEADER = b"\x80\x01\x00\x02" + b"\x00\x00\x00\x05query" + b"\x00\x00\x00\x00"
LIST = HEADER + b"\x0c\x00\x00" + b"\x0f\x00\x02"


class TestFalse:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("http", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            ("zeros", b"\0" * 100),
            ("a call instead of a reply", b"\x80\x01\x00\x01" + HEADER[4:] + b"\0"),
            ("no struct", HEADER + b"\0"),
            ("no status", HEADER + b"\x0c\x00\x00\x00\x00"),
            ("a field of no type", HEADER + b"\x63\x00\x01"),
            ("a list of texts", LIST + b"\x0b\x00\x00\x00\x01\x00\x00\x00\x01x"),
            ("a list of minus one", LIST + b"\x0d\xff\xff\xff\xff"),
            ("a map of integers", LIST + b"\x0d\x00\x00\x00\x01" + b"\x0b\x08\x00\x00\x00\x01\x00\x00\x00\x01a\x00\x00\x00\x01"),
            ("a map with a billion columns", LIST + b"\x0d\x00\x00\x00\x01" + b"\x0b\x0b\x40\x00\x00\x00"),
            ("a text of minus one", LIST + b"\x0d\x00\x00\x00\x01" + b"\x0b\x0b\x00\x00\x00\x01\x00\x00\x00\x01a\xff\xff\xff\xff"),
            ("a key of minus one", LIST + b"\x0d\x00\x00\x00\x01" + b"\x0b\x0b\x00\x00\x00\x01\xff\xff\xff\xff" + b"\0" * 8),
            ("a text of two gigabytes", LIST + b"\x0d\x00\x00\x00\x01" + b"\x0b\x0b\x00\x00\x00\x01\x00\x00\x00\x01a\x7f\xff\xff\xff"),
            ("nested without end", HEADER + b"\x0c\x00\x07" * 50),
            ("bytes after the end", written(ROWS) + b"x"),
        ],
    )
    def test_what_is_no_reply_is_a_gap(self, name, content):
        with pytest.raises(BadReplyError) as raised:
            read(content)
        assert raised.value.reason is GapReason.UNSUPPORTED

    def test_a_row_that_is_too_long_is_not_kept(self):
        text = struct.pack(">i", STRING_LIMIT) + b"x" * STRING_LIMIT
        row = b"\x0b\x0b\x00\x00\x00\x05" + b"".join(b"\x00\x00\x00\x01" + name + text for name in (b"a", b"b", b"c", b"d", b"e"))
        with pytest.raises(OsqueryError) as raised:
            read(LIST + b"\x0d\x00\x00\x00\x01" + row, 2**20)
        assert raised.value.reason is GapReason.TRUNCATED

    def test_a_reply_cut_anywhere_is_never_whole(self):
        content = written(ROWS[:1])
        for end in range(len(content)):
            with pytest.raises(OsqueryError):
                read(content[:end])

    def test_damaged_replies_raise_nothing_else(self):
        generator = random.Random(4)
        content = written(ROWS[:2])
        for _ in range(3000):
            damaged = bytearray(content)
            for _ in range(generator.randint(1, 4)):
                damaged[generator.randrange(len(damaged))] = generator.randrange(256)
            try:
                rows = read(bytes(damaged), generator.choice([1000, 200]))
            except OsqueryError:
                continue
            assert all(isinstance(value, str) for row in rows for value in row.values())
