"""osqueryi: the way where no bindings are installed."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from typing import TYPE_CHECKING

from hardaudit.errors import SourceError
from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.osquery.daemon import empty_file, private_directory
from hardaudit.osquery.process import Program
from hardaudit.osquery.reader import OsqueryError, ReportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from hardaudit.model.table import Value

_LINE_LIMIT = 8 * 2**20  # bytes of a row; Python takes four times that for a text with one rare character
_GREETING_SECONDS = 5.0
_SURROGATE = re.compile("[\ud800-\udfff]")
_END = "hardaudit_end"  # the column of a row that says where an answer ends


class ShellReader:
    """`osqueryi --json`, whose output has a row on each line; see `reader.Reader`.

    An osqueryi that reads statements from its standard input, as every release does, goes on to the next query; one that does not is
    started anew for each, with the statement as its argument.
    """

    def __init__(self, binary: str, verify: Callable[[str], None] = lambda _path: None, *, is_daemon: bool) -> None:
        """`is_daemon`: the program is osqueryd, which is osqueryi too when it is told to be (`-S`). `verify` raises for a path not safe.

        Raises SourceError.
        """
        self._directory = private_directory(verify)
        self._command = [binary, *(["-S"] if is_daemon else []), "--json", *_options(self._directory)]
        self._warnings: list[str] = []
        self._idle: list[_Talk] = []
        self.user = os.geteuid()
        try:
            self._listens = self._greet()
        except BaseException:  # the interrupt key
            self.close()
            raise
        self.through = f"{binary}, started for {'this run' if self._listens else 'each query'}"

    def _greet(self) -> bool:
        """Whether it answers what is written to its standard input."""
        deadline = time.monotonic() + _GREETING_SECONDS

        def waiting() -> None:
            if time.monotonic() > deadline:
                raise OsqueryError(GapReason.TIMEOUT, "no answer")

        try:
            return list(self._talk("SELECT 'there' AS here", waiting)) == [{"here": "there"}]
        except OsqueryError:
            return False

    def rows(self, sql: str, waiting: Callable[[], None]) -> Generator[dict[str, Value], None, None]:
        """See `reader.Reader`."""
        return self._talk(sql, waiting) if self._listens else self._run(sql, waiting)

    def _talk(self, sql: str, waiting: Callable[[], None]) -> Generator[dict[str, Value], None, None]:
        """A statement for an osqueryi that is idle, or a new one; one whose answer is not read to its end is ended."""
        talk = self._idle.pop() if self._idle else _Talk(self._start([], write_input=True))
        whole = False
        try:
            complete = yield from talk.rows(sql, waiting)
            lines = talk.program.take_errors()
            self._warnings += lines
            whole = True
            if not complete or _complaints(lines):
                raise ReportedError(_complaint(lines, "without an answer"))
        finally:
            if whole:
                self._idle.append(talk)
            else:
                talk.program.stop()

    def _run(self, sql: str, waiting: Callable[[], None]) -> Generator[dict[str, Value], None, None]:
        """An osqueryi of its own for the statement."""
        program = self._start([os.fsdecode(host_text.encode(sql))], write_input=False)
        try:
            complete = False
            for row in _json_lists(_lines(program, waiting)):
                if row is not None:
                    yield row
                complete = row is None
            status = program.finish(waiting)
            lines = program.take_errors()
            self._warnings += lines
            if status != 0 or not complete or _complaints(lines):
                raise ReportedError(_complaint(lines, f"with status {status}"))
        finally:
            program.stop()

    def _start(self, arguments: list[str], *, write_input: bool) -> Program:
        try:
            return Program([*self._command, *arguments], self._directory, read_output=True, write_input=write_input)
        except SourceError as error:
            raise OsqueryError(GapReason.MISSING_SOURCE, str(error)) from error

    def warnings(self) -> list[str]:
        """See `reader.Reader`."""
        lines, self._warnings = self._warnings, []
        return lines

    def close(self) -> None:
        """End what is idle, and remove its directory."""
        try:
            while self._idle:
                self._idle.pop().program.stop()
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)


class _Talk:
    """An osqueryi that is asked one statement after the other."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def rows(self, sql: str, waiting: Callable[[], None]) -> Generator[dict[str, Value], None, bool]:
        """The statement's rows; returns whether it had a list of them at all, which a failed one has not.

        Another statement behind it gives a list that nobody can foretell, and that is its end.
        """
        end = secrets.token_hex(16)
        try:
            self.program.write(host_text.encode(f"{sql};\nSELECT '{end}' AS {_END};\n"), waiting)
        except OSError as error:
            raise OsqueryError(GapReason.MISSING_SOURCE, f"osqueryi is gone: {error.strerror or error}") from error
        answered = ended = False
        for row in _json_lists(_lines(self.program, waiting)):
            if row is not None:
                ended = ended or row.get(_END) == end
                if not ended:
                    yield row
            elif ended:
                return answered
            else:
                answered = True
        raise OsqueryError(GapReason.MISSING_SOURCE, "osqueryi ended while it answered")


def _options(directory: str) -> list[str]:
    """What keeps osqueryi from the site's configuration and from writing outside the directory."""
    return [
        "--config_path=/dev/null",
        f"--flagfile={empty_file(directory)}",  # or the site's own would be read
        "--disable_database",
        "--disable_events",
        "--disable_extensions",
        f"--logger_path={directory}",
    ]


def _complaints(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("Error")]


def _complaint(lines: list[str], otherwise: str) -> str:
    """What osqueryi says went wrong: it has no list of rows then, and an exit status that says so only in newer releases."""
    said = _complaints(lines) or lines
    return said[-1].removeprefix("Error:").strip() if said else f"osqueryi ended {otherwise}"


def _json_lists(lines: Iterator[bytes]) -> Iterator[dict[str, Value] | None]:
    """The rows of lists of the form `[`, a line an object, `]`, with None at the end of each list."""
    inside = False
    for line in lines:
        text = line.strip().rstrip(b",")
        if not text:
            continue
        if not inside:
            inside = text == b"["
            if not inside:
                raise _no_json(text)
        elif text == b"]":
            inside = False
            yield None
        else:
            yield _row(text)


def _row(text: bytes) -> dict[str, Value]:
    try:
        row = json.loads(host_text.decode(text))
    except (ValueError, RecursionError) as error:
        raise _no_json(text) from error
    if not isinstance(row, dict):
        raise _no_json(text)
    return {name: _text(value) for name, value in row.items()}


def _text(value: object) -> str:
    """A value as osquery has it. JSON may hold halves of surrogate pairs, which no text can: their bytes are kept."""
    if not isinstance(value, str):
        return "" if value is None else json.dumps(value)
    return _SURROGATE.sub(lambda half: host_text.decode(half[0].encode("utf-8", "surrogatepass")), value)


def _no_json(text: bytes) -> OsqueryError:
    return OsqueryError(GapReason.UNSUPPORTED, f"osqueryi prints no JSON rows but {host_text.decode(text[:80])!r}")


def _lines(program: Program, waiting: Callable[[], None]) -> Iterator[bytes]:
    rest: list[bytes] = []  # pieces of a line that has not ended
    size = 0
    while piece := program.read(waiting):
        first, *others = piece.split(b"\n")
        rest.append(first)
        size += len(first)
        if size > _LINE_LIMIT:
            raise OsqueryError(GapReason.TRUNCATED, f"a row of osquery's is longer than {_LINE_LIMIT:,} bytes")
        if others:
            yield b"".join(rest)
            yield from others[:-1]
            rest, size = others[-1:], len(others[-1])
    yield b"".join(rest)
