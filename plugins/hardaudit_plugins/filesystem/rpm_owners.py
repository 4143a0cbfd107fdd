"""Which of rpm's packages owns a file.

As `rpm -qf` has it: files count that rpm installed and no other package's file replaced, whatever links lead to their directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.target.walk import canonical
from hardaudit_plugins.rpm.database import RpmDatabase
from hardaudit_plugins.rpm.file_list import parse_file_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit.target.table import TableContext

_DIRECTORIES_REMEMBERED = 50_000


def rpm_owners(context: TableContext, paths: Sequence[str]) -> tuple[dict[str, str], bool] | None:
    """The package of each path that has one, of several the first by name, and whether everything could be read; what could not is a gap.

    None where there is no rpm database, or none that lists a file.
    """
    database = RpmDatabase(context)
    if database.path is None:
        return None if database.complete else ({}, False)
    wanted: dict[bytes, dict[bytes, str]] = {}
    for path in paths:
        directory, _, name = host_text.encode(path).rpartition(b"/")
        wanted.setdefault(name, {})[directory + b"/"] = path
    directories = _RealDirectories(context)
    owners: dict[str, str] = {}
    lists_files = False
    for files in database.read(parse_file_list):
        lists_files = lists_files or bool(files.names)
        for directory, name in files.installed(wanted):
            places = wanted[name]
            owned = places.get(directory) or places.get(directories.of(directory))
            if owned is not None:
                owners[owned] = min(owners.get(owned, files.package), files.package)
    complete = database.complete and directories.complete
    return None if complete and not lists_files else (owners, complete)


class _RealDirectories:
    """Where directories are that rpm's lists name through links, as with a merged /usr. `complete`: whether all could be found out."""

    def __init__(self, context: TableContext) -> None:
        self.complete = True
        self._context = context
        self._known: dict[bytes, bytes] = {}

    def of(self, directory: bytes) -> bytes:
        """A directory's path without links; both have a slash at the end."""
        real = self._known.get(directory)
        if real is None:
            self._context.check_deadline()
            if len(self._known) >= _DIRECTORIES_REMEMBERED:
                self._known.clear()
            real = self._known[directory] = self._resolved(directory)
        return real

    def _resolved(self, directory: bytes) -> bytes:
        path = host_text.decode(directory)
        try:
            real = canonical(self._context.target, path)
        except (FileNotFoundError, NotADirectoryError):
            return directory
        except OSError as error:
            self._context.gap_for(error, path)
            self.complete = False
            return directory
        return host_text.encode(real.rstrip("/") + "/")
