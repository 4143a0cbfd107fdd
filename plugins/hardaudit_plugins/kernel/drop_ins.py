"""Drop-in directories as systemd(1) and procps read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit.target.table import TableContext


def drop_in_files(context: TableContext, directories: Sequence[str], suffix: str = ".conf") -> list[str]:
    """The files that count, in the order of their names: of those with the same name only that of the first directory.

    A link to /dev/null masks its name. A directory that does not exist has no files; one that cannot be read is a gap.
    """
    chosen: dict[str, str] = {}
    for directory in directories:
        for name in context.list_directory(directory, optional=True):
            context.check_deadline()
            if name.endswith(suffix):
                chosen.setdefault(name, f"{directory}/{name}")
    return [path for _, path in sorted(chosen.items()) if not is_masked(context, path)]


def first_existing(context: TableContext, paths: Sequence[str]) -> str | None:
    """The first of the paths that exists, None when none does; one that may not be looked at is a gap and counts as existing."""
    return next((path for path in paths if _exists(context, path)), None)


def _exists(context: TableContext, path: str) -> bool:
    try:
        return context.target.exists(path)
    except OSError as error:
        context.gap_for(error, path)
        return True


def is_masked(context: TableContext, path: str) -> bool:
    """Whether a name is switched off by a link to /dev/null."""
    try:
        return context.target.readlink(path) == "/dev/null"
    except OSError:
        return False  # no link; a file that cannot be read is a gap when it is read
