"""Cron's tables, read as osquery's `crontab` reads them, crontab(5)."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

SYSTEM_CRONTAB = "/etc/crontab"
SYSTEM_DIRECTORY = "/etc/cron.d"
DIRECTORIES = (
    SYSTEM_DIRECTORY,
    "/var/at/tabs",
    "/var/spool/cron",
    "/var/spool/cron/crontabs",
    "/var/spool/cron/tabs",
    "/etc/crontabs",
)
"""Directories of crontabs: the system's own; the users' as osquery knows them, on Red Hat and Debian; those of SUSE and of Alpine."""

_BLANKS = " \t\n\v\f\r"


@dataclass(frozen=True, slots=True)
class CronEntry:
    """An entry: `event` (`@daily` …) or the five time fields, else None, and the rest of the line with its blanks made single spaces."""

    event: str | None
    times: tuple[str | None, str | None, str | None, str | None, str | None]
    command: str


def crontab_paths(context: TableContext) -> Iterator[str]:
    """The crontabs there are, hidden files left out. A directory that cannot be listed becomes a gap; one that does not exist is none."""
    yield SYSTEM_CRONTAB
    for directory in DIRECTORIES:
        for name in context.list_directory(directory, optional=True):
            path = f"{directory}/{name}"
            if not name.startswith(".") and not _is_directory(context, path):
                yield path


def _is_directory(context: TableContext, path: str) -> bool:
    try:
        return stat.S_ISDIR(context.target.stat(path).st_mode)
    except OSError:
        return False  # reading it says why


def parse_crontab(text: str) -> Iterator[CronEntry]:
    """The entries of a crontab. Comments and lines without a command, as of variables, are none."""
    for line in text.split("\n"):
        entry = _entry(line.strip(_BLANKS))
        if entry:
            yield entry


def _entry(line: str) -> CronEntry | None:
    if not line or line.startswith("#"):
        return None
    words = [word.strip(_BLANKS) for word in line.replace("\t", " ").split(" ") if word]
    if words[0].startswith("@"):
        command = " ".join(words[1:])
        return CronEntry(words[0], (None,) * 5, command) if command else None
    command = " ".join(words[5:])
    return CronEntry(None, (words[0], words[1], words[2], words[3], words[4]), command) if command else None
