"""Records of utmp(5): who logged in where and when, as /var/log/wtmp and /run/utmp hold them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

LIMIT = 128 * 2**20
"""Bytes of a file that are read at most."""

LAST_TYPE = 9
"""Record types are 0 (EMPTY) to 9 (ACCOUNTING)."""

_SAMPLE = 96_000  # bytes that decide the layout: a multiple of both record sizes
_CHUNK = 960_000

# type, process, line, id, user, host, exit status (2), session, seconds, microseconds, address, unused.
# Most 64-bit systems keep the 32-bit record; 64-bit ARM and RISC-V have long fields in it.
_LAYOUTS = (struct.Struct("<hxxi32s4s32s256shhiiI16s20s"), struct.Struct("<hxxi32s4s32s256shhqqq16s20s4x"))


@dataclass(frozen=True, slots=True)
class Login:
    """A record. `time` is in seconds since 1970; `host` is empty for a local login."""

    type: int
    pid: int
    line: str
    user: str
    host: str
    time: int


def logins(context: TableContext, path: str) -> Iterator[Login]:
    """The records of a file in its order, and a gap for what of it could not be read."""
    try:
        with context.target.open(path) as file:
            sample = file.read(_SAMPLE)
            layout = _layout(sample)
            if layout is None:
                context.gap(GapReason.UNSUPPORTED, f"{path}: not records of utmp(5) as Linux on this kind of processor writes them")
                return
            done, pending = 0, sample
            while pending:
                context.check_deadline()
                whole = len(pending) - len(pending) % layout.size
                for record in layout.iter_unpack(pending[:whole]):
                    yield _login(record)
                done += whole
                if done >= LIMIT:
                    context.gap(GapReason.TRUNCATED, f"{path}: only the first {LIMIT:,} bytes are read")
                    return
                rest, more = pending[whole:], file.read(_CHUNK)
                if rest and not more:
                    context.gap(GapReason.TRUNCATED, f"{path}: ends in the middle of a record")
                    return
                pending = rest + more
    except OSError as error:
        context.gap_for(error, path)


def _layout(sample: bytes) -> struct.Struct | None:
    """The layout by which every record of the sample has a type that exists; nothing at all has either."""
    for layout in _LAYOUTS:
        whole = len(sample) - len(sample) % layout.size
        if (whole or not sample) and all(0 <= record[0] <= LAST_TYPE for record in layout.iter_unpack(sample[:whole])):
            return layout
    return None


def _login(record: tuple[int | bytes, ...]) -> Login:
    kind, pid, line, _, user, host, _, _, _, seconds, *_ = record
    return Login(_integer(kind), _integer(pid), _text(line), _text(user), _text(host), _integer(seconds))


def _integer(value: int | bytes) -> int:
    return value if isinstance(value, int) else 0


def _text(value: int | bytes) -> str:
    """A field up to its first NUL; one that fills its place has none."""
    return host_text.decode(value.partition(b"\0")[0]) if isinstance(value, bytes) else ""
