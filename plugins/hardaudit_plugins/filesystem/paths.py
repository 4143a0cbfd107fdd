"""Paths taken apart as osquery does (Boost.Filesystem v3): only text, nothing is looked up."""

from __future__ import annotations


def parent_path(path: str) -> str:
    """The directory that osquery gives for a path: `/srv/a/` is in `/srv/a`, `/a` in `/`, `/` and a bare name in nothing.

    Exactly two slashes at the start begin a network name to Boost, so `//a` has no parent and `//a/b` is in `//a/`.
    """
    start = _root_name(path)
    rest = path[start:]
    if not rest:
        return ""
    if start and not rest.strip("/"):
        return path[:start]
    head = rest[: rest.rfind("/") + 1]
    stripped = head.rstrip("/")
    if stripped or not head:
        return path[:start] + stripped
    return "" if not rest.strip("/") else path[:start] + "/"


def file_name(path: str) -> str:
    """The last part of a path as osquery gives it: `.` for a path with a trailing slash, `/` for the root."""
    start = _root_name(path)
    rest = path[start:]
    if not rest:
        return path
    if not rest.strip("/"):
        return "/"
    return rest[rest.rfind("/") + 1 :] or "."


def _root_name(path: str) -> int:
    """Where a network name at the start of the path ends; 0 without one."""
    if not path.startswith("//") or path[2:3] in ("", "/"):
        return 0
    end = path.find("/", 2)
    return len(path) if end < 0 else end
