"""Lines of /etc/hosts, /etc/services and /etc/protocols, cut as osquery cuts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.base.osquery_values import leading_integer, split, strip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

_MAX_INTEGER = 2**31 - 1


def fields(text: str) -> list[str]:
    """The parts between spaces and tabs."""
    return split(text.replace("\t", " "), " ")


def entries(context: TableContext, path: str) -> Iterator[tuple[int, list[str], str | None]]:
    """Line number, fields and comment of each line that holds more than a comment; the comment is None without a `#`.

    A comment with further `#` has them set off by spaces, and loses those that follow each other.
    """
    for number, line in enumerate((context.read_text(path) or "").split("\n"), 1):
        context.check_deadline()
        stripped = strip(line)
        if stripped and not stripped.startswith("#"):
            parts = split(stripped, "#")
            yield number, fields(parts[0]), " # ".join(parts[1:]) if len(parts) > 1 else None


def number(context: TableContext, text: str, place: str) -> int | None:
    """The number that a field starts with, as osquery reads it; a gap where the field is no number, and NULL where it starts with none."""
    value = leading_integer(text)
    fits = value is not None and abs(value) <= _MAX_INTEGER
    if not fits or str(value) != text:
        context.gap(GapReason.UNDECIDABLE, f"{place}: {text[:40]!r} is no plain number")
    return value if fits else None
