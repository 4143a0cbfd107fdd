"""osqueryi, run once a query: the way where no bindings are installed."""

from __future__ import annotations

import json
import os
import shutil
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

_LINE_LIMIT = 32 * 2**20  # bytes of a row


class ShellReader:
    """`osqueryi --json SQL`, whose output has a row on each line; see `reader.Reader`.

    Each query starts a process, which costs a tenth of a second and more.
    """

    def __init__(self, binary: str, *, is_daemon: bool) -> None:
        """`is_daemon`: the program is osqueryd, which is osqueryi too when it is told to be (`-S`)."""
        self._directory = private_directory()
        self._command = [binary, *(["-S"] if is_daemon else []), "--json", *_options(self._directory)]
        self._warnings: list[str] = []
        self.through = f"{binary}, started for each query"
        self.user = os.geteuid()

    def rows(self, sql: str, waiting: Callable[[], None]) -> Generator[dict[str, Value], None, None]:
        """See `reader.Reader`."""
        try:
            program = Program([*self._command, os.fsdecode(host_text.encode(sql))], self._directory, read_output=True)
        except SourceError as error:
            raise OsqueryError(GapReason.MISSING_SOURCE, str(error)) from error
        try:
            ended = yield from _json_rows(program, waiting)
            status = program.finish(waiting)
            lines = program.take_errors()
            self._warnings += lines
            if status != 0 or not ended or any(line.startswith("Error") for line in lines):
                raise ReportedError(_complaint(lines, status))
        finally:
            program.stop()

    def warnings(self) -> list[str]:
        """See `reader.Reader`."""
        lines, self._warnings = self._warnings, []
        return lines

    def close(self) -> None:
        """Remove its directory."""
        shutil.rmtree(self._directory, ignore_errors=True)


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


def _complaint(lines: list[str], status: int) -> str:
    """What osqueryi says went wrong: it has no list of rows then, and an exit status that says so only in newer versions."""
    errors = [line for line in lines if line.startswith("Error")] or lines
    if not errors:
        return f"osqueryi ended with status {status} and without an answer"
    return errors[-1].removeprefix("Error:").strip()


def _json_rows(program: Program, waiting: Callable[[], None]) -> Generator[dict[str, Value], None, bool]:
    """The rows of `[`, a line an object, `]`; returns whether the closing bracket was there."""
    started = False
    for line in _lines(program, waiting):
        text = line.strip().rstrip(b",")
        if not text:
            continue
        if not started:
            started = text == b"["
            if not started:
                raise _no_json(text)
        elif text == b"]":
            return True
        else:
            yield _row(text)
    return False


def _row(text: bytes) -> dict[str, Value]:
    try:
        row = json.loads(host_text.decode(text))
    except (ValueError, RecursionError) as error:
        raise _no_json(text) from error
    if not isinstance(row, dict):
        raise _no_json(text)
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in row.items()}


def _no_json(text: bytes) -> OsqueryError:
    return OsqueryError(GapReason.UNSUPPORTED, f"osqueryi prints no JSON rows but {host_text.decode(text[:80])!r}")


def _lines(program: Program, waiting: Callable[[], None]) -> Iterator[bytes]:
    rest = b""
    while piece := program.read(waiting):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if len(rest) > _LINE_LIMIT:
            raise OsqueryError(GapReason.TRUNCATED, f"a row of osquery's is longer than {_LINE_LIMIT:,} bytes")
    yield rest
