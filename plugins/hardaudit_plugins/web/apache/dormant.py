"""Protections that are written down where Apache never reads them.

In a .htaccess file under `AllowOverride None`, in a section whose condition does not hold, in a file that nothing includes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError
from hardaudit_plugins.web.apache.fnmatch import matches_wildcard
from hardaudit_plugins.web.apache.installation import available_files
from hardaudit_plugins.web.apache.pcre import UndecidedError
from hardaudit_plugins.web.apache.protective import protection_kind
from hardaudit_plugins.web.apache.reader import read_htaccess
from hardaudit_plugins.web.site import Protection
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.host_server import HostServer
    from hardaudit_plugins.web.apache.server import ApacheSite
    from hardaudit_plugins.web.evidence import Evidence

_OPENING = re.compile(r"\s*<([A-Za-z]+)\s*([^>]*)>")
_CLOSING = re.compile(r"\s*</([A-Za-z]+)>")
_PLACED = frozenset({"directory", "directorymatch", "location", "locationmatch"})
_LINE = re.compile(
    r"\s*(Require\s+all\s+denied|Deny\s+from\s+all|php_(?:admin_)?(?:flag|value)\s+engine\s+(?:off|0)|SetHandler\s+(?:none|default-handler)"
    r"|Remove(?:Handler|Type)\s.*php.*|ForceType\s+\S+|Options\s+.*-ExecCGI.*)\s*$",
    re.IGNORECASE,
)


def dormant_protections(site: ApacheSite, directory: str) -> Iterator[Protection]:
    """Each such line that is about a directory, with why it is not read."""
    server = site.host_server
    yield from _unread_access_files(server, directory)
    yield from _skipped(server, directory)
    yield from _not_enabled(server, directory)


def _unread_access_files(server: HostServer, directory: str) -> Iterator[Protection]:
    parts = [part for part in directory.split("/") if part]
    names = server.last_words("accessfilename") or [".htaccess"]
    for depth in range(len(parts) + 1):
        above = "/" + "".join(f"{part}/" for part in parts[:depth])
        if not above.startswith(f"{server.document_root}/") and above.rstrip("/") != directory:
            continue
        text, name = _first_text(server.evidence, above, dict.fromkeys((*names, ".htaccess")))
        if text is None:
            continue
        try:
            override = server.walker.in_directory(above, server.evidence.target).override
        except UndecidedError as error:
            server.evidence.gap(GapReason.UNDECIDABLE, f"{above}{name}: {error.reason}")
            continue  # perhaps it is read
        if override.reads_files and name in names:
            continue
        why = (
            f"AllowOverride lets none be read there ({override.place or 'the default'})"
            if name in names
            else "AccessFileName names another"
        )
        try:
            directives = read_htaccess(text, above + name, server.configuration)
        except UndecidedError as error:
            server.evidence.gap(GapReason.UNDECIDABLE, f"{above}{name}: {error.reason}")
            continue
        except ApacheSyntaxError:
            continue  # if it were read, all of the directory would be an error: no line of it is a protection
        for directive in _flat(directives):
            kind = protection_kind(directive)
            if kind is not None:
                yield Protection(directory, kind, False, f"the file is never read: {why}", directive.place)


def _first_text(evidence: Evidence, directory: str, names: Iterable[str]) -> tuple[str | None, str]:
    for name in names:
        text = evidence.read_text(directory + name, optional=True)
        if text is not None:
            return text, name
    return None, ""


def _flat(directives: Iterable[Directive]) -> Iterator[Directive]:
    for directive in directives:
        yield directive
        if directive.children is not None and protection_kind(directive) is None:
            yield from _flat(directive.children)


def _skipped(server: HostServer, directory: str) -> Iterator[Protection]:
    for skipped in server.configuration.unread:
        for directive in _flat(skipped.directives):
            kind = protection_kind(directive)
            if kind is None or not _is_about(server, directive.place, directory):
                continue
            reason = f"<{skipped.condition}> does not hold ({skipped.place})"
            yield Protection(directory, kind, False, reason, directive.place)


def _is_about(server: HostServer, place: Place, directory: str) -> bool:
    """Whether the sections around a line name the directory or one above it, below the document root."""
    text = server.evidence.read_text(place.path)
    return text is not None and _names_directory(server, _around(text, place.line), directory)


def _around(text: str, line: int) -> list[tuple[str, str]]:
    """The sections that are open at a line, by name and argument."""
    open_sections: list[tuple[str, str]] = []
    for content in text.split("\n")[: line - 1]:
        if opening := _OPENING.match(content):
            open_sections.append((opening[1].lower(), opening[2].strip()))
        elif _CLOSING.match(content):
            del open_sections[-1:]
    return open_sections


def _names_directory(server: HostServer, around: list[tuple[str, str]], directory: str) -> bool:
    placed = [(name, argument.strip("\"'")) for name, argument in around if name in _PLACED]
    if not placed:
        return False
    name, argument = placed[-1]
    inside = directory.rstrip("/") + "/"
    if name == "directory":
        pattern = argument.rstrip("/") + "/"
        return inside.startswith(pattern) and len(pattern) > 1 if "*" not in pattern else _wildcard(server.evidence, pattern, inside)
    url = inside.removeprefix(server.document_root)
    return (
        url.startswith(argument.rstrip("/") + "/")
        if name == "location"
        else any(part in argument for part in url.split("/") if len(part) > 2)
    )


def _wildcard(evidence: Evidence, pattern: str, inside: str) -> bool:
    try:
        return matches_wildcard(pattern, inside)
    except TimeoutError as error:
        evidence.gap_for(error, f"<Directory {pattern}>")
        return False


def _not_enabled(server: HostServer, directory: str) -> Iterator[Protection]:
    for path in available_files(server.evidence, server.configuration):
        text = server.evidence.read_text(path, optional=True) or ""
        if directory not in text:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            found = _LINE.match(line)
            if found and _names_directory(server, _around(text, number), directory):
                reason = f"{path} is not enabled: nothing includes it"
                yield Protection(directory, " ".join(found[1].split()), False, reason, Place(path, number))
