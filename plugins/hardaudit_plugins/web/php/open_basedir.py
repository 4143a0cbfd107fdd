"""open_basedir: which files PHP may open (php_check_specific_open_basedir of main/fopen_wrappers.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.php.script import UndecidedError

if TYPE_CHECKING:
    from hardaudit_plugins.web.php.script import View


def is_within(path: str, open_basedir: str, view: View) -> bool:
    """Whether open_basedir lets PHP open the file at `path`. An empty value allows everything; links are resolved on both sides.

    Raises UndecidedError where only an entry that is relative to PHP's working directory might allow it.
    """
    if not open_basedir:
        return True
    name, relative = view.host(path), False
    for entry in open_basedir.split(":"):
        if not entry:
            continue
        if not entry.startswith("/"):
            relative = True
            continue
        directory = view.host(entry).rstrip("/")
        if name == directory or name.startswith(f"{directory}/"):
            return True
    if relative:
        raise UndecidedError(f"open_basedir {open_basedir[:200]!r} depends on the directory that the PHP process is in")
    return False
