"""The files of an installed package, by its header (rpm's docs/manual/tags.md): names, and the directories they are in by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.rpm.header import NAME, Entry, entries

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

_OLDFILENAMES, _FILESTATES, _DIRINDEXES, _BASENAMES, _DIRNAMES = 1027, 1029, 1116, 1117, 1118
_WANTED = frozenset((NAME, _OLDFILENAMES, _FILESTATES, _DIRINDEXES, _BASENAMES, _DIRNAMES))
_INSTALLED = frozenset((0, 3))  # normal, on a shared network file system; not: replaced by another package's, left out, of a wrong colour
_MAX_FILES = 500_000  # of one package; the largest have 100,000


@dataclass(frozen=True, slots=True)
class FileList:
    """The files of `package`: of each its name, the place of its directory in `directories` (with a slash at the end), its state."""

    package: str
    names: Sequence[bytes]
    places: Sequence[int]
    states: Sequence[int]
    directories: Sequence[bytes]

    def installed(self, names: Container[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Directory and name of each file that is one of `names` and that rpm has installed from this package."""
        for name, place, state in zip(self.names, self.places, self.states, strict=True):
            if name in names and state in _INSTALLED:
                yield self.directories[place], name


def parse_file_list(blob: bytes) -> FileList:
    """The files of a header. Raises ValueError for a blob that is no header, or whose file tags do not fit together."""
    found = {entry.tag: entry for entry in entries(blob, _WANTED)}
    if NAME not in found:
        raise ValueError("a header without a name")
    package = host_text.decode(found[NAME].texts(1)[0])
    if _BASENAMES not in found:
        if found.keys() & {_OLDFILENAMES, _DIRINDEXES, _DIRNAMES}:
            raise ValueError(f"the files of {package} are listed in a way that is not read")
        return FileList(package, (), (), (), ())
    names = found[_BASENAMES].texts(_checked_count(found[_BASENAMES]))
    directories, places, states = (_required(found, tag, package) for tag in (_DIRNAMES, _DIRINDEXES, _FILESTATES))
    files = FileList(package, names, places.numbers(places.count), states.numbers(states.count), directories.texts(directories.count))
    if not len(names) == len(files.places) == len(files.states) or max(files.places) >= len(files.directories):
        raise ValueError(f"the file tags of {package} do not fit together")
    return files


def _required(found: dict[int, Entry], tag: int, package: str) -> Entry:
    if tag not in found:
        raise ValueError(f"the files of {package} without the tag {tag}")
    _checked_count(found[tag])
    return found[tag]


def _checked_count(entry: Entry) -> int:
    if entry.count > _MAX_FILES:
        raise ValueError(f"the tag {entry.tag} has more than {_MAX_FILES} values")
    return entry.count
