"""URLs and paths as mod_rewrite and the server's core take them apart: modules/mappers/mod_rewrite.c, server/util.c, server/request.c."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.patterns import UndecidedError
from hardaudit_plugins.web.apache.words import lower

if TYPE_CHECKING:
    from hardaudit_plugins.web.files import Files

BAD_REQUEST = 400
NOT_FOUND = 404
_UNRESERVED = re.compile("%(2[dDeE]|3[0-9]|4[1-9A-Fa-f]|5[0-9aAfF]|6[1-9A-Fa-f]|7[0-9aAeE])")
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_FORBIDDEN_ESCAPE = re.compile("%(?:00|2[fF])")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_SCHEMES = {
    "ajp://": True,
    "balancer://": True,
    "fcgi://": True,
    "ftp://": False,
    "gopher://": False,
    "http://": True,
    "https://": True,
    "h2://": True,
    "h2c://": True,
    "ldap://": False,
    "mailto:": True,
    "news:": False,
    "nntp://": False,
    "scgi://": True,
    "unix:": True,
    "ws://": True,
    "wss://": True,
}


def scheme_length(uri: str) -> int:
    """is_absolute_uri(): how long the scheme is that mod_rewrite knows the URL by; 0 for none."""
    start = lower(uri[:11])
    return next((len(scheme) for scheme in _SCHEMES if start.startswith(scheme)), 0)


def takes_query(uri: str) -> bool:
    """Whether a URL has a query after a question mark: a path, or one whose scheme has them."""
    length = scheme_length(uri)
    return length == 0 or _SCHEMES[lower(uri[:length])]


def normalized(path: str, *, clip: bool = False) -> str | None:
    """The path without `.`, `..` and empty names, as the server looks for it.

    None for one that leads above the root, unless `clip` lets it stay at the root.
    """
    names: list[str] = []
    parts = path.split("/")
    for name in parts:
        if name == "..":
            if not names and not clip:
                return None
            names = names[:-1]
        elif name not in ("", "."):
            names.append(name)
    return "/" + "/".join(names) + ("/" if names and parts[-1] in ("", ".", "..") else "")


def internal_redirect(url: str, query: str | None) -> tuple[str, str | None] | int:
    """What ap_internal_redirect() makes of a path and a query, read as a URL once more: the decoded path and the query, or a status."""
    path, mark, rest = (url if query is None else f"{url}?{query}").partition("#")[0].partition("?")
    unreserved = _UNRESERVED.sub(lambda found: chr(int(found[1], 16)), path)
    clean = normalized(unreserved)
    if not path.startswith("/") or clean is None or _BAD_ESCAPE.search(clean):
        return BAD_REQUEST
    if _FORBIDDEN_ESCAPE.search(clean):
        return NOT_FOUND
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), host_text.encode(clean))
    return host_text.decode(raw), rest if mark else None


def with_home(path: str, files: Files) -> str:
    """expand_tildepaths(): `/~user` as the user's home directory. Raises UndecidedError for a user that /etc/passwd does not have."""
    user, slash, rest = path[2:].partition("/")
    if not path.startswith("/~") or not user:
        return path
    try:
        text = files.read_text("/etc/passwd")
    except OSError as error:
        raise UndecidedError(f"the home directory of {user[:40]!r}: /etc/passwd: {error.strerror or error}") from error
    for line in text.splitlines():
        fields = line.split(":")
        if fields[0] == user and len(fields) == len(["name", "password", "uid", "gid", "gecos", "home", "shell"]):
            return fields[5].removesuffix("/") + slash + rest if slash else fields[5]
    raise UndecidedError(f"the home directory of {user[:40]!r}, who is not in /etc/passwd")
