"""Callers that do not speak as osquery does: the server refuses them and lives on."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import time

import pytest
from fake_osquery import extension_client
from served_tables import table_of
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

from hardaudit.extension import server
from hardaudit.extension.wire import Limits
from hardaudit.model.table import INTEGER, TEXT, Column

COLUMNS = (Column("n", INTEGER, "number", index=True), Column("t", TEXT, "text", index=True))


@pytest.fixture
def path(osquery, served):
    served(table_of("one", COLUMNS, [{"n": 1, "t": "x"}]))
    return f"{osquery.path}.{next(iter(osquery.extensions))}"


def generate(path, context, table="one", registry="table", action="generate"):
    with extension_client(path) as client:
        request = {} if action is None else {"action": action}
        return client.call(registry, table, request | ({} if context is None else {"context": context}))


def alive(path):
    reply = generate(path, json.dumps({"constraints": [], "colsUsed": ["n"]}))
    return reply.status.code == 0 and [row["n"] for row in reply.response] == ["1"]


@pytest.mark.parametrize(
    "context",
    [
        "{",
        "[]",
        "1",
        "null",
        '"x"',
        "[" * 100_000,
        '{"a":' * 100_000,
        "9" * 100_000,
        '{"constraints": 1}',
        '{"constraints": [1]}',
        '{"constraints": [{"name": "n"}]}',
        '{"constraints": [{"name": 1, "list": [{"op": 2, "expr": "1"}]}]}',
        '{"constraints": [{"name": "n", "list": [{"op": 2}]}]}',
        '{"constraints": [{"name": "n", "list": [{"op": "x", "expr": "1"}]}]}',
        '{"constraints": [{"name": "n", "list": [{"op": 2, "expr": 1}]}]}',
        '{"constraints": [{"name": "t", "list": [{"op": 2, "expr": "\\ud800"}]}]}',
        '{"constraints": [{"name": "n", "list": [{"op": 1e999, "expr": "1"}]}]}',
        '{"constraints": {}, "colsUsed": 5}',
        '{"constraints": [], "colsUsed": [[]]}',
        json.dumps({"constraints": [{"name": "n", "list": [{"op": 2, "expr": "1"}] * 201}]}),
    ],
)
def test_contexts_that_are_none(path, context):
    reply = generate(path, context)
    assert reply.status.code == 1
    assert reply.status.message
    assert alive(path)


@pytest.mark.parametrize(
    ("context", "rows"),
    [
        ('{"constraints": [{"name": "n", "list": [{"op": "2", "expr": "1"}]}]}', 1),
        ('{"constraints": [{"name": "n", "list": [{"op": 2, "expr": "2"}]}]}', 0),
        ('{"constraints": [{"name": "gone\\"; DROP", "list": [{"op": 2, "expr": "1"}]}], "colsUsed": ["n", "gone"]}', 1),
        ('{"constraints": [{"name": "t", "list": [{"op": 2, "expr": "x\' OR 1"}]}]}', 0),
        ('{"constraints": [{"name": "t", "list": [{"op": 73, "expr": "1"}, {"op": 99, "expr": "q"}, {"op": -1, "expr": ""}]}]}', 1),
        ("{}", 1),
        ("", 1),
        (None, 1),
    ],
)
def test_odd_contexts(path, context, rows):
    reply = generate(path, context)
    assert (reply.status.code, len(reply.response)) == (0, rows)


def test_other_calls(path):
    assert generate(path, None, table="two").status.code == 1
    assert generate(path, None, registry="config").status.code == 1
    assert generate(path, None, action=None).status.code == 1
    assert generate(path, None, action="explode").status.code == 1
    assert [route["name"] for route in generate(path, None, action="columns").response] == ["n", "t"]
    assert generate(path, None, action="insert").response == [{"status": "readonly"}]
    assert generate(path, None, action="delete").response == [{"status": "readonly"}]
    with extension_client(path) as client:
        assert (client.ping().code, client.ping().message) == (0, "pong")
        client._oprot.writeMessageBegin("format_disk", TMessageType.CALL, 1)
        client._oprot.writeFieldStop()
        client._oprot.trans.flush()
        with pytest.raises(TApplicationException, match="Unknown function"):
            client.recv_ping()
        assert client.ping().code == 0


def message(name, *fields):
    buffer = TMemoryBuffer()
    protocol = TBinaryProtocol(buffer)
    protocol.writeMessageBegin(name, TMessageType.CALL, 0)
    for number, kind, content in fields:
        protocol.writeFieldBegin("", kind, number)
        buffer.write(content)
    protocol.writeFieldStop()
    return buffer.getvalue()


def nested_lists(depth, size):
    return b"".join(struct.pack("!bi", TType.LIST, size) for _ in range(depth)) + struct.pack("!bi", TType.VOID, size)


NONSENSE = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "huge frame": struct.pack("!I", 0x7FFFFFFF) + b"x" * 1000,
    "huge name": struct.pack("!Ii", 0x80010001, 0x7FFFFFFF),
    "negative name": struct.pack("!Ii", 0x80010001, -1),
    "wrong version": struct.pack("!Ii", 0x80050001, 4) + b"ping",
    "name that is no text": struct.pack("!Ii", 0x80010001, 4) + b"\xff\xfe\xfd\xfc" + bytes(5),
    "huge text": message("call", (1, TType.STRING, struct.pack("!i", 0x7FFFFFF0))),
    "negative text": message("call", (1, TType.STRING, struct.pack("!i", -5))),
    "text that is none": message("call", (1, TType.STRING, struct.pack("!i", 2) + b"\xff\xff")),
    "huge map": message("call", (3, TType.MAP, struct.pack("!bbi", TType.STRING, TType.STRING, 0x7FFFFFF0))),
    "negative map": message("call", (3, TType.MAP, struct.pack("!bbi", TType.STRING, TType.STRING, -3))),
    "unknown field": message("call", (9, TType.LIST, struct.pack("!bi", TType.LIST, 0x7FFFFFF0))),
    "unknown type": message("call", (9, 99, b"")),
    "deep lists": message("call", (9, TType.LIST, nested_lists(5000, 1))),
    "wide lists": message("call", (9, TType.LIST, nested_lists(20, 60))),
    "deep structs": message("call", (9, TType.STRUCT, struct.pack("!bh", TType.STRUCT, 1) * 100_000)),
    "a reply": struct.pack("!Ii", 0x80010002, 4) + b"ping" + bytes(5),
    "nothing": b"",
}


@pytest.mark.parametrize("content", NONSENSE.values(), ids=NONSENSE)
def test_nonsense(path, content, capfd):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(15)
        connection.connect(path)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    assert alive(path)
    assert "Traceback" not in capfd.readouterr().err


def test_random_bytes(path):
    """Good messages with some bytes changed."""
    chosen = random.Random(5)
    good = message("call", (1, TType.STRING, struct.pack("!i", 5) + b"table"), (2, TType.STRING, struct.pack("!i", 3) + b"one"))
    for _ in range(300):
        content = bytearray(good)
        for _ in range(chosen.randint(1, 4)):
            content[chosen.randrange(len(content))] = chosen.randrange(256)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(15)
            connection.connect(path)
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                connection.recv(65536)
    assert alive(path)


def test_a_caller_who_sends_a_byte_now_and_then_is_cut_off(path, monkeypatch):
    monkeypatch.setattr(server, "LIMITS", Limits(idle=5.0, seconds=0.5, message=2**20, string=2**20, container=64))
    started = time.monotonic()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        with contextlib.suppress(OSError):
            for byte in message("call", (1, TType.STRING, struct.pack("!i", 1000) + b"x" * 1000)):
                connection.sendall(bytes((byte,)))
                time.sleep(0.05)
    assert time.monotonic() - started < 5
    assert alive(path)


def test_a_long_message_is_cut_off(path, monkeypatch):
    monkeypatch.setattr(server, "LIMITS", Limits(idle=5.0, seconds=5.0, message=1000, string=900, container=64))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(path)
        piece = struct.pack("!bh", TType.STRING, 9) + struct.pack("!i", 800) + b"x" * 800
        connection.sendall(message("ping")[:-1] + piece * 2)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    assert alive(path)


def test_many_silent_connections(path, monkeypatch):
    """They are let go after a while, and others wait for so long."""
    monkeypatch.setattr(server, "LIMITS", Limits(idle=0.5, seconds=5.0, message=2**20, string=2**20, container=64))
    with contextlib.ExitStack() as held:
        for _ in range(150):
            connection = held.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(path)
        assert alive(path)


def test_a_caller_who_does_not_take_the_answer(osquery, served):
    served(table_of("long", COLUMNS, [{"n": n, "t": "x" * 100_000} for n in range(100)]), table_of("one", COLUMNS, [{"n": 1, "t": "x"}]))
    path = f"{osquery.path}.{next(iter(osquery.extensions))}"
    with extension_client(path) as client:
        client.send_call("table", "long", {"action": "generate", "context": "{}"})
        assert alive(path)
