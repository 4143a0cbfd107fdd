"""The target's files as a server would find them after an upload: what is really there, with the uploaded files laid over it."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING

from hardaudit.target.walk import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit.target.target import Target


class Files:
    """What a path is. `uploads`: absolute path to content, of files that are taken to exist, with the directories above them.

    Errors of the target other than absence (permission, too many links) are raised as OSError: the caller makes them undecided.
    """

    def __init__(self, target: Target, uploads: Mapping[str, str]) -> None:
        self.target = target
        self.uploads = dict(uploads)
        self._real: dict[str, str] = {}
        self._directories = {parent for path in uploads for parent in _parents(path)}

    def real(self, path: str) -> str:
        """The path without links, `.` and `..`, as far as it exists; what does not exist keeps its names."""
        if path not in self._real:
            self._real[path] = self._resolved(path)
        return self._real[path]

    def _resolved(self, path: str) -> str:
        done = "/"
        parts = [part for part in path.split("/") if part and part != "."]
        for index, part in enumerate(parts):
            if part == "..":
                done = done.rpartition("/")[0] or "/"
                continue
            here = f"{done.rstrip('/')}/{part}"
            try:
                is_link = stat.S_ISLNK(self.target.lstat(here).st_mode)
                done = canonical(self.target, here) if is_link else here
            except (FileNotFoundError, NotADirectoryError):
                return posixpath.normpath("/".join((here, *parts[index + 1 :])))
        return done

    def uploaded(self, path: str) -> str | None:
        """The content of the uploaded file that `path` leads to, through links too; None when it leads to none."""
        if path in self.uploads:
            return self.uploads[path]
        return self.uploads.get(self.real(path))

    def is_file(self, path: str) -> bool:
        """Whether a regular file is there, through links."""
        if self.uploaded(path) is not None:
            return not path.endswith("/")
        status = self._status(path)
        return status is not None and stat.S_ISREG(status)

    def is_directory(self, path: str) -> bool:
        """Whether a directory is there, through links."""
        stripped = path.rstrip("/") or "/"
        if stripped in self._directories or self.real(stripped) in self._directories:
            return True
        status = self._status(path)
        return status is not None and stat.S_ISDIR(status)

    def exists(self, path: str) -> bool:
        """Whether anything is there, through links."""
        return self.is_file(path) or self.is_directory(path) or self._status(path) is not None

    def read_text(self, path: str) -> str:
        """A file's text, uploaded or real. Raises OSError as `Target.read_text` does."""
        uploaded = self.uploaded(path)
        return self.target.read_text(path) if uploaded is None else uploaded

    def _status(self, path: str) -> int | None:
        try:
            return self.target.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None


def _parents(path: str) -> list[str]:
    parts = path.split("/")[1:-1]
    return ["/" + "/".join(parts[:count]) for count in range(len(parts) + 1)]
