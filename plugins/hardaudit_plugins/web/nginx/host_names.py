"""Host names that a `server_name ~pattern` stands for: what a request can say to reach the server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.nginx.listen import matches_name, names_of
from hardaudit_plugins.web.nginx.values import UndecidedRequestError, names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.nginx.scope import Scope

_MOST_NAMES = 64
_ATOM = re.compile(r"\\(.)|\[(\^?)((?:\\.|[^\]\\])[^\]]*)\]|([^()|])")
_GROUP = re.compile(r"\((?:\?:|\?P?<([A-Za-z_]\w*)>|(\?)|)")
_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d{1,3})(?:,\d*)?\})[?+]?")
_CLASSES = {"d": "1", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "b": "", "B": "", "A": "", "z": "", "Z": ""}


def literal_names(server: Scope, evidence: Evidence) -> list[str]:
    """The host names of a server; of patterns one that fits, or several where the document root depends on it.

    A regex for which none is found stays as it is written, `~` included.
    """
    found: dict[str, None] = {}
    every = names_of(server)
    if len(every) > _MOST_NAMES:
        evidence.gap(GapReason.TRUNCATED, f"{server.directive.place}: more than {_MOST_NAMES} names; only the first are asked for")
    for written in every[:_MOST_NAMES]:
        if written.startswith("~"):
            found.update(dict.fromkeys(_of_regex(written[1:], server, evidence) or [written]))
        elif "$" not in written:
            found.setdefault(_of_wildcard(written.lower()))
    return list(found) or [""]


def _of_wildcard(name: str) -> str:
    if name.startswith("*."):
        return f"www{name[1:]}"
    return f"{name[:-2]}.example" if name.endswith(".*") else name.removeprefix(".")


def _of_regex(pattern: str, server: Scope, evidence: Evidence) -> list[str]:
    candidates = [_sample(pattern, {})]
    for scope in server.everything():
        for directive in scope.own.get("root", ()):
            above, _, rest = (directive.args[0] if directive.args else "").partition("$")
            used = names(f"${rest}")
            if rest and above.endswith("/") and not used[0].isdigit():
                directories = evidence.list_directory(above, optional=True)[:_MOST_NAMES]
                candidates += [_sample(pattern, {used[0]: name}) for name in directories]
    try:
        return [name.lower() for name in dict.fromkeys(candidates) if name and matches_name(pattern, name.lower())][:_MOST_NAMES]
    except UndecidedRequestError:
        return []


def _sample(pattern: str, known: Mapping[str, str]) -> str | None:
    """A text that the pattern may match, with some groups given by name; None for what is not understood."""
    text, end = _alternative(pattern, 0, known, 0)
    return text if text is not None and end == len(pattern) else None


def _alternative(pattern: str, at: int, known: Mapping[str, str], depth: int) -> tuple[str | None, int]:
    """The first alternative from a position on, up to the bracket that closes its group or the end."""
    chosen: str | None = None
    text: str | None = ""
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            chosen, text, at = text if chosen is None else chosen, "", at + 1
            continue
        piece, at = _piece(pattern, at, known, depth)
        text = None if text is None or piece is None else text + piece
        if at < 0 or (text is not None and len(text) > 253):
            return None, at
    return (text if chosen is None else chosen), at


def _piece(pattern: str, at: int, known: Mapping[str, str], depth: int) -> tuple[str | None, int]:
    piece: str | None
    if group := _GROUP.match(pattern, at):
        if group[2] or depth > 20:
            return None, -1
        piece, at = _alternative(pattern, group.end(), known, depth + 1)
        if at < 0 or at >= len(pattern):
            return None, -1
        piece, at = known.get(group[1] or "", piece), at + 1
    else:
        atom = _ATOM.match(pattern, at)
        if atom is None:
            return None, -1
        piece, at = _character(atom), atom.end()
    if quantifier := _QUANTIFIER.match(pattern, at):
        times = {"*": 0, "?": 0, "+": 1}.get(quantifier[1] or "", int(quantifier[2] or 0))
        piece, at = (None if piece is None else piece * times), quantifier.end()
    return piece, at


def _character(atom: re.Match[str]) -> str:
    if atom[1] is not None:
        return _CLASSES.get(atom[1], atom[1])
    if atom[3] is not None:
        if atom[2]:
            return next((letter for letter in "a1-" if letter not in atom[3]), "z")
        return _CLASSES.get(atom[3][1], atom[3][1]) if atom[3][0] == "\\" else atom[3][0]
    return {"^": "", "$": "", ".": "a"}.get(atom[4], atom[4])
