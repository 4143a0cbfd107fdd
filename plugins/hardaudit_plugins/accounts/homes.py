"""Home directories of the accounts, and what is read below them."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext
    from hardaudit.target.target import Target

_MAX_LINKS = 40  # as path_resolution(7)


@dataclass(frozen=True, slots=True)
class Home:
    """An account and its home directory, an absolute path."""

    uid: int
    username: str
    directory: str

    def path(self, name: str) -> str:
        """A path below the home directory."""
        return f"{self.directory.rstrip('/')}/{name}"


def homes(context: TableContext) -> Iterator[Home]:
    """The home of each account that the query's `uid` lets through; accounts that share a user ID or a home each have their own.

    An empty or relative home is taken from `/`, as a daemon would. An entry of NIS without a home has none.
    """
    for row in context.rows("users"):
        uid, username, directory = row.get("uid"), row.get("username"), row.get("directory")
        if not isinstance(uid, int) or not isinstance(directory, str) or not context.constraints.permits("uid", uid):
            continue
        context.check_deadline()
        yield Home(uid, str(username), directory if directory.startswith("/") else f"/{directory}")


def canonical(target: Target, path: str) -> str:
    """realpath(3) of a path as the audited host sees it; what is not there keeps its name. For display: files are opened by the target.

    Raises OSError for a loop of links or a directory that may not be searched.
    """
    pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    resolved: list[str] = []
    links = 0
    while pending:
        name = pending.pop()
        if name == "..":
            del resolved[-1:]
            continue
        here = "/" + "/".join([*resolved, name])
        link = _link(target, here)
        if link is None:
            resolved.append(name)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, "too many symbolic links", path)
        if link.startswith("/"):
            resolved.clear()
        pending.extend(part for part in reversed(link.split("/")) if part not in ("", "."))
    return "/" + "/".join(resolved)


def _link(target: Target, path: str) -> str | None:
    """The text of a symbolic link, None when the path is none."""
    try:
        return target.readlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise
