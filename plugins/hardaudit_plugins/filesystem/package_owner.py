"""Which package owns a file, by the databases of dpkg and of rpm, whichever the target has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.filesystem.dpkg_owners import INFO, dpkg_owners
from hardaudit_plugins.filesystem.rpm_owners import rpm_owners
from hardaudit_plugins.rpm.database import DIRECTORIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit.target.table import TableContext

_OTHER_DATABASES = ("/lib/apk/db/installed", "/var/lib/pacman/local", "/var/lib/dpkg/status.d")

UNKNOWN = ""
"""The package of a file whose owner could not be read."""


def package_owners(context: TableContext, paths: Iterable[str]) -> dict[str, str]:
    """The package of each path that has one; of several the first by name, dpkg's before rpm's.

    When an owner may be missing because something could not be read, which is a gap then, paths without one have UNKNOWN.
    """
    paths = list(paths)
    answers = [answer for answer in (rpm_owners(context, paths), dpkg_owners(context, paths)) if answer is not None]
    if not answers:
        context.gap(GapReason.MISSING_SOURCE, _without_lists(context))
    complete = bool(answers) and all(complete for _, complete in answers)
    owners = {} if complete else dict.fromkeys(paths, UNKNOWN)
    for found, _ in answers:
        owners |= found
    return owners


def _without_lists(context: TableContext) -> str:
    read = f"dpkg's are read in {INFO}, rpm's in {', '.join(DIRECTORIES)}"
    try:
        others = [path for path in _OTHER_DATABASES if context.target.exists(path)]
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    if others:
        return f"{others[0]}: file lists of this package database are not read; {read}"
    return f"no file lists of packages; {read}"
